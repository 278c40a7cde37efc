package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"fhirbridge/adapters/kafka"
)

// brokers returns the brokers that BRIDGE_TEST_BROKERS names, else those of a
// new cluster in this process.
func brokers(t testing.TB, opts ...kfake.Opt) []string {
	t.Helper()
	if named := os.Getenv("BRIDGE_TEST_BROKERS"); named != "" {
		return strings.Split(named, ",")
	}
	return fake(t, opts...).ListenAddrs()
}

// fake starts a cluster in this process.
func fake(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// createTopic makes a topic and waits until it can be written to.
func createTopic(t testing.TB, addrs []string, topic string, partitions int, settings ...kafkago.ConfigEntry) {
	t.Helper()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafkago.Client{Addr: kafkago.TCP(addrs...), Transport: transport}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answer, err := client.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{
		Topic: topic, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: settings,
	}}})
	if err == nil {
		err = answer.Errors[topic]
	}
	if err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
		t.Fatalf("creating topic %s: %v", topic, err)
	}
}

var unique atomic.Int64

// name returns a topic or group name that no other test uses, on a real broker too.
func name(kind string) string {
	return fmt.Sprintf("%s-%d-%d", kind, time.Now().UnixNano(), unique.Add(1))
}

func newPublisher(t testing.TB, addrs []string) *kafka.Publisher {
	t.Helper()
	p, err := kafka.NewPublisher(kafka.Config{Brokers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// newSubscriber makes a Subscriber with what set changes.
func newSubscriber(t testing.TB, addrs []string, group string, set func(*kafka.SubscriberConfig)) *kafka.Subscriber {
	t.Helper()
	c := kafka.SubscriberConfig{
		Config: kafka.Config{Brokers: addrs, Group: group},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if set != nil {
		set(&c)
	}
	s, err := kafka.NewSubscriber(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// keyed returns a message with a record key.
func keyed(key, payload string) *message.Message {
	m := message.NewMessage("", []byte(payload))
	m.Metadata.Set(kafka.MetadataKey, key)
	return m
}

func publish(t testing.TB, p *kafka.Publisher, topic string, messages ...*message.Message) {
	t.Helper()
	if err := p.Publish(topic, messages...); err != nil {
		t.Fatalf("Publish: %v", err)
	}
}

func subscribe(t testing.TB, s *kafka.Subscriber, topic string) <-chan *message.Message {
	t.Helper()
	messages, err := s.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	return messages
}

// receive returns the next message, which it does not ack.
func receive(t testing.TB, messages <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, ok := <-messages:
		if !ok {
			t.Fatal("the channel was closed")
		}
		return m
	case <-time.After(time.Minute):
		t.Fatal("no message within 20 s")
	}
	return nil
}

// committed returns the offset that a group has committed for a partition, as
// the broker says.
func committed(t testing.TB, addrs []string, group, topic string, partition int) int64 {
	t.Helper()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafkago.Client{Addr: kafkago.TCP(addrs...), Transport: transport}
	answer, err := client.OffsetFetch(t.Context(), &kafkago.OffsetFetchRequest{
		GroupID: group, Topics: map[string][]int{topic: {partition}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Topics[topic][0].CommittedOffset
}

// eventually waits until what is asked for holds. It is for what the broker
// does in its own time.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
