package envelope_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/adapters/envelope"
	"fhirbridge/pipeline"
)

// told is an event in one line: operation type/id version time.
func told(e pipeline.Event) string {
	text := e.Operation.String() + " " + e.Ref()
	if e.Version != "" {
		text += " v" + e.Version
	}
	if !e.LastUpdated.IsZero() {
		text += " " + e.LastUpdated.UTC().Format("01-02T15:04:05")
	}
	return text
}

func toldAll(events []pipeline.Event) []string {
	var list []string
	for _, e := range events {
		list = append(list, told(e))
	}
	return list
}

// faults is what an error consists of: "reason at path" of each.
func faults(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	var texts []string
	for _, err := range list {
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Kind != pipeline.Malformed || e.Reason == "" || e.Err != nil {
			t.Errorf("%v is not a bare Malformed error with a reason", err)
			continue
		}
		texts = append(texts, strings.TrimSuffix(e.Reason+" at "+e.Path, " at "))
	}
	return texts
}

func open(t testing.TB, cfg envelope.Config) *envelope.Decoder {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return envelope.New(cfg)
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestShapes(t *testing.T) {
	for _, test := range []struct {
		file string
		want []string
	}{
		{"appointment_booked.json", []string{"unknown Appointment/a1 v2 03-01T08:00:00"}},
		{"bundle_collection.json", []string{
			"unknown Patient/p1 v4 03-01T09:00:00", "unknown Location/l1 03-01T09:00:00", "unknown Observation/ob1 03-01T09:00:00",
			"unknown Appointment/a1 v2 03-01T08:00:00", "unknown DiagnosticReport/r1 v1 03-01T09:00:00",
		}},
		{"bundle_searchset_with_include.json", []string{"unknown Appointment/a1 v2"}},
		{"bundle_transaction.json", []string{
			"update Patient/p1 v4 03-01T09:00:00", "create Appointment/a7 v1 03-01T09:00:01", "delete Appointment/a6 03-01T09:00:00",
		}},
		{"bundle_transaction_response.json", []string{"create Appointment/a7 v1 03-01T09:00:01"}},
		{"bundle_history_newest_first.json", []string{
			"create Appointment/a1 v8 03-01T08:00:00", "update Appointment/a1 v9 03-02T08:00:00", "delete Appointment/a1 v10 03-03T08:00:00",
		}},
		{"bundle_message.json", []string{"unknown Appointment/a1 03-01T09:00:00"}},
		{"bundle_message_acknowledgement.json", nil},
		{"resources.ndjson", []string{
			"unknown Patient/p1 v4", "unknown Location/l1", "unknown Organization/o1", "unknown Appointment/a1 v2",
		}},
	} {
		t.Run(test.file, func(t *testing.T) {
			source := pipeline.Source{Topic: "ehr.fhir", Partition: 3, Offset: 7}
			events, err := open(t, envelope.Config{}).Decode(file(t, test.file), nil, source)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, toldAll(events)); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
			for _, e := range events {
				if got := e.Source.String(); got != "ehr.fhir/3/7" {
					t.Errorf("source of %s = %s", e.Ref(), got)
				}
				if (e.Resource == nil) != (e.Operation == pipeline.Delete) {
					t.Errorf("%s: resource is %d bytes", told(e), len(e.Resource))
				}
			}
		})
	}
}

func TestTombstones(t *testing.T) {
	cfg := envelope.Config{
		Envelopes:  map[string]string{"lines": "ndjson"},
		Tombstones: map[string]string{"ehr.appointments": "Appointment"},
	}
	for _, test := range []struct {
		name, topic, key string
		want             []string
		fault            []string
	}{
		{"key names the resource", "ehr.fhir", "Appointment/a1", []string{"delete Appointment/a1"}, nil},
		{"key names a version", "ehr.fhir", "Appointment/a1/_history/5", []string{"delete Appointment/a1 v5"}, nil},
		{"topic names the type", "ehr.appointments", "a1", []string{"delete Appointment/a1"}, nil},
		{"key is stronger than topic", "ehr.appointments", "Patient/p1", []string{"delete Patient/p1"}, nil},
		{"pinned topic", "lines", "Patient/p1", []string{"delete Patient/p1"}, nil},
		{"bare id of no known type", "ehr.fhir", "a1", nil, []string{"tombstone_without_id"}},
		{"key names no type of R4", "ehr.fhir", "Appointmnet/a1", nil, []string{"unknown_type"}},
		{"key names a type that nobody reads", "ehr.fhir", "Observation/o1", []string{"delete Observation/o1"}, nil},
		{"no key", "ehr.appointments", "", nil, []string{"tombstone_without_id"}},
		{"key is no id", "ehr.appointments", "Ada Beispiel", nil, []string{"tombstone_without_id"}},
		{"key is a search", "ehr.fhir", "Patient?identifier=1", nil, []string{"tombstone_without_id"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, value := range [][]byte{nil, {}} {
				events, err := open(t, cfg).Decode(value, nil, pipeline.Source{Topic: test.topic, Key: pipeline.NewPrivate(test.key)})
				if diff := cmp.Diff(test.want, toldAll(events)); diff != "" {
					t.Errorf("events: want (-), got (+):\n%s", diff)
				}
				if diff := cmp.Diff(test.fault, faults(t, err)); diff != "" {
					t.Errorf("faults: want (-), got (+):\n%s", diff)
				}
			}
		})
	}
}

