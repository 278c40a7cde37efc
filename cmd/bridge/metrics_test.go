package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// gauges are what the running bridge shows of a metric for a topic, sorted: a value for each partition, or one.
func (w *world) gauges(name, topic string) (values []float64) {
	w.t.Helper()
	for line := range strings.Lines(w.metrics()) {
		if !strings.HasPrefix(line, name+"{") || !strings.Contains(line, `topic="`+topic+`"`) {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 64)
		must(w.t, err)
		values = append(values, value)
	}
	slices.Sort(values)
	return values
}

// removes takes a topic away.
func (w *world) removes(topic string) {
	w.t.Helper()
	one := kmsg.NewDeleteTopicsRequestTopic()
	one.Topic = &topic
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames, req.Topics = []string{topic}, append(req.Topics, one)
	answer, err := req.RequestWith(w.t.Context(), w.client)
	must(w.t, err)
	must(w.t, kerr.ErrorForCode(answer.Topics[0].ErrorCode))
}

// creates makes a topic of one partition.
func (w *world) creates(topic string) {
	w.t.Helper()
	one := kmsg.NewCreateTopicsRequestTopic()
	one.Topic, one.NumPartitions, one.ReplicationFactor = topic, 1, 1
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, one)
	answer, err := req.RequestWith(w.t.Context(), w.client)
	must(w.t, err)
	must(w.t, kerr.ErrorForCode(answer.Topics[0].ErrorCode))
}

// TestMetricsOfTheWay: how long posting takes, how many partitions are read, and how far reading is behind, which grows while a record
// cannot be dealt with: here there is no topic for what is no FHIR.
func TestMetricsOfTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{partitions: 2})
	w.removes(w.topics.DeadLetters)
	w.run()
	w.knows(patient("p1", "Amara", "+15550100101", "en"))
	w.knows(appointment("a1", "p1", "booked", time.Now().Add(240*time.Hour)))
	shows := func(name, topic string, want ...float64) func() bool {
		return func() bool { return slices.Equal(w.gauges(name, topic), want) }
	}
	w.await("the message to be counted", func() bool {
		return strings.Contains(w.metrics(), `bridge_send_seconds_count{channel="main",outcome="accepted"} 1`)
	})
	for _, topic := range []string{w.topics.Events[0], w.topics.Inbound} {
		w.await("both partitions of "+topic, shows("bridge_kafka_assigned_partitions", topic, 2))
		w.await("no lag of "+topic, shows("bridge_kafka_lag_records", topic, 0, 0))
	}
	w.publish("spoilt", []byte("no FHIR"))
	w.await("a lag of one", shows("bridge_kafka_lag_records", w.topics.Events[0], 0, 1))
	w.creates(w.topics.DeadLetters)
	w.await("the lag to go", shows("bridge_kafka_lag_records", w.topics.Events[0], 0, 0))
	if got := w.records(w.topics.DeadLetters, 1); string(got[0].Value) != "no FHIR" {
		t.Error("the dead letter is another record")
	}
}
