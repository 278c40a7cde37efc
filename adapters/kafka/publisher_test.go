package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"fhirbridge/adapters/kafka"
	"fhirbridge/pipeline"
)

// client is a producer that is not ours.
func client(t testing.TB, addrs []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addrs...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestMessagesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	addrs, topic := brokers(t), name("topic")
	createTopic(t, addrs, topic, 1)
	sent := []*message.Message{
		message.NewMessage("uuid-1", []byte(`{"resourceType":"Appointment"}`)),
		message.NewMessage("uuid-2", nil), // a tombstone
		message.NewMessage("uuid-3", []byte{}),
		message.NewMessage("uuid-4", []byte("x")),
	}
	sent[0].Metadata = message.Metadata{kafka.MetadataKey: "Appointment/1", "content-type": "application/fhir+json", "empty": ""}
	sent[1].Metadata = message.Metadata{kafka.MetadataKey: ""}
	sent[2].Metadata = message.Metadata{"bytes": "\x00\xff"}
	publish(t, newPublisher(t, addrs), topic, sent...)

	messages := subscribe(t, newSubscriber(t, addrs, name("group"), sequential), topic)
	for i, want := range sent {
		got := receive(t, messages)
		if !got.Equals(want) {
			t.Errorf("message %d: got %+v %q, want %+v %q", i, got.Metadata, got.Payload, want.Metadata, want.Payload)
		}
		if (got.Payload == nil) != (want.Payload == nil) {
			t.Errorf("message %d: got a nil payload: %v, want %v", i, got.Payload == nil, want.Payload == nil)
		}
		source := pipeline.SourceFrom(got.Context())
		if source.String() != fmt.Sprintf("%s/0/%d", topic, i) || source.Time.IsZero() {
			t.Errorf("message %d: got source %v at %v", i, source, source.Time)
		}
		if key := source.Key.Reveal(); key != want.Metadata[kafka.MetadataKey] {
			t.Errorf("message %d: got key %q", i, key)
		}
		got.Ack()
	}
}

// sequential makes one sequence of all records.
func sequential(c *kafka.SubscriberConfig) {
	c.OrderKey = func([]byte, []byte) string { return "all" }
}

func TestRecordsOfOtherProducers(t *testing.T) {
	t.Parallel()
	addrs, topic := brokers(t), name("topic")
	createTopic(t, addrs, topic, 1)
	for _, codec := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		producer := client(t, addrs, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec))
		record := &kgo.Record{
			Key: []byte("k"), Value: []byte(strings.Repeat("v", 1000)),
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("first")}, {Key: "h", Value: []byte("last")}},
		}
		if err := producer.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	messages := subscribe(t, newSubscriber(t, addrs, name("group"), nil), topic)
	for offset := range 5 {
		m := receive(t, messages)
		if want := fmt.Sprintf("%s/0/%d", topic, offset); m.UUID != want {
			t.Errorf("got UUID %q, want %q", m.UUID, want)
		}
		if got := m.Metadata.Get("h"); got != "last" {
			t.Errorf("got header %q, want the last one of that name", got)
		}
		if got := len(m.Payload); got != 1000 {
			t.Errorf("got %d bytes, want 1000", got)
		}
		m.Ack()
	}
}

func TestKeysGoWhereJavaPutsThem(t *testing.T) {
	t.Parallel()
	addrs, topic := brokers(t), name("topic")
	createTopic(t, addrs, topic, 16)
	publisher := newPublisher(t, addrs)
	producer := client(t, addrs, kgo.DefaultProduceTopic(topic)) // murmur2, as Java does
	want := map[string]int{}
	for i := range 40 {
		key := fmt.Sprintf("Patient/%d", i)
		publish(t, publisher, topic, keyed(key, "ours"))
		r, err := producer.ProduceSync(t.Context(), &kgo.Record{Key: []byte(key), Value: []byte("theirs")}).First()
		if err != nil {
			t.Fatal(err)
		}
		want[key] = int(r.Partition)
	}
	messages := subscribe(t, newSubscriber(t, addrs, name("group"), nil), topic)
	for range 80 {
		m := receive(t, messages)
		key := m.Metadata.Get(kafka.MetadataKey)
		if got := pipeline.SourceFrom(m.Context()).Partition; got != want[key] {
			t.Errorf("%s of %s: got partition %d, want %d", m.Payload, key, got, want[key])
		}
		m.Ack()
	}
}

