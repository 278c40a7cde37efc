package kafka

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// SubscriberConfig is how records are read. Every zero field means its default.
type SubscriberConfig struct {
	Config

	// OrderKey says what a record must not overtake: the records with the same
	// key. Those with the key "" are independent of all others. It sees the
	// record's key and value, is called once per record, and must be quick.
	// Default: the record's key.
	OrderKey func(key, value []byte) string
	// Window is how many records of a partition may lie between the first
	// unacked one and the last one read; it is also what a crash repeats at
	// most. Default: 1024.
	Window int
	// WindowBytes bounds the unacked records of a partition that are in memory;
	// a single larger record is let through. Default: 32 MiB.
	WindowBytes int
	// RetryMin and RetryMax bound the pause, doubling each time, before a
	// nacked record comes again. Defaults: 100 ms and 30 s.
	RetryMin, RetryMax time.Duration
	// CommitInterval is how often offsets are committed. Default: 200 ms.
	CommitInterval time.Duration
	// SessionTimeout is how long the group waits for a member that has died.
	// Brokers take no less than 6 s by default. Default: 6 s.
	SessionTimeout time.Duration
	// HeartbeatInterval is how often a settled member asks whether the group
	// rebalances; a young generation asks more often. Default: 2 s.
	HeartbeatInterval time.Duration
	// WatchInterval is how often new partitions are looked for. Default: 5 s.
	WatchInterval time.Duration
	// DrainTimeout is how long Close and a rebalance wait for acks of what is
	// delivered. It must be shorter than SessionTimeout. Default: 3 s.
	DrainTimeout time.Duration
	// Logger gets the faults of the background, for there is nobody to return
	// them to. Default: slog.Default().
	Logger *slog.Logger
}

func (c SubscriberConfig) withDefaults() SubscriberConfig {
	if c.OrderKey == nil {
		c.OrderKey = func(key, _ []byte) string { return string(key) }
	}
	c.Window = cmp.Or(c.Window, 1024)
	c.WindowBytes = cmp.Or(c.WindowBytes, 32<<20)
	c.RetryMin = cmp.Or(c.RetryMin, 100*time.Millisecond)
	c.RetryMax = cmp.Or(c.RetryMax, 30*time.Second)
	c.CommitInterval = cmp.Or(c.CommitInterval, 200*time.Millisecond)
	c.SessionTimeout = cmp.Or(c.SessionTimeout, 6*time.Second)
	c.HeartbeatInterval = cmp.Or(c.HeartbeatInterval, 2*time.Second)
	c.WatchInterval = cmp.Or(c.WatchInterval, 5*time.Second)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 3*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}

// Subscriber reads topics as a member of a consumer group. Every call of
// Subscribe is one member.
type Subscriber struct {
	config  SubscriberConfig
	cluster *cluster

	mu            sync.Mutex
	subscriptions map[*subscription]struct{}
	closing       context.Context
	close         context.CancelFunc
	running       sync.WaitGroup
}

var _ message.Subscriber = (*Subscriber)(nil)

// errClosed is returned by Subscribe after Close.
var errClosed = errors.New("kafka: the subscriber is closed")

// NewSubscriber checks c and makes a Subscriber. It opens no connection yet.
func NewSubscriber(c SubscriberConfig) (*Subscriber, error) {
	c = c.withDefaults()
	var errs []error
	if c.Group == "" {
		errs = append(errs, errors.New("kafka: group: required"))
	}
	if c.DrainTimeout >= c.SessionTimeout {
		errs = append(errs, errors.New("kafka: DrainTimeout must be shorter than SessionTimeout"))
	}
	cluster, err := newCluster(c.Config)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	cluster.transport.MetadataTTL = c.WatchInterval
	s := &Subscriber{config: c, cluster: cluster, subscriptions: map[*subscription]struct{}{}}
	s.closing, s.close = context.WithCancel(context.Background())
	return s, nil
}

// Subscribe joins the group as a reader of topic, from the committed offsets
// on, or from the earliest record where none is committed. A topic that does
// not exist is waited for.
//
// The messages carry their pipeline.Source in their context, which ends when
// the message is acked or nacked, and when it is abandoned: another member may
// have it then, and an ack has no effect. The values of ctx are in it too.
//
// The channel is closed after ctx has ended or Close was called, and what was
// delivered is acked or abandoned.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		return nil, errClosed
	}
	out := make(chan *message.Message)
	sub := &subscription{
		topic: topic, config: &s.config, cluster: s.cluster, out: out,
		log: s.config.Logger.With("topic", topic, "group", s.config.Group),
		member: &member{
			cluster: s.cluster, group: s.config.Group, topic: topic, session: s.config.SessionTimeout,
			rebalance: s.config.HeartbeatInterval + s.config.DrainTimeout + requestTimeout,
		},
	}
	s.subscriptions[sub] = struct{}{}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.closing, cancel)
	s.running.Go(func() {
		defer func() {
			stop()
			cancel()
			s.mu.Lock()
			delete(s.subscriptions, sub)
			s.mu.Unlock()
		}()
		sub.run(ctx)
	})
	return out, nil
}

// PartitionState is how far the reading of one partition is.
type PartitionState struct {
	Topic     string
	Partition int
	// Committed is the offset from which a crash would go on; -1 if none is
	// committed yet.
	Committed int64
	// HighWater is the offset that the partition's next record will get, as of
	// the last fetch; -1 before it. HighWater - Committed is the lag.
	HighWater int64
	// InFlight is the number of records read and not acked.
	InFlight int
}

// Partitions returns the state of the partitions that are assigned to this
// Subscriber now, sorted by topic and number.
func (s *Subscriber) Partitions() []PartitionState {
	s.mu.Lock()
	var out []PartitionState
	for sub := range s.subscriptions {
		out = append(out, sub.state()...)
	}
	s.mu.Unlock()
	slices.SortFunc(out, func(a, b PartitionState) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

// Ping makes a round trip to a broker.
func (s *Subscriber) Ping(ctx context.Context) error { return s.cluster.ping(ctx) }

// Close stops reading, waits up to DrainTimeout for acks of what is delivered,
// commits, leaves the group and closes the channels.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.running.Wait()
	s.cluster.close()
	return nil
}
