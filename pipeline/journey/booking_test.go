package journey_test

import (
	"slices"
	"strings"
	"testing"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// statusPairs says what is news when an appointment goes from the status of a line ("none": it
// is seen for the first time) to that of a column: R requested, B became booked, C cancelled by the hospital,
// N not shown up, - nothing. M is nothing as long as the start stays, else moved.
const statusPairs = `
                 proposed pending waitlist booked arrived checked-in fulfilled noshow cancelled entered-in-error
none             R        R       -        B      -       -          -         N      C         -
proposed         -        -       -        B      -       -          -         N      C         -
pending          -        -       -        B      -       -          -         N      C         -
waitlist         R        R       -        B      -       -          -         N      C         -
booked           R        R       -        M      -       -          -         N      C         -
arrived          R        R       -        M      -       -          -         N      C         -
checked-in       R        R       -        M      -       -          -         N      C         -
fulfilled        R        R       -        M      -       -          -         N      C         -
noshow           R        R       -        M      -       -          -         -      C         -
cancelled        R        R       -        B      -       -          -         N      -         -
entered-in-error R        R       -        B      -       -          -         N      C         -
`

func TestNewsOfEveryPairOfStatuses(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(statusPairs), "\n")
	columns := strings.Fields(lines[0])
	if len(columns) != 10 || len(lines) != 12 {
		t.Fatalf("%d columns and %d lines, want the 10 statuses of FHIR, and a line more for none", len(columns), len(lines)-1)
	}
	news := map[string][2][]string{ // for the same start, and for another
		"-": {},
		"B": {{"booked"}, {"booked"}},
		"C": {{"cancelled"}, {"cancelled"}},
		"R": {{"requested"}, {"requested"}},
		"N": {{"missed"}, {"missed"}},
		"M": {nil, {"moved"}},
	}
	book := shipped(t)
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		for i, now := range columns {
			for j, start := range []string{march9, march11} {
				var previous fhir.Resource
				if cells[0] != "none" {
					previous = visit(t, cells[0], march9)
				}
				got := decide(t, book, pipeline.Change{Previous: previous, Current: visit(t, now, start), Version: "2", Now: moment(t, before)})
				reminders := []string{"reminder_1d", "reminder_2d", "reminder_7d"}
				if now != "booked" {
					reminders = nil
				}
				what := cells[0] + " to " + now + []string{"", ", for another start"}[j]
				same(t, what, steps(got), slices.Concat(news[cells[i+1]][j], reminders))
			}
		}
	}
}

// A visit on which somebody noted an arrival by mistake is still to be reminded of, once.
func TestRemindersAfterAMistakenArrival(t *testing.T) {
	book, booked, arrived := shipped(t), visit(t, "booked", march9), visit(t, "arrived", march9)
	first := decide(t, book, pipeline.Change{Current: booked, Version: "1", Now: moment(t, before)})
	waiting := slices.DeleteFunc(first, func(n pipeline.Notification) bool { return n.Edge }) // the booking is sent
	none := decide(t, book, pipeline.Change{Previous: booked, Current: arrived, Version: "2", Now: moment(t, before), Known: pipeline.Known{Open: waiting, Told: []string{"Patient/1"}}})
	same(t, "arrived", steps(none), nil)

	// It was noted just before the first reminder, and is taken back just after: that one is over.
	again := decide(t, book, pipeline.Change{Previous: arrived, Current: booked, Version: "3", Now: moment(t, "2027-03-02T10:05:00+01:00"), Known: pipeline.Known{Told: []string{"Patient/1"}}})
	same(t, "booked again", steps(again), []string{"reminder_1d", "reminder_2d"})
	for _, n := range again {
		if n.Key != keyOf(first, n.Step) {
			t.Errorf("%s has another key: it could be sent twice", n.Step)
		}
	}
}
