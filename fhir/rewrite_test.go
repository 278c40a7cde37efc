package fhir_test

import (
	"strings"
	"testing"

	"fhirbridge/fhir"
)

// A resource that is written back whole is what was read, but for what the patch names: numbers, extensions,
// contained resources, what no model knows, and the order of it all.
func TestRewritten(t *testing.T) {
	const (
		raw = `{"resourceType":"Appointment","id":"a1","meta":{"versionId":"7"},"contained":[{"resourceType":"Location","id":"l","name":"<House & Garden>"}],` +
			`"_status":{"extension":[{"url":"urn:x","valueDecimal":1.50}]},"status":"booked","unknown":{"deep":[1e2,null,30.50]},` +
			`"participant":[{"actor":{"reference":"Patient/p1"},"_status":{"id":"s"},"status":"needs-action"}]}`
		patch = `[{"op":"test","path":"/participant/0/actor/reference","value":"Patient/p1"},{"op":"replace","path":"/participant/0/status","value":"accepted"},` +
			`{"op":"add","path":"/comment","value":"<b>"}]`
	)
	got, err := fhir.Rewritten([]byte(raw), []byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(raw, `"needs-action"}]}`, `"accepted"}],"comment":"<b>"}`, 1)
	same(t, "the resource", string(got), want)
}

func TestRewrittenRefuses(t *testing.T) {
	const set = `[{"op":"replace","path":"/status","value":"cancelled"}]`
	for _, c := range []struct{ name, raw, patch, want string }{
		{"a part of the resource", `{"meta":{"tag":[{"code":"SUBSETTED"}]},"status":"booked"}`, set, "fhir: subsetted at meta.tag"},
		{"a test that fails", `{"status":"secret"}`, `[{"op":"test","path":"/status","value":"booked"},` + set[1:], "fhir: wrong_status"},
		{"a place that is not there", `{"status":"booked"}`, `[{"op":"replace","path":"/participant/4/status","value":"x"}]`, "fhir: wrong_status"},
		{"no JSON", `secret`, set, "fhir: not_json"},
		{"no patch", `{"status":"booked"}`, `{}`, "fhir: not_json"},
	} {
		_, err := fhir.Rewritten([]byte(c.raw), []byte(c.patch))
		same(t, c.name, message(err), c.want)
	}
}

func TestUntested(t *testing.T) {
	got, err := fhir.Untested([]byte(`[{"op":"test","path":"/status","value":"booked"},{"op":"replace","path":"/status","value":"cancelled"},{"op":"add","path":"/cancelationReason","value":{"coding":[{"code":"pat"}]}}]`))
	same(t, "without tests", []any{string(got), err}, []any{`[{"op":"replace","path":"/status","value":"cancelled"},{"op":"add","path":"/cancelationReason","value":{"coding":[{"code":"pat"}]}}]`, nil})
	if _, err := fhir.Untested([]byte("secret")); message(err) != "fhir: not_json" {
		t.Errorf("no patch: %v", err)
	}
	patch, err := fhir.ReplaceValue("/patient-status", "accepted")
	same(t, "one value", []any{string(patch), err}, []any{`[{"op":"replace","path":"/patient-status","value":"accepted"}]`, nil})
}
