package journey_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

const lateJourney = `journey: waiting
on: Encounter
estimate: expected_delay
never: [is called off]
steps:
  - {name: late, at: "20m late, again every 20m, at most 3 times", when: is waiting, send: running_late, expires: +15m}
`

const runningLate = `template: running_late
kind: template
category: utility
may_show: [schedule]
parameters:
  minutes: {field: delay.minutes, example: "20"}
languages:
  en: {body: "We are about {{minutes}} minutes late. We are sorry."}
`

// lateBook has a journey of delays, and a hospital that says in an element of its own how long they will be.
func lateBook(t testing.TB) *journey.Book {
	t.Helper()
	parses := 0
	s := own(t, &parses)
	s.Fields["expected_delay"] = journey.Field{Of: "Encounter", Class: "schedule", Texts: func(parsed any, _ time.Time) ([]string, error) {
		text, _ := parsed.(m)["wait"].(string)
		return []string{text}, nil
	}}
	journeys, templates := files("journeys/late.yaml", lateJourney, "templates/late.yaml", runningLate)
	book, problems := journey.Load(journeys, templates, s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return book
}

// lateStart is when the visit of these tests was booked for.
const lateStart = "2027-03-09T10:00:00+01:00"

// encounter is a visit of Patient/1 that takes place, and was booked as Appointment/1; more overrides its elements.
func encounter(t testing.TB, status string, more ...m) *fhir.Encounter {
	t.Helper()
	r := m{
		"resourceType": "Encounter", "id": "1", "status": status, "class": m{"code": "AMB"}, "subject": m{"reference": "Patient/1"},
		"appointment": []any{m{"reference": "Appointment/1"}}, "location": []any{m{"location": m{"reference": "Location/1"}}},
		"statusHistory": []any{m{"status": "arrived", "period": m{"start": "2027-03-09T09:50:00+01:00"}}},
	}
	for _, o := range more {
		maps.Copy(r, o)
	}
	return decode[*fhir.Encounter](t, r)
}

// waitingRoom does with the versions of a visit what ledger and dispatch do.
type waitingRoom struct {
	book    *journey.Book
	booking *fhir.Appointment
	kept    *fhir.Encounter
	stamp   int
	open    []pipeline.Notification
	said    []pipeline.Said
	settled map[string]bool
	now     time.Time
	// told are the minutes that the patient was told, at those times.
	told []int
}

func (w *waitingRoom) lookup(ref string) fhir.Resource { return directory(w.booking)(ref) }

func (w *waitingRoom) apply(e *fhir.Encounter, version int) {
	if version <= w.stamp {
		return
	}
	c := pipeline.Change{Current: e, Version: strconv.Itoa(version), Now: w.now, Lookup: w.lookup, Known: pipeline.Known{Open: w.open, Said: w.said}}
	if w.kept != nil {
		c.Previous = w.kept
	}
	plan, _ := w.book.Decide(c)
	w.kept, w.stamp = e, version
	w.open = slices.DeleteFunc(plan.Wanted, func(n pipeline.Notification) bool { return w.settled[n.Key] })
}

// send says what is due, unless nothing may be said any more.
func (w *waitingRoom) send() {
	slices.SortFunc(w.open, func(a, b pipeline.Notification) int { return a.Due.Compare(b.Due) })
	for len(w.open) > 0 && !w.open[0].Due.After(w.now) {
		n := w.open[0]
		w.open, w.settled[n.Key] = w.open[1:], true
		if !n.Expires.After(w.now) {
			continue
		}
		composed, _ := w.book.Compose(n, pipeline.Facts{Subject: w.kept, Lookup: w.lookup, Now: w.now}, attempt)
		if composed.Skip != pipeline.ReasonNone {
			continue
		}
		w.said = append(w.said, pipeline.Said{Journey: n.Journey, Step: n.Step, Patient: n.Patient, Occasion: n.Occasion})
		var minutes int
		_, _ = fmt.Sscanf(composed.Message.Seen.Reveal(), "We are about %d", &minutes)
		w.told = append(w.told, minutes)
	}
}

func enter(t testing.TB, book *journey.Book) *waitingRoom {
	return &waitingRoom{
		book: book, booking: visit(t, "booked", lateStart), settled: map[string]bool{}, now: moment(t, "2027-03-09T09:50:00+01:00"),
	}
}

// However the hospital's expectations go up and down, and whenever its events and our messages come: a delay is told once, again
// only when it has grown enough, not too often, and only to who is waiting.
func TestDelaysAreTold(t *testing.T) {
	book := lateBook(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := enter(t, book)
		status := rapid.SampledFrom([]string{"arrived", "arrived", "arrived", "arrived", "triaged", "planned", "in-progress"})
		wait := rapid.SampledFrom([]string{"", "5", "19.9", "20", "24", "35", "61", "soon", "-30", "NaN", "2027-03-09T10:50:00+01:00"})
		for i := range rapid.IntRange(1, 12).Draw(rt, "events") {
			e := encounter(t, status.Draw(rt, "status"), m{"wait": wait.Draw(rt, "wait")})
			w.apply(e, rapid.IntRange(max(1, i-1), i+1).Draw(rt, "version"))
			for range rapid.IntRange(0, 25).Draw(rt, "minutes") {
				if rapid.IntRange(0, 9).Draw(rt, "held") > 0 {
					before := len(w.told)
					w.send()
					if got := w.kept.Status(); len(w.told) > before && got != fhir.EncounterArrived && got != fhir.EncounterTriaged {
						rt.Fatalf("told of a delay: %s", got)
					}
				}
				w.now = w.now.Add(time.Minute)
			}
		}
		for i, minutes := range w.told {
			least := 20
			if i > 0 {
				least = w.told[i-1] + 20
			}
			if minutes < least || minutes%5 != 0 {
				rt.Fatalf("told %v", w.told)
			}
		}
		if len(w.told) > 3 {
			rt.Fatalf("told %v", w.told)
		}
	})
}

