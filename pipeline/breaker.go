package pipeline

import (
	"sync"
	"time"
)

// BreakerState is how a lane stands to its sink.
type BreakerState string

const (
	// BreakerClosed lets everything pass.
	BreakerClosed BreakerState = "closed"
	// BreakerOpen tries nothing: the sink is down, or has asked to wait.
	BreakerOpen BreakerState = "open"
	// BreakerHalfOpen tries one write, to see whether the sink is back.
	BreakerHalfOpen BreakerState = "half_open"
)

var breakerStates = []BreakerState{BreakerClosed, BreakerOpen, BreakerHalfOpen}

// breaker is a lane's circuit breaker. It opens when outageAfter tries in a row have failed, each time for longer
// while the fault lasts, and when the sink asks to wait. Then one write is tried, and if it is taken, rounds of twice as
// many each: what has piled up in hours does not fall at once on a sink that has just come back. The zero breaker is
// closed. Safe for concurrent use.
type breaker struct {
	outage pause

	mu sync.Mutex
	// failures counts those in a row that may pass.
	failures int
	// round is how many writes are tried in the next round; 0 for as many as there are.
	round int
	// taken is set once a write of the round was dealt with, tripped once it has opened.
	taken, tripped bool
}

// left is how long it is open yet; not above 0 if it is not.
func (b *breaker) left(now time.Time) time.Duration { return b.outage.left(now) }

func (b *breaker) state(now time.Time) BreakerState {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.outage.left(now) > 0:
		return BreakerOpen
	case b.round == 1:
		return BreakerHalfOpen
	}
	return BreakerClosed
}

// room is how many of most writes may be tried in this round. bounded is set while rounds grow: each waits for the one before.
func (b *breaker) room(most int) (limit int, bounded bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken, b.tripped = false, false
	if b.round == 0 || b.round >= most {
		b.round = 0
		return most, false
	}
	return b.round, true
}

// grow ends a round: if something was taken in it, the next is twice as large.
func (b *breaker) grow() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken && !b.tripped {
		b.round *= 2
	}
}

// ok notes that the sink has dealt with a write, and reports whether that ends a fault.
func (b *breaker) ok() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.taken = 0, true
	return b.outage.clear()
}

// doubtful reports whether the last try of the sink has failed.
func (b *breaker) doubtful() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures > 0 || b.round == 1
}

// fail notes a failure that may pass, and opens the breaker if it was one too many. While there is a doubt one is.
func (b *breaker) fail(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures++; b.failures >= outageAfter || b.round == 1 {
		b.outage.begin(now)
		b.round, b.tripped = 1, true
	}
}

// wait opens the breaker until the time that the sink has asked for.
func (b *breaker) wait(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.outage.until(until)
	b.round, b.tripped = 1, true
}
