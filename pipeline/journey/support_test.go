package journey_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// m is a JSON object.
type m = map[string]any

func decode[T fhir.Resource](t testing.TB, r m) T {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := fhir.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return decoded.(T)
}

func moment(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// visit makes an Appointment of Patient/1 at Location/1; more overrides its elements.
func visit(t testing.TB, status, start string, more ...m) *fhir.Appointment {
	t.Helper()
	r := m{"resourceType": "Appointment", "id": "1", "status": status, "participant": []any{
		m{"actor": m{"reference": "Patient/1"}, "status": "needs-action"},
		m{"actor": m{"reference": "Location/1"}, "status": "accepted"},
	}}
	if start != "" {
		r["start"], r["end"] = start, moment(t, start).Add(30*time.Minute).Format(time.RFC3339)
	}
	for _, o := range more {
		maps.Copy(r, o)
	}
	return decode[*fhir.Appointment](t, r)
}

// patients is the participation of some patients.
func patients(status string, ids ...string) m {
	var list []any
	for _, id := range ids {
		list = append(list, m{"actor": m{"reference": "Patient/" + id}, "status": status})
	}
	return m{"participant": list}
}

func labels(codes ...string) m {
	var list []any
	for _, c := range codes {
		list = append(list, m{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": c})
	}
	return m{"meta": m{"security": list}}
}

func confidential(code string) m {
	return m{"meta": m{"security": []any{m{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": code}}}}
}

func report(t testing.TB, status string, more ...m) *fhir.DiagnosticReport {
	t.Helper()
	r := m{"resourceType": "DiagnosticReport", "id": "9", "status": status, "code": m{"text": "HIV antibody"}, "subject": m{"reference": "Patient/1"}}
	for _, o := range more {
		maps.Copy(r, o)
	}
	return decode[*fhir.DiagnosticReport](t, r)
}

func patient(t testing.TB, given, language string) *fhir.Patient {
	r := m{"resourceType": "Patient", "id": "1"}
	if given != "" {
		r["name"] = []any{m{"given": []any{given}, "family": "Probe"}}
	}
	if language != "" {
		r["communication"] = []any{m{"language": m{"coding": []any{m{"system": "urn:ietf:bcp:47", "code": language}}}}}
	}
	return decode[*fhir.Patient](t, r)
}

func place(t testing.TB, name, zone string) *fhir.Location {
	r := m{"resourceType": "Location", "id": "1", "name": name}
	if zone != "" {
		r["extension"] = []any{m{"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": zone}}
	}
	return decode[*fhir.Location](t, r)
}

// directory finds resources by "Type/id".
func directory(resources ...fhir.Resource) func(string) fhir.Resource {
	return func(ref string) fhir.Resource {
		for _, r := range resources {
			if r.Header().Ref() == ref {
				return r
			}
		}
		return nil
	}
}

func decide(t testing.TB, b *journey.Book, c pipeline.Change) []pipeline.Notification {
	t.Helper()
	if c.Lookup == nil {
		c.Lookup = directory()
	}
	plan, err := b.Decide(c)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Wanted
}

// steps lists what is wanted as "step patient".
func steps(list []pipeline.Notification) []string {
	var names []string
	for _, n := range list {
		name := n.Step
		if n.Patient != "Patient/1" {
			name += " " + n.Patient
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func version(n int) string { return strconv.Itoa(n) }

const attempt = "abcdefghijklmno0"
