package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// requestTimeout bounds one request and its answer, for those that the
	// broker does not hold back on purpose.
	requestTimeout = 5 * time.Second
	// refreshEvery bounds how often the cluster's layout is asked for anew.
	refreshEvery = time.Second
)

// cluster is the connection of one Publisher or Subscriber to the brokers.
type cluster struct {
	addr      net.Addr
	transport *kafka.Transport
	client    *kafka.Client

	mu        sync.Mutex
	refreshed time.Time
}

func newCluster(c Config) (*cluster, error) {
	transport, err := c.transport()
	if err != nil {
		return nil, err
	}
	addr := kafka.TCP(c.Brokers...)
	return &cluster{addr: addr, transport: transport, client: &kafka.Client{Addr: addr, Transport: transport}}, nil
}

// ping makes a round trip to a broker, and sees that it has let us in: the
// round trip alone is allowed to anyone.
func (c *cluster) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := c.client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err == nil {
		err = answer.Error
	}
	if err == nil {
		_, err = c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
	}
	return err
}

// refresh makes the next request see the cluster's layout as it is now. The
// transport keeps a layout for up to 6 s, and dropping its pool of connections
// is the only way to have it ask again.
func (c *cluster) refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.refreshed) < refreshEvery {
		return
	}
	c.refreshed = time.Now()
	c.transport.CloseIdleConnections()
}

func (c *cluster) close() { c.transport.CloseIdleConnections() }

// partitions returns how many partitions each topic has; an absent topic has
// none and is no error.
func (c *cluster) partitions(ctx context.Context, topics ...string) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int, len(topics))
	for _, topic := range answer.Topics {
		if topic.Error != nil && !errors.Is(topic.Error, kafka.UnknownTopicOrPartition) {
			return nil, fmt.Errorf("topic %s: %w", topic.Name, topic.Error)
		}
		counts[topic.Name] = len(topic.Partitions)
	}
	return counts, nil
}

// bounds returns the first offset that a partition still has and the one that
// its next record will get.
func (c *cluster) bounds(ctx context.Context, topic string, partition int) (first, next int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)},
	}})
	if err != nil {
		return 0, 0, err
	}
	for _, p := range answer.Topics[topic] {
		if p.Partition == partition {
			return p.FirstOffset, p.LastOffset, p.Error
		}
	}
	return 0, 0, kafka.UnknownTopicOrPartition
}

// backoff is the pause before attempt n (from 1): doubling from least to most,
// with jitter of a quarter so that many do not come back at once.
func backoff(n int, least, most time.Duration) time.Duration {
	pause := most
	if shift := n - 1; shift < 30 && least<<shift < most {
		pause = least << shift
	}
	return pause - time.Duration(rand.Int64N(int64(pause)/4+1))
}

// sleep returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
