package kafka_test

import (
	"context"
	"fmt"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
)

func TestNewTopicsAndPartitionsArePickedUp(t *testing.T) {
	t.Parallel()
	addrs, topic, present, group := brokers(t), name("late"), name("present"), name("group")
	createTopic(t, addrs, present, 1)
	publisher := newPublisher(t, addrs)
	subscriber := newSubscriber(t, addrs, group, fast)
	late := subscribe(t, subscriber, topic)
	other := subscribe(t, subscriber, present)

	// A topic that is not there keeps nobody from one that is.
	publish(t, publisher, present, keyed("a", "1"))
	receive(t, other).Ack()

	createTopic(t, addrs, topic, 1)
	publish(t, publisher, topic, keyed("a", "2"))
	receive(t, late).Ack()

	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafkago.Client{Addr: kafkago.TCP(addrs...), Transport: transport}
	if _, err := admin.CreatePartitions(t.Context(), &kafkago.CreatePartitionsRequest{
		Topics: []kafkago.TopicPartitionsConfig{{Name: topic, Count: 3}},
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all partitions are assigned", func() bool { return len(subscriber.Partitions()) == 4 })
	for i := range 20 { // every partition gets one of these keys
		publish(t, newPublisher(t, addrs), topic, keyed(fmt.Sprint(i), "3"))
	}
	for range 20 {
		receive(t, late).Ack()
	}
}

func TestSubscriptionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	addrs, topic := brokers(t), name("topic")
	createTopic(t, addrs, topic, 1)
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	subscriber := newSubscriber(t, addrs, name("group"), fast)
	messages, err := subscriber.Subscribe(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, newPublisher(t, addrs), topic, keyed("a", "1"))
	m := receive(t, messages)
	if got := m.Context().Value(key{}); got != "value" {
		t.Errorf("got value %v in the message's context", got)
	}
	m.Ack()
	<-m.Context().Done()
	cancel()
	if _, open := <-messages; open {
		t.Error("the channel is open after the end of the context")
	}
	if err := subscriber.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := subscriber.Subscribe(t.Context(), topic); err == nil {
		t.Error("a closed subscriber took a subscription")
	}
}
