package pipeline

import (
	"context"
	"time"

	"fhirbridge/fhir"
)

// turn asks the gates and waits for the notification's turn in the pace. to is empty when it has
// been settled or put off here.
func (d *Dispatch) turn(ctx context.Context, n DueNotification) (f Facts, to Private, err error) {
	f, to, no, err := d.Admit(ctx, n)
	if err != nil || no != (Verdict{}) {
		return f, Private{}, d.object(ctx, n, no, err)
	}
	var wait time.Duration
	d.idle(func() { wait, err = d.Pace.Wait(ctx, to, patience) })
	if err != nil {
		return f, Private{}, err
	}
	if wait > 0 {
		return f, Private{}, d.Ledger.Postpone(ctx, n.Key, d.Now().Add(wait), ReasonThrottled)
	}
	return f, to, nil
}

// again asks the gates once more, after a wait: the patient may have another number by now, have
// said STOP, have died. to is empty when the notification has been settled or put off here.
func (d *Dispatch) again(ctx context.Context, n DueNotification, before Private) (f Facts, to Private, err error) {
	f, to, no, err := d.Admit(ctx, n)
	if err != nil || no != (Verdict{}) {
		return f, Private{}, d.object(ctx, n, no, err)
	}
	if !to.Equal(before) { // it has waited for another number's turn
		return f, Private{}, d.Ledger.Postpone(ctx, n.Key, d.Now(), ReasonThrottled)
	}
	return f, to, nil
}

// object does what a gate says: it settles the notification, or puts it off.
func (d *Dispatch) object(ctx context.Context, n DueNotification, no Verdict, err error) error {
	if err != nil || no.Hold == ReasonNone {
		return d.skip(ctx, n, no.Skip, err)
	}
	now := d.Now()
	due := no.Until
	if !due.After(now) {
		due = now.Add(holdFor)
	}
	if n.Expires.Before(due) {
		due = n.Expires // then it is settled as expired
	}
	return d.Ledger.Postpone(ctx, n.Key, due, no.Hold)
}

// Admit does what comes before the words of a leased notification: it gathers the facts as they are now, finds the
// number and asks the gates. no is the zero Verdict if none objects. It changes nothing; Run acts on what it
// returns, and a simulation shows it. An error is Transient, or Malformed where the kept subject cannot be read.
func (d *Dispatch) Admit(ctx context.Context, n DueNotification) (f Facts, to Private, no Verdict, err error) {
	f, c, no, err := d.candidate(ctx, n)
	if err == nil && no == (Verdict{}) {
		no, err = d.ask(ctx, c)
	}
	return f, c.Address, no, err
}

// ask asks the gates, in their order.
func (d *Dispatch) ask(ctx context.Context, c Candidate) (Verdict, error) {
	for _, gate := range d.Gates {
		no, err := gate.Admit(ctx, c)
		if err != nil || no != (Verdict{}) {
			return no, err
		}
	}
	return Verdict{}, nil
}

