package kafka_test

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// settled returns the pair so that a message is received only when the call that
// published it has returned, and its caller has noted that. Watermill's reconnect
// test compares what was received with what it has noted as soon as all is
// received; a broker that was killed has a message long before its
// publisher, which tries again, knows that it has.
func settled(p message.Publisher, s message.Subscriber) (message.Publisher, message.Subscriber) {
	n := &notes{published: map[string]chan struct{}{}}
	return notingPublisher{p, n}, patientSubscriber{s, n}
}

// noting is what the caller of Publish needs to note that it has returned.
const noting = 100 * time.Millisecond

type notes struct {
	mu        sync.Mutex
	published map[string]chan struct{}
}

func (n *notes) of(id string) chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.published[id] == nil {
		n.published[id] = make(chan struct{})
	}
	return n.published[id]
}

type notingPublisher struct {
	message.Publisher
	notes *notes
}

func (p notingPublisher) Publish(topic string, messages ...*message.Message) error {
	err := p.Publisher.Publish(topic, messages...)
	if err != nil {
		return err
	}
	for _, m := range messages {
		noted := p.notes.of(m.UUID)
		time.AfterFunc(noting, func() { close(noted) })
	}
	return nil
}

type patientSubscriber struct {
	message.Subscriber
	notes *notes
}

func (s patientSubscriber) SubscribeInitialize(topic string) error {
	return s.Subscriber.(message.SubscribeInitializer).SubscribeInitialize(topic)
}

func (s patientSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	in, err := s.Subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for m := range in {
			<-s.notes.of(m.UUID)
			out <- m
		}
	}()
	return out, nil
}
