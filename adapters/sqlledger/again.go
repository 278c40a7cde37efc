package sqlledger

import (
	"fhirbridge/pipeline"
)

// again plans a notification again whose last attempt has failed after the provider took it: for the same reason it may pass
// later, or another channel may say it. It reports false, and has done nothing, for a failure of any other kind; where that
// would come too late or is overtaken; and where another attempt went out, or may have.
func (l *Ledger) again(t *tx, a attempt, n stored, r pipeline.Receipt) (bool, error) {
	elsewhere := r.Elsewhere && r.Absent() && n.ReplyTo == ""
	later := r.Again > 0 && n.Tries < pipeline.MaxAgain
	if r.State != pipeline.Failed || !elsewhere && !later {
		return false, nil
	}
	s := pipeline.Settlement{Due: t.now, Reason: pipeline.ReasonNotReachable, At: t.now}
	if !elsewhere {
		s.Due, s.Reason = t.now.Add(r.Again), pipeline.ReasonThrottled
	}
	if !n.Expires.IsZero() && !s.Due.Before(n.Expires) {
		return false, nil
	}
	history, err := historyOf(t.conn, a.row)
	if err != nil || history.gone {
		return false, err
	}
	if over, err := l.overtaken(t, a, n); over || err != nil {
		return false, err
	}
	return true, anew(t, n, s)
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
