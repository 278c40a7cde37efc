package strict_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	bundle "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"

	"fhirbridge/fhir"
	"fhirbridge/fhir/strict"
)

const visit = `{"resourceType":"Appointment","id":"a1","status":"booked","start":"2026-03-05T09:00:00+01:00","end":"2026-03-05T09:30:00+01:00",
	"participant":[{"actor":{"reference":"Patient/p1"},"status":"needs-action"}]}`

func TestValidate(t *testing.T) {
	with := func(old, now string) string { return strings.Replace(visit, old, now, 1) }
	for _, test := range []struct {
		name, raw string
		want      []strict.Finding
	}{
		{"valid", visit, nil},
		{"not JSON", `{"resourceType":`, []strict.Finding{{Rule: "not_json"}}},
		{"nothing", ``, []strict.Finding{{Rule: "not_json"}}},
		{"no resourceType", `{"id":"Jane"}`, []strict.Finding{{Path: "resourceType", Rule: "missing"}}},
		{"null", `null`, []strict.Finding{{Path: "resourceType", Rule: "missing"}}},
		{"type is no text", `{"resourceType":{"Jane":1}}`, []strict.Finding{{Rule: "not_fhir"}}},
		{"unknown type", `{"resourceType":"Jane"}`, []strict.Finding{{Rule: "unknown_type"}}},
		{"unknown type inside", with(`"id"`, `"contained":[{"resourceType":"Jane"}],"id"`), []strict.Finding{{Path: "Appointment.contained[0]", Rule: "unknown_type"}}},
		{"unknown element", with(`"id"`, `"Jane Doe":1,"id"`), []strict.Finding{{Path: "Appointment", Rule: "unknown_element"}}},
		{"unknown code", with(`"booked"`, `"Jane"`), []strict.Finding{{Path: "Appointment.status", Rule: "unknown_code"}}},
		{"missing", with(`,"status":"needs-action"`, ``), []strict.Finding{{Path: "Appointment.participant[0].status", Rule: "missing"}}},
		{"id outside the grammar", with(`"a1"`, `"Jane_1"`), []strict.Finding{{Path: "Appointment.id", Rule: "bad_id"}}},
		{"two faults", with(`"id":"a1","status":"booked"`, `"id":7,"status":"Jane"`),
			[]strict.Finding{{Path: "Appointment.id", Rule: "bad_id"}, {Path: "Appointment.status", Rule: "unknown_code"}}},
		{"wrong type", with(`[{"actor":{"reference":"Patient/p1"},"status":"needs-action"}]`, `"Jane"`), []strict.Finding{{Path: "Appointment.participant", Rule: "wrong_type"}}},
		{"instant without offset", with(`09:00:00+01:00`, `09:00:00`), []strict.Finding{{Path: "Appointment.start", Rule: "bad_instant"}}},
		{"wrong target", with(`Patient/p1`, `Organization/o1`), []strict.Finding{{Path: "Appointment.participant[0].actor", Rule: "wrong_target"}}},
		{"too deep", `{"resourceType":"Questionnaire","status":"draft","item":` + strings.Repeat(`[{"linkId":"1","type":"group","item":`, 100) + `[]` + strings.Repeat(`}]`, 100) + `}`, nil},
		{"app-1", with(`"actor":{"reference":"Patient/p1"},`, ``), []strict.Finding{{Path: "Appointment.participant[0]", Rule: "app-1"}}},
		{"app-2", with(`"end":"2026-03-05T09:30:00+01:00",`, ``), []strict.Finding{{Path: "Appointment.end", Rule: "app-2"}}},
		{"app-3", with(`"start":"2026-03-05T09:00:00+01:00","end":"2026-03-05T09:30:00+01:00",`, ``), []strict.Finding{{Path: "Appointment.start", Rule: "app-3"}}},
		{"app-4", with(`"id"`, `"cancelationReason":{"text":"x"},"id"`), []strict.Finding{{Path: "Appointment.cancelationReason", Rule: "app-4"}}},
		{"several values", `{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2026"}`, []strict.Finding{{Path: "Patient", Rule: "several_values"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := strict.Validate([]byte(test.raw))
			if test.name == "too deep" { // the path is long; the rule is what counts
				if len(got) == 0 || got[0].Rule != "too_deep" {
					t.Errorf("got %v, want too_deep", got)
				}
				return
			}
			slices.SortFunc(got, func(a, b strict.Finding) int { return strings.Compare(a.Path, b.Path) })
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			for _, f := range got {
				if strings.Contains(f.Path+f.Rule, "Jane") {
					t.Errorf("the finding holds a value")
				}
			}
		})
	}
}

func TestValidateSurvives(t *testing.T) {
	for name, raw := range map[string]string{
		"depth":         strings.Repeat(`[`, 1<<20),
		"depth inside":  `{"resourceType":"Patient","x":` + strings.Repeat(`{"x":`, 1<<20),
		"null elements": `{"resourceType":"Patient","name":[null]}`,
		"null":          `{"resourceType":"Patient","name":null,"contact":[{"name":null}]}`,
		"odd bytes":     "{\"resourceType\":\"Pat\xffient\"}",
	} {
		t.Run(name, func(t *testing.T) {
			if len(strict.Validate([]byte(raw))) == 0 {
				t.Errorf("found nothing")
			}
		})
	}
}

// TestExamplesAreValid validates the official examples from several goroutines at once.
func TestExamplesAreValid(t *testing.T) {
	files, _ := filepath.Glob("../testdata/hl7/*.json")
	if len(files) < 50 {
		t.Fatalf("got %d examples", len(files))
	}
	var wg sync.WaitGroup
	for _, file := range files {
		wg.Go(func() {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			if found := strict.Validate(raw); len(found) > 0 {
				t.Errorf("%s: %v", filepath.Base(file), found)
			}
		})
	}
	wg.Wait()
}

// TestTypes: what google/fhir takes as a resource of R4 is one for fhir, too, which has its list from elsewhere.
func TestTypes(t *testing.T) {
	types := (&bundle.ContainedResource{}).ProtoReflect().Descriptor().Oneofs().ByName("oneof_resource").Fields()
	if types.Len() != 146 { // https://hl7.org/fhir/R4/resourcelist.html
		t.Errorf("%d types of resources", types.Len())
	}
	for i := range types.Len() {
		if name := string(types.Get(i).Message().Name()); !fhir.HasType(name) {
			t.Errorf("%s is a resource of R4", name)
		}
	}
}
