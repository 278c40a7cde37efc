package main

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// soon is how far ahead things are booked that are to fall due within a test: on a busy machine, too, they are planned long
// before, and then time passes at once.
const soon = 10 * time.Minute

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// dueSoon is the moment that comes when soon has passed.
func (w *world) dueSoon() time.Time { return w.now().Add(soon).Truncate(time.Second) }

// passes lets time pass at once, as soon as nothing is under way any more.
func (w *world) passes(d time.Duration) {
	w.t.Helper()
	w.await("rest", func() bool { return w.settled(w.bridge) })
	w.ahead.Add(int64(d))
	w.wake(w.now())
}

// wake wakes the lane that waits for a time: the end of a write that nobody owes, of which something is to be
// said, tells the lane that there may be news, and changes nothing.
func (w *world) wake(at time.Time) {
	w.t.Helper()
	nothing := pipeline.WriteResult{Done: true, Say: []pipeline.Notification{{}}, At: at}
	must(w.t, w.bridge.app.ledger.SettleWrite(w.t.Context(), "nothing", nothing))
}

// planned waits until something is to be said about a subject at a time.
func (w *world) planned(subject string, due time.Time) {
	w.t.Helper()
	w.stands(subject, due, pipeline.Planned)
}

// stands waits until what is or was to be said about a subject at a time is in a state.
func (w *world) stands(subject string, due time.Time, state pipeline.State) {
	w.t.Helper()
	w.await(subject+" "+string(state), func() bool {
		entries, err := w.bridge.app.ledger.Trace(w.t.Context(), subject)
		must(w.t, err)
		return slices.ContainsFunc(entries, func(e pipeline.TraceEntry) bool {
			return e.Notification.State == state && e.Notification.Due.Equal(due)
		})
	})
}
