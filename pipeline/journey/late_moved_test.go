package journey_test

import (
	"slices"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// TestDelaysOfAMovedVisit: where the visit takes place is heard of before its appointment was moved, delays count from the new start
// as soon as that is heard of, and are told as often as if it had been known from the beginning.
func TestDelaysOfAMovedVisit(t *testing.T) {
	book := lateBook(t)
	at := func(clock string) string { return "2027-03-09T" + clock + ":00+01:00" }
	for _, c := range []struct {
		name         string
		before, move string // starts
		comes, moved string // when the Encounter and the new start are heard of
		told         map[string]int
	}{
		{"to later", "10:00", "11:00", "10:50", "10:51", map[string]int{"11:20": 20, "11:40": 40, "12:00": 60}},
		{"to later, after a delay was told", "10:00", "11:00", "10:30", "10:45", map[string]int{"10:40": 40, "12:00": 60, "12:20": 80}},
		{"to earlier", "11:00", "10:00", "10:10", "10:11", map[string]int{"10:20": 20, "10:40": 40, "11:00": 60}},
		{"to earlier, when it is late already", "11:00", "10:00", "10:30", "10:31", map[string]int{"10:40": 40, "11:00": 60, "11:20": 80}},
		{"to earlier, when the last delays are over", "12:00", "10:00", "11:25", "11:26", map[string]int{"11:40": 100, "12:00": 120, "12:20": 140}},
		{"to another day", "10:00", "", "10:10", "10:11", map[string]int{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := enter(t, book)
			w.booking, w.now = visit(t, "booked", at(c.before)), moment(t, at(c.comes))
			w.apply(encounter(t, "arrived"), 1)
			told := map[string]int{}
			for end := moment(t, at("12:25")); w.now.Before(end); w.now = w.now.Add(time.Minute) {
				if w.now.Equal(moment(t, at(c.moved))) {
					start := "2027-03-10T10:00:00+01:00"
					if c.move != "" {
						start = at(c.move)
					}
					w.booking = visit(t, "booked", start)
					w.revise()
				}
				before := len(w.told)
				if w.send(); len(w.told) > before {
					told[w.now.In(time.FixedZone("", 3600)).Format("15:04")] = w.told[before]
				}
			}
			if len(told) != len(c.told) {
				t.Errorf("got %v, want %v", told, c.told)
			}
			for at, minutes := range c.told {
				if told[at] != minutes {
					t.Errorf("at %s: got %d, want %d", at, told[at], minutes)
				}
			}
		})
	}
}

// revise decides anew about what is kept, as intake does when a booking has changed.
func (w *waitingRoom) revise() {
	c := pipeline.Change{Previous: w.kept, Current: w.kept, Version: "1", Now: w.now, Lookup: w.lookup, Known: pipeline.Known{Open: w.open, Said: w.said}}
	plan, _ := w.book.Decide(c)
	w.open = slices.DeleteFunc(plan.Wanted, func(n pipeline.Notification) bool { return w.settled[n.Key] })
}
