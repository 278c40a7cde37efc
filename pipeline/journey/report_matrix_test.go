package journey_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// situation is one of all in which a version of a report may come.
type situation struct {
	// status is "deleted" for none any more; previous is "" if there was no version before.
	status, previous string
	// guard is why a person should speak of it, "" for no reason.
	guard string
	// signer is what the report says of who made it or read it.
	signer string
	// age is how long ago it was issued; negative if it does not say when.
	age time.Duration
	// reissued says that the version before was issued an hour earlier.
	told, historic, reissued bool
}

var (
	reportStatuses = []string{
		"registered", "partial", "preliminary", "final", "amended", "corrected", "appended", "cancelled", "entered-in-error", "unknown", "deleted",
	}
	previousStatuses = []string{"", "preliminary", "final", "amended", "entered-in-error"}
	calls            = m{"code": m{"coding": []any{m{"system": "http://example.org/codes", "code": "call"}}}}
	guards           = map[string]m{
		"":                   {},
		"restricted":         confidential("R"),
		"withheld":           labels("NOPAT"),
		"code":               {"code": m{"coding": []any{m{"system": "http://loinc.org", "code": "51969-4"}}}},
		"category":           {"category": []any{m{"coding": []any{m{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "PAT"}}}}},
		"call":               calls,
		"call, but withheld": {"code": calls["code"], "meta": labels("NOPAT")["meta"]},
	}
	signers = map[string]m{
		"nobody":      {},
		"laboratory":  {"performer": []any{m{"reference": "Organization/lab"}}},
		"interpreter": {"resultsInterpreter": []any{m{"reference": "Practitioner/1"}}},
		"performer":   {"performer": []any{m{"reference": "Organization/lab"}, m{"reference": "PractitionerRole/1"}}},
	}
	ages = []time.Duration{-1, time.Hour, 47 * time.Hour, 48 * time.Hour, 29 * 24 * time.Hour, 31 * 24 * time.Hour}
)

// expected is what the rules say of a situation, written as a clinic would: what is said when, and what people are asked.
func (s situation) expected(now time.Time) (said string, at time.Time, tasks []string) {
	complete := func(status string) bool {
		return slices.Contains([]string{"final", "amended", "corrected", "appended"}, status)
	}
	withdrawn := func(status string) bool {
		return slices.Contains([]string{"cancelled", "entered-in-error", "deleted"}, status)
	}
	changedSince := complete(s.status) && s.status != "final" && (s.status != s.previous || s.reissued && s.age >= 0)
	if withdrawn(s.status) {
		if s.historic || !s.told || s.previous == "" || withdrawn(s.previous) {
			return "", at, nil
		}
		if s.guard == "" {
			said = "withdrawn"
		}
		return said, now, []string{"result_withdrawn"}
	}
	if !complete(s.status) {
		return "", at, nil
	}
	if s.guard != "" {
		first := !complete(s.previous)
		if s.historic {
			return "", at, nil
		}
		if first || changedSince {
			tasks = []string{"sensitive_result"}
		}
		if s.guard == "call" && first && !s.told {
			said = "call"
		}
		return said, now, tasks
	}
	// A person has signed it, or the care team has its 48 hours.
	at = now
	if signed := s.signer == "interpreter" || s.signer == "performer"; !signed {
		if wait := 48*time.Hour - max(s.age, 0); wait > 0 {
			at = now.Add(wait)
		}
	}
	byTheClock := at.After(now) && s.age >= 0
	switch tooOld := s.age > 30*24*time.Hour; {
	case tooOld:
	case !s.told && byTheClock: // planned for then, be it history or not
		said = "ready"
	case s.historic:
	case !s.told && (!complete(s.previous) || changedSince):
		said = "ready"
	case s.told && s.previous != "" && changedSince:
		said = "changed"
	}
	return said, at, nil
}

// version is a report of the situation, of some age; nil if there is none.
func (s situation) version(t *testing.T, status string, issued time.Time) fhir.Resource {
	if status == "" || status == "deleted" {
		return nil
	}
	dated := m{}
	if s.age >= 0 {
		dated["issued"] = issued.Format(time.RFC3339)
	}
	return report(t, status, guards[s.guard], signers[s.signer], dated)
}

