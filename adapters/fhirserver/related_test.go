package fhirserver_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"fhirbridge/pipeline"
)

func TestRelatedPersons(t *testing.T) {
	entry := func(kind, id string) string {
		return `{"resource":{"resourceType":"` + kind + `","id":"` + id + `","meta":{"versionId":"2"},"patient":{"reference":"Patient/p1"}}}`
	}
	asked := ""
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path[strings.LastIndex(r.URL.Path, "/"):] + "?" + r.URL.RawQuery
		answer(200, bundle(entry("RelatedPerson", "a"), entry("OperationOutcome", "x"), entry("RelatedPerson", "b")))(w, r)
	})
	found, err := open(t, s.URL).RelatedPersons(t.Context(), "Patient/p1")
	if err != nil {
		t.Fatal(err)
	}
	if want := "GET /RelatedPerson?patient=Patient%2Fp1"; asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
	var versions []string
	for _, v := range found {
		versions = append(versions, v.Version)
	}
	if !slices.Equal(versions, []string{"2", "2"}) {
		t.Errorf("got versions %v, want both", versions)
	}
}

func TestRelatedPersonsFail(t *testing.T) {
	s := serve(t, answer(503, ""))
	if found, err := open(t, s.URL).RelatedPersons(t.Context(), "Patient/p1"); len(found) > 0 || err == nil || pipeline.KindOf(err) != pipeline.Transient {
		t.Errorf("of a server that is down: got %d, %v", len(found), err)
	}
	for _, ref := range []string{"", "Location/1", "#p", "Patient/.."} {
		if _, err := open(t, s.URL).RelatedPersons(t.Context(), ref); pipeline.KindOf(err) != pipeline.Refused {
			t.Errorf("%q: got %v, want it refused", ref, err)
		}
	}
}
