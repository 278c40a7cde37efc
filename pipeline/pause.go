package pipeline

import (
	"sync"
	"time"
)

const (
	// haltPause is how long a lane stands still after a fault that the next try would meet as well;
	// it doubles up to haltMax while the fault lasts.
	haltPause = 5 * time.Second
	haltMax   = 5 * time.Minute
)

// pause is a lane's stop sign. The zero pause lets pass. Safe for concurrent use.
type pause struct {
	mu   sync.Mutex
	end  time.Time
	last time.Duration
}

// left is how long the pause lasts yet; not above 0 if there is none.
func (p *pause) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end.Sub(now)
}

// begin begins a pause because of a fault, twice as long as the one before if nothing has
// gone well since. A fault that is met while the pause lasts is the same one.
func (p *pause) begin(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end.After(now) && p.last > 0 {
		return
	}
	p.last = min(max(haltPause, 2*p.last), haltMax)
	if end := now.Add(p.last); end.After(p.end) {
		p.end = end
	}
}

// until makes the pause last to t at least. It is one that was asked for, not a fault.
func (p *pause) until(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.After(p.end) {
		p.end = t
	}
}

// doubtful reports whether a fault began a pause and nothing has gone well since: then
// one try is enough to see whether it has passed.
func (p *pause) doubtful() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last > 0
}

// clear notes that something went well, and reports whether it was doubtful before.
func (p *pause) clear() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	doubtful := p.last > 0
	p.last = 0
	return doubtful
}
