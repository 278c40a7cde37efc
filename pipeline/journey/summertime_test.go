package journey_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// changes are days on which clocks change, and where.
var changes = []struct{ zone, day string }{
	{"Europe/Berlin", "2027-03-28"}, {"Europe/Berlin", "2027-10-31"}, {"America/New_York", "2027-03-14"}, {"America/New_York", "2027-11-07"},
	{"Australia/Lord_Howe", "2027-04-04"}, {"Australia/Lord_Howe", "2027-10-03"}, // by half an hour
}

// A visit that is moved across a change of summer time keeps its clock times: it is at the hour that it says, so are its reminders,
// on the day so many days before, and what is counted in hours is so many hours before. The instant alone is moved as well by
// as much as clocks are, and both times are said by the clock of their days.
func TestAVisitMovedAcrossAChangeOfTheClocks(t *testing.T) {
	book := shipped(t)
	same, hours := timed(t, "start - 2d", "start"), timed(t, "start - 36h", "start")
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(changes).Draw(rt, "change")
		where := zone(t, c.zone)
		change, err := time.ParseInLocation(time.DateOnly, c.day, where)
		if err != nil {
			rt.Fatal(err)
		}
		hour, minute := rapid.IntRange(4, 22).Draw(rt, "hour"), rapid.IntRange(0, 59).Draw(rt, "minute") // when no clock changes
		on := func(days int) time.Time {
			return time.Date(change.Year(), change.Month(), change.Day()+days, hour, minute, 0, 0, where)
		}
		from, to := on(-rapid.IntRange(1, 5).Draw(rt, "days before")), on(rapid.IntRange(0, 6).Draw(rt, "days after"))
		if rapid.Bool().Draw(rt, "back") {
			from, to = to, from
		}
		written := time.RFC3339
		as := func(at time.Time) string { return at.Format(written) }
		if rapid.Bool().Draw(rt, "in UTC") {
			as = func(at time.Time) string { return at.UTC().Format(written) }
		}
		move := pipeline.Change{
			Previous: visit(t, "booked", as(from)), Current: visit(t, "booked", as(to)), Version: "2", Now: on(-20),
			Lookup: directory(place(t, "House 2", c.zone)),
		}
		moved := false
		for _, n := range decide(t, book, move) {
			if n.Edge {
				moved = true
				sayBoth(rt, t, book, n, move, from, to)
				continue
			}
			days, ok := strings.CutSuffix(strings.TrimPrefix(n.Step, "reminder_"), "d")
			if !ok {
				continue
			}
			before, err := strconv.Atoi(days)
			if want := time.Date(to.Year(), to.Month(), to.Day()-before, 10, 0, 0, 0, where); err != nil || !n.Due.Equal(want) {
				rt.Fatalf("%s of %v is due %v, want %v", n.Step, to, n.Due.In(where), want)
			}
		}
		if !moved {
			rt.Fatal("the move is not said")
		}
		for _, n := range decide(t, same, move) {
			if want := time.Date(to.Year(), to.Month(), to.Day()-2, hour, minute, 0, 0, where); !n.Due.Equal(want) {
				rt.Fatalf("two days before %v is %v, want %v", to, n.Due.In(where), want)
			}
		}
		for _, n := range decide(t, hours, move) {
			if got := to.Sub(n.Due); got != 36*time.Hour {
				rt.Fatalf("36 hours before %v are %v", to, got)
			}
		}
	})
}

// sayBoth holds what is said of a move against the clocks.
func sayBoth(rt *rapid.T, t *testing.T, book *journey.Book, n pipeline.Notification, move pipeline.Change, from, to time.Time) {
	said := compose(t, book, n, pipeline.Facts{Subject: move.Current, Patient: patient(t, "Erika", "de"), Lookup: move.Lookup, Now: move.Now})
	words := said.Message.Seen.Reveal()
	if clock := "Uhrzeit: " + to.Format("15:04") + "\n"; !strings.Contains(words, clock) {
		rt.Fatalf("moved to %v: %q is not said", to, clock)
	}
	if !strings.Contains(words, ", "+from.Format("15:04")+"\n") {
		rt.Fatalf("moved from %v: %s is not said", from, from.Format("15:04"))
	}
}

// A visit of which only the offset is written otherwise has not moved, on either side of the change.
func TestTheSameInstantOnEitherSideOfAChangeHasNotMoved(t *testing.T) {
	book := shipped(t)
	for _, c := range changes {
		where := zone(t, c.zone)
		change, err := time.ParseInLocation(time.DateOnly, c.day, where)
		if err != nil {
			t.Fatal(err)
		}
		for hours := -30; hours <= 30; hours++ {
			at := change.Add(time.Duration(hours) * time.Hour)
			var versions [2]fhir.Resource
			for i, in := range []*time.Location{where, time.UTC} {
				versions[i] = visit(t, "booked", at.In(in).Format(time.RFC3339))
			}
			for _, n := range decide(t, book, pipeline.Change{Previous: versions[0], Current: versions[1], Version: "2", Now: at.AddDate(0, 0, -20)}) {
				if n.Edge {
					t.Fatalf("%s of %v", n.Step, at)
				}
			}
		}
	}
}
