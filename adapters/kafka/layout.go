package kafka

import (
	"cmp"
	"context"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// absentAttempts is how often Publish looks for a topic that is not there, about 1 s in all.
	absentAttempts = 5
	// layoutAge is for how long the number of a topic's partitions is taken for the same: asking copies all of what the client knows.
	layoutAge = time.Second
)

// counted is how many partitions a topic has, and until when that may be believed.
type counted struct {
	n     int
	until time.Time
}

// HasTopic returns an error if the brokers have no such topic, or do not show it to us. It may say what was so some seconds ago.
func (p *Publisher) HasTopic(ctx context.Context, topic string) error {
	counts, err := p.cluster.partitions(ctx, topic)
	if err == nil && counts[topic] == 0 {
		return kafka.UnknownTopicOrPartition
	}
	return err
}

// partitions returns how many a topic has.
func (p *Publisher) partitions(topic string) (int, error) {
	now := time.Now()
	p.mu.Lock()
	known := p.counts[topic]
	fresh := now.Before(known.until)
	if !fresh && known.n > 0 { // one of many asks anew
		p.counts[topic] = counted{known.n, now.Add(layoutAge)}
	}
	p.mu.Unlock()
	if fresh {
		return known.n, nil
	}
	n, err := p.partitionsOf(topic)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[topic] = counted{n, time.Now().Add(layoutAge)}
	return n, nil
}

// partitionsOf waits a moment for a topic that is not there: the brokers may
// not yet have told each other of a new one.
func (p *Publisher) partitionsOf(topic string) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deliveryTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		counts, err := p.cluster.partitions(ctx, topic)
		switch {
		case err == nil && counts[topic] > 0:
			return counts[topic], nil
		case err == nil && attempt > absentAttempts:
			return 0, kafka.UnknownTopicOrPartition
		case err != nil && !passes(err):
			return 0, err
		}
		p.cluster.refresh()
		if !sleep(ctx, backoff(attempt, 50*time.Millisecond, 500*time.Millisecond)) {
			return 0, cmp.Or(err, error(kafka.UnknownTopicOrPartition))
		}
	}
}
