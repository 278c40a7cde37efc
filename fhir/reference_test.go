package fhir_test

import (
	"testing"

	"pgregory.net/rapid"

	"fhirbridge/fhir"
)

func TestParseReference(t *testing.T) {
	for _, test := range []struct {
		name, written string
		want          fhir.Reference
		text          string
	}{
		{"relative", "Patient/p1", fhir.Ref("Patient", "p1"), "Patient/p1"},
		{"relative, of a version", "Patient/p1/_history/3", fhir.Reference{Type: "Patient", ID: "p1", Version: "3"}, "Patient/p1"},
		{"absolute", "https://ehr.example.org/fhir/Patient/p1", fhir.Reference{Type: "Patient", ID: "p1", URL: "https://ehr.example.org/fhir/Patient/p1"}, "Patient/p1"},
		{"absolute, of a version", "http://ehr/Patient/p1/_history/3", fhir.Reference{Type: "Patient", ID: "p1", Version: "3", URL: "http://ehr/Patient/p1/_history/3"}, "Patient/p1"},
		{"absolute, no resource", "https://example.org/who", fhir.Reference{URL: "https://example.org/who"}, "https://example.org/who"},
		{"contained", "#loc-1", fhir.Reference{Local: "loc-1"}, "#loc-1"},
		{"urn", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", fhir.Reference{URL: "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}, "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
		{"search", "Patient?identifier=s|1", fhir.Reference{Type: "Patient", URL: "Patient?identifier=s|1"}, "Patient?identifier=s|1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := fhir.ParseReference(test.written)
			same(t, "ok", ok, true)
			same(t, "reference", got, test.want)
			same(t, "String", got.String(), test.text)
		})
	}
	for _, wrong := range []string{
		"", "#", "#a b", "p1", "/p1", "Patient/", "Patient/p_1", "patient/p1", "Jane Doe", "Patient/p1/", "Patient/p1/_history/",
		"Patient/p1/_history/a b", "fhir/Patient/p1", "urn:", "https://", "?x=1", "Patient/p1#x",
	} {
		if got, ok := fhir.ParseReference(wrong); ok {
			t.Errorf("%q was read as %+v", wrong, got)
		}
	}
}

var (
	typeNames = rapid.StringMatching(`[A-Z][A-Za-z]{1,20}`)
	ids       = rapid.StringMatching(`[A-Za-z0-9\-.]{1,64}`)
)

func TestReferenceRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, id := typeNames.Draw(t, "type"), ids.Draw(t, "id")
		prefix := rapid.SampledFrom([]string{"", "https://ehr.example.org/fhir/", "http://ehr:8080/a/b/"}).Draw(t, "prefix")
		suffix := rapid.SampledFrom([]string{"", "/_history/1", "/_history/" + id}).Draw(t, "suffix")
		written := prefix + name + "/" + id + suffix
		r, ok := fhir.ParseReference(written)
		if !ok || r.String() != name+"/"+id {
			t.Fatalf("%q was read as %+v", written, r)
		}
		if again, ok := fhir.ParseReference(r.String()); !ok || again != fhir.Ref(name, id) || !again.Same(r) {
			t.Fatalf("%q was read again as %+v", written, again)
		}
		if prefix != "" && r.URL != written {
			t.Fatalf("the URL was lost: %+v", r)
		}
	})
}

func TestReferenceNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written := rapid.OneOf(rapid.String(), rapid.StringMatching(`[#A-Z/?:.a-z_]{0,12}(/_history/)?[a-z:/]{0,5}`)).Draw(t, "written")
		r, ok := fhir.ParseReference(written)
		if ok && r.IsZero() {
			t.Fatalf("%q is a reference to nothing", written)
		}
		if r.Same(fhir.Reference{}) {
			t.Fatalf("%q is the same as nothing", written)
		}
	})
}
