package main

import (
	"io"
	"net/http"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"fhirbridge/pipeline"
)

// counted sums a metric over all its labels.
func (p *playhouse) counted(name string) (sum int) {
	p.t.Helper()
	families, err := p.bridge.app.registry.Gather()
	must(p.t, err)
	for _, family := range families {
		if family.GetName() == name {
			for _, m := range family.GetMetric() {
				sum += int(m.GetCounter().GetValue())
			}
		}
	}
	return sum
}

// trace is everything that is kept of notifications, oldest first.
func (p *playhouse) trace() (all []pipeline.TraceEntry) {
	p.t.Helper()
	known := make(map[string]bool)
	for _, ref := range append([]string{""}, p.refs...) { // "" for what is said to somebody whom nobody knows
		entries, err := p.bridge.app.ledger.Trace(p.t.Context(), ref)
		must(p.t, err)
		for _, e := range entries {
			if !known[e.Notification.Key] {
				all = append(all, e)
			}
			known[e.Notification.Key] = true
		}
	}
	slices.SortStableFunc(all, func(a, b pipeline.TraceEntry) int { return a.Notification.Due.Compare(b.Notification.Due) })
	return all
}

// all returns every record that is on a topic by now.
func (p *playhouse) all(topic string) []*kgo.Record {
	p.t.Helper()
	n := p.endOf(topic, 0)
	if n <= 0 {
		return nil
	}
	return p.records(topic, n)
}

// endOf is the offset at which the next record of a partition will be.
func (w *world) endOf(topic string, partition int) int {
	w.t.Helper()
	ask := kmsg.NewPtrListOffsetsRequest()
	of := kmsg.NewListOffsetsRequestTopic()
	of.Topic = topic
	end := kmsg.NewListOffsetsRequestTopicPartition()
	end.Partition, end.Timestamp = int32(partition), -1 // the latest
	of.Partitions = append(of.Partitions, end)
	ask.Topics = append(ask.Topics, of)
	answer, err := ask.RequestWith(w.t.Context(), w.client)
	must(w.t, err)
	return int(answer.Topics[0].Partitions[0].Offset)
}

// get reads a page of the admin listener.
func (p *playhouse) get(path string) string {
	p.t.Helper()
	answer, err := http.Get(p.pages.URL + path)
	must(p.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(p.t, err)
	return string(body)
}

// none reports whether no notification is in a state.
func (p *playhouse) none(s pipeline.State) bool {
	census, err := p.bridge.app.ledger.Census(p.t.Context())
	must(p.t, err)
	return count(census, s) == 0
}

// parked is how many events wait.
func (p *playhouse) parked() int {
	census, err := p.bridge.app.ledger.Census(p.t.Context())
	must(p.t, err)
	return census.Parked
}
