package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/adapters/sandbox"
)

func TestLearnAsksUntilItKnows(t *testing.T) {
	for _, c := range []struct {
		name   string
		misses int           // before the server answers
		stop   time.Duration // when the program ends; 0 for not before it has learned
		want   []time.Duration
	}{
		{"at once", 0, 0, []time.Duration{0}},
		{"when the server is up", 3, 0, []time.Duration{0, 1, 3, 7}},
		{"once a minute at the latest", 8, 0, []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183}},
		{"until the program ends", 100, 5 * time.Second, []time.Duration{0, 1, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancel(t.Context())
				if c.stop > 0 {
					time.AfterFunc(c.stop, end)
				}
				defer end()
				begun := time.Now()
				var asked []time.Duration
				learn(ctx, func(context.Context) error {
					asked = append(asked, time.Since(begun)/time.Second)
					if len(asked) <= c.misses {
						return errors.New("unreachable")
					}
					return nil
				}, slog.New(slog.DiscardHandler))
				if !slices.Equal(asked, c.want) {
					t.Errorf("asked after %v s, want %v", asked, c.want)
				}
			})
		})
	}
}

// TestRunCreatesInOneRequest shows that nobody has to ask whether the bridge is ready before it
// knows that the FHIR server takes conditions: from the first write on it searches for none.
func TestRunCreatesInOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{writeTo: "[server]"})
	var mu sync.Mutex
	var asked []string
	w.ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Type != "Communication" || r.ID != "":
		case r.Method == http.MethodPost && r.IfNoneExist != "":
			asked = append(asked, "create")
		default:
			asked = append(asked, "search")
		}
		return nil
	})
	w.run()
	w.knows(patient("p1", "Amara", "+15550100101", "en"))
	w.knows(appointment("a1", "p1", "booked", time.Now().Add(10*24*time.Hour)))
	w.await("the message in the chart", func() bool { return len(w.said()) == 1 })
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"create", "create"}; !slices.Equal(asked, want) {
		t.Errorf("got %v, want %v", asked, want)
	}
}
