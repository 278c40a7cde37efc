package kafka_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"fhirbridge/adapters/kafka"
	"fhirbridge/pipeline"
)

// none fails when a message comes that must not come yet.
func none(t *testing.T, messages <-chan *message.Message) {
	t.Helper()
	select {
	case m := <-messages:
		t.Fatalf("got %q, want nothing yet", m.Payload)
	case <-time.After(100 * time.Millisecond):
	}
}

func payloads(t *testing.T, messages <-chan *message.Message, n int) map[string]*message.Message {
	t.Helper()
	out := map[string]*message.Message{}
	for range n {
		m := receive(t, messages)
		out[string(m.Payload)] = m
	}
	return out
}

func fast(c *kafka.SubscriberConfig) {
	c.RetryMin, c.RetryMax = time.Millisecond, 10*time.Millisecond
	c.CommitInterval = 20 * time.Millisecond
	c.HeartbeatInterval = 100 * time.Millisecond
	c.WatchInterval = 100 * time.Millisecond
	c.DrainTimeout = 100 * time.Millisecond
}

func TestKeysAreInOrderAndParallel(t *testing.T) {
	t.Parallel()
	addrs, topic := brokers(t), name("topic")
	createTopic(t, addrs, topic, 1)
	publish(t, newPublisher(t, addrs), topic, keyed("a", "a1"), keyed("a", "a2"), keyed("b", "b1"),
		message.NewMessage("", []byte("no key 1")), message.NewMessage("", []byte("no key 2")))
	messages := subscribe(t, newSubscriber(t, addrs, name("group"), fast), topic)

	held := payloads(t, messages, 4)
	for _, want := range []string{"a1", "b1", "no key 1", "no key 2"} {
		if held[want] == nil {
			t.Errorf("%s did not come while others are unacked", want)
		}
	}
	none(t, messages)
	held["a1"].Ack()
	if got := string(receive(t, messages).Payload); got != "a2" {
		t.Errorf("got %s after a1, want a2", got)
	}
}

func TestOrderKeyIsTheCallers(t *testing.T) {
	t.Parallel()
	addrs, topic := brokers(t), name("topic")
	createTopic(t, addrs, topic, 1)
	publish(t, newPublisher(t, addrs), topic, keyed("1", "patient-7 moved"), keyed("2", "patient-7 cancelled"), keyed("1", "patient-8 booked"))
	messages := subscribe(t, newSubscriber(t, addrs, name("group"), func(c *kafka.SubscriberConfig) {
		fast(c)
		c.OrderKey = func(_, value []byte) string { return strings.Fields(string(value))[0] }
	}), topic)
	held := payloads(t, messages, 2)
	if held["patient-7 moved"] == nil || held["patient-8 booked"] == nil {
		t.Errorf("got %v, want the first of each patient", held)
	}
	none(t, messages)
}

func TestWatermarkNeverPassesUnfinishedWork(t *testing.T) {
	t.Parallel()
	addrs, topic, group := brokers(t), name("topic"), name("group")
	createTopic(t, addrs, topic, 1)
	publish(t, newPublisher(t, addrs), topic, keyed("a", "0"), keyed("b", "1"), keyed("c", "2"), keyed("d", "3"))
	subscriber := newSubscriber(t, addrs, group, fast)
	held := payloads(t, subscribe(t, subscriber, topic), 4)
	held["0"].Ack()
	held["2"].Ack()
	held["3"].Ack()
	eventually(t, "offset 1 is committed", func() bool { return committed(t, addrs, group, topic, 0) == 1 })
	eventually(t, "one record is in flight", func() bool {
		p := subscriber.Partitions()
		return len(p) == 1 && p[0].InFlight == 1
	})
	want := kafka.PartitionState{Topic: topic, Committed: 1, HighWater: 4, InFlight: 1}
	if got := subscriber.Partitions(); len(got) != 1 || got[0] != want {
		t.Errorf("got state %+v, want %+v", got, want)
	}

	// The process ends with record 1 unfinished: it and all after it come again.
	if err := subscriber.Close(); err != nil {
		t.Fatal(err)
	}
	if got := committed(t, addrs, group, topic, 0); got != 1 {
		t.Errorf("got offset %d after closing, want 1", got)
	}
	if held["1"].Context().Err() == nil {
		t.Error("the context of abandoned work is not cancelled")
	}
	held["1"].Ack() // too late, and without effect
	next := newSubscriber(t, addrs, group, fast)
	again := payloads(t, subscribe(t, next, topic), 3)
	for _, payload := range []string{"1", "2", "3"} {
		if again[payload] == nil {
			t.Errorf("record %s did not come again", payload)
		} else {
			again[payload].Ack()
		}
	}
	eventually(t, "everything is committed", func() bool { return committed(t, addrs, group, topic, 0) == 4 })
}