// In whatever order the versions come, and however often, what is planned is what the newest alone plans.
func TestDelaysFollowFromTheNewestVersion(t *testing.T) {
	book := lateBook(t)
	rapid.Check(t, func(rt *rapid.T) {
		now := moment(t, lateStart).Add(time.Duration(rapid.IntRange(-20, 19).Draw(rt, "minutes")) * time.Minute)
		versions := make([]*fhir.Encounter, rapid.IntRange(1, 5).Draw(rt, "versions"))
		for i := range versions {
			versions[i] = encounter(t, rapid.SampledFrom([]string{"arrived", "triaged", "planned", "in-progress", "finished"}).Draw(rt, "status"),
				m{"wait": strconv.Itoa(rapid.IntRange(0, 80).Draw(rt, "wait"))})
		}
		order := append(rapid.SliceOfN(rapid.IntRange(0, len(versions)-1), 0, 10).Draw(rt, "order"), len(versions)-1)
		order = append(order, rapid.SliceOfN(rapid.IntRange(0, len(versions)-1), 0, 4).Draw(rt, "late")...)
		replayed, alone := enter(t, book), enter(t, book)
		replayed.now, alone.now = now, now
		for _, i := range order {
			replayed.apply(versions[i], i+1)
		}
		alone.apply(versions[len(versions)-1], len(versions))
		list := func(w *waitingRoom) (keys []string) {
			for _, n := range w.open {
				keys = append(keys, fmt.Sprint(n.Key, n.Due.Unix(), n.Expires.Unix()))
			}
			slices.Sort(keys)
			return keys
		}
		if got, want := list(replayed), list(alone); !slices.Equal(got, want) {
			rt.Fatalf("got %q, want %q", got, want)
		}
	})
}

