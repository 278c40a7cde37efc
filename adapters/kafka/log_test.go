package kafka_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"fhirbridge/adapters/kafka"
)

func TestAbortedTransactionsAreNotDelivered(t *testing.T) {
	t.Parallel()
	addrs, topic, group := brokers(t), name("topic"), name("group")
	createTopic(t, addrs, topic, 1)
	producer := client(t, addrs, kgo.DefaultProduceTopic(topic), kgo.TransactionalID(name("tx")))
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 3 {
			record := &kgo.Record{Key: []byte("k"), Value: fmt.Appendf(nil, "%d.%d committed: %v", i, j, end == kgo.TryCommit)}
			if err := producer.ProduceSync(t.Context(), record).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := producer.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	subscriber := newSubscriber(t, addrs, group, fast)
	messages := subscribe(t, subscriber, topic)
	for _, want := range []string{"0.0", "0.1", "0.2", "2.0", "2.1", "2.2"} {
		m := receive(t, messages)
		if got := string(m.Payload); got != want+" committed: true" {
			t.Fatalf("got %q, want %s", got, want)
		}
		m.Ack()
	}
	none(t, messages)
	// 12 records and 4 markers: nothing is left that would look like lag.
	eventually(t, "everything is committed", func() bool { return committed(t, addrs, group, topic, 0) == 16 })
}

func TestCompactedTopic(t *testing.T) {
	t.Parallel()
	cluster := fake(t)
	if err := cluster.CreateTopic("events", 1, map[string]string{
		"cleanup.policy": "compact", "min.compaction.lag.ms": "0", "segment.bytes": "200",
	}); err != nil {
		t.Fatal(err)
	}
	addrs := cluster.ListenAddrs()
	producer := client(t, addrs, kgo.DefaultProduceTopic("events"))
	for i := range 20 {
		record := &kgo.Record{Key: fmt.Appendf(nil, "%d", i%2), Value: fmt.Appendf(nil, "%d", i)}
		if err := producer.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	cluster.Compact()
	messages := subscribe(t, newSubscriber(t, addrs, "bridge", fast), "events")
	last := map[string]string{}
	received := 0
	for ; last["0"] != "18" || last["1"] != "19"; received++ {
		m := receive(t, messages)
		last[m.Metadata.Get(kafka.MetadataKey)] = string(m.Payload)
		m.Ack()
	}
	if received >= 20 {
		t.Errorf("got %d records: nothing was compacted", received)
	}
	eventually(t, "everything is committed", func() bool { return committed(t, addrs, "bridge", "events", 0) == 20 })
}

// TestEmptyBatches has the broker answer with what compaction leaves of an
// idempotent producer's batches: headers without records.
func TestEmptyBatches(t *testing.T) {
	t.Parallel()
	cluster := fake(t, kfake.SeedTopics(1, "events"))
	addrs := cluster.ListenAddrs()
	publisher := newPublisher(t, addrs)
	for i := range 6 {
		publish(t, publisher, "events", keyed("a", fmt.Sprint(i)))
	}
	left := kmsg.Record{Value: []byte("5")}
	left.Length = int32(len(left.AppendTo(nil)) - 1)
	var log []byte
	for offset := range int64(5) {
		log = append(log, batch(offset, 0, nil)...)
	}
	log = append(log, batch(5, 1, left.AppendTo(nil))...)
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		request, ok := r.(*kmsg.FetchRequest)
		if !ok || request.Topics[0].Partitions[0].FetchOffset > 5 {
			return nil, nil, false
		}
		partition := kmsg.NewFetchResponseTopicPartition()
		partition.HighWatermark, partition.LastStableOffset, partition.RecordBatches = 6, 6, log
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.Partitions = "events", append(topic.Partitions, partition)
		answer, ok := request.ResponseKind().(*kmsg.FetchResponse)
		answer.Topics = append(answer.Topics, topic)
		return answer, nil, ok
	})
	m := receive(t, subscribe(t, newSubscriber(t, addrs, "bridge", fast), "events"))
	if got := string(m.Payload); got != "5" {
		t.Errorf("got %q, want the record that is left", got)
	}
	m.Ack()
	eventually(t, "everything is committed", func() bool { return committed(t, addrs, "bridge", "events", 0) == 6 })
}

// batch encodes a record batch as it lies in the log.
func batch(offset int64, count int32, records []byte) []byte {
	b := kmsg.RecordBatch{
		FirstOffset: offset, Magic: 2, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: count, Records: records,
	}
	const sizeAndOffset, checksummed = 12, 21
	b.Length = int32(len(b.AppendTo(nil)) - sizeAndOffset)
	b.CRC = int32(crc32.Checksum(b.AppendTo(nil)[checksummed:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

func TestLostRecordsAreSaid(t *testing.T) {
	t.Parallel()
	cluster := fake(t, kfake.SeedTopics(1, "events"))
	addrs := cluster.ListenAddrs()
	publisher := newPublisher(t, addrs)
	for i := range 6 {
		publish(t, publisher, "events", keyed("key-of-a-patient", fmt.Sprint(i)))
	}
	var log bytes.Buffer
	logged := func(c *kafka.SubscriberConfig) {
		sequential(c)
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	}
	first := newSubscriber(t, addrs, "bridge", logged)
	receive(t, subscribe(t, first, "events")).Ack()
	eventually(t, "one record is done", func() bool {
		p := first.Partitions()
		return len(p) == 1 && p[0].Committed == 1
	})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cluster.DeleteRecords("events", 0, 4); err != nil {
		t.Fatal(err)
	}
	second := newSubscriber(t, addrs, "bridge", logged)
	m := receive(t, subscribe(t, second, "events"))
	if got := string(m.Payload); got != "4" {
		t.Errorf("got record %s, want 4, the first that is left", got)
	}
	m.Ack()
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "records are lost") || !strings.Contains(text, "wanted=1 first=4") {
		t.Errorf("the log does not say what was lost:\n%s", text)
	}
	if strings.Contains(log.String(), "patient") {
		t.Errorf("the log holds a key:\n%s", log.String())
	}
}
