package kafka_test

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"fhirbridge/adapters/kafka"
)

// TestConformance runs Watermill's own suite. The suite calls messages with the
// same payload one sequence, so the payload is made their key. It restarts the
// broker in the middle when BRIDGE_TEST_RESTART holds a command that does so.
func TestConformance(t *testing.T) {
	addrs := brokers(t)
	tests.TestPubSub(t,
		tests.Features{
			ConsumerGroups:                   true,
			GuaranteedOrder:                  true,
			Persistent:                       true,
			NewSubscriberReceivesOldMessages: true,
			RestartServiceCommand:            strings.Fields(os.Getenv("BRIDGE_TEST_RESTART")),
		},
		func(t *testing.T) (message.Publisher, message.Subscriber) {
			group := t.Name() // subscribers of one test share its messages …
			if strings.Contains(group, "TestNewSubscriberReceivesOldMessages") {
				group = name("group") // … but here each is to see all of them
			}
			publisher, subscriber := suitePair(t, addrs, group)
			if strings.Contains(t.Name(), "TestReconnect") {
				return settled(publisher, subscriber)
			}
			return publisher, subscriber
		},
		func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
			return suitePair(t, addrs, group)
		},
	)
}

func suitePair(t *testing.T, addrs []string, group string) (message.Publisher, message.Subscriber) {
	t.Helper()
	publisher, err := kafka.NewPublisher(kafka.Config{Brokers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	subscriber, err := kafka.NewSubscriber(kafka.SubscriberConfig{
		Config:            kafka.Config{Brokers: addrs, Group: group},
		Logger:            slog.New(slog.DiscardHandler),
		RetryMin:          time.Millisecond, // the suite nacks hundreds of times in a row
		RetryMax:          time.Millisecond,
		DrainTimeout:      200 * time.Millisecond, // and closes with messages unacked
		HeartbeatInterval: 500 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return payloadAsKey{publisher}, topicMaker{subscriber, t, addrs}
}

// payloadAsKey is a publisher that gives each message its payload as key.
type payloadAsKey struct{ *kafka.Publisher }

func (p payloadAsKey) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		m.Metadata.Set(kafka.MetadataKey, string(m.Payload))
	}
	return p.Publisher.Publish(topic, messages...)
}

// topicMaker is a subscriber that creates the topics of the suite.
type topicMaker struct {
	*kafka.Subscriber
	t     *testing.T
	addrs []string
}

func (s topicMaker) SubscribeInitialize(topic string) error {
	createTopic(s.t, s.addrs, topic, 8)
	return nil
}