// TestReportsInEverySituation compares what is said and asked with the rules, in all situations there are.
func TestReportsInEverySituation(t *testing.T) {
	book, now := shipped(t), moment(t, before)
	type key struct {
		status, guard, signer string
		issued                time.Time
		dated                 bool
	}
	count, versions := 0, make(map[key]fhir.Resource)
	version := func(s situation, status string, issued time.Time) fhir.Resource {
		k := key{status, s.guard, s.signer, issued, s.age >= 0}
		if _, ok := versions[k]; !ok {
			versions[k] = s.version(t, status, issued)
		}
		return versions[k]
	}
	for s := range situations {
		count++
		c := pipeline.Change{Version: "2", Now: now, Historic: s.historic, Lookup: directory()}
		issued := now.Add(-s.age)
		c.Current = version(s, s.status, issued)
		if s.reissued {
			issued = issued.Add(-time.Hour)
		}
		c.Previous = version(s, s.previous, issued)
		if s.told {
			c.Known.Told = []string{"Patient/1"}
		}
		plan, err := book.Decide(c)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, n := range plan.Wanted {
			got = append(got, fmt.Sprint(n.Step, " at ", n.Due.Unix()))
			if !n.Expires.After(n.Due) || !n.Expires.After(now) {
				t.Errorf("%+v: %s is due %v and expires %v", s, n.Step, n.Due, n.Expires)
			}
		}
		for _, e := range plan.Errands {
			got = append(got, e.Code)
		}
		said, at, tasks := s.expected(now)
		if said != "" {
			want = []string{fmt.Sprint(said, " at ", at.Unix())}
		}
		if want = append(want, tasks...); !slices.Equal(got, want) {
			t.Fatalf("%+v: got %q, want %q", s, got, want)
		}
	}
	if want := 11 * 5 * 7 * 4 * 6 * 2 * 2 * 2; count != want {
		t.Errorf("got %d situations, want %d", count, want)
	}
}

// situations yields all of them.
func situations(yield func(situation) bool) {
	for _, status := range reportStatuses {
		for _, previous := range previousStatuses {
			for guard := range guards {
				for signer := range signers {
					for _, age := range ages {
						for i := range 8 {
							if !yield(situation{status, previous, guard, signer, age, i&1 != 0, i&2 != 0, i&4 != 0}) {
								return
							}
						}
					}
				}
			}
		}
	}
}

// TestNoReportShowsWhatIsInIt composes every message that the journey has, about a report that says the
// same word wherever it can, and looks for the word in all that goes out.
func TestNoReportShowsWhatIsInIt(t *testing.T) {
	const word = "Glioblastoma"
	said := make(map[string]bool)
	full := m{
		"code":       m{"text": word, "coding": []any{m{"system": "http://example.org/codes", "code": "call", "display": word}}},
		"conclusion": word, "conclusionCode": []any{m{"text": word}}, "category": []any{m{"text": word}},
		"resultsInterpreter": []any{m{"reference": "Practitioner/1", "display": word}},
		"result":             []any{m{"reference": "#o", "display": word}},
		"contained":          []any{m{"resourceType": "Observation", "id": "o", "status": "final", "code": m{"text": word}, "valueString": word}},
		"presentedForm":      []any{m{"contentType": "text/plain", "title": word, "data": "R2xpb2JsYXN0b21h"}},
		"identifier":         []any{m{"value": word}}, "text": m{"status": "generated", "div": "<div>" + word + "</div>"},
	}
	plain := m{"code": m{"text": word}}
	book := shipped(t)
	for _, c := range []struct {
		previous, current fhir.Resource
		told              bool
	}{
		{nil, report(t, "final", full), false},
		{nil, report(t, "final", full, plain), false},
		{report(t, "final", full, plain), report(t, "corrected", full, plain), true},
		{report(t, "final", full, plain), report(t, "entered-in-error", full, plain), true},
	} {
		change := pipeline.Change{Previous: c.previous, Current: c.current, Version: "1", Now: moment(t, before)}
		if c.told {
			change.Known.Told = []string{"Patient/1"}
		}
		for _, n := range decide(t, book, change) {
			for _, language := range tags {
				composed := compose(t, book, n, pipeline.Facts{Subject: c.current, Patient: patient(t, "Erika", language), Known: change.Known})
				if composed.Skip != pipeline.ReasonNone {
					t.Fatalf("%s is not sent: %s", n.Step, composed.Skip)
				}
				said[n.Step] = true
				out := composed.Message.Seen.Reveal() + composed.Message.Template.Name
				for _, p := range composed.Message.Template.Body {
					if value := strings.Trim(p.Text.Reveal(), "\u2068\u2069"); value != "Erika" && !strings.Contains(value, "Harbour Hospital") {
						t.Errorf("%s in %s shows %q as %s", n.Step, language, value, p.Name)
					}
				}
				if strings.Contains(out, word) {
					t.Errorf("%s in %s: %q", n.Step, language, out)
				}
			}
		}
	}
	for _, step := range []string{"ready", "changed", "withdrawn", "call"} {
		if !said[step] {
			t.Errorf("%s was not said", step)
		}
	}
}
