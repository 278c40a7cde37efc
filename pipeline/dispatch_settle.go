package pipeline

import (
	"context"
	"errors"
	"time"
)

// skip settles a notification that is not to be sent, for that reason. An error
// is handed on: then nothing is settled.
func (d *Dispatch) skip(ctx context.Context, n DueNotification, why Reason, err error) error {
	if err != nil {
		return err
	}
	state := Skipped
	if why == ReasonExpired {
		state = Expired
	}
	end := Settlement{Key: n.Key, State: state, Reason: why, At: d.Now()}
	end.Writes = d.unsent(n, Attempt{SubjectVersion: n.Subject.Version}, end)
	if err := d.Ledger.Settle(ctx, end); err != nil {
		return err
	}
	d.Metrics.settled(n.Notification, state, why)
	d.Log.Info("not sent", "notification", n.Key, "journey", n.Journey, "step", n.Step, "reason", string(why))
	return nil
}

// unsent are the writes about what was not sent: the chart has it of a message that the provider has refused, and of what it
// is to know besides; who has asked for a message hears of every reason.
func (d *Dispatch) unsent(n DueNotification, a Attempt, s Settlement) []Write {
	switch {
	case s.State == Failed || s.State == Skipped || s.State == Expired:
	case s.State == Planned && s.Reason == ReasonNotReachable: // this attempt has ended; another channel makes the next
		s.State = Failed
	default:
		return nil
	}
	return d.File(SentMessage{Attempt: a, Notification: n.Notification, Fate: Fate{State: s.State, Reason: s.Reason, Code: s.Code}})
}

func (d *Dispatch) accepted(ctx context.Context, n DueNotification, s Settlement) {
	if err := d.Ledger.Settle(ctx, s); err != nil {
		d.Log.Error("accepted message not settled; its status will settle it", "notification", n.Key, "error", err)
		return
	}
	d.Metrics.settled(n.Notification, Accepted, ReasonNone)
}

// settle closes an attempt that did not end well.
func (d *Dispatch) settle(ctx context.Context, n DueNotification, s Settlement) {
	if err := d.Ledger.Settle(ctx, s); err != nil {
		d.Log.Error("failed attempt not settled; it will lapse", "notification", n.Key, "error", err)
		return
	}
	d.Metrics.settled(n.Notification, s.State, s.Reason)
}

// failed says how an attempt ends that was posted and not accepted, by the kind of the failure.
func (d *Dispatch) failed(n DueNotification, a Attempt, r route, err error) Settlement {
	now := d.Now()
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Op: "dispatch.send", Unknown: true}
	}
	s := Settlement{Key: n.Key, Attempt: a.ID, Code: e.Code, At: now}
	wait := max(e.After, time.Second)
	switch {
	case e.Halt:
		d.halted(e, r)
		s.State, s.Reason, s.Due = Planned, ReasonHalted, now.Add(r.halt.left(now))
	case e.Code == codeWindowClosed && a.free() && n.ReplyTo == "": // certainly not sent; the template says it
		d.resumed(r)
		s.State, s.Reason, s.Due, s.Shut = Planned, ReasonWindow, now, true
	case e.Code == codeNotOnWhatsApp && d.elsewhere(n, a): // certainly not sent; the other channel says it
		d.resumed(r)
		s.State, s.Reason, s.Due = Planned, ReasonNotReachable, now
	case (e.Kind == Refused || e.Kind == Malformed) && len(a.Covers) > 0 && (e.Code == "" || unfit(e.Code)): // each is said by itself
		d.resumed(r)
		s.State, s.Reason, s.Due, s.Alone = Planned, failure(e.Code), now, true
	case e.Kind == Refused || e.Kind == Malformed:
		d.resumed(r)
		s.State, s.Reason = Failed, failure(e.Code)
	case e.Kind == Throttled:
		d.resumed(r)
		if !e.Pair {
			r.halt.until(now.Add(wait))
		}
		s.State, s.Reason, s.Due = Planned, ReasonThrottled, now.Add(wait)
	default:
		s.State, s.Reason, s.Due = Planned, ReasonTransient, now.Add(backoff(n.Tries))
	}
	if e.Unknown { // whatever else it is, it may have gone out
		s.State, s.Reason, s.Due = StateUnknown, ReasonNoAnswer, time.Time{}
	}
	d.Log.Warn("not accepted", "notification", n.Key, "state", string(s.State), "error", e)
	return s
}

// halted stops the channel: every further send would fail until a person acts. After the
// pause one send is tried.
func (d *Dispatch) halted(e *Error, r route) {
	r.halt.begin(d.Now())
	d.Metrics.halt(r.name, true)
	d.Log.Error("channel halted: its account or credentials are refused", "channel", r.name, "code", e.Code)
}

// resumed notes that the provider has dealt with a message: the account is in order.
func (d *Dispatch) resumed(r route) {
	if r.halt.clear() {
		d.Metrics.halt(r.name, false)
		d.Log.Info("channel sends again", "channel", r.name)
	}
}

// paused is the reason for which the channel stands still.
func (r route) paused() Reason {
	if r.halt.doubtful() {
		return ReasonHalted
	}
	return ReasonThrottled
}

// preparedTries makes the wait for another try of preparing some seconds from the first: such tries are
// not counted.
const preparedTries = 3

// putOff gives a notification back that could not be prepared. What is malformed
// will not get better by waiting: it is held back with its reason.
func (d *Dispatch) putOff(ctx context.Context, n DueNotification, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	d.Log.Error("notification not prepared", "notification", n.Key, "error", err)
	if KindOf(err) == Malformed {
		if err := d.skip(ctx, n, ReasonMissingFact, nil); err != nil {
			d.Log.Error("not settled", "notification", n.Key, "error", err)
		}
		return
	}
	d.putBack(ctx, n, d.Now().Add(backoff(n.Tries+preparedTries)), ReasonTransient)
}

func (d *Dispatch) putBack(ctx context.Context, n DueNotification, due time.Time, why Reason) {
	if err := d.Ledger.Postpone(ctx, n.Key, due, why); err != nil && ctx.Err() == nil {
		d.Log.Error("not put off; its lease will end", "notification", n.Key, "error", err)
	}
}
