package pipeline

import (
	"errors"
	"strings"
	"sync"
	"time"
)

// Rights is what the FHIR server lets us write, as its answers show. A zero one knows nothing yet; a nil one never does, and
// then all that is refused waits.
//
// A refusal for want of rights (401, 403) may be taken back: a scope is granted late, a certificate is renewed. While the
// server refuses everything, everything waits for that. What it refuses while it takes other things would hold the patient's
// queue for ever; that is given up for people, who let it be written again (Ledger.OweAgain) when the right is there. Of what has
// been refused for so long every further one is given up at once: else each would hold the queue anew.
type Rights struct {
	mu sync.Mutex
	// taken is when the server has last created something; open is since when it has done so at least every forbiddenFor.
	taken, open time.Time
	// refused is since when it has refused everything of a kind and type.
	refused map[right]time.Time
}

type right struct {
	kind WriteKind
	typ  string
}

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
	ReasonNoLocation Reason = "no_location" // it is there, and the server neither says where nor finds it
)

// forbidden reports whether a write is to be given up because the server does not let us write it, and notes since when.
func (b *WriteBack) forbidden(w Write, err error, result *WriteResult) bool {
	var e *Error
	if !errors.As(err, &e) || !e.Halt || e.Code != "401" && e.Code != "403" {
		return false
	}
	if b.Sink != SinkServer && (b.Sink != SinkFiles || !strings.HasPrefix(e.Op, "fhirserver.")) { // it is the provider who refuses
		return false
	}
	now := b.Now()
	if result.Refused = w.Refused; w.Refused.IsZero() {
		result.Refused = now
	}
	return b.Rights.refuses(w, result.Refused, now)
}

// refuses notes that a write was refused, each time since then, and reports whether that is to be final.
func (r *Rights) refuses(w Write, since, now time.Time) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	which := right{w.Kind, w.Type}
	if known, ok := r.refused[which]; !ok {
		if r.refused == nil {
			r.refused = map[right]time.Time{}
		}
		r.refused[which] = now
	} else if known.Before(since) {
		since = known
	}
	if since.Before(r.open) { // before, it refused everything
		since = r.open
	}
	return r.taken.After(since) && now.Sub(r.taken) < takesOthers && now.Sub(since) >= forbiddenFor
}

// takes notes that a write was taken, and whether that has created something.
func (r *Rights) takes(w Write, created bool, now time.Time) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.refused, right{w.Kind, w.Type})
	if !created {
		return
	}
	if now.Sub(r.taken) > forbiddenFor {
		r.open = now
	}
	r.taken = now
}

// givenUpFor is why a write is given up.
func givenUpFor(err error, forbidden bool) Reason {
	switch {
	case forbidden:
		return ReasonForbidden
	case ReasonOf(err) == string(ReasonNotCreated):
		return ReasonNotCreated
	case ReasonOf(err) == string(ReasonNoLocation):
		return ReasonNoLocation
	}
	return ReasonRefused
}
