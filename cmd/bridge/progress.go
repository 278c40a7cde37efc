package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fhirbridge/adapters/kafka"
)

// progress knows up to when the records of a group have been handled: once every
// partition's committed offset has passed where its end was at a moment, all that
// was there at that moment is done. It looks at all partitions, whoever reads them:
// one may be with a member that is dead, and that the group has not missed yet.
type progress struct {
	group func(context.Context) ([]kafka.PartitionState, error)
	log   *slog.Logger
	now   func() time.Time

	mu     sync.Mutex
	marked time.Time
	ends   map[position]int64
	until  time.Time
}

type position struct {
	topic     string
	partition int
}

// progressTimeout bounds how long the settler waits for the brokers; it asks every second.
const progressTimeout = 3 * time.Second

// handledUntil returns the latest such moment, zero as long as there is none.
func (p *progress) handledUntil() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), progressTimeout)
	defer cancel()
	asked := p.now() // before the answer: what comes in between is not in this mark
	states, err := p.group(ctx)
	if err != nil {
		p.log.Warn("not known what has been handled, asking again", "error", err)
		return p.until
	}
	if len(states) == 0 {
		return p.until
	}
	committed := make(map[position]int64, len(states))
	ends := make(map[position]int64, len(states))
	for _, s := range states {
		at := position{s.Topic, s.Partition}
		committed[at], ends[at] = s.Committed, s.HighWater
	}
	for at, end := range p.ends {
		if offset, ok := committed[at]; !ok || offset < end {
			return p.until
		}
	}
	if p.ends != nil {
		p.until = p.marked
	}
	p.marked, p.ends = asked, ends
	return p.until
}