// TestRelease: a content type may say of which release of FHIR the record is.
func TestRelease(t *testing.T) {
	for _, test := range []struct {
		header, value string
		want          bool
	}{
		{"content-type", "application/fhir+json", true},
		{"content-type", "application/json; charset=utf-8", true},
		{"content-type", "application/fhir+json; fhirVersion=4.0", true},
		{"Content-Type", `application/fhir+json;charset=utf-8;fhirversion="4.0.1"`, true},
		{"content-type", "application/fhir+json; fhirVersion=4.3", true},
		{"content-type", "application/fhir+json; fhirVersion=4.3.0", true},
		{"content-type", "application/fhir+json; fhirVersion=5.0", false},
		{"CONTENT-TYPE", "application/json; fhirVersion=5.0.0", false},
		{"content-type", "application/fhir+json; fhirVersion=3.0", false},
		{"content-type", "application/fhir+json; fhirVersion=1.0", false},
		{"content-type", "application/fhir+json; fhirVersion=4.6", false}, // a draft of R5
		{"content-type", "application/fhir+json; fhirVersion=4.01", false},
		{"content-type", "application/fhir+json; fhirVersion=" + canary, true}, // nothing that can be read
		{"content-type", "application/fhir+json; fhirVersion=R4", true},
		{"content-type", "application/fhir+json; fhirVersion=4", true},
		{"content-type", "application/fhir+json; fhirVersion=4.0-cibuild", true},
		{"content-type", "; fhirVersion=5.0", true}, // no content type
		{"accept", "application/fhir+json; fhirVersion=5.0", true},
	} {
		t.Run(test.header+" "+test.value, func(t *testing.T) {
			for _, value := range []string{`{"resourceType":"Appointment","id":"a1"}`, ""} {
				source := pipeline.Source{Key: pipeline.NewPrivate("Appointment/a1")}
				events, err := open(t, envelope.Config{}).Decode([]byte(value), map[string]string{"x": "y", test.header: test.value}, source)
				if got := faults(t, err); (len(events) == 1) != test.want || test.want != (err == nil) || !test.want && got[0] != "unknown_version" {
					t.Errorf("%d events, faults %q", len(events), got)
				}
			}
		})
	}
}

func TestPinnedShape(t *testing.T) {
	appointment, bundle := `{"resourceType":"Appointment","id":"a1"}`, `{"resourceType":"Bundle","type":"collection"}`
	for _, test := range []struct {
		name, pin, value string
		want             []string
		fault            []string
	}{
		{"resource as resource", "resource", appointment, []string{"unknown Appointment/a1"}, nil},
		{"bundle as resource", "resource", bundle, nil, []string{"wrong_shape"}},
		{"lines as resource", "resource", appointment + "\n" + appointment, nil, []string{"not_json"}},
		{"bundle as bundle", "bundle", bundle, nil, nil},
		{"resource as bundle", "bundle", appointment, nil, []string{"wrong_shape"}},
		{"nonsense as bundle", "bundle", "{", nil, []string{"not_json"}},
		{"one line as lines", "ndjson", appointment, []string{"unknown Appointment/a1"}, nil},
		{"broken line as lines", "ndjson", "{\n" + appointment, []string{"unknown Appointment/a1"}, []string{"not_json at line 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := open(t, envelope.Config{Envelopes: map[string]string{"pinned": test.pin}})
			events, err := d.Decode([]byte(test.value), nil, pipeline.Source{Topic: "pinned"})
			if diff := cmp.Diff(test.want, toldAll(events)); diff != "" {
				t.Errorf("events: want (-), got (+):\n%s", diff)
			}
			if diff := cmp.Diff(test.fault, faults(t, err)); diff != "" {
				t.Errorf("faults: want (-), got (+):\n%s", diff)
			}
		})
	}
}

func TestConfigTellsEveryProblem(t *testing.T) {
	cfg := envelope.Config{
		Envelopes:  map[string]string{"a": "avro", "b": "ndjson", "c": "tombstone"},
		Tombstones: map[string]string{"d": "Appointmnet", "e": "Appointment"},
	}
	const want = "envelopes.a: \"avro\" is none of bundle, ndjson, resource\n" +
		"envelopes.c: \"tombstone\" is none of bundle, ndjson, resource\n" +
		"tombstones.d: \"Appointmnet\" is no resource that is read"
	if err := cfg.Validate(); err == nil || err.Error() != want {
		t.Errorf("Validate() = %v\nwant %s", err, want)
	}
}

func TestOrderKey(t *testing.T) {
	for _, test := range []struct{ name, key, value, want string }{
		{"the producer's key", "p1", `{"resourceType":"Appointment","id":"a1"}`, "p1"},
		{"no key, a resource", "", `{"resourceType":"Appointment","id":"a1"}`, "Appointment/a1"},
		{"no key, no id", "", `{"resourceType":"Appointment"}`, ""},
		{"no key, a bundle", "", `{"resourceType":"Bundle","id":"b1","type":"collection"}`, ""},
		{"no key, lines", "", "{\"resourceType\":\"Patient\",\"id\":\"p1\"}\n{\"resourceType\":\"Patient\",\"id\":\"p2\"}", ""},
		{"no key, nonsense", "", "nonsense", ""},
		{"tombstone", "Appointment/a1", "", "Appointment/a1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := envelope.OrderKey([]byte(test.key), []byte(test.value)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
