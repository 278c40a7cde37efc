package fhirpath_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/fhir/fhirpath"
)

// visit holds what the tests ask for; Janeword must be in no error.
const visit = `{"resourceType":"Appointment","id":"a1","meta":{"versionId":"3","security":[{"code":"R"}]},"status":"booked",
	"contained":[{"resourceType":"Location","id":"l1","name":"Room 4"}],
	"serviceType":[{"text":"Check-up","coding":[{"system":"urn:s","code":"124"}]},{"text":"Blood"}],
	"minutesDuration":20,"comment":"Janeword","created":"2026-03-01",
	"start":"2026-03-05T09:00:00+01:00","end":"2026-03-05T09:30:00+01:00",
	"_start":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/tz-code","valueCode":"Europe/Berlin"}]},
	"extension":[{"url":"https://hospital.example.org/fasting","valueBoolean":true},{"url":"https://hospital.example.org/floor","valueString":"2nd floor"}],
	"participant":[{"actor":{"reference":"Patient/p1","display":"Janeword"},"status":"accepted"},{"actor":{"reference":"#l1"},"status":"accepted"}]}`

// result is a report with one value.
const result = `{"resourceType":"DiagnosticReport","id":"r1","status":"final","code":{"text":"x"},"effectiveDateTime":"2026-03-01T08:00:00Z","issued":"2026-03-02T08:00:00.5Z"}`

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func parse(tb testing.TB, raw string) *fhirpath.Resource {
	tb.Helper()
	r, err := fhirpath.Parse([]byte(raw))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func compile(tb testing.TB, expression string) *fhirpath.Path {
	tb.Helper()
	p, err := fhirpath.Compile(expression)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestTexts(t *testing.T) {
	for _, test := range []struct {
		name, raw, expression string
		want                  []string
	}{
		{"code", visit, "status", []string{"booked"}},
		{"from the type on", visit, "Appointment.status", []string{"booked"}},
		{"from a type of several", visit, "Patient.id | Appointment.id", []string{"a1"}},
		{"several", visit, "serviceType.text", []string{"Check-up", "Blood"}},
		{"a code in a system", visit, "serviceType.coding.where(system = 'urn:s').code", []string{"124"}},
		{"number", visit, "minutesDuration", []string{"20"}},
		{"truth", visit, "extension('https://hospital.example.org/fasting').value", []string{"true"}},
		{"extension", visit, "extension.where(url = 'https://hospital.example.org/floor').value", []string{"2nd floor"}},
		{"extension of a date", visit, "start.extension('http://hl7.org/fhir/StructureDefinition/tz-code').value", []string{"Europe/Berlin"}},
		{"reference", visit, "participant.actor.reference.first()", []string{"Patient/p1"}},
		{"contained", visit, "contained.ofType(Location).name", []string{"Room 4"}},
		{"day", visit, "created", []string{"2026-03-01"}},
		{"moment", visit, "start", []string{"2026-03-05T09:00:00+01:00"}},
		{"choice", result, "effective", []string{"2026-03-01T08:00:00Z"}},
		{"moment with a fraction", result, "issued", []string{"2026-03-02T08:00:00.500Z"}},
		{"choice of a type", result, "effective as dateTime", []string{"2026-03-01T08:00:00Z"}},
		{"the time is told", visit, "today()", []string{"2026-03-04"}},
		{"a name in a text", visit, "iif(comment.exists(), 'effectiveDateTime, single() ~', 'x')", []string{"effectiveDateTime, single() ~"}},
		{"a name in a comment", visit, "status /* single() */ // ~ single()", []string{"booked"}},
		{"put together", visit, "'Room: ' & contained.ofType(Location).name.first()", []string{"Room: Room 4"}},
		{"nothing", visit, "patientInstruction", nil},
		{"the whole resource", visit, "%context.id", []string{"a1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := compile(t, test.expression).Texts(parse(t, test.raw), now)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestHolds(t *testing.T) {
	for _, test := range []struct {
		expression string
		want       bool
	}{
		{"status = 'booked'", true},
		{"status in ('pending' | 'arrived')", false},
		{"Appointment.status = 'booked' and Appointment.minutesDuration > 10", true},
		{"meta.security.exists(code = 'R' or code = 'V')", true},
		{"participant.where(actor.reference.startsWith('Patient/')).status.first() = 'accepted'", true},
		{"start > now()", true},
		{"start < now() + 24 hours", true},
		{"start < now() + 1 hour", false},
		{"start - 1 day > now()", false},
		{"created > @2026-02-01", true},
		{"extension('https://hospital.example.org/fasting').value", true},
		{"patientInstruction", false},
		{"patientInstruction.exists()", false},
		{"patientInstruction = 'x'", false},
		{"serviceType.exists(text.contains('Blood'))", true},
		{"(status = 'booked').not()", false},
		{"participant.where(actor is Reference).exists()", true},
	} {
		t.Run(test.expression, func(t *testing.T) {
			got, err := compile(t, test.expression).Holds(parse(t, visit), now)
			if err != nil || got != test.want {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
	p := compile(t, "start > now()")
	if got, _ := p.Holds(parse(t, visit), now.AddDate(0, 0, 1)); got {
		t.Errorf("a visit that is over lies ahead")
	}
}

func TestHoldsOfAChoice(t *testing.T) {
	const alive, dead = `{"resourceType":"Patient","deceasedBoolean":false}`, `{"resourceType":"Patient","deceasedDateTime":"2026-03-01"}`
	for _, test := range []struct {
		expression, raw string
		want            bool
	}{
		{"(effective as dateTime) < now()", result, true},
		{"effective as dateTime = @2026-03-01T08:00:00Z", result, true},
		{"effective.exists() and effective.empty().not()", result, true},
		{"effective is Period", result, false},
		{"effective is dateTime", result, true},
		{"(effective as Period).start.exists()", result, false},
		{"deceased", alive, false},
		{"(deceased as boolean) = false", alive, true},
		{"(deceased as boolean).not()", alive, true},
		{"deceased is dateTime or deceased as boolean = true", dead, true},
		{"value = 5", `{"resourceType":"Observation","valueInteger":5}`, true},
		{"payload.content.exists()", `{"resourceType":"Communication","payload":[{"contentString":"x"}]}`, true},
	} {
		got, err := compile(t, test.expression).Holds(parse(t, test.raw), now)
		if err != nil || got != test.want {
			t.Errorf("%s: got %v, %v, want %v", test.expression, got, err, test.want)
		}
	}
}

func TestEvaluationFails(t *testing.T) {
	texts := func(p *fhirpath.Path, r *fhirpath.Resource) error { _, err := p.Texts(r, now); return err }
	holds := func(p *fhirpath.Path, r *fhirpath.Resource) error { _, err := p.Holds(r, now); return err }
	for _, test := range []struct {
		name, expression string
		evaluate         func(*fhirpath.Path, *fhirpath.Resource) error
		want             string
	}{
		{"unknown element", "description2", texts, "fhir: unknown_element"},
		{"unknown element of an element", "participant.actor.name", texts, "fhir: unknown_element"},
		{"of another type", "Patient.name", texts, "fhir: wrong_type at resourceType"},
		{"condition of another type", "Patient.active", holds, "fhir: wrong_type at resourceType"},
		{"one text of several", "serviceType.text.contains('Blood')", holds, "fhir: path_failed"},
		{"text of what has parts", "participant.actor", texts, "fhir: no_text"},
		{"condition that is a text", "comment", holds, "fhir: no_condition"},
		{"condition that has parts", "participant.first()", holds, "fhir: no_condition"},
		{"several conditions", "participant.select(status = 'accepted')", holds, "fhir: no_condition"},
		{"sum of a text and a number", "comment + 1", texts, "fhir: path_failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.evaluate(compile(t, test.expression), parse(t, visit))
			var e *fhir.Error
			if !errors.As(err, &e) || err.Error() != test.want {
				t.Fatalf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, raw, want string }{
		{"not JSON", `{"resourceType":"Appointment"`, "fhir: not_json"},
		{"no resource", `[]`, "fhir: not_fhir"},
		{"unknown type", `{"resourceType":"Janeword"}`, "fhir: unknown_type"},
		{"unknown element", strings.Replace(visit, `"comment"`, `"Janeword"`, 1), "fhir: unknown_element at Appointment"},
		{"unknown code", strings.Replace(visit, `"booked"`, `"Janeword"`, 1), "fhir: unknown_code at Appointment.status"},
		{"odd moment", strings.Replace(visit, `2026-03-05T09:00:00+01:00`, `Janeword`, 1), "fhir: bad_instant at Appointment.start"},
		{"depth", `{"resourceType":"Questionnaire","status":"draft","item":` + strings.Repeat(`[{"linkId":"1","type":"group","item":`, 100) + `[]` + strings.Repeat(`}]`, 100) + `}`, "too_deep"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := fhirpath.Parse([]byte(test.raw))
			if r != nil || err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "Janeword") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := fhirpath.Parse([]byte(`{"resourceType":"Appointment","id":"a1"}`)); err != nil {
		t.Errorf("a resource that lacks what it must have: got %v", err)
	}
}

func TestNothingPrintsItself(t *testing.T) {
	if got := parse(t, visit).String(); got != "Appointment/a1" {
		t.Errorf("got %q", got)
	}
	if got := compile(t, "Appointment.status").String(); got != "Appointment.status" {
		t.Errorf("got %q", got)
	}
}

// TestFromManyGoroutines evaluates one path on one resource at once; the race detector looks on.
func TestFromManyGoroutines(t *testing.T) {
	paths := []*fhirpath.Path{compile(t, "participant.where(actor.reference.startsWith('Patient/')).actor.reference"), compile(t, "start > now() and meta.security.exists(code = 'R')")}
	r := parse(t, visit)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				texts, err := paths[0].Texts(r, now)
				if err != nil || !slices.Equal(texts, []string{"Patient/p1"}) {
					t.Errorf("got %q, %v", texts, err)
				}
				if ok, err := paths[1].Holds(r, now); err != nil || !ok {
					t.Errorf("got %v, %v", ok, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"status", "a.b('x') ~ `c`", "%'x' $this @2026-01-01T10:00 // x", "/*", "'\\'", "iif(Patient.a, (b), c) - now()"} {
		f.Add(seed)
	}
	r := parse(f, visit)
	f.Fuzz(func(t *testing.T, expression string) {
		p, err := fhirpath.Compile(expression)
		if (p == nil) != (err != nil) {
			t.Fatal("a path beside an error, or neither")
		}
		if err == nil {
			_, _ = p.Texts(r, now)
			_, _ = p.Holds(r, now)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	raw, err := os.ReadFile("../testdata/hl7/Appointment-example.json")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhirpath.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhirpath.Compile("participant.where(actor.reference.startsWith('Patient/')).actor.reference"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHolds(b *testing.B) {
	r := parse(b, visit)
	for _, expression := range []string{"status = 'booked'", "start > now()", "meta.security.exists(code = 'R' or code = 'V')"} {
		p := compile(b, expression)
		b.Run(expression, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Holds(r, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
