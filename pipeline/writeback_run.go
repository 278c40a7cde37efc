package pipeline

import (
	"context"
	"sync"
	"time"
)

const (
	// courtesy is for how long a lane waits at most, before each look at what it owes, for those who send.
	courtesy     = time.Second
	courtesyPoll = 5 * time.Millisecond
)

// Run works the queue of its sink until ctx ends, then finishes what is under way.
func (b *WriteBack) Run(ctx context.Context) error {
	wake := b.Ledger.WakeWrites(b.Sink)
	b.late = make(chan struct{}, 1)
	r := &runs{slots: make(chan struct{}, b.Concurrency)}
	defer r.under.Wait()
	for ctx.Err() == nil {
		b.show()
		if wait := b.breaker.left(b.Now()); wait > 0 {
			b.rest(ctx, wake, min(wait, time.Second))
			continue
		}
		limit, bounded := b.breaker.room(b.most())
		if bounded {
			r.under.Wait()
		}
		b.giveWay(ctx)
		list, err := b.Ledger.Writes(ctx, b.Sink, b.Now(), limit)
		if err != nil && ctx.Err() == nil {
			b.Log.Error("pending writes not read", "sink", string(b.Sink), "error", err)
		}
		if len(list) == 0 {
			b.rest(ctx, wake, b.poll())
			continue
		}
		b.work(ctx, r, list)
		if bounded {
			r.under.Wait()
			b.breaker.grow()
		}
		if b.Sink == SinkTopic && len(list) < limit {
			_ = sleep(ctx, topicPause)
		}
	}
	return nil
}

// State is how the lane stands to its sink now.
func (b *WriteBack) State() BreakerState { return b.breaker.state(b.Now()) }

// show tells metrics and log of a state that is new.
func (b *WriteBack) show() {
	now := b.State()
	if was := b.shown.Swap(now); was == now {
		return
	}
	b.Metrics.breaker(b.Sink, now)
	if left := b.breaker.left(b.Now()); left > 0 {
		b.Log.Warn("the sink is not asked for a while", "sink", string(b.Sink), "for", left.Round(time.Second).String())
	}
}

// giveWay waits while messages wait to be sent, which comes first, and not for ever.
func (b *WriteBack) giveWay(ctx context.Context) {
	for began := time.Now(); b.Busy != nil && time.Since(began) < courtesy && ctx.Err() == nil && b.Busy(); {
		_ = sleep(ctx, courtesyPoll)
	}
}

// rest waits for a signal, or for d.
func (b *WriteBack) rest(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-b.late:
	case <-t.C:
	}
}

// poll is how long to rest without a signal: a second while something that was put off comes due.
func (b *WriteBack) poll() time.Duration {
	if b.Now().UnixNano() < b.troubled.Load()+int64(time.Second) {
		return time.Second
	}
	return idlePoll
}

// putOff notes until when a write is put off, and lets the lane look again how long it may rest.
func (b *WriteBack) putOff(until time.Time) {
	for known := b.troubled.Load(); until.UnixNano() > known; known = b.troubled.Load() {
		if !b.troubled.CompareAndSwap(known, until.UnixNano()) {
			continue
		}
		select {
		case b.late <- struct{}{}:
		default:
		}
	}
}

// runs are the requests that are under way.
type runs struct {
	slots chan struct{}
	under sync.WaitGroup
}

// work begins each write of the list as soon as there is a slot for it. When ctx ends, what is not begun is left to its
// lease; when the sink is not to be asked, it is given back.
func (b *WriteBack) work(ctx context.Context, r *runs, list []Write) {
	for _, group := range b.groups(b.begun.new(list)) {
		r.slots <- struct{}{}
		if wait := b.breaker.left(b.Now()); ctx.Err() != nil || wait > 0 {
			<-r.slots
			b.giveBack(ctx, group, wait)
			continue
		}
		r.under.Go(func() {
			defer func() { <-r.slots }()
			defer b.begun.end(group)
			b.tryAll(context.WithoutCancel(ctx), group)
		})
	}
}

// giveBack returns writes that were not tried.
func (b *WriteBack) giveBack(ctx context.Context, list []Write, wait time.Duration) {
	defer b.begun.end(list)
	if ctx.Err() != nil {
		return
	}
	now := b.Now()
	b.putOff(now.Add(wait))
	each(list, func(_ int, w Write) {
		given := WriteResult{Retry: now.Add(wait), Untried: true, Reason: ReasonTransient, At: now}
		if err := b.Ledger.SettleWrite(ctx, w.Key, given); err != nil {
			b.Log.Error("write not given back; its lease will end", "write", w.Key, "error", err)
		}
	})
}

// each does something with every write, at the same time: the ledger takes such calls together.
func each(list []Write, do func(i int, w Write)) {
	if len(list) == 1 {
		do(0, list[0])
		return
	}
	var wg sync.WaitGroup
	for i, w := range list {
		wg.Go(func() { do(i, w) })
	}
	wg.Wait()
}

// begun are the keys of writes that are in the lane's hands. A lease may end while one is: it is not tried twice at a time.
type begun struct {
	mu   sync.Mutex
	keys map[string]struct{}
}

// new returns those of the list that are not begun, and notes them.
func (s *begun) new(list []Write) []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[string]struct{}{}
	}
	fresh := make([]Write, 0, len(list))
	for _, w := range list {
		if _, there := s.keys[w.Key]; !there {
			s.keys[w.Key] = struct{}{}
			fresh = append(fresh, w)
		}
	}
	return fresh
}

func (s *begun) end(list []Write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range list {
		delete(s.keys, w.Key)
	}
}
