package sqlledger

import (
	"context"

	"fhirbridge/pipeline"
)

// Apply implements pipeline.Ledger. An event without type or id, and a plan for
// another subject than the event's, are Malformed.
func (l *Ledger) Apply(ctx context.Context, ev pipeline.Event, decide pipeline.Decide) (pipeline.Applied, error) {
	if ev.Type == "" || ev.ID == "" {
		return pipeline.Applied{}, &pipeline.Error{Op: "sqlledger.apply", Kind: pipeline.Malformed, Reason: "no_id"}
	}
	body := []byte(ev.Resource)
	if ev.Operation == pipeline.Delete {
		body = nil
	}
	in := l.incoming(ev.Ref(), pipeline.Stamp{Version: ev.Version, LastUpdated: ev.LastUpdated, Recorded: ev.Source.Time}, body)
	if ev.Operation == pipeline.Snapshot {
		in.source = fromLoad
	}
	var result pipeline.Applied
	var owed []pipeline.Write
	if decide != nil {
		asked := decide
		decide = func(kept pipeline.Versioned, known pipeline.Known) (pipeline.Plan, error) {
			plan, err := asked(kept, known)
			owed = plan.Writes
			return plan, err
		}
	}
	err := l.writer.do(ctx, func(t *tx) (err error) {
		result, err = l.apply(t, in, decide)
		return err
	})
	if err != nil {
		return pipeline.Applied{}, err
	}
	l.wake(owed)
	return result, nil
}

// wake tells the lanes that wait for it what a plan that is durable owes.
func (l *Ledger) wake(owed []pipeline.Write) {
	for _, w := range owed {
		signal(l.writes[w.Sink])
	}
}

func (l *Ledger) apply(t *tx, in incoming, decide pipeline.Decide) (pipeline.Applied, error) {
	kept, ok, err := head(t.conn, in.ref)
	if err != nil {
		return pipeline.Applied{}, err
	}
	if ok {
		fresh := pipeline.Compare(kept.stamp, in.stamp)
		if fresh == pipeline.Same && kept.source == fromServer {
			fresh = pipeline.Newer // it was read from the server; as an event it is new
		}
		if fresh != pipeline.Newer {
			list, err := visits(t, kept, in.stamp, fresh)
			return pipeline.Applied{Fresh: fresh, Visits: list}, err
		}
	}
	if decide == nil {
		_, err := keep(t, in, kept)
		return pipeline.Applied{Fresh: pipeline.Newer}, err
	}
	var before pipeline.Versioned
	var subject subjectState
	if ok {
		if before, subject, err = l.before(t, kept, in.ref); err != nil {
			return pipeline.Applied{}, err
		}
	}
	plan, err := planOf(in.ref, decide, before, subject)
	if err != nil {
		return pipeline.Applied{}, err
	}
	id, err := keep(t, in, kept)
	if err != nil {
		return pipeline.Applied{}, err
	}
	why := pipeline.ReasonSuperseded
	if in.body == nil {
		why = pipeline.ReasonDeleted
	}
	result, err := l.carryOut(t, id, in.ref, subject, plan, why)
	if err != nil {
		return result, err
	}
	result.Visits, err = visits(t, kept, in.stamp, pipeline.Newer)
	return result, err
}

// planOf is what is wanted of a subject, and of no other.
func planOf(ref string, decide pipeline.Decide, kept pipeline.Versioned, subject subjectState) (pipeline.Plan, error) {
	plan, err := decide(kept, subject.known())
	if err != nil {
		return plan, err
	}
	for _, n := range plan.Wanted {
		if n.Subject != ref || n.Key == "" {
			return plan, &pipeline.Error{Op: "sqlledger.apply", Kind: pipeline.Malformed, Reason: "foreign_plan"}
		}
	}
	return plan, nil
}

// carryOut does what a plan wants.
func (l *Ledger) carryOut(t *tx, id int64, ref string, subject subjectState, plan pipeline.Plan, why pipeline.Reason) (pipeline.Applied, error) {
	if err := insertWrites(t, l.sealWrites(plan.Writes)); err != nil {
		return pipeline.Applied{}, err
	}
	if err := goesBack(t, ref, plan.Bookings); err != nil {
		return pipeline.Applied{}, err
	}
	result, due, err := l.reconcile(t, id, subject.list, plan, why)
	result.DueNow = due <= micros(t.now)
	if err == nil && (result.Planned > 0 || result.Kept > 0) {
		t.news(due)
	}
	return result, err
}

