package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

const (
	// youngHeartbeat is the first pause between heartbeats of a generation; it
	// doubles up to HeartbeatInterval. Groups change mostly while they form, and
	// a member that asks early does not keep the others waiting.
	youngHeartbeat = 50 * time.Millisecond
	// absentInterval is how often the leader looks for a topic that does not exist.
	absentInterval = 2 * time.Second
)

// subscription reads one topic, generation after generation.
type subscription struct {
	topic   string
	config  *SubscriberConfig
	cluster *cluster
	log     *slog.Logger
	out     chan<- *message.Message
	member  *member

	mu         sync.Mutex
	partitions []*partition // of the present generation
}

// run ends with ctx.
func (s *subscription) run(ctx context.Context) {
	defer close(s.out)
	for attempt := 0; ctx.Err() == nil; {
		g, err := s.member.join(ctx)
		if err == nil {
			attempt = 0
			s.serve(ctx, g)
			continue
		}
		if ctx.Err() != nil {
			break
		}
		attempt++
		pause := backoff(attempt, 50*time.Millisecond, 3*time.Second)
		if errors.Is(err, errRebalance) || errors.Is(err, errLost) {
			pause = 10 * time.Millisecond // no fault: others came or went while this one joined
		} else {
			s.log.Warn("kafka: joining the group failed, trying again", "attempt", attempt, "error", err)
			s.cluster.refresh()
		}
		sleep(ctx, pause)
	}
	if err := s.member.leave(context.WithoutCancel(ctx)); err != nil {
		s.log.Warn("kafka: leaving the group failed; the others wait for the session timeout", "error", err)
	}
}

// serve reads the partitions of g until the group rebalances or ctx ends.
func (s *subscription) serve(ctx context.Context, g *generation) {
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	partitions := make([]*partition, 0, len(g.offsets))
	for id, offset := range g.offsets {
		p := newPartition(s, id, offset)
		partitions = append(partitions, p)
		running.Go(func() { p.run(reading, work) })
	}
	s.set(partitions)
	defer s.set(nil)

	err := s.hold(ctx, g, partitions)
	stop()
	drained := make(chan struct{})
	go func() { running.Wait(); close(drained) }()
	if !errors.Is(err, errLost) {
		s.drain(context.WithoutCancel(ctx), g, partitions, drained)
	} else {
		s.log.Warn("kafka: lost the partitions; what is in flight will be delivered again")
	}
	abandon()
	<-drained
}

// hold keeps the generation alive and commits. It returns errRebalance when it
// is over, errLost when it was lost, and nil when ctx ended.
func (s *subscription) hold(ctx context.Context, g *generation, partitions []*partition) error {
	pause := min(youngHeartbeat, s.config.HeartbeatInterval)
	beat := time.NewTimer(pause)
	defer beat.Stop()
	commit := time.NewTicker(s.config.CommitInterval)
	defer commit.Stop()
	watch := time.NewTicker(s.watchInterval(g))
	defer watch.Stop()
	alive := time.Now()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
			pause = min(2*pause, s.config.HeartbeatInterval)
			if err = s.member.heartbeat(ctx, g); err == nil {
				alive = time.Now()
			}
			beat.Reset(pause)
		case <-commit.C:
			err = s.commit(ctx, g, partitions)
		case <-watch.C:
			if s.changed(ctx, g) {
				return errRebalance
			}
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errRebalance), errors.Is(err, errLost):
			return err
		case time.Since(alive) > s.config.SessionTimeout:
			s.log.Warn("kafka: the coordinator was out of reach for the session timeout", "error", err)
			return errLost
		default:
			s.log.Warn("kafka: the coordinator did not answer, trying again", "error", err)
			s.cluster.refresh()
		}
	}
}

// drain waits for acks of what is delivered, not longer than the group should
// have to wait, and commits what is done.
func (s *subscription) drain(ctx context.Context, g *generation, partitions []*partition, drained <-chan struct{}) {
	deadline := time.NewTimer(s.config.DrainTimeout)
	defer deadline.Stop()
	beat := time.NewTicker(s.config.HeartbeatInterval)
	defer beat.Stop()
	for waiting := true; waiting; {
		select {
		case <-drained:
			waiting = false
		case <-deadline.C:
			waiting = false
			s.log.Warn("kafka: handlers did not finish in time; their records will be delivered again")
		case <-beat.C:
			// The answer is errRebalance; what counts is that the session goes on.
			if err := s.member.heartbeat(ctx, g); errors.Is(err, errLost) {
				return
			}
		}
	}
	if err := s.commit(ctx, g, partitions); err != nil {
		s.log.Warn("kafka: the last commit of a generation failed; acked records will be delivered again", "error", err)
	}
}

// commit stores where each partition is, if it is further than before.
func (s *subscription) commit(ctx context.Context, g *generation, partitions []*partition) error {
	offsets := map[int]int64{}
	for _, p := range partitions {
		if offset, _ := p.window.position(); offset >= 0 && offset != p.committed.Load() {
			offsets[p.id] = offset
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	if err := s.member.commit(ctx, g, offsets); err != nil {
		return err
	}
	for _, p := range partitions {
		if offset, ok := offsets[p.id]; ok {
			p.committed.Store(offset)
		}
	}
	return nil
}

// changed reports whether a topic of the group has more or fewer partitions
// than were assigned. Only the leader looks: the others are assigned anew when
// it joins again.
func (s *subscription) changed(ctx context.Context, g *generation) bool {
	if g.topics == nil {
		return false
	}
	topics := make([]string, 0, len(g.topics))
	absent := false
	for topic, count := range g.topics {
		topics = append(topics, topic)
		absent = absent || count == 0
	}
	if absent {
		s.cluster.refresh()
	}
	counts, err := s.cluster.partitions(ctx, topics...)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("kafka: looking for new partitions failed, trying again", "error", err)
		}
		return false
	}
	for topic, count := range counts {
		if count != g.topics[topic] {
			s.log.Info("kafka: the number of partitions has changed", "of", topic, "from", g.topics[topic], "to", count)
			return true
		}
	}
	return false
}

// watchInterval is shorter while a topic does not exist, and says so once.
func (s *subscription) watchInterval(g *generation) time.Duration {
	for topic, count := range g.topics {
		if count == 0 {
			s.log.Warn("kafka: the topic does not exist, waiting for it", "absent", topic)
			return min(absentInterval, s.config.WatchInterval)
		}
	}
	return s.config.WatchInterval
}

func (s *subscription) set(partitions []*partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions = partitions
}

func (s *subscription) state() []PartitionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]PartitionState, 0, len(s.partitions))
	for _, p := range s.partitions {
		_, inFlight := p.window.position()
		out = append(out, PartitionState{
			Topic: s.topic, Partition: p.id,
			Committed: p.committed.Load(), HighWater: p.highWater.Load(), InFlight: inFlight,
		})
	}
	return out
}
