package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"fhirbridge/fhir"
)

const (
	// lookAhead is how many notifications are prepared for each one being posted, so that the
	// slots are busy with the network and not with the disk.
	lookAhead = 4
	// sendTimeout bounds one post; an attempt without an answer by then is unknown.
	sendTimeout = 15 * time.Second
	// patience is how long a prepared message waits for its turn in the pace before it is put off.
	patience = 10 * time.Second
	// idlePoll bounds how long another instance's news may go unnoticed.
	idlePoll = 5 * time.Second
	// haltPause is how long nothing is sent after a fault of our own account; it doubles up to haltMax.
	haltPause = 5 * time.Second
	haltMax   = 5 * time.Minute
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
	Pace        *Pace
	// Concurrency is how many posts are under way at once.
	Concurrency int
	// Country is the facility's, for numbers written without one (ISO 3166-1 alpha-2).
	Country string
	// File returns the writes that record a message which the provider has taken.
	File func(SentMessage) []Write

	halt pause
}

// Run sends what is due until ctx ends, then finishes what is under way. What
// it could not finish is settled after a restart.
func (d *Dispatch) Run(ctx context.Context) error {
	due, _ := d.Ledger.Wake()
	jobs := newQueues()
	defer jobs.wait()
	slots := make(chan struct{}, d.Concurrency)
	room := make(chan struct{}, d.Concurrency*lookAhead)
	freed := make(chan struct{}, 1)
	for ctx.Err() == nil {
		if wait := d.halt.left(d.Now()); wait > 0 {
			_ = sleep(ctx, min(wait, time.Second))
			continue
		}
		free := cap(room) - len(room)
		list, err := d.lease(ctx, free)
		for _, n := range list {
			room <- struct{}{}
			jobs.do(n.Patient+n.Address.Reveal(), func() {
				d.handle(ctx, n, slots)
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
		d.rest(ctx, due, freed, free == 0, err != nil)
	}
	return nil
}

func (d *Dispatch) lease(ctx context.Context, free int) ([]DueNotification, error) {
	if free == 0 {
		return nil, nil
	}
	list, err := d.Ledger.Due(ctx, d.Now(), free)
	if err != nil && ctx.Err() == nil {
		d.Log.Error("due notifications not read", "error", err)
	}
	return list, err
}

// rest waits for something to do: news from intake, a free slot, the next due, or the poll.
func (d *Dispatch) rest(ctx context.Context, due, freed <-chan struct{}, full, failed bool) {
	wait := idlePoll
	if failed {
		wait = time.Second
	} else if at, ok, err := d.Ledger.NextDue(ctx); err == nil && ok && !full {
		wait = min(wait, max(time.Millisecond, at.Sub(d.Now())))
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	if full {
		due = nil
	}
	select {
	case <-ctx.Done():
	case <-due:
	case <-freed:
	case <-t.C:
	}
}

// handle brings one notification to its next state.
func (d *Dispatch) handle(ctx context.Context, n DueNotification, slots chan struct{}) {
	if ctx.Err() != nil {
		return // shutting down: its lease ends with the process
	}
	if wait := d.halt.left(d.Now()); wait > 0 {
		d.putBack(ctx, n, d.Now().Add(wait), ReasonHalted)
		return
	}
	attempt, message, ready, err := d.prepare(ctx, n)
	if err != nil {
		d.putOff(ctx, n, err)
		return
	}
	if !ready {
		return
	}
	work := context.WithoutCancel(ctx) // once begun it is finished, also while shutting down
	begun, err := d.Ledger.Begin(work, attempt)
	if err != nil {
		d.Log.Error("attempt not begun", "notification", n.Key, "error", err)
		return
	}
	if !begun {
		return
	}
	slots <- struct{}{}
	posted := d.Now()
	receipt, err := d.post(work, message)
	<-slots
	took := d.Now().Sub(posted)
	if err != nil {
		d.failed(work, n, attempt, err)
		d.Metrics.sent(d.ChannelName, KindOf(err).String(), took, posted.Sub(n.Due))
		return
	}
	d.Metrics.sent(d.ChannelName, "accepted", took, posted.Sub(n.Due))
	d.halt.clear()
	d.accepted(work, n, attempt, receipt)
}

func (d *Dispatch) post(ctx context.Context, m Message) (Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return d.Channel.Send(ctx, m)
}

// prepare asks the gates, finds the words and waits for its turn. ready is false
// when the notification has been settled or put off here.
func (d *Dispatch) prepare(ctx context.Context, n DueNotification) (Attempt, Message, bool, error) {
	facts, err := d.facts(ctx, n)
	if err != nil {
		return Attempt{}, Message{}, false, err
	}
	address, problem := d.address(n.Notification, facts)
	candidate := Candidate{
		Notification: n.Notification, Patient: facts.Patient, Address: address, Problem: problem, Now: facts.Now,
	}
	for _, gate := range d.Gates {
		verdict, err := gate.Admit(ctx, candidate)
		if err != nil {
			return Attempt{}, Message{}, false, err
		}
		if verdict.Skip != ReasonNone {
			return Attempt{}, Message{}, false, d.skip(ctx, n, verdict.Skip)
		}
	}
	if n.Notification.Subject != "" && facts.Subject == nil {
		return Attempt{}, Message{}, false, d.skip(ctx, n, ReasonSubjectGone)
	}
	id := NewAttempt()
	composed, err := d.Journeys.Compose(n.Notification, facts, id)
	if err != nil {
		return Attempt{}, Message{}, false, err
	}
	if composed.Skip != ReasonNone {
		return Attempt{}, Message{}, false, d.skip(ctx, n, composed.Skip)
	}
	wait, err := d.Pace.Wait(ctx, address, patience)
	if err != nil {
		return Attempt{}, Message{}, false, err
	}
	if wait > 0 {
		return Attempt{}, Message{}, false, d.Ledger.Postpone(ctx, n.Key, d.Now().Add(wait), ReasonThrottled)
	}
	m := composed.Message
	m.Attempt, m.To = id, address
	attempt := Attempt{
		ID: id, Notification: n.Key, Channel: d.ChannelName, Address: address, Seen: m.Seen, Language: m.Language,
		Actions: composed.Actions, Shown: composed.Shown, SubjectVersion: n.Subject.Version, Begun: d.Now(),
	}
	if m.Template != nil {
		attempt.Template = m.Template.Name
	}
	return attempt, m, true, nil
}

// facts gathers what the words are made from, as new as it is known.
func (d *Dispatch) facts(ctx context.Context, n DueNotification) (Facts, error) {
	f := Facts{Known: n.Known, Now: d.Now(), Window: n.ReplyTo != "", Lookup: func(string) fhir.Resource { return nil }}
	if len(n.Subject.Resource) > 0 {
		subject, err := fhir.Decode(n.Subject.Resource)
		if err != nil {
			return f, malformed("dispatch.facts", err)
		}
		f.Subject = subject
		if f.Lookup, err = d.Resolver.Lookup(ctx, subject, nil); err != nil {
			return f, err
		}
	}
	if n.Patient == "" {
		return f, nil
	}
	who, err := d.Resolver.Resource(ctx, n.Patient)
	if err != nil {
		return f, err
	}
	f.Patient, _ = who.(*fhir.Patient)
	return f, nil
}

// address returns the number to send to, or why there is none.
func (d *Dispatch) address(n Notification, f Facts) (Private, Reason) {
	if !n.Address.Empty() {
		return n.Address, ReasonNone
	}
	if f.Patient == nil {
		return Private{}, ReasonNoPatient
	}
	number, problem := f.Patient.Phone(f.Now, d.Country)
	return NewPrivate(number), Reason(problem) // fhir's words are among ours
}

func (d *Dispatch) skip(ctx context.Context, n DueNotification, why Reason) error {
	state := Skipped
	if why == ReasonExpired {
		state = Expired
	}
	if err := d.Ledger.Settle(ctx, Settlement{Key: n.Key, State: state, Reason: why, At: d.Now()}); err != nil {
		return err
	}
	d.Metrics.settled(n.Notification, state, why)
	d.Log.Info("not sent", "notification", n.Key, "journey", n.Journey, "step", n.Step, "reason", string(why))
	return nil
}

func (d *Dispatch) accepted(ctx context.Context, n DueNotification, a Attempt, r Receipt) {
	a.MessageID = r.MessageID
	s := Settlement{
		Key: n.Key, Attempt: a.ID, State: Accepted, MessageID: r.MessageID, At: d.Now(),
		Writes: d.File(SentMessage{Attempt: a, Notification: n.Notification}),
	}
	if err := d.Ledger.Settle(ctx, s); err != nil {
		d.Log.Error("accepted message not settled; its status will settle it", "notification", n.Key, "error", err)
		return
	}
	d.Metrics.settled(n.Notification, Accepted, ReasonNone)
}

// failed settles an attempt that did not end well, by the kind of the failure.
func (d *Dispatch) failed(ctx context.Context, n DueNotification, a Attempt, err error) {
	s := Settlement{Key: n.Key, Attempt: a.ID, At: d.Now()}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Op: "dispatch.send", Unknown: true}
	}
	s.Code = e.Code
	switch {
	case e.Unknown:
		s.State, s.Reason = StateUnknown, ReasonNoAnswer
	case e.Kind == Refused || e.Kind == Malformed:
		s.State, s.Reason = Failed, ReasonRefused
		if e.Code == codeNotOnWhatsApp {
			s.Reason = ReasonNotReachable
		}
	default:
		s.State, s.Reason, s.Due = Planned, ReasonTransient, d.Now().Add(backoff(n.Tries))
		if e.Kind == Throttled {
			s.Reason, s.Due = ReasonThrottled, d.Now().Add(max(e.After, time.Second))
		}
	}
	if e.Halt {
		s.Reason = ReasonHalted
		d.halt.begin(d.Now())
		d.Metrics.halt(d.ChannelName, true)
		d.Log.Error("channel halted: its account or credentials are refused", "channel", d.ChannelName, "code", e.Code)
	} else if e.Kind == Throttled && !e.Pair {
		d.halt.until(d.Now().Add(e.After))
	}
	d.Log.Warn("not accepted", "notification", n.Key, "state", string(s.State), "error", e)
	if err := d.Ledger.Settle(ctx, s); err != nil {
		d.Log.Error("failed attempt not settled; it will lapse", "notification", n.Key, "error", err)
		return
	}
	d.Metrics.settled(n.Notification, s.State, s.Reason)
}

// codeNotOnWhatsApp is Meta's code for a number that cannot be reached on WhatsApp.
// https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
const codeNotOnWhatsApp = "131026"

// putOff gives a notification back that could not be prepared. What is malformed
// will not get better by waiting: it is held back with its reason.
func (d *Dispatch) putOff(ctx context.Context, n DueNotification, err error) {
	if ctx.Err() != nil {
		return
	}
	d.Log.Error("notification not prepared", "notification", n.Key, "error", err)
	if KindOf(err) == Malformed {
		if err := d.skip(ctx, n, ReasonMissingFact); err != nil {
			d.Log.Error("not settled", "notification", n.Key, "error", err)
		}
		return
	}
	d.putBack(ctx, n, d.Now().Add(backoff(n.Tries)), ReasonTransient)
}

func (d *Dispatch) putBack(ctx context.Context, n DueNotification, due time.Time, why Reason) {
	if err := d.Ledger.Postpone(ctx, n.Key, due, why); err != nil {
		d.Log.Error("not put off; its lease will end", "notification", n.Key, "error", err)
	}
}

// pause is a channel's stop sign.
type pause struct {
	mu   sync.Mutex
	end  time.Time
	last time.Duration
}

func (p *pause) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end.Sub(now)
}

func (p *pause) begin(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end.After(now) {
		return // the same fault, met by another send
	}
	p.last = min(max(haltPause, 2*p.last), haltMax)
	p.end = now.Add(p.last)
}

func (p *pause) until(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.After(p.end) {
		p.end = t
	}
}

func (p *pause) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = 0
}
