package pipeline

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The provider's limit per recipient: one message in 6 seconds, with a burst
// that is borrowed from the time after it.
// https://developers.facebook.com/docs/whatsapp/cloud-api/overview#pair-rate-limits
const (
	pairInterval = 6 * time.Second
	pairBurst    = 10
	// pairSweep is how many recipients are remembered before the idle ones are forgotten.
	pairSweep = 10_000
)

// Pace shapes the rate of one channel: so many messages a second over all, and
// the pair rate for each recipient. Safe for concurrent use.
type Pace struct {
	all   *rate.Limiter
	mu    sync.Mutex
	pairs map[string]*rate.Limiter
	// sweep is the number of pairs at which the idle ones are forgotten.
	sweep int
	// pairing is off for channels without a pair limit.
	pairing bool
}

// NewPace returns a Pace of perSecond messages over all; 0 or less means no limit
// at all, the pair rate included, as suits a stand-in.
func NewPace(perSecond float64) *Pace {
	if perSecond <= 0 {
		return &Pace{all: rate.NewLimiter(rate.Inf, 0)}
	}
	return &Pace{
		all: rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond))), pairs: map[string]*rate.Limiter{}, sweep: pairSweep, pairing: true,
	}
}

// Wait returns when a message to this recipient may go out. wait is set instead
// when that is further away than patience: then no turn was taken, the caller puts
// the message off and does not keep a slot for it. An error is that of ctx.
func (p *Pace) Wait(ctx context.Context, address Private, patience time.Duration) (wait time.Duration, err error) {
	turns := []*rate.Limiter{p.all}
	if p.pairing {
		turns = []*rate.Limiter{p.pair(address), p.all}
	}
	for _, turn := range turns {
		r := turn.Reserve()
		d := r.Delay()
		if d > patience {
			r.Cancel()
			return d, nil
		}
		if err := sleep(ctx, d); err != nil {
			r.Cancel()
			return 0, err
		}
		patience -= d
	}
	return 0, nil
}

func (p *Pace) pair(address Private) *rate.Limiter {
	key := address.Fingerprint()
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.pairs[key]
	if !ok {
		if len(p.pairs) >= p.sweep {
			for k, idle := range p.pairs {
				if idle.Tokens() >= pairBurst {
					delete(p.pairs, k)
				}
			}
			p.sweep = max(pairSweep, 2*len(p.pairs)) // so that sweeping costs each recipient little
		}
		l = rate.NewLimiter(rate.Every(pairInterval), pairBurst)
		p.pairs[key] = l
	}
	return l
}

// sleep returns after d, at once for 0, or with the error of ctx when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
