package pipeline

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// lookAhead is how many notifications are prepared for each one being posted, so that the
	// slots are busy with the network and not with the disk.
	lookAhead = 4
	// sendTimeout bounds one post; an attempt without an answer by then is unknown.
	sendTimeout = 15 * time.Second
	// patience is how long a prepared message waits for its turn in the pace before it is put off.
	patience = 10 * time.Second
	// fresh is how long facts and gates hold: what waits longer for its turn asks them again.
	fresh = time.Second
	// begunAhead is how many attempts are begun for each one being posted. More would wait longer
	// between the moment at which they hold and the post.
	begunAhead = 4
	// begunFresh is how long a begun attempt may wait for a slot before its words are made anew.
	begunFresh = 5 * time.Second
	// crowd is from how many on messages wait for each other: one alone is done in a few milliseconds.
	crowd = 6
	// idlePoll bounds how long another instance's news, or what an earlier process put off, may go unnoticed.
	idlePoll = 5 * time.Second
	// dueAgain is the pause when something seems due and cannot be had: somebody else has it,
	// or the store does not settle it. Without it the lane would ask without end.
	dueAgain = 50 * time.Millisecond
)

// Dispatch is the lane from due notifications to the channel.
type Dispatch struct {
	Ledger   Ledger
	Journeys Journeys
	Resolver *Resolver
	Gates    []Gate
	Metrics  *Metrics
	Log      *slog.Logger
	Now      func() time.Time

	Channel     Channel
	ChannelName string
	// Fallback takes what is for numbers that are not on WhatsApp; nil leaves them alone.
	Fallback *Fallback
	Pace     *Pace
	// Concurrency is how many posts are under way at once.
	Concurrency int
	// Country is the facility's, for numbers written without one (ISO 3166-1 alpha-2).
	Country string
	// Proxies says who is told in a patient's stead; nil if nobody is.
	Proxies *Proxies
	// File returns the writes that record a message which the provider has taken or refused, and that tell who has
	// asked for one why it is not sent.
	File func(SentMessage) []Write
	// Documents are what may be sent as a file; nil sends none.
	Documents *Documents
	// Pictures are what messages of the journeys may show; nil if there are none.
	Pictures *Pictures
	// Errands returns the writes that ask people to see to what could not be sent.
	Errands func([]Errand, time.Time) []Write

	halt pause
	// working is how many notifications are being handled and not idle.
	working atomic.Int64
}

// Busy reports whether several messages wait for the processor, for the ledger, or for what they are made of.
func (d *Dispatch) Busy() bool { return d.working.Load() >= crowd }

// idle waits for the provider, for a slot, or for a turn in the pace: that costs nobody anything.
func (d *Dispatch) idle(wait func()) {
	d.working.Add(-1)
	defer d.working.Add(1)
	wait()
}

// Run sends what is due until ctx ends, then finishes what is under way: what is being posted
// is settled, what is not yet posted is given back. What a crash leaves is settled after a restart.
func (d *Dispatch) Run(ctx context.Context) error {
	due := d.Ledger.Wake()
	jobs := newQueues()
	defer jobs.wait()
	at := places{
		begun: make(chan struct{}, d.Concurrency*begunAhead), posting: make(chan struct{}, d.Concurrency),
		attaching: make(chan struct{}, max(1, d.Concurrency/attachShare)),
	}
	room := make(chan struct{}, d.Concurrency*lookAhead)
	freed := make(chan struct{}, 1)
	for ctx.Err() == nil {
		if wait := d.halt.left(d.Now()); wait > 0 {
			_ = sleep(ctx, min(wait, time.Second))
			continue
		}
		limit := cap(room)
		if d.halt.doubtful() {
			limit = 1
		}
		free := max(0, limit-len(room))
		list, next, err := d.lease(ctx, free)
		for _, n := range list {
			room <- struct{}{}
			jobs.do(cmp.Or(n.Patient, n.Address.Fingerprint()), func() {
				d.working.Add(1)
				d.handle(ctx, n, at)
				d.working.Add(-1)
				<-room
				select {
				case freed <- struct{}{}:
				default:
				}
			})
		}
		if err == nil && free > 0 && len(list) == free {
			continue
		}
		switch {
		case err != nil:
			_ = sleep(ctx, time.Second) // asking at once would fail at once
		case free == 0:
			d.rest(ctx, freed, idlePoll) // a signal stands until there is room for what it tells of
		default:
			d.rest(ctx, due, d.until(next))
		}
	}
	return nil
}

func (d *Dispatch) lease(ctx context.Context, free int) (list []DueNotification, next time.Time, err error) {
	if free == 0 {
		return nil, next, nil
	}
	list, next, err = d.Ledger.Due(ctx, d.Now(), free)
	if err != nil && ctx.Err() == nil {
		d.Log.Error("due notifications not read", "error", err)
	}
	return list, next, err
}

// until is how long to wait for what falls due next, if no signal comes before.
func (d *Dispatch) until(next time.Time) time.Duration {
	if next.IsZero() {
		return idlePoll
	}
	return min(idlePoll, max(dueAgain, next.Sub(d.Now())))
}