func TestConcurrentPublishKeepsEveryRecord(t *testing.T) {
	t.Parallel()
	addrs, topic := brokers(t), name("topic")
	createTopic(t, addrs, topic, 3)
	publisher := newPublisher(t, addrs)
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range 50 {
				if err := publisher.Publish(topic, keyed(fmt.Sprint(worker), fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	messages := subscribe(t, newSubscriber(t, addrs, name("group"), nil), topic)
	next := map[string]int{}
	for range 16 * 50 {
		m := receive(t, messages)
		worker := m.Metadata.Get(kafka.MetadataKey)
		if got, want := string(m.Payload), fmt.Sprint(next[worker]); got != want {
			t.Fatalf("worker %s: got record %s, want %s", worker, got, want)
		}
		next[worker]++
		m.Ack()
	}
}

func TestLargeRecords(t *testing.T) {
	t.Parallel()
	addrs := brokers(t, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "33554432"}))
	wide, narrow := name("wide"), name("narrow")
	createTopic(t, addrs, wide, 1, kafkago.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "33554432"})
	createTopic(t, addrs, narrow, 1, kafkago.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "100000"})
	publisher := newPublisher(t, addrs)

	publish(t, publisher, wide, message.NewMessage("", make([]byte, 20<<20)))
	m := receive(t, subscribe(t, newSubscriber(t, addrs, name("group"), nil), wide))
	if got, want := len(m.Payload), 20<<20; got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
	m.Ack()

	// What is too large is refused; what was sent with it is not.
	err := publisher.Publish(narrow, keyed("a", "before"), keyed("b", strings.Repeat("x", 200_000)), keyed("c", "after"))
	var fault *pipeline.Error
	if !errors.As(err, &fault) || fault.Kind != pipeline.Refused || fault.Reason != kafka.ReasonRecordTooLarge {
		t.Errorf("got %v, want refused record_too_large", err)
	}
	messages := subscribe(t, newSubscriber(t, addrs, name("group"), sequential), narrow)
	for _, want := range []string{"before", "after"} {
		m := receive(t, messages)
		if got := string(m.Payload); got != want {
			t.Errorf("got %.10q, want %q", got, want)
		}
		m.Ack()
	}
}

func TestPublishFaults(t *testing.T) {
	t.Parallel()
	addrs := brokers(t)
	closed := newPublisher(t, addrs)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		publisher *kafka.Publisher
		want      string
		unknown   bool // whether the records may have been written
	}{
		{"topic that does not exist", newPublisher(t, addrs), kafka.ReasonUnknownTopic, false},
		{"no broker there", newPublisher(t, []string{"127.0.0.1:1"}), kafka.ReasonUnreachable, false},
		{"closed publisher", closed, kafka.ReasonClosed, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.publisher.Publish(name("absent"), keyed("key-of-a-patient", "words of a patient"))
			var fault *pipeline.Error
			if !errors.As(err, &fault) || fault.Kind != pipeline.Transient || fault.Reason != test.want {
				t.Fatalf("got %v, want transient %s", err, test.want)
			}
			if fault.Unknown != test.unknown {
				t.Errorf("got unknown %v, want %v", fault.Unknown, test.unknown)
			}
			if strings.Contains(err.Error(), "patient") {
				t.Errorf("the error holds a key or a payload: %v", err)
			}
		})
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	addrs := brokers(t)
	if err := newPublisher(t, addrs).Ping(t.Context()); err != nil {
		t.Errorf("got %v", err)
	}
	if err := newSubscriber(t, addrs, "g", nil).Ping(t.Context()); err != nil {
		t.Errorf("got %v", err)
	}
	if err := newPublisher(t, []string{"127.0.0.1:1"}).Ping(context.Background()); err == nil {
		t.Error("got no error where no broker is")
	}
}
