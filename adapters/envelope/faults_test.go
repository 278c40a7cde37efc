package envelope_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/adapters/envelope"
	"fhirbridge/pipeline"
)

// canary stands wherever a sender could put a patient's words.
const canary = "CanaryAdaBeispiel"

func collection(entries ...string) string {
	return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",") + `]}`
}

func TestFaults(t *testing.T) {
	const (
		good  = `{"resource":{"resourceType":"Appointment","id":"a1"}}`
		first = "unknown Appointment/a1"
	)
	for _, test := range []struct {
		name, value string
		want        []string
		fault       []string
	}{
		{"no JSON", canary, nil, []string{"not_json"}},
		{"cut off", `{"resourceType":"Appointment","id":"a1","comment":"` + canary, nil, []string{"not_json"}},
		{"cut off and over many lines", "{\n\"resourceType\": \"Appointment\",\n\"x\": [\n {\"a\": 1},\n {\"b\": 2}\n", nil, []string{"not_json"}},
		{"only space", " \n", nil, []string{"not_json"}},
		{"Latin-1", "{\"resourceType\":\"Appointment\",\"id\":\"a1\",\"comment\":\"M\xfcller\"}", nil, []string{"not_utf8"}},
		{"UTF-16", "\xff\xfe{\x00}\x00", nil, []string{"not_utf8"}},
		{"too deep", `{"resourceType":"Appointment","id":"a1","x":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`, nil, []string{"too_deep"}},
		{"deep enough to end a recursion", strings.Repeat(`{"a":[`, 1_000_000), nil, []string{"too_deep"}},
		{"JSON that is no FHIR", `{"patient":"` + canary + `"}`, nil, []string{"not_fhir at resourceType"}},
		{"a JSON null", "null", nil, []string{"not_fhir"}},
		{"a text", `"` + canary + `"`, nil, []string{"not_fhir"}},
		{"an array", `[{"resourceType":"Appointment","id":"a1"}]`, nil, []string{"not_fhir"}},
		{"type is a number", `{"resourceType":17,"id":"a1"}`, nil, []string{"wrong_type at resourceType"}},
		{"no id", `{"resourceType":"Appointment","comment":"` + canary + `"}`, nil, []string{"no_id at Appointment.id"}},
		{"no id, a type nobody reads", `{"resourceType":"Observation"}`, nil, []string{"no_id at Observation.id"}},
		{"no type of R4, no id", `{"resourceType":"` + canary + `"}`, nil, []string{"unknown_type at resourceType"}},
		{"a mistake in the type", `{"resourceType":"Appointmnet","id":"a1"}`, nil, []string{"unknown_type at resourceType"}},
		{"a type of R5", `{"resourceType":"Transport","id":"t1"}`, nil, []string{"unknown_type at resourceType"}},
		{"a type of STU3", `{"resourceType":"ProcedureRequest","id":"r1"}`, nil, []string{"unknown_type at resourceType"}},
		{"a type of R4B", `{"resourceType":"NutritionProduct","id":"n1"}`, []string{"unknown NutritionProduct/n1"}, nil},
		{"id is a number", `{"resourceType":"Appointment","id":17}`, nil, []string{"wrong_type at Resource.id"}},
		{"id with a space", `{"resourceType":"Appointment","id":"Ada Beispiel"}`, nil, []string{"bad_id at Resource.id"}},
		{"lastUpdated is no instant", `{"resourceType":"Appointment","id":"a1","meta":{"lastUpdated":"` + canary + `"}}`, nil, []string{"bad_instant at Resource.meta.lastUpdated"}},
		{"bundle without type", `{"resourceType":"Bundle","entry":[` + good + `]}`, nil, []string{"unsupported_bundle at Bundle.type"}},
		{"document", `{"resourceType":"Bundle","type":"document","entry":[` + good + `]}`, nil, []string{"unsupported_bundle at Bundle.type"}},
		{"entry is an object", `{"resourceType":"Bundle","type":"collection","entry":` + good + `}`, nil, []string{"wrong_type at Bundle.entry"}},
		{"entry is null", `{"resourceType":"Bundle","type":"collection","entry":null}`, nil, nil},
		{"bundle with a faulty id and meta", `{"resourceType":"Bundle","id":"_1_","meta":7,"type":"collection","entry":[` + good + `]}`, []string{first}, nil},
		{"an entry is a text", collection(`"`+canary+`"`, good), []string{first}, []string{"wrong_type at Bundle.entry[0]"}},
		{"an entry is null", collection(good, "null"), []string{first}, []string{"wrong_type at Bundle.entry[1]"}},
		{"a resource is an array", collection(good, `{"resource":[]}`), []string{first}, []string{"wrong_type at Bundle.entry[1].resource"}},
		{"a resource is missing", collection(`{"fullUrl":"https://ehr.example.org/fhir/Patient/p1"}`, good), []string{first}, []string{"no_resource at Bundle.entry[0].resource"}},
		{"a resource without type", collection(good, good, good, `{"resource":{"id":"a1"}}`), []string{first, first, first}, []string{"not_fhir at Bundle.entry[3].resource.resourceType"}},
		{"a resource type is a number", collection(`{"resource":{"resourceType":1}}`, good), []string{first}, []string{"wrong_type at Bundle.entry[0].resource.resourceType"}},
		{"a faulty instant", collection(`{"resource":{"resourceType":"Patient","id":"p1","meta":{"lastUpdated":1}}}`, good), []string{first}, []string{"bad_instant at Bundle.entry[0].resource.meta.lastUpdated"}},
		{"two faults", collection(`1`, good, `{"resource":{"resourceType":"Patient"}}`), []string{first}, []string{"wrong_type at Bundle.entry[0]", "no_id at Bundle.entry[2].resource.id"}},
		{"a urn is no id", collection(`{"fullUrl":"urn:uuid:6f1c4f0a-0000-4000-8000-000000000001","resource":{"resourceType":"Appointment"}}`), nil, []string{"no_id at Bundle.entry[0].resource.id"}},
		{"an address of another type is no id", collection(`{"fullUrl":"https://ehr.example.org/fhir/Patient/p1","resource":{"resourceType":"Appointment"}}`), nil, []string{"no_id at Bundle.entry[0].resource.id"}},
		{"what nobody reads needs no id", collection(`{"resource":{"resourceType":"Observation"}}`, good), []string{first}, nil},
		{"a mistake in a type in a bundle", collection(good, `{"resource":{"resourceType":"`+canary+`"}}`), []string{first}, []string{"unknown_type at Bundle.entry[1].resource.resourceType"}},
		{"a mistake in a type on a line", "{\"resourceType\":\"Appointment\",\"id\":\"a1\"}\n{\"resourceType\":\"" + canary + "\",\"id\":\"a1\"}", []string{first}, []string{"unknown_type at line 2: resourceType"}},
		{"a bundle in a bundle", collection(`{"resource":` + collection(good) + `}`), nil, []string{"nested_bundle at Bundle.entry[0].resource"}},
		{"a bundle with id in a bundle", collection(`{"resource":{"resourceType":"Bundle","id":"b1"}}`), nil, []string{"nested_bundle at Bundle.entry[0].resource"}},
		{"a broken line", "{\"resourceType\":\"Appointment\",\"id\":\"a1\"}\n\n{\"id\":\"" + canary + "\n{\"resourceType\":\"Patient\",\"id\":\"p1\"}", []string{"unknown Patient/p1", first}, []string{"not_json at line 3"}},
		{"the first line is broken", "{\n{\"resourceType\":\"Patient\",\"id\":\"p1\"}\r\n", []string{"unknown Patient/p1"}, []string{"not_json at line 1"}},
		{"a fault in a bundle on a line", "{\"resourceType\":\"Patient\",\"id\":\"p1\"}\n" + collection("7"), []string{"unknown Patient/p1"}, []string{"wrong_type at line 2: Bundle.entry[0]"}},
		{"byte order mark", "\xef\xbb\xbf" + `{"resourceType":"Appointment","id":"a1"}`, []string{first}, nil},
		{"unknown resource", `{"resourceType":"Observation","id":"o1"}`, []string{"unknown Observation/o1"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) { check(t, test.value, test.want, test.fault) })
	}
}