// What the hospital expects is told at once; what it does not know, when the time has passed.
func TestDelaysInTheirOrder(t *testing.T) {
	book := lateBook(t)
	event := func(status, wait string) func(*waitingRoom) {
		return func(w *waitingRoom) { w.apply(encounter(t, status, m{"wait": wait}), w.stamp+1) }
	}
	for _, c := range []struct {
		name string
		then map[int]func(*waitingRoom) // by minutes after the start
		want []int
	}{
		{"nobody says", map[int]func(*waitingRoom){-5: event("arrived", "")}, []int{20, 40, 60}},
		{"expected before it is late", map[int]func(*waitingRoom){-5: event("arrived", "33")}, []int{30, 50, 70}},
		{"expected to be half an hour later", map[int]func(*waitingRoom){-5: event("arrived", "2027-03-09T10:31:00+01:00")}, []int{30, 50, 70}},
		{"a little more is not told", map[int]func(*waitingRoom){-5: event("arrived", "30"), 0: event("arrived", "45"), 5: event("in-progress", "45")}, []int{30}},
		{"less is not told, and more than before is", map[int]func(*waitingRoom){-5: event("arrived", "40"), 0: event("arrived", "10"), 1: event("arrived", "60"), 2: event("finished", "")}, []int{40, 60}},
		{"expected an hour ago", map[int]func(*waitingRoom){10: func(w *waitingRoom) {
			w.apply(encounter(t, "arrived", m{"wait": "30", "meta": m{"lastUpdated": "2027-03-09T09:10:00+01:00"}}), 1)
		}, 25: event("in-progress", "")}, []int{20}},
		{"cancelled at the desk", map[int]func(*waitingRoom){-5: event("arrived", ""), 19: func(w *waitingRoom) { w.booking = visit(t, "cancelled", lateStart) }}, nil},
		{"moved to later", map[int]func(*waitingRoom){-5: event("arrived", ""), 19: func(w *waitingRoom) { w.booking = visit(t, "booked", "2027-03-09T14:00:00+01:00") }}, nil},
		{"of somebody else's appointment", map[int]func(*waitingRoom){-6: func(w *waitingRoom) { w.booking = visit(t, "booked", lateStart, patients("accepted", "2")) }, -5: event("arrived", "")}, nil},
		{"who has declined", map[int]func(*waitingRoom){-6: func(w *waitingRoom) { w.booking = visit(t, "booked", lateStart, patients("declined", "1")) }, -5: event("arrived", "")}, nil},
		{"heard of late", map[int]func(*waitingRoom){33: event("arrived", "")}, []int{40, 60, 80}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := enter(t, book)
			for minute := -10; minute < 120; minute++ {
				w.now = moment(t, lateStart).Add(time.Duration(minute) * time.Minute)
				if then := c.then[minute]; then != nil {
					then(w)
				}
				w.send()
			}
			if !slices.Equal(w.told, c.want) {
				t.Errorf("told %v, want %v", w.told, c.want)
			}
		})
	}
}

func TestProblemsOfDelays(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"another order of words", "20m late, again every 20m", "late 20m late", `must be like "20m late, again every 20m, at most 3 times"`},
		{"an odd number", "20m late", "7m late", "must be whole multiples of 5m, up to 12h"},
		{"too often", "3 times", "11 times", "must be at most 1 to 10 times"},
		{"an end that does not count from it", "expires: +15m", "expires: start", `must be like "+15m"`},
		{"news", "when: is waiting", "when: became waiting", "a step is said when something happens or at a time, not both"},
		{"an unknown estimate", "estimate: expected_delay", "estimate: delay", `unknown field "delay"`},
		{"an estimate of something else", "estimate: expected_delay", "estimate: room", "is a field of an Encounter that the configuration defines"},
		{"an estimate that nothing tells of", `"20m late, again every 20m, at most 3 times"`, "arrived + 5m", "estimate: is for a step that tells of a delay"},
		{"a time before an arrival", `"20m late, again every 20m, at most 3 times"`, "arrived - 5m", `must be like "end + 4h"`},
		{"a condition that is none", "when: is waiting", "when: is wating", `unknown condition "is wating", did you mean "is waiting"?`},
	} {
		parses := 0
		s := own(t, &parses)
		s.Fields["expected_delay"] = journey.Field{Of: "Encounter", Class: "schedule"}
		journeys, templates := files("journeys/late.yaml", strings.Replace(lateJourney, c.old, c.new, 1), "templates/late.yaml", runningLate)
		_, problems := journey.Load(journeys, templates, s)
		if len(problems) == 0 || !strings.Contains(fmt.Sprint(problems), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, problems, c.want)
		}
	}
}
