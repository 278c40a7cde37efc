package pipeline

import (
	"errors"
	"time"
)

// A refusal for want of rights (401, 403) may be taken back: a scope is granted late, a certificate is renewed. While the
// server refuses everything, everything waits for that. What it refuses while it takes other things would hold the patient's
// queue for ever; that is given up for people, who let it be written again (Ledger.OweAgain) when the right is there.
const (
	// forbiddenFor is how long a write is refused before it is given up, while the server takes other things.
	forbiddenFor = time.Hour
	// takesOthers is how long the server counts as one that takes other things after it has created something.
	takesOthers = 10 * time.Minute
)

// Reasons why a write was given up, beside ReasonRefused.
const (
	ReasonForbidden  Reason = "forbidden"   // the FHIR server does not let us write it
	ReasonNotCreated Reason = "not_created" // what it would change was given up itself
)

// forbidden reports whether a write is to be given up because the server does not let us write it, and notes since when.
func (b *WriteBack) forbidden(w Write, err error, result *WriteResult) bool {
	var e *Error
	if b.Sink != SinkServer || !errors.As(err, &e) || !e.Halt || e.Code != "401" && e.Code != "403" {
		return false
	}
	now := b.Now()
	if result.Refused = w.Refused; w.Refused.IsZero() {
		result.Refused = now
	}
	taken := time.Unix(0, b.taken.Load())
	return taken.After(result.Refused) && now.Sub(taken) < takesOthers && now.Sub(result.Refused) >= forbiddenFor
}

// givenUpFor is why a write is given up.
func givenUpFor(err error, forbidden bool) Reason {
	switch {
	case forbidden:
		return ReasonForbidden
	case ReasonOf(err) == string(ReasonNotCreated):
		return ReasonNotCreated
	}
	return ReasonRefused
}