func TestNackedRecordComesAgain(t *testing.T) {
	t.Parallel()
	addrs, topic := brokers(t), name("topic")
	createTopic(t, addrs, topic, 1)
	publish(t, newPublisher(t, addrs), topic, keyed("a", "a1"), keyed("a", "a2"), keyed("b", "b1"), keyed("b", "b2"))
	messages := subscribe(t, newSubscriber(t, addrs, name("group"), fast), topic)
	seen := map[string][]string{}
	for nacks := 0; len(seen["a"])+len(seen["b"]) < 7; {
		m := receive(t, messages)
		key := m.Metadata.Get(kafka.MetadataKey)
		seen[key] = append(seen[key], string(m.Payload))
		if string(m.Payload) == "a1" && nacks < 3 {
			nacks++
			m.Nack()
		} else {
			m.Ack()
		}
	}
	if got, want := fmt.Sprint(seen["a"]), "[a1 a1 a1 a1 a2]"; got != want {
		t.Errorf("got %s of the nacked key, want %s", got, want)
	}
	if got, want := fmt.Sprint(seen["b"]), "[b1 b2]"; got != want {
		t.Errorf("got %s of the other key, want %s", got, want)
	}
}

func TestWindowBoundsWhatIsInFlight(t *testing.T) {
	t.Parallel()
	addrs, topic := brokers(t), name("topic")
	createTopic(t, addrs, topic, 1)
	publisher := newPublisher(t, addrs)
	for i := range 8 {
		publish(t, publisher, topic, keyed(fmt.Sprint(i), strings.Repeat("x", 100)))
	}
	tests := map[string]func(*kafka.SubscriberConfig){
		"records": func(c *kafka.SubscriberConfig) { fast(c); c.Window = 3 },
		"bytes":   func(c *kafka.SubscriberConfig) { fast(c); c.WindowBytes = 400 },
	}
	for label, set := range tests {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			messages := subscribe(t, newSubscriber(t, addrs, name("group"), set), topic)
			var held []*message.Message
			for range 3 {
				held = append(held, receive(t, messages))
			}
			none(t, messages)
			for _, m := range held {
				m.Ack()
			}
			for range 3 {
				receive(t, messages)
			}
			none(t, messages)
		})
	}
}

func TestRebalance(t *testing.T) {
	t.Parallel()
	addrs, topic, group := brokers(t), name("topic"), name("group")
	createTopic(t, addrs, topic, 4)
	publisher := newPublisher(t, addrs)
	const total = 400
	for i := range total {
		publish(t, publisher, topic, keyed(fmt.Sprint(i%40), fmt.Sprint(i)))
	}
	patient := func(c *kafka.SubscriberConfig) {
		fast(c)
		c.SessionTimeout = 45 * time.Second
	}
	first := newSubscriber(t, addrs, group, patient)
	messages := subscribe(t, first, topic)
	stuck := receive(t, messages) // never acked by the first member
	at := pipeline.SourceFrom(stuck.Context())
	handled := map[string]bool{}
	for range 100 {
		m := receive(t, messages)
		handled[string(m.Payload)] = true
		m.Ack()
	}

	second := newSubscriber(t, addrs, group, patient)
	others := subscribe(t, second, topic)
	select {
	case <-stuck.Context().Done(): // the rebalance did not wait for it
	case <-time.After(20 * time.Second):
		t.Fatal("the context of abandoned work is not cancelled")
	}
	if got := committed(t, addrs, group, topic, at.Partition); got > at.Offset {
		t.Errorf("got offset %d committed while %d is unfinished", got, at.Offset)
	}
	took := 0
	for len(handled) < total {
		select {
		case m := <-messages:
			handled[string(m.Payload)] = true
			m.Ack()
		case m := <-others:
			took++
			handled[string(m.Payload)] = true
			m.Ack()
		case <-time.After(20 * time.Second):
			t.Fatalf("got %d of %d records", len(handled), total)
		}
	}
	if took == 0 {
		t.Error("the second member got nothing")
	}
	if got := len(first.Partitions()) + len(second.Partitions()); got != 4 {
		t.Errorf("got %d partitions assigned, want 4", got)
	}

	// A member that leaves hands over at once, long before the session timeout.
	before := time.Now()
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first member has all partitions", func() bool { return len(first.Partitions()) == 4 })
	if took := time.Since(before); took > 15*time.Second {
		t.Errorf("taking over took %v", took)
	}
}
