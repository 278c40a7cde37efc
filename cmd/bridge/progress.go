package main

import (
	"slices"
	"sync"
	"time"

	"fhirbridge/adapters/kafka"
)

// progress knows up to when the records of a subscriber have been handled: once
// every partition's committed offset has passed where its end was at a moment,
// all that was there at that moment is done.
type progress struct {
	partitions func() []kafka.PartitionState
	now        func() time.Time

	mu     sync.Mutex
	marked time.Time
	ends   map[position]int64
	until  time.Time
}

type position struct {
	topic     string
	partition int
}

// handledUntil returns the latest such moment, zero as long as there is none.
func (p *progress) handledUntil() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	states := p.partitions()
	unknown := func(s kafka.PartitionState) bool { return s.HighWater < 0 }
	if len(states) == 0 || slices.ContainsFunc(states, unknown) {
		p.ends = nil // nothing has been fetched yet: what waits there is not known
		return p.until
	}
	for _, s := range states {
		if end, ok := p.ends[position{s.Topic, s.Partition}]; ok && s.Committed < end {
			return p.until
		}
	}
	if p.ends != nil {
		p.until = p.marked
	}
	p.marked, p.ends = p.now(), make(map[position]int64, len(states))
	for _, s := range states {
		p.ends[position{s.Topic, s.Partition}] = s.HighWater
	}
	return p.until
}
