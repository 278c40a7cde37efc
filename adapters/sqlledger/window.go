package sqlledger

import (
	"fhirbridge/pipeline"
)

// shut plans a notification again whose free words the provider could not deliver because the window is
// closed, so that a template says it. It reports false, and has done nothing, where that would come too late, where
// newer news about the subject has been said or will be, and where another attempt went out, or may have: then this is over.
func (l *Ledger) shut(t *tx, a attempt, n stored) (bool, error) {
	if n.Shut || n.ReplyTo != "" || !n.Expires.IsZero() && !t.now.Before(n.Expires) {
		return false, nil
	}
	history, err := historyOf(t.conn, a.row)
	if err != nil || history.gone {
		return false, err
	}
	if over, err := l.overtaken(t, a, n); over || err != nil {
		return false, err
	}
	if err := part(t, a, micros(t.now), false, false); err != nil {
		return false, err
	}
	return true, anew(t, n, pipeline.Settlement{Due: t.now, Reason: pipeline.ReasonWindow, Shut: true, At: t.now})
}