// check decodes value, and looks for words of a patient in errors.
func check(t *testing.T, value string, want, fault []string) {
	t.Helper()
	source := pipeline.Source{Topic: "ehr.fhir", Key: pipeline.NewPrivate(canary)}
	events, err := open(t, envelope.Config{}).Decode([]byte(value), nil, source)
	if diff := cmp.Diff(want, toldAll(events)); diff != "" {
		t.Errorf("events: want (-), got (+):\n%s", diff)
	}
	if diff := cmp.Diff(fault, faults(t, err)); diff != "" {
		t.Errorf("faults: want (-), got (+):\n%s", diff)
	}
	if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "Canary") || strings.Contains(text, "Ada") {
		t.Errorf("error holds words of the record: %s", text)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	_, err := open(t, envelope.Config{}).Decode([]byte(collection(strings.Split(strings.Repeat("1 ", 999)+"1", " ")...)), nil, pipeline.Source{})
	got := faults(t, err)
	if len(got) != 51 || got[49] != "wrong_type at Bundle.entry[49]" || got[50] != "more_faults" {
		t.Errorf("got %d faults, the last %q", len(got), got[len(got)-1])
	}
}

func TestPartsAreBounded(t *testing.T) {
	const entry = `{"resource":{"resourceType":"Appointment","id":"a1"}}`
	entries := strings.Split(strings.Repeat(entry+" ", 9_999)+entry, " ")
	lines := strings.Repeat(`{"resourceType":"Patient","id":"p1"}`+"\n", 10_000)
	for _, test := range []struct {
		name, value string
		events      int
		fault       []string
	}{
		{"as many entries as allowed", collection(entries...), 10_000, nil},
		{"an entry too many", collection(append(entries, entry)...), 0, []string{"too_many_entries"}},
		{"as many lines as allowed", lines, 10_000, nil},
		{"a line too many", lines + `{"resourceType":"Patient","id":"p1"}`, 0, []string{"too_many_entries"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			events, err := open(t, envelope.Config{}).Decode([]byte(test.value), nil, pipeline.Source{})
			if len(events) != test.events {
				t.Errorf("%d events, want %d", len(events), test.events)
			}
			if diff := cmp.Diff(test.fault, faults(t, err)); diff != "" {
				t.Errorf("faults: want (-), got (+):\n%s", diff)
			}
		})
	}
}

