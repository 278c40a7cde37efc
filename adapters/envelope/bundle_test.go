package envelope_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/adapters/envelope"
	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

func TestContextHoldsSiblings(t *testing.T) {
	const base = "https://ehr.example.org/fhir/"
	for _, test := range []struct {
		file string
		want []string
	}{
		{"bundle_message.json", []string{"Appointment/a1", "MessageHeader/m1", "Patient/p1", base + "Appointment/a1", base + "MessageHeader/m1", base + "Patient/p1"}},
		{"bundle_searchset_with_include.json", []string{"Appointment/a1", "Patient/p1", base + "Appointment/a1", base + "Patient/p1"}},
		{"bundle_transaction.json", []string{"Appointment/a7", "Patient/p1", "urn:uuid:6f1c4f0a-0000-4000-8000-000000000001", "urn:uuid:6f1c4f0a-0000-4000-8000-000000000002"}},
		{"appointment_booked.json", nil},
	} {
		t.Run(test.file, func(t *testing.T) {
			events, err := open(t, envelope.Config{}).Decode(file(t, test.file), nil, pipeline.Source{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if diff := cmp.Diff(test.want, slices.Sorted(maps.Keys(e.Context))); diff != "" {
					t.Errorf("%s: want (-), got (+):\n%s", e.Ref(), diff)
				}
			}
		})
	}
}

func TestContextHoldsTheNewestVersion(t *testing.T) {
	events, err := open(t, envelope.Config{}).Decode(file(t, "bundle_history_newest_first.json"), nil, pipeline.Source{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := fhir.Peek(events[0].Context["Appointment/a1"])
	if err != nil || h.Version != "9" {
		t.Errorf("context holds version %q, %v, want 9", h.Version, err)
	}
}

// What the envelope names is a resource with that name afterwards, and nothing else of it changes.
func TestNamedResource(t *testing.T) {
	value := file(t, "bundle_transaction.json")
	events, err := open(t, envelope.Config{}).Decode(value, nil, pipeline.Source{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Operation == pipeline.Delete {
			continue
		}
		r, err := fhir.Decode(e.Resource)
		if err != nil || r.Header().Ref() != e.Ref() {
			t.Errorf("%s is decoded as %v, %v", e.Ref(), r, err)
		}
		original, named := bytes.CutSuffix(e.Resource, []byte(`,"id":"a7"}`))
		if named != (e.Ref() == "Appointment/a7") || !bytes.Contains(value, original) {
			t.Errorf("%s is not as it was in the record", e.Ref())
		}
	}
}

func TestEntries(t *testing.T) {
	const a1 = `{"resourceType":"Appointment","id":"a1"}`
	for _, test := range []struct {
		name, kind, entry string
		want              []string
		fault             []string
	}{
		{"created under its own id", "transaction", `{"resource":` + a1 + `,"request":{"method":"POST","url":"Appointment"}}`, []string{"create Appointment/a1"}, nil},
		{"created without id or answer", "transaction", `{"resource":{"resourceType":"Appointment"},"request":{"method":"POST","url":"Appointment"}}`, nil, []string{"no_id at Bundle.entry[0].resource.id"}},
		{"updated, id only in the request", "batch", `{"resource":{"resourceType":"Appointment"},"request":{"method":"PUT","url":"/fhir/Appointment/a2"}}`, []string{"update Appointment/a2"}, nil},
		{"updated by a search", "batch", `{"resource":{"resourceType":"Appointment"},"request":{"method":"PUT","url":"Appointment?identifier=x/Appointment/a3"}}`, nil, []string{"no_id at Bundle.entry[0].resource.id"}},
		{"deleted by a search", "transaction", `{"request":{"method":"DELETE","url":"Appointment?identifier=x"}}`, nil, []string{"no_id at Bundle.entry[0].request.url"}},
		{"deleted, with its last state", "history", `{"resource":` + a1 + `,"request":{"method":"DELETE","url":"Appointment/a1"}}`, []string{"delete Appointment/a1"}, nil},
		{"deleted, versioned url", "history", `{"request":{"method":"DELETE","url":"https://ehr.example.org/fhir/Appointment/a1/_history/3"},"response":{"etag":"W/\"4\""}}`, []string{"delete Appointment/a1 v4"}, nil},
		{"deleted, a type nobody reads", "history", `{"request":{"method":"DELETE","url":"Observation/o1"}}`, []string{"delete Observation/o1"}, nil},
		{"deleted, a mistake in the type", "history", `{"request":{"method":"DELETE","url":"Appointmnet/a1"}}`, nil, []string{"unknown_type at Bundle.entry[0]"}},
		{"patched, a mistake in the type", "transaction", `{"resource":{"resourceType":"Binary"},"request":{"method":"PATCH","url":"Appointmnet/a1"}}`, nil, []string{"unknown_type at Bundle.entry[0]"}},
		{"what came along, a mistake in the type", "searchset", `{"resource":{"resourceType":"Appointmnet","id":"a1"},"search":{"mode":"include"}}`, nil, nil},
		{"the head of a notification, R4B", "history", `{"resource":{"resourceType":"SubscriptionStatus"}},{"resource":` + a1 + `}`, []string{"unknown Appointment/a1"}, nil},
		{"the head of a notification, Aidbox", "history", `{"resource":{"resourceType":"AidboxSubscriptionStatus","id":"s1"}},{"resource":` + a1 + `}`, []string{"unknown Appointment/a1"}, nil},
		{"no head of a notification", "history", `{"resource":` + a1 + `},{"resource":{"resourceType":"AidboxSubscriptionStatus"}}`, []string{"unknown Appointment/a1"}, []string{"unknown_type at Bundle.entry[1].resource.resourceType"}},
		{"patched", "transaction", `{"resource":{"resourceType":"Binary"},"request":{"method":"PATCH","url":"Appointment/a1"}}`, nil, []string{"patch_unsupported at Bundle.entry[0].request.method"}},
		{"patched, a type nobody reads", "transaction", `{"resource":{"resourceType":"Parameters"},"request":{"method":"PATCH","url":"Observation/o1"}}`, nil, nil},
		{"patched, with the state it led to", "history", `{"resource":` + a1 + `,"request":{"method":"PATCH","url":"Appointment/a1"}}`, []string{"update Appointment/a1"}, nil},
		{"only named", "history", `{"fullUrl":"https://ehr.example.org/fhir/Appointment/a1","request":{"method":"PUT","url":"Appointment/a1"}}`, nil, []string{"no_resource at Bundle.entry[0].resource"}},
		{"only named, a type nobody reads", "history", `{"request":{"method":"PUT","url":"Observation/o1"}}`, nil, nil},
		{"read", "batch", `{"request":{"method":"GET","url":"Appointment/a1"}}`, nil, nil},
		{"read, with its state", "history", `{"resource":` + a1 + `,"request":{"method":"GET","url":"Appointment/a1"}}`, []string{"unknown Appointment/a1"}, nil},
		{"request is a text", "batch", `{"resource":` + a1 + `,"request":"PUT"}`, nil, []string{"wrong_type at Bundle.entry[0].request"}},
		{"answer is a number", "history", `{"resource":` + a1 + `,"response":200}`, nil, []string{"wrong_type at Bundle.entry[0].response"}},
		{"version from the etag", "batch", `{"resource":` + a1 + `,"response":{"etag":"W/\"12\"","location":"Appointment/a1/_history/13"}}`, []string{"unknown Appointment/a1 v12"}, nil},
		{"version from the location", "batch", `{"resource":` + a1 + `,"response":{"location":"Appointment/a1/_history/13"}}`, []string{"unknown Appointment/a1 v13"}, nil},
		{"etag that is no version", "batch", `{"resource":` + a1 + `,"response":{"etag":"W/\"a b\""}}`, []string{"unknown Appointment/a1"}, nil},
		{"a failed answer", "batch-response", `{"resource":` + a1 + `,"response":{"status":"422 Unprocessable"}}`, nil, nil},
		{"a fine answer", "batch-response", `{"resource":` + a1 + `,"response":{"status":"200"}}`, []string{"unknown Appointment/a1"}, nil},
		{"found, mode not said", "searchset", `{"resource":` + a1 + `}`, []string{"unknown Appointment/a1"}, nil},
		{"id from the address", "collection", `{"fullUrl":"https://ehr.example.org/fhir/Appointment/a4","resource":{"resourceType":"Appointment","id":null}}`, []string{"unknown Appointment/a4"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			check(t, fmt.Sprintf(`{"resourceType":"Bundle","type":%q,"entry":[%s]}`, test.kind, test.entry), test.want, test.fault)
		})
	}
}

func TestMessages(t *testing.T) {
	const (
		a1 = `{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Appointment","id":"a1"}}`
		a2 = `{"resource":{"resourceType":"Appointment","id":"a2"}}`
		p1 = `{"resource":{"resourceType":"Patient","id":"p1"}}`
	)
	header := func(rest string) string {
		return `{"resource":{"resourceType":"MessageHeader"` + rest + `}}`
	}
	for _, test := range []struct {
		name    string
		entries []string
		want    []string
		fault   []string
	}{
		{"focus by urn", []string{header(`,"focus":[{"reference":"urn:uuid:1"}]`), a1, a2}, []string{"unknown Appointment/a1"}, nil},
		{"focus by absolute and versioned reference", []string{header(`,"focus":[{"reference":"https://ehr.example.org/fhir/Appointment/a2/_history/1"}]`), a1, a2}, []string{"unknown Appointment/a2"}, nil},
		{"several", []string{header(`,"focus":[{"reference":"Appointment/a2"},{"reference":"Patient/p1"}]`), a1, a2, p1}, []string{"unknown Patient/p1", "unknown Appointment/a2"}, nil},
		{"one is not there", []string{header(`,"focus":[{"reference":"Appointment/a9"},{"reference":"Appointment/a2"}]`), a2}, []string{"unknown Appointment/a2"}, []string{"focus_not_in_bundle at Bundle.entry[0].resource.focus[0]"}},
		{"focus is no reference", []string{header(`,"focus":["` + canary + `"]`), a2}, nil, []string{"focus_not_in_bundle at Bundle.entry[0].resource.focus[0]"}},
		{"no focus", []string{header(""), a1}, nil, []string{"no_focus at Bundle.entry[0].resource.focus"}},
		{"focus is an object", []string{header(`,"focus":{"reference":"Appointment/a2"}`), a2}, nil, []string{"wrong_type at Bundle.entry[0].resource.focus"}},
		{"acknowledgement", []string{header(`,"response":{"code":"ok"},"focus":[{"reference":"Appointment/a2"}]`), a2}, nil, nil},
		{"header is not the first", []string{a1, header(`,"focus":[{"reference":"Appointment/a1"}]`)}, nil, []string{"no_message_header at Bundle.entry[0].resource"}},
		{"header is faulty", []string{`7`, a1}, nil, []string{"wrong_type at Bundle.entry[0]", "no_message_header at Bundle.entry[0].resource"}},
		{"nothing in it", nil, nil, []string{"no_message_header at Bundle.entry[0].resource"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			check(t, `{"resourceType":"Bundle","type":"message","entry":[`+strings.Join(test.entries, ",")+`]}`, test.want, test.fault)
		})
	}
}

// Versions that cannot be compared stay in the order of the Bundle, oldest last in a history.
func TestVersionsInOrder(t *testing.T) {
	version := func(version, updated string) string {
		return `{"resource":{"resourceType":"Patient","id":"p1","meta":{` + strings.Trim(version+","+updated, ",") + `}}}`
	}
	v := func(s string) string { return `"versionId":"` + s + `"` }
	at := func(s string) string { return `"lastUpdated":"2026-03-0` + s + `T08:00:00Z"` }
	for _, test := range []struct {
		name, kind string
		entries    []string
		want       string
	}{
		{"numbers", "collection", []string{version(v("10"), ""), version(v("9"), ""), version(v("11"), "")}, "9 10 11"},
		{"numbers before times", "collection", []string{version(v("2"), at("1")), version(v("1"), at("2"))}, "1 2"},
		{"words by time", "collection", []string{version(v("b"), at("3")), version(v("a"), at("1")), version(v("c"), at("2"))}, "a c b"},
		{"words without time", "collection", []string{version(v("b"), ""), version(v("a"), "")}, "b a"},
		{"words without time in a history", "history", []string{version(v("b"), ""), version(v("a"), "")}, "a b"},
		{"one without number", "history", []string{version("", at("3")), version(v("2"), at("2")), version(v("1"), at("1"))}, "1 2 "},
	} {
		t.Run(test.name, func(t *testing.T) {
			value := fmt.Sprintf(`{"resourceType":"Bundle","type":%q,"entry":[%s]}`, test.kind, strings.Join(test.entries, ","))
			events, err := open(t, envelope.Config{}).Decode([]byte(value), nil, pipeline.Source{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range events {
				got = append(got, e.Version)
				if !json.Valid(e.Resource) {
					t.Errorf("version %s is no JSON", e.Version)
				}
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