// candidate is what the gates are asked about, unless there is something else in the way.
func (d *Dispatch) candidate(ctx context.Context, n DueNotification) (f Facts, c Candidate, no Verdict, err error) {
	if f, err = d.facts(ctx, n); err != nil {
		return f, c, no, err
	}
	// First of all: what holds a message up does so until it expires, and not again after that.
	if !f.Now.Before(n.Expires) {
		return f, c, Verdict{Skip: ReasonExpired}, nil
	}
	if no, err := d.covered(ctx, n.Notification, f.Now); err != nil || no != (Verdict{}) {
		return f, c, no, err
	}
	wait, err := d.stead(ctx, n.Notification, &f)
	if err != nil {
		return f, c, no, err
	}
	if wait {
		return f, c, Verdict{Hold: ReasonNoProxy, Until: f.Now.Add(proxyWait)}, nil
	}
	c = Candidate{Notification: n.Notification, Patient: f.Patient, Proxy: f.Proxy, Now: f.Now}
	c.Address, c.Problem = d.address(n.Notification, f)
	var known Sender
	if !c.Address.Empty() {
		if known, err = d.Ledger.Sender(ctx, c.Address); err != nil {
			return f, c, no, err
		}
	}
	f.Language, f.Identity = known.Language, known.Identity
	f.Plain = d.plainly(n, known, f.Now)
	f.Window = !n.Shut && (n.ReplyTo != "" || inWindow(known.Heard, f.Now))
	word, stopped, err := d.stopped(ctx, n.Notification, f, c.Address, known)
	if err != nil {
		return f, c, no, err
	}
	if c.Disowned, err = d.disowned(ctx, n.Notification, c.Address, known); err != nil {
		return f, c, no, err
	}
	denied, lifted, err := d.objects(ctx, n, word, f.Now)
	if err != nil {
		return f, c, no, err
	}
	if c.Unverified = d.doubted(known, f, c.Address); !c.Unverified.IsZero() {
		c.Neutral = d.neutralOf(n.Notification, f)
	}
	c.Stopped, c.Denied, c.Absent, c.Elsewhere = stopped && !lifted, denied, known.Absent, f.Plain
	c.Template = d.templateOf(n.Notification, f)
	return f, c, no, nil
}

// window is for how long after a person's last message the provider lets more be said than templates
// have, less what a message may take until it is sent.
// https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages#customer-service-windows
const window = 24*time.Hour - 10*time.Minute

// inWindow reports whether somebody who was last heard then may still be sent more than templates.
func inWindow(heard, now time.Time) bool { return !heard.IsZero() && now.Sub(heard) < window }

// compose puts the notification into words. aside does what takes long without the place of the attempt.
func (d *Dispatch) compose(ctx context.Context, n DueNotification, f Facts, to Private, aside func(work func()) bool) (a Attempt, m Message, ready bool, err error) {
	id := NewAttempt()
	c, covers, err := d.Words(ctx, n, f, to, id)
	if err != nil || c.Skip != ReasonNone {
		return a, m, false, d.skip(ctx, n, c.Skip, err)
	}
	m = c.Message
	m.Attempt, m.To, m.Identity = id, to, f.Identity
	a = Attempt{
		ID: id, Notification: n.Key, Channel: d.route(f.Plain).name, Recipient: f.Recipient(n.Notification), Address: to, Seen: m.Seen, Language: m.Language,
		Actions: c.Actions, Choices: c.Choices, Shown: c.Shown, Awaits: c.Awaits, Once: c.Once, Covers: covers, SubjectVersion: n.Subject.Version, Begun: d.Now(),
	}
	if m.Template != nil {
		a.Template = m.Template.Name
	}
	if c.Attach != nil {
		ready, err = d.attach(ctx, n, f, to, c.Attach, &m, aside)
		a.Begun = d.Now()
		return a, m, ready, err
	}
	if m.Picture != nil {
		ready, err = d.picture(ctx, n, to, m.Picture, aside)
		a.Begun = d.Now()
		return a, m, ready, err
	}
	return a, m, true, nil
}

// facts gathers what the words are made from, as new as it is known.
func (d *Dispatch) facts(ctx context.Context, n DueNotification) (Facts, error) {
	f := Facts{Known: n.Known, Now: d.Now(), Lookup: func(string) fhir.Resource { return nil }}
	if len(n.Subject.Resource) > 0 {
		subject, err := d.Resolver.Decode(n.Notification.Subject, n.Subject.Resource)
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
	who := f.Lookup(n.Patient) // the subject refers to it, or contains it
	if who == nil {
		var err error
		if who, err = d.Resolver.Resource(ctx, n.Patient); err != nil {
			return f, err
		}
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
	if f.Proxy != nil {
		number, problem := f.Proxy.Phone(f.Now, d.Country)
		return NewPrivate(number), Reason(problem)
	}
	number, problem := f.Patient.Phone(f.Now, d.Country)
	return NewPrivate(number), Reason(problem) // fhir's words are among ours
}
