package sandbox_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// TestBinary is given out as bytes or as a resource, whichever is asked for.
func TestBinary(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{})
	if err := s.Seed([]byte(`{"resourceType":"Binary","id":"b1","contentType":"application/pdf","data":"JVBERi0="}`)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ accept, kind, want string }{
		{"application/pdf", "application/pdf", "%PDF-"},
		{"application/fhir+json", "application/fhir+json;charset=utf-8", "JVBERi0="},
		{"", "application/fhir+json;charset=utf-8", "JVBERi0="},
	} {
		r, err := http.NewRequest(http.MethodGet, s.URL()+"/Binary/b1", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		got := string(body)
		if data := gjson.GetBytes(body, "data"); data.Exists() {
			got = data.String()
		}
		if got != c.want || resp.Header.Get("Content-Type") != c.kind {
			t.Errorf("asked for %q: got %q as %q, want %q as %q", c.accept, got, resp.Header.Get("Content-Type"), c.want, c.kind)
		}
	}
}
