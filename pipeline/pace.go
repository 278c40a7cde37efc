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
		all: rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond))), pairs: map[string]*rate.Limiter{}, pairing: true,
	}
}

// Wait returns when a message to this recipient may go out. wait is set instead
// when the recipient's turn is further away than that: the caller puts the
// message off and does not keep a slot for it.
func (p *Pace) Wait(ctx context.Context, address Private, patience time.Duration) (wait time.Duration, err error) {
	if p.pairing {
		r := p.pair(address).Reserve()
		if d := r.Delay(); d > patience {
			r.Cancel()
			return d, nil
		} else if d > 0 {
			if err := sleep(ctx, d); err != nil {
				return 0, err
			}
		}
	}
	return 0, p.all.Wait(ctx)
}

func (p *Pace) pair(address Private) *rate.Limiter {
	key := address.Fingerprint()
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.pairs[key]
	if !ok {
		if len(p.pairs) >= pairSweep {
			for k, idle := range p.pairs {
				if idle.Tokens() >= pairBurst {
					delete(p.pairs, k)
				}
			}
		}
		l = rate.NewLimiter(rate.Every(pairInterval), pairBurst)
		p.pairs[key] = l
	}
	return l
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
