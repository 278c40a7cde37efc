package sandbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"fhirbridge/adapters/sandbox"
)

func TestBrokerKeepsRecordsOverARestart(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b, err := sandbox.NewBroker(sandbox.BrokerConfig{Topics: map[string]int{"events": 3}, DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	producer := client(t, b.Addr())
	sent := &kgo.Record{Topic: "events", Key: []byte("a"), Value: []byte("one")}
	if err := producer.ProduceSync(ctx, sent).FirstErr(); err != nil {
		t.Fatal(err)
	}
	producer.Close()
	b.Close()
	b.Close()

	b, err = sandbox.NewBroker(sandbox.BrokerConfig{Topics: map[string]int{"events": 3, "later": 1}, DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	consumer := client(t, b.Addr(), kgo.ConsumeTopics("events"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer consumer.Close()
	records := consumer.PollFetches(ctx).Records()
	if len(records) != 1 || string(records[0].Value) != "one" {
		t.Fatalf("got %d records, want the one that was produced before", len(records))
	}
	if err := consumer.ProduceSync(ctx, &kgo.Record{Topic: "later", Value: []byte("x")}).FirstErr(); err != nil {
		t.Errorf("a topic that is new at the restart: got %v, want it to exist", err)
	}
}

func TestBrokerCreatesTopicsOnDemand(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b, err := sandbox.NewBroker(sandbox.BrokerConfig{AutoCreate: true, MinSessionTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := client(t, b.Addr(), kgo.AllowAutoTopicCreation())
	defer c.Close()
	if err := c.ProduceSync(ctx, &kgo.Record{Topic: "new", Value: []byte("x")}).FirstErr(); err != nil {
		t.Error(err)
	}
}

func TestBrokerRefuses(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b, err := sandbox.NewBroker(sandbox.BrokerConfig{Topics: map[string]int{"events": 1}, Brokers: 2, MaxMessageBytes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got := len(b.Addrs()); got != 2 {
		t.Errorf("got %d brokers, want 2", got)
	}
	c := client(t, b.Addr(), kgo.UnknownTopicRetries(0), kgo.ProducerBatchCompression(kgo.NoCompression()))
	defer c.Close()
	cases := map[string]*kgo.Record{
		"a topic that does not exist":  {Topic: "none", Value: []byte("x")},
		"a record over the size limit": {Topic: "events", Value: make([]byte, 5000)},
	}
	for name, r := range cases {
		t.Run(name, func(t *testing.T) {
			if err := c.ProduceSync(ctx, r).FirstErr(); err == nil {
				t.Error("got it taken, want an error")
			}
		})
	}
	if _, err := sandbox.NewBroker(sandbox.BrokerConfig{Topics: map[string]int{"events": 0}}); err == nil {
		t.Error("a topic without partitions: got a broker, want an error")
	}
}

func client(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addr))...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