// Twenty megabytes are decoded in a time that a quadratic reader would miss by far.
func TestLargeRecords(t *testing.T) {
	const size = 20 << 20
	filler := strings.Repeat("x", 4<<10)
	entry := `{"resource":{"resourceType":"Appointment","id":"a1","comment":"` + filler + `"}}`
	for _, test := range []struct{ name, value string }{
		{"one resource", `{"resourceType":"Appointment","id":"a1","comment":"` + strings.Repeat("x", size) + `"}`},
		{"bundle", collection(strings.Split(strings.Repeat(entry+" ", size/len(entry))+entry, " ")...)},
		{"wide", `{"resourceType":"Appointment","id":"a1","x":[` + strings.Repeat("[{}],", size/5) + `1]}`},
		{"open strings", strings.Repeat(`"\"`, size/3)},
		{"open lines", strings.Repeat("{}{\n", size/4)},
		{"quotes on lines", strings.Repeat("{\"}\n", size/4)},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			events, err := open(t, envelope.Config{}).Decode([]byte(test.value), nil, pipeline.Source{})
			if len(events) == 0 && err == nil {
				t.Error("the record is not accounted for")
			}
			if took := time.Since(start); took > time.Minute { // work that grows with the square takes many
				t.Errorf("took %v", took)
			}
		})
	}
}
