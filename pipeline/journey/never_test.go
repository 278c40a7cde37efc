package journey_test

import (
	"strings"
	"testing"

	"fhirbridge/pipeline"
)

// TestOnlyAndNever: an item of several clauses holds when all of them do; of the items of never one is enough, of
// those of only each is needed.
func TestOnlyAndNever(t *testing.T) {
	cases := []struct {
		name, lines string
		patient     string // participation
		speaks      bool
	}{
		{"neither", "", "needs-action", true},
		{"never, and one of two clauses holds", "never: [is booked and declined]", "needs-action", true},
		{"never, and both clauses hold", "never: [is booked and declined]", "declined", false},
		{"never, and one of two items holds", "never: [is walk-in, declined]", "declined", false},
		{"only, and one of two clauses holds", "only: [is booked and declined]", "needs-action", false},
		{"only, and both items hold", "only: [is booked, declined]", "declined", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			file := strings.Replace(soundJourney, "steps:", c.lines+"\nsteps:", 1)
			book := with(t, "journeys/visit.yaml", file, "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession)
			v := visit(t, "booked", march9, patients(c.patient, "1"))
			got := decide(t, book, pipeline.Change{Current: v, Version: "1", Now: moment(t, before)})
			if speaks := len(got) > 0; speaks != c.speaks {
				t.Errorf("speaks: got %v, want %v", speaks, c.speaks)
			}
		})
	}
}

// TestNeverInDoubt: what cannot be told whether it holds keeps a journey from speaking.
func TestNeverInDoubt(t *testing.T) {
	for description, speaks := range map[string]bool{"first": false, "another": true, "": false} {
		parses := 0
		file := strings.Replace(soundJourney, "steps:", "never: [first visit]\nsteps:", 1)
		book := ownBook(t, own(t, &parses), "journeys/visit.yaml", file, "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession)
		more := m{}
		if description != "" {
			more["description"] = description
		}
		got := decide(t, book, pipeline.Change{Current: visit(t, "booked", march9, more), Version: "1", Now: moment(t, before)})
		if len(got) > 0 != speaks {
			t.Errorf("%q: speaks: got %v, want %v", description, len(got) > 0, speaks)
		}
	}
}

// TestExplainSaysItOfEachPatient: of a visit of two, one who has declined is not spoken to, and it says which.
func TestExplainSaysItOfEachPatient(t *testing.T) {
	file := strings.Replace(soundJourney, "steps:", "never: [declined]\nsteps:", 1)
	book := with(t, "journeys/visit.yaml", file, "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession)
	v := visit(t, "booked", march9, m{"participant": []any{
		m{"actor": m{"reference": "Patient/1"}, "status": "needs-action"},
		m{"actor": m{"reference": "Patient/2"}, "status": "declined"},
	}})
	c := pipeline.Change{Current: v, Version: "1", Now: moment(t, before), Lookup: directory()}
	plan, err := book.Decide(c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range book.Explain(c, plan).Steps {
		got = append(got, strings.TrimSpace(s.Patient+" "+s.Step+" "+s.Because()))
	}
	same(t, "steps", got, []string{"Patient/1 booked", "Patient/2  never while: declined"})
	same(t, "planned", steps(plan.Wanted), []string{"booked"})
}