// before returns the kept version and what is known of the subject.
func (l *Ledger) before(t *tx, kept resource, ref string) (pipeline.Versioned, subjectState, error) {
	body, err := l.body(t.conn, kept.id, ref)
	if err != nil {
		return pipeline.Versioned{}, subjectState{}, err
	}
	v := pipeline.Versioned{Resource: body}
	if body != nil {
		v.Version = kept.version()
	}
	subject, err := l.subject(t.conn, kept.id, ref)
	return v, subject, err
}

// reconcile brings the plan of a subject to what is wanted. list are all its
// notifications. It returns the counts and when the earliest planned one falls due.
func (l *Ledger) reconcile(t *tx, subjectID int64, list []stored, plan pipeline.Plan, why pipeline.Reason) (pipeline.Applied, int64, error) {
	var result pipeline.Applied
	due := never
	there := make(map[string]*stored, len(list))
	for i := range list {
		there[list[i].Key] = &list[i]
	}
	wanted := make(map[string]bool, len(plan.Wanted))
	patients := make([]string, 0, 1)
	for _, n := range plan.Wanted {
		if wanted[n.Key] {
			continue
		}
		wanted[n.Key] = true
		old, ok := there[n.Key]
		again, err := comesAgain(t.conn, old)
		if err != nil {
			return result, due, err
		}
		switch {
		case !ok:
			result.Planned++
			patients = append(patients, n.Patient)
			err = l.insert(t, subjectID, n)
		case old.State == pipeline.Planned:
			result.Kept++
			err = l.replan(t, old, n)
		case again:
			result.Planned++
			err = l.replan(t, old, n)
		default: // it has been sent, or settled for good
			result.Kept++
			continue
		}
		if err != nil {
			return result, due, err
		}
		due = min(due, micros(n.Due))
	}
	var err error
	if result.Cancelled, err = withdraw(t, list, wanted, why); err != nil {
		return result, due, err
	}
	return result, due, concern(t, subjectID, patients...)
}

// withdraw cancels what is planned of list and not wanted any more, and counts it. Of what was said together with
// another one it notes whether it is still wanted.
func withdraw(t *tx, list []stored, wanted map[string]bool, why pipeline.Reason) (cancelled int, err error) {
	for i := range list {
		switch n := &list[i]; {
		case n.merged():
			err = want(t, n, wanted[n.Key])
		case n.inPlan() && !wanted[n.Key]:
			cancelled++
			err = cancel(t, n, why)
		}
		if err != nil {
			return cancelled, err
		}
	}
	return cancelled, nil
}

// comesAgain reports whether a notification was cancelled before anything of it may have gone out: then
// it can be planned again. old is nil if there is none.
func comesAgain(c *conn, old *stored) (bool, error) {
	if old == nil || old.State != pipeline.Cancelled {
		return false, nil
	}
	history, err := historyOf(c, old.attempt)
	return !history.gone, err
}

// inPlan reports whether a notification is one of those that are cancelled when
// they are wanted no more. Answers to replies are not: they are owed to whoever wrote.
func (n *stored) inPlan() bool { return n.State == pipeline.Planned && n.ReplyTo == "" }

// replan gives a planned or cancelled notification the newest times and facts.
func (l *Ledger) replan(t *tx, old *stored, n pipeline.Notification) error {
	if n.Address.Empty() {
		n.Address = old.Address
	}
	n.Shut, n.Alone = n.Shut || old.Shut, n.Alone || old.Alone
	_, err := t.exec(`UPDATE notification SET state = 0, reason = '', closed_at = 0, priority = ?, due_at = ?, expires_at = ?, flags = ?, secret = ?
		WHERE subject_id = ? AND key = ?`,
		int64(n.Priority), micros(n.Due), micros(n.Expires), flags(n), l.sealNotification(n), old.subjectID, old.Key)
	t.moved(numberOf(old.State), old.Reason, planned, "")
	return err
}

func cancel(t *tx, n *stored, why pipeline.Reason) error {
	_, err := t.exec("UPDATE notification SET state = 8, reason = ?, closed_at = ? WHERE subject_id = ? AND key = ?",
		string(why), micros(t.now), n.subjectID, n.Key)
	t.moved(planned, "", cancelled, string(why))
	return err
}
