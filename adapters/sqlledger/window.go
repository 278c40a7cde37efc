package sqlledger

import (
	"fhirbridge/pipeline"
)

// shut plans a notification again whose free words the provider could not deliver because the window is
// closed, so that a template says it. It reports false, and has done nothing, where that would come too late, or
// where newer news about the subject has been said or will be: then this is over. Only news of the same journey are
// newer: what another one says, as the way there, does not say this.
func (l *Ledger) shut(t *tx, a attempt, n stored) (bool, error) {
	if n.Shut || n.ReplyTo != "" || !n.Expires.IsZero() && !t.now.Before(n.Expires) {
		return false, nil
	}
	list, err := l.ofSubject(t.conn, n.subjectID, n.Subject)
	if err != nil {
		return false, err
	}
	for _, o := range list {
		newer := o.Key != n.Key && o.Patient == n.Patient && o.ReplyTo == "" && o.Edge && o.Journey == n.Journey
		if newer && (o.State == pipeline.Planned || o.toldAt > micros(a.Begun)) {
			return false, nil
		}
	}
	return true, anew(t, n, pipeline.Settlement{Due: t.now, Reason: pipeline.ReasonWindow, Shut: true, At: t.now})
}
