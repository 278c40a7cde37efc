package sqlledger

import (
	"cmp"
	"context"
	"slices"

	"fhirbridge/pipeline"
)

// Trace implements pipeline.Ledger.
func (l *Ledger) Trace(ctx context.Context, ref string) (entries []pipeline.TraceEntry, err error) {
	err = l.view(ctx, func(c *conn) error {
		list, err := l.concerning(c, ref)
		if err != nil {
			return err
		}
		slices.SortStableFunc(list, func(a, b stored) int {
			return cmp.Or(cmp.Compare(a.plannedAt, b.plannedAt), a.Due.Compare(b.Due), cmp.Compare(a.Key, b.Key))
		})
		entries = make([]pipeline.TraceEntry, 0, len(list))
		for _, n := range list {
			attempts, err := l.attemptsOf(c, n)
			if err != nil {
				return err
			}
			entries = append(entries, entry(n, attempts))
		}
		return nil
	})
	return entries, err
}

// concerning returns the notifications about a subject and those about a patient.
func (l *Ledger) concerning(c *conn, ref string) ([]stored, error) {
	kept, ok, err := head(c, ref)
	if err != nil {
		return nil, err
	}
	var list []stored
	if ok {
		if list, err = l.ofSubject(c, kept.id, ref); err != nil {
			return nil, err
		}
	}
	err = c.query(func(r row) error {
		n, err := l.notificationOf(r, r.text(notificationWidth))
		list = append(list, n)
		return err
	}, "SELECT "+notificationColumns+`, r.ref FROM about b JOIN resource r ON r.id = b.subject_id
		JOIN notification n ON n.subject_id = b.subject_id WHERE b.patient = ? AND n.patient = b.patient`, ref)
	if err != nil {
		return nil, err
	}
	err = c.query(func(r row) error {
		n, err := l.notificationOf(r, "")
		list = append(list, n)
		return err
	}, "SELECT "+notificationColumns+" FROM notification n WHERE n.subject_id < 1 AND n.patient = ?", ref)
	return list, err
}

// attemptsOf returns the attempts of a notification, oldest first.
func (l *Ledger) attemptsOf(c *conn, n stored) ([]attempt, error) {
	var list []attempt
	for id := n.attempt; id != 0; {
		a, ok, err := l.attemptByRow(c, id)
		if err != nil || !ok {
			return nil, err
		}
		list = append(list, a)
		id = a.previous
	}
	slices.Reverse(list)
	return list, nil
}

// entry tells the history of a notification by the times that its rows keep. The
// trace holds no words: attempts come without what was shown to the patient.
func entry(n stored, attempts []attempt) pipeline.TraceEntry {
	e := pipeline.TraceEntry{Notification: n.Notification}
	e.Notification.Facts, e.Notification.Address = pipeline.Private{}, pipeline.Private{}
	add := func(s pipeline.State, reason string, at int64) {
		if at != 0 {
			e.States = append(e.States, pipeline.StateChange{State: s, Reason: pipeline.Reason(reason), At: fromMicros(at)})
		}
	}
	add(pipeline.Planned, "", n.plannedAt)
	for _, a := range attempts {
		add(pipeline.Sending, "", micros(a.Begun))
		add(pipeline.StateUnknown, string(pipeline.ReasonNoAnswer), a.unknownAt)
		add(pipeline.Accepted, "", a.acceptedAt)
		add(pipeline.Sent, "", a.sentAt)
		add(pipeline.Delivered, "", a.deliveredAt)
		add(pipeline.Read, "", a.readAt)
		if n.State != pipeline.Failed || a.row != n.attempt {
			add(pipeline.Failed, string(pipeline.ReasonRefused), a.failedAt)
		}
		a.Seen, a.Address, a.Shown = pipeline.Private{}, pipeline.Private{}, ""
		e.Attempts = append(e.Attempts, a.Attempt)
	}
	reason := ""
	if n.State == pipeline.Planned {
		reason = n.Reason
	}
	add(pipeline.Planned, reason, n.postponedAt)
	if final(numberOf(n.State)) {
		add(n.State, n.Reason, n.closedAt)
	}
	slices.SortStableFunc(e.States, func(a, b pipeline.StateChange) int { return a.At.Compare(b.At) })
	return e
}
