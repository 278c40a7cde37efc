package journey_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// ledger is the smallest thing that does with events and plans what the real one does.
type ledger struct {
	book  *journey.Book
	kept  fhir.Resource
	stamp pipeline.Stamp
	open  []pipeline.Notification
	begun map[string]bool
	told  []string
}

func (l *ledger) apply(t *rapid.T, v fhir.Resource, number int, now time.Time, historic bool) {
	stamp := pipeline.Stamp{Version: version(number)}
	if l.kept != nil && pipeline.Compare(l.stamp, stamp) != pipeline.Newer {
		return
	}
	plan, err := l.book.Decide(pipeline.Change{
		Previous: l.kept, Current: v, Version: stamp.Version, Now: now, Historic: historic,
		Known: pipeline.Known{Open: l.open, Told: l.told}, Lookup: directory(),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.kept, l.stamp, l.open = v, stamp, nil
	for _, n := range plan.Wanted {
		if !n.Due.Before(n.Expires) || !n.Expires.After(now) {
			t.Fatalf("%s is due %v and expires %v, at %v", n.Step, n.Due, n.Expires, now)
		}
		if !l.begun[n.Key] {
			l.open = append(l.open, n)
		}
	}
}

// send begins everything that is due, as dispatch would.
func (l *ledger) send(now time.Time) {
	l.open = slices.DeleteFunc(l.open, func(n pipeline.Notification) bool {
		if n.Due.After(now) {
			return false
		}
		l.begun[n.Key], l.told = true, append(l.told, n.Patient)
		return true
	})
}

// reminders are the keys, dues and ends of what the clock and not a change has planned.
func reminders(list []pipeline.Notification) []string {
	var out []string
	for _, n := range list {
		if !n.Edge {
			out = append(out, fmt.Sprint(n.Step, n.Key, n.Due.Unix(), n.Expires.Unix()))
		}
	}
	slices.Sort(out)
	return out
}

// However the versions of a visit come, late, twice or out of order, the
// reminders are those of the newest version alone.
func TestPlanFollowsFromTheNewestVersion(t *testing.T) {
	book := shipped(t)
	now := moment(t, before)
	rapid.Check(t, func(rt *rapid.T) {
		status := rapid.SampledFrom([]string{"booked", "booked", "booked", "pending", "cancelled", "arrived", "noshow", "entered-in-error"})
		participation := rapid.SampledFrom([]string{"needs-action", "accepted", "declined", "tentative"})
		versions := make([]*fhir.Appointment, rapid.IntRange(1, 6).Draw(rt, "versions"))
		for i := range versions {
			hours := rapid.IntRange(-100, 400).Draw(rt, "hours")
			versions[i] = visit(t, status.Draw(rt, "status"), now.Add(time.Duration(hours)*time.Hour).Format(time.RFC3339),
				patients(participation.Draw(rt, "participation"), []string{"1", "2"}[:rapid.IntRange(1, 2).Draw(rt, "patients")]...))
		}
		order := rapid.SliceOfN(rapid.IntRange(0, len(versions)-1), 0, 12).Draw(rt, "order")
		order = append(order, len(versions)-1) // the newest comes at some time
		order = append(order, rapid.SliceOfN(rapid.IntRange(0, len(versions)-1), 0, 4).Draw(rt, "late")...)

		replayed := &ledger{book: book, begun: make(map[string]bool)}
		for _, i := range order {
			replayed.apply(rt, versions[i], i+1, now, rapid.Bool().Draw(rt, "historic"))
			if rapid.Bool().Draw(rt, "send") {
				replayed.send(now)
			}
		}
		alone := &ledger{book: book, begun: make(map[string]bool)}
		alone.apply(rt, versions[len(versions)-1], len(versions), now, false)
		if got, want := reminders(replayed.open), reminders(alone.open); !slices.Equal(got, want) {
			rt.Fatalf("got %q, want %q", got, want)
		}
	})
}

// As time goes on, nothing is planned about the past and nothing begins twice.
func TestNothingIsPlannedAboutThePast(t *testing.T) {
	book := shipped(t)
	rapid.Check(t, func(rt *rapid.T) {
		now := moment(t, before)
		l := &ledger{book: book, begun: make(map[string]bool)}
		for i := range rapid.IntRange(1, 8).Draw(rt, "versions") {
			now = now.Add(time.Duration(rapid.IntRange(0, 72).Draw(rt, "pause")) * time.Hour)
			l.send(now)
			start := now.Add(time.Duration(rapid.IntRange(-48, 300).Draw(rt, "hours")) * time.Hour).Format(time.RFC3339)
			var v fhir.Resource = visit(t, rapid.SampledFrom([]string{"booked", "cancelled"}).Draw(rt, "status"), start)
			if rapid.Bool().Draw(rt, "report") && i == 0 {
				v = report(t, "final")
			}
			if l.kept != nil && l.kept.Header().Type != v.Header().Type {
				continue
			}
			had := l.open
			l.apply(rt, v, i+1, now, false)
			for _, n := range l.open {
				known := slices.ContainsFunc(had, func(o pipeline.Notification) bool { return o.Key == n.Key })
				if !known && n.Due.Before(now) {
					rt.Fatalf("%s was due at %v and is planned at %v", n.Step, n.Due, now)
				}
			}
		}
	})
}
