package kafka_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"fhirbridge/adapters/kafka"
)

func TestInspect(t *testing.T) {
	addrs := fake(t).ListenAddrs()
	createTopic(t, addrs, "set", 3, kafkago.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "4194304"},
		kafkago.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact"}, kafkago.ConfigEntry{ConfigName: "retention.ms", ConfigValue: "3600000"})
	createTopic(t, addrs, "plain", 1)
	n, states, err := kafka.Inspect(t.Context(), kafka.Config{Brokers: addrs}, "set", "plain", "none")
	if err != nil || n != 1 || len(states) != 3 {
		t.Fatalf("got %d brokers, %d topics, %v", n, len(states), err)
	}
	if want := (kafka.TopicState{Name: "set", Partitions: 3, Replicas: 1, MaxMessageBytes: 4 << 20, Compacted: true, Retention: time.Hour}); states[0] != want {
		t.Errorf("got %+v, want %+v", states[0], want)
	}
	if s := states[1]; s.Partitions != 1 || s.Compacted {
		t.Errorf("got %+v", s)
	}
	if want := (kafka.TopicState{Name: "none"}); states[2] != want {
		t.Errorf("got %+v, want %+v", states[2], want)
	}
	if _, _, err := kafka.Inspect(t.Context(), kafka.Config{Brokers: []string{"127.0.0.1:1"}}, "set"); err == nil {
		t.Error("nobody is there, and it is no error")
	}
}

func TestHasTopic(t *testing.T) {
	addrs := fake(t).ListenAddrs()
	createTopic(t, addrs, "there", 1)
	for _, c := range []struct {
		name, topic string
		brokers     []string
		want        error
	}{
		{"there", "there", addrs, nil},
		{"not there", "none", addrs, kafkago.UnknownTopicOrPartition},
		{"nobody is there", "there", []string{"127.0.0.1:1"}, syscall.ECONNREFUSED},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := kafka.NewPublisher(kafka.Config{Brokers: c.brokers})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = p.Close() }()
			if err := p.HasTopic(t.Context(), c.topic); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
