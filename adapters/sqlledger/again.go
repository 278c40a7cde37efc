package sqlledger

import (
	"fhirbridge/pipeline"
)

// again plans a notification again whose last attempt has failed after the provider took it: for the same reason it may pass
// later, another channel may say it, or each of what it said can be said by itself. It reports false for a failure of any other
// kind; where that would come too late or is overtaken; and where another attempt went out, or may have.
func (l *Ledger) again(t *tx, a attempt, n *stored, r pipeline.Receipt) (bool, error) {
	s, ok := retrial(t, a, *n, r)
	if !ok || n.Tries >= pipeline.MaxAgain {
		return false, nil
	}
	late := !n.Expires.IsZero() && !s.Due.Before(n.Expires)
	if late && len(a.Covers) == 0 {
		return false, nil
	}
	history, err := historyOf(t.conn, a.row)
	if err != nil || history.gone {
		return false, err
	}
	if err := l.release(t, a, s); err != nil || late {
		return false, err
	}
	if over, err := l.overtaken(t, a, *n); over || err != nil {
		return false, err
	}
	if err := anew(t, *n, s); err != nil {
		return false, err
	}
	n.State, n.Reason, n.Alone = pipeline.Planned, string(s.Reason), n.Alone || s.Alone
	return true, nil
}

// retrial is how a failure may be mended, if it may be.
func retrial(t *tx, a attempt, n stored, r pipeline.Receipt) (pipeline.Settlement, bool) {
	s := pipeline.Settlement{Due: t.now, At: t.now}
	switch {
	case r.State != pipeline.Failed:
		return s, false
	case len(a.Covers) > 0 && r.Unfit():
		s.Reason, s.Alone = r.Failure(), true
	case r.Elsewhere && r.Absent() && n.ReplyTo == "":
		s.Reason, s.Alone = pipeline.ReasonNotReachable, len(a.Covers) > 0
	case r.Again > 0:
		s.Due, s.Reason = t.now.Add(r.Again), pipeline.ReasonThrottled
	default:
		return s, false
	}
	return s, true
}

// overtaken reports whether newer news about the subject than an attempt's have been said or will be. Only news of the same
// journey are newer: what another one says, as the way there, does not say this.
func (l *Ledger) overtaken(t *tx, a attempt, n stored) (bool, error) {
	if n.Subject == "" {
		return false, nil
	}
	list, err := l.ofSubject(t.conn, n.subjectID, n.Subject)
	if err != nil {
		return false, err
	}
	for _, o := range list {
		newer := o.Key != n.Key && o.Patient == n.Patient && o.ReplyTo == "" && o.Edge && o.Journey == n.Journey
		if newer && (o.State == pipeline.Planned || o.toldAt > micros(a.Begun)) {
			return true, nil
		}
	}
	return false, nil
}
