package envelope_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fhirbridge/adapters/envelope"
	"fhirbridge/pipeline"
)

// Resources on lines are the same events as each of them alone, in an order that
// keeps to the rules.
func TestLinesAreResources(t *testing.T) {
	d := open(t, envelope.Config{})
	rapid.Check(t, func(t *rapid.T) {
		resources := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			r := map[string]any{
				"resourceType": rapid.SampledFrom([]string{"Appointment", "DiagnosticReport", "Patient", "Location", "Observation"}).Draw(t, "type"),
				"id":           rapid.StringMatching(`[a-z0-9]{4,8}`).Draw(t, "id"),
				"comment":      rapid.String().Draw(t, "comment"),
			}
			raw, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}), 2, 8).Draw(t, "resources")

		var alone []pipeline.Event
		for _, r := range resources {
			events, err := d.Decode([]byte(r), nil, pipeline.Source{})
			if err != nil {
				t.Fatal(err)
			}
			alone = append(alone, events...)
		}
		slices.SortStableFunc(alone, func(a, b pipeline.Event) int { return rank(a) - rank(b) })
		together, err := d.Decode([]byte(strings.Join(resources, "\n")), nil, pipeline.Source{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(alone, together, cmp.AllowUnexported(pipeline.Private{})); diff != "" {
			t.Fatalf("alone (-), together (+):\n%s", diff)
		}
	})
}

func rank(e pipeline.Event) int {
	if e.Type == "Appointment" || e.Type == "DiagnosticReport" {
		return 1
	}
	return 0
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		seed, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed, "ehr.fhir", "")
	}
	f.Add([]byte(nil), "ehr.fhir", "Appointment/a1")
	f.Add([]byte(nil), "ehr.appointments", "a1")
	d := open(f, envelope.Config{
		Envelopes:  map[string]string{"lines": "ndjson", "bundles": "bundle", "resources": "resource"},
		Tombstones: map[string]string{"ehr.appointments": "Appointment"},
	})
	f.Fuzz(func(t *testing.T, value []byte, topic, key string) {
		before := bytes.Clone(value)
		events, err := d.Decode(value, nil, pipeline.Source{Topic: topic, Key: pipeline.NewPrivate(key)})
		faults(t, err)
		if !bytes.Equal(value, before) {
			t.Error("the record was changed")
		}
		size := 0
		for _, e := range events {
			if e.Type == "" || e.ID == "" {
				t.Errorf("an event without name: %q", e.Ref())
			}
			if (e.Operation == pipeline.Delete) != (e.Resource == nil) {
				t.Errorf("%s of %s with %d bytes", e.Operation, e.Ref(), len(e.Resource))
			}
			if e.Resource != nil && !json.Valid(e.Resource) {
				t.Errorf("%s is no JSON", e.Ref())
			}
			named := []byte(`,"id":"` + e.ID + `"}`)
			if !bytes.Contains(value, bytes.TrimSuffix(e.Resource, named)) {
				t.Errorf("%s is not of the record", e.Ref())
			}
			size += len(bytes.TrimSuffix(e.Resource, named))
		}
		if size > len(value) {
			t.Errorf("%d bytes out of %d", size, len(value))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	appointment := bytes.TrimSpace(file(b, "appointment_booked.json"))
	entry := append(append([]byte(`{"fullUrl":"https://ehr.example.org/fhir/Appointment/a1","resource":`), appointment...), '}')
	entries := bytes.Join(slices.Repeat([][]byte{entry}, 50), []byte(","))
	for _, bench := range []struct {
		name  string
		value []byte
	}{
		{"resource", appointment},
		{"bundle of 50", []byte(collection(string(entries)))},
		{"50 lines", bytes.Join(slices.Repeat([][]byte{appointment}, 50), []byte("\n"))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			d := open(b, envelope.Config{})
			b.SetBytes(int64(len(bench.value)))
			b.ReportAllocs()
			for b.Loop() {
				if events, err := d.Decode(bench.value, nil, pipeline.Source{}); err != nil || len(events) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkValid is the reason why syntax is not checked by encoding/json.
func BenchmarkValid(b *testing.B) {
	appointment := file(b, "appointment_booked.json")
	b.SetBytes(int64(len(appointment)))
	for b.Loop() {
		if !json.Valid(appointment) {
			b.Fatal("not valid")
		}
	}
}
