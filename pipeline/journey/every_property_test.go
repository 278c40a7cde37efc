package journey_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// drawVisit draws a version of a visit for which any of the journeys around visits may have something to say.
func drawVisit(t *testing.T, rt *rapid.T, now time.Time) *fhir.Appointment {
	status := rapid.SampledFrom([]string{"booked", "booked", "booked", "pending", "cancelled", "arrived", "noshow", "entered-in-error"}).Draw(rt, "status")
	service := rapid.SampledFrom([]string{"", "fasting-example", "vulnerable-example"}).Draw(rt, "service")
	at := rapid.SampledFrom([]string{"1", "check-in-example", "vulnerable-example"}).Draw(rt, "place")
	more := m{"participant": []any{
		m{"actor": m{"reference": "Patient/1"}, "status": rapid.SampledFrom([]string{"needs-action", "accepted", "declined", "tentative"}).Draw(rt, "participation")},
		m{"actor": m{"reference": "Location/" + at}, "status": "accepted"},
	}}
	if service != "" {
		more["serviceType"] = []any{m{"coding": []any{m{"system": "http://example.org/service-types", "code": service}}}}
	}
	if rapid.Bool().Draw(rt, "instructed") {
		more["patientInstruction"] = "Please bring your papers."
	}
	guard := rapid.SampledFrom([]m{{}, {}, {}, labels("PSY"), labels("NOPAT")}).Draw(rt, "guard")
	start := now.Add(time.Duration(rapid.IntRange(-100, 30*24).Draw(rt, "hours")) * time.Hour)
	return visit(t, status, start.Format(time.RFC3339), more, guard)
}

// Whatever the versions of a visit say, and however they come, late, twice or out of order: what all journeys together plan for a later
// time is that of the newest version alone, and a replay of all that has come changes nothing and asks people for nothing.
func TestPlanOfEveryJourneyFollowsFromTheNewestVersion(t *testing.T) {
	book, now := everything(t), moment(t, before)
	rapid.Check(t, func(rt *rapid.T) {
		versions := make([]*fhir.Appointment, rapid.IntRange(1, 6).Draw(rt, "versions"))
		for i := range versions {
			versions[i] = drawVisit(t, rt, now)
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
		alone := &ledger{book: book, begun: replayed.begun, told: replayed.told}
		alone.apply(rt, versions[len(versions)-1], len(versions), now, false)
		if got, want := reminders(replayed.open), reminders(alone.open); !slices.Equal(got, want) {
			rt.Fatalf("got %q, want %q", got, want)
		}
		open := keys(replayed.open)
		for _, i := range order {
			replayed.apply(rt, versions[i], i+1, now, false)
		}
		if got := keys(replayed.open); !slices.Equal(got, open) {
			rt.Fatalf("after a replay: got %q, want %q", got, open)
		}
		later := now.Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "later")) * time.Hour)
		again(rt, replayed, versions[len(versions)-1], len(versions), later)
	})
}

// again decides about the kept version once more, at a later time: that is no news, and what is due by then and waits to be
// sent stays, unless it has expired.
func again(rt *rapid.T, l *ledger, v fhir.Resource, number int, now time.Time) {
	plan, err := l.book.Decide(pipeline.Change{
		Previous: v, Current: v, Version: version(number), Now: now, Known: pipeline.Known{Open: l.open, Told: l.told}, Lookup: directory(),
	})
	if err != nil {
		rt.Fatal(err)
	}
	var wanted []pipeline.Notification
	for _, n := range plan.Wanted {
		if !l.begun[n.Key] {
			wanted = append(wanted, n)
		}
	}
	left := slices.DeleteFunc(slices.Clone(l.open), func(n pipeline.Notification) bool { return !n.Expires.After(now) })
	if got, want := keys(wanted), keys(left); !slices.Equal(got, want) {
		rt.Fatalf("of the same version: got %q, want %q", got, want)
	}
	if len(plan.Errands) > 0 {
		rt.Fatalf("of the same version people are asked for %v", plan.Errands)
	}
}

// keys are those of what is planned.
func keys(list []pipeline.Notification) []string {
	out := make([]string, 0, len(list))
	for _, n := range list {
		out = append(out, n.Step+" "+n.Key)
	}
	slices.Sort(out)
	return out
}