// rest waits for a signal: news from the ledger, or a free slot.
func (d *Dispatch) rest(ctx context.Context, signal <-chan struct{}, most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-signal:
	case <-t.C:
	}
}

// handle brings one notification to its next state. Should that panic, its lease ends by
// itself, or its attempt becomes one of unknown outcome.
func (d *Dispatch) handle(ctx context.Context, n DueNotification, at places) {
	defer func() {
		if recover() != nil {
			d.Log.Error("panic; the notification is left to its lease", "notification", n.Key, "stack", stack())
		}
	}()
	if ctx.Err() != nil {
		return // shutting down: its lease ends with the process
	}
	if wait := d.halt.left(d.Now()); wait > 0 {
		d.putBack(ctx, n, d.Now().Add(wait), d.route(false).paused())
		return
	}
	asked := d.Now()
	if !asked.Before(n.Expires) { // many may be, after an outage: nothing is gathered for them
		d.putOff(ctx, n, d.skip(ctx, n, ReasonExpired, nil))
		return
	}
	facts, to, err := d.turn(ctx, n)
	if err != nil || to.Empty() {
		d.putOff(ctx, n, err)
		return
	}
	p := &place{in: at.begun}
	if d.idle(func() { p.take(ctx) }); !p.taken {
		return
	}
	defer p.leave()
	if d.Now().Sub(asked) > fresh {
		if facts, to, err = d.again(ctx, n, to); err != nil || to.Empty() {
			d.putOff(ctx, n, err)
			return
		}
	}
	d.attempt(ctx, n, facts, to, at, p)
}

// attempt makes an attempt at sending the notification, and settles it. It leaves its place
// once the provider has answered, and before it settles.
func (d *Dispatch) attempt(ctx context.Context, n DueNotification, f Facts, to Private, at places, p *place) {
	if wait := d.route(f.Plain).halt.left(d.Now()); f.Plain && wait > 0 {
		d.putBack(ctx, n, d.Now().Add(wait), ReasonHalted)
		return
	}
	a, m, ready, err := d.compose(ctx, n, f, to, func(work func()) bool { return at.aside(ctx, p, func() { d.idle(work) }) })
	if err != nil || !ready {
		d.putOff(ctx, n, err)
		return
	}
	work := context.WithoutCancel(ctx) // once begun it is settled, also while shutting down
	n.Recipient = a.Recipient
	begun, err := d.Ledger.Begin(work, a)
	if err != nil {
		d.Log.Error("attempt not begun", "notification", n.Key, "error", err)
		return
	}
	if !begun {
		return // cancelled, moved or answered meanwhile
	}
	d.merged(a)
	d.idle(func() { at.posting <- struct{}{} })
	end := d.post(ctx, n, a, m, at.posting)
	p.leave()
	if end.State == Accepted {
		d.accepted(work, n, end)
		return
	}
	end.Writes = d.unsent(n, a, end)
	d.settle(work, n, end)
}

// post sends the message in the slot that the caller has taken, unless waiting for it has made
// that wrong, and frees the slot. It returns how the attempt ends.
func (d *Dispatch) post(ctx context.Context, n DueNotification, a Attempt, m Message, slots chan struct{}) Settlement {
	defer func() { <-slots }()
	r := d.routeOf(a)
	if end, stop := d.stop(ctx, n, a, r); stop {
		return end
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	if m.Picture != nil {
		d.Pictures.sending(a.ID, *m.Picture)
	}
	start := d.Now()
	var receipt Receipt
	var err error
	d.idle(func() { receipt, err = r.Send(limited, m) })
	took, late := d.Now().Sub(start), start.Sub(n.Due)
	if err != nil {
		d.Metrics.sent(r.name, KindOf(err).String(), took, late)
		return d.pictureLost(d.failed(n, a, r, err), m.Picture)
	}
	d.Metrics.sent(r.name, "accepted", took, late)
	d.resumed(r)
	a.MessageID = receipt.MessageID
	return Settlement{
		Key: n.Key, Attempt: a.ID, State: Accepted, MessageID: receipt.MessageID, WrittenAs: receipt.WrittenAs(a.Address), At: d.Now(),
		Writes: d.File(SentMessage{Attempt: a, Notification: n.Notification}),
	}
}

// stop says how an attempt ends that must not be posted any more after its wait for a slot.
func (d *Dispatch) stop(ctx context.Context, n DueNotification, a Attempt, r route) (Settlement, bool) {
	now := d.Now()
	s := Settlement{Key: n.Key, Attempt: a.ID, State: Planned, Reason: ReasonTransient, Due: now, At: now}
	wait := r.halt.left(now)
	switch {
	case !now.Before(n.Expires):
		s.State, s.Reason = Expired, ReasonExpired
	case wait > 0:
		s.Due, s.Reason = now.Add(wait), r.paused()
	case ctx.Err() != nil: // shutting down: the next process sends it
	case now.Sub(a.Begun) > begunFresh: // what it says may not be so any more
	default:
		return Settlement{}, false
	}
	return s, true
}
