package pipeline

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"fhirbridge/fhir"
)

// untakenFor is how long a server that takes no changes of a type in one way is not asked for one in that way again.
const untakenFor = time.Hour

// way is how a resource is changed.
type way string

const (
	byPatch  way = "patch"  // JSON Patch
	byUpdate way = "update" // PUT of what was read, changed
)

// ways changes resources of the FHIR server in the way that it takes, as it declares, and as it has answered since. The
// zero value has learned nothing.
type ways struct {
	mu      sync.Mutex
	untaken map[string]time.Time // by type and way
}

// errNoWay is for a type that the server lets nobody change.
var errNoWay = &Error{Op: "fhir.change", Kind: Refused, Reason: "not_supported", Code: "405"}

// of returns the ways that are worth trying. What is declared counts against what is not, and not for a server that has
// declared nothing.
func (w *ways) of(typ string, d Declared, now time.Time) []way {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []way
	for _, one := range []way{byPatch, byUpdate} {
		declared := !d.Known || one == byPatch && d.Patch || one == byUpdate && d.Update
		if declared && !w.untaken[typ+" "+string(one)].After(now) {
			list = append(list, one)
		}
	}
	return list
}

// note remembers that a way is not taken, and reports whether that is news.
func (w *ways) note(typ string, one way, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.untaken == nil {
		w.untaken = map[string]time.Time{}
	}
	key := typ + " " + string(one)
	_, known := w.untaken[key]
	w.untaken[key] = now.Add(untakenFor)
	return !known
}

// change is one change of one resource, as it was read.
type change struct {
	ref   string
	as    Versioned
	patch []byte
}

// make makes a change in the first way that the server takes, with If-Match, and returns which that was. The error is
// that of the last one tried.
func (w *ways) make(ctx context.Context, s FHIRServer, c change, now time.Time, log *slog.Logger) (way, error) {
	typ, _, _ := strings.Cut(c.ref, "/")
	var err error = errNoWay
	for _, one := range w.of(typ, s.Declared(typ), now) {
		if one == byPatch {
			err = s.Patch(ctx, c.ref, c.as.Version, c.patch)
		} else {
			err = c.update(ctx, s)
		}
		if !untakes(err) {
			return one, err
		}
		if w.note(typ, one, now) && log != nil {
			log.Info("the FHIR server does not take this; it is not asked for it for a while", "type", typ, "interaction", string(one), "error", err)
		}
	}
	return "", err
}

// update writes what was read back as a whole, changed in the one place only.
func (c change) update(ctx context.Context, s FHIRServer) error {
	body, err := fhir.Rewritten(c.as.Resource, c.patch)
	if err != nil {
		return &Error{Op: "fhir.update", Kind: Refused, Reason: "not_applied"}
	}
	return s.Update(ctx, c.ref, c.as.Version, body)
}

// untakes reports whether a server has refused the way, and not the change. 428 is one that tells no versions.
func untakes(err error) bool {
	switch code, _ := refusal(err); code {
	case "405", "415", "428", "501":
		return true
	}
	return false
}
