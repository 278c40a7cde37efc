package fhirserver_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fhirbridge/adapters/fhirserver"
)

// document is what is fetched in these tests.
const document = "%PDF-1.7 " + canary

func binary(data string) string {
	return fmt.Sprintf(`{"resourceType":"Binary","contentType":"application/pdf","data":%q}`, data)
}

func TestContent(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte(document))
	pdf := answer(200, document, "Content-Type", "application/pdf")
	for _, test := range []struct {
		name, ref string
		answers   []http.HandlerFunc
		asked     string
		want      string // the error, "" for the document
	}{
		{"bytes", "Binary/b1", []http.HandlerFunc{pdf}, "GET /fhir/Binary/b1", ""},
		{"a Binary all the same", "Binary/b1", []http.HandlerFunc{answer(200, binary(encoded))}, "GET /fhir/Binary/b1", ""},
		{"with spaces inside", "Binary/b1", []http.HandlerFunc{answer(200, binary(encoded[:8]+" "+encoded[8:]+"\n"))}, "GET /fhir/Binary/b1", ""},
		{"as JSON without a word of FHIR", "Binary/b1", []http.HandlerFunc{answer(200, binary(encoded), "Content-Type", "application/json; charset=utf-8")}, "GET /fhir/Binary/b1", ""},
		{"only as a resource", "Binary/b1", []http.HandlerFunc{answer(406, ""), answer(200, binary(encoded))}, "GET /fhir/Binary/b1,GET /fhir/Binary/b1", ""},
		{"elsewhere on the host", "/files/1?v=2#page", []http.HandlerFunc{pdf}, "GET /files/1?v=2", ""},
		{"redirected on the host", "Binary/b1", []http.HandlerFunc{answer(302, "", "Location", "/files/1"), pdf}, "GET /fhir/Binary/b1,GET /files/1", ""},
		{"broken base64", "Binary/b1", []http.HandlerFunc{answer(200, binary(encoded[:9]))}, "GET /fhir/Binary/b1", "refused bad_base64 Binary.data"},
		{"another resource", "Binary/b1", []http.HandlerFunc{answer(200, `{"resourceType":"Patient"}`)}, "GET /fhir/Binary/b1", "transient not_fhir 200"},
		{"gone", "Binary/b1", []http.HandlerFunc{answer(410, "")}, "GET /fhir/Binary/b1", "refused deleted 410"},
		{"not there", "Binary/b1", []http.HandlerFunc{answer(404, "")}, "GET /fhir/Binary/b1", "refused not_found 404"},
		{"not for us", "Binary/b1", []http.HandlerFunc{answer(401, "")}, "GET /fhir/Binary/b1", "transient unauthorized 401 halt"},
		{"larger than wanted", "Binary/b1", []http.HandlerFunc{answer(200, document+strings.Repeat("x", 1000), "Content-Type", "application/pdf")}, "GET /fhir/Binary/b1", "refused too_large 200"},
		{"much larger", "Binary/b1", []http.HandlerFunc{answer(200, document+strings.Repeat("x", 100_000), "Content-Type", "application/pdf")}, "GET /fhir/Binary/b1", "refused too_large 200"},
		{"larger in a Binary", "Binary/b1", []http.HandlerFunc{answer(200, binary(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 1001)))))}, "GET /fhir/Binary/b1", "refused too_large 200"},
		{"nowhere", "", nil, "", "refused bad_reference"},
		{"no URL", "http://[" + canary, nil, "", "refused bad_reference"},
		{"inside itself", "data:application/pdf;base64," + encoded, nil, "", "refused foreign_host"},
		{"a file", "file:///etc/passwd", nil, "", "refused foreign_host"},
		{"a urn", "urn:uuid:6f1c4f0a-0000-4000-8000-000000000001", nil, "", "refused foreign_host"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.answers...)
			got, err := open(t, s.URL+"/fhir").Content(t.Context(), test.ref, "application/pdf", 1000)
			if text := told(t, err); text != test.want {
				t.Errorf("got %q, want %q", text, test.want)
			}
			if (err == nil) != (string(got) == document) {
				t.Errorf("got %d bytes, want the document or an error", len(got))
			}
			if asked := strings.Join(s.requests(), ","); asked != test.asked {
				t.Errorf("asked %q, want %q", asked, test.asked)
			}
			if len(s.requests()) > 0 {
				if accept := s.headerOf(0).Get("Accept"); accept != "application/pdf" {
					t.Errorf("asked for %q", accept)
				}
			}
		})
	}
}

// TestContentStaysHome: neither an address nor a redirect leads to another host, least of all with our credentials.
func TestContentStaysHome(t *testing.T) {
	foreign := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer foreign.Close()
	there := strings.TrimPrefix(foreign.URL, "http://")
	s := serve(t, answer(302, "", "Location", foreign.URL+"/b1"))
	own := strings.TrimPrefix(s.URL, "http://")
	c := openWith(t, fhirserver.Config{BaseURL: s.URL + "/fhir", Auth: fhirserver.Auth{Type: "bearer", Token: "secret"}})
	for _, ref := range []string{
		foreign.URL + "/Binary/b1", "//" + there + "/Binary/b1", "http://" + own + "@" + there + "/b1", "https://" + own + "/fhir/Binary/b1",
		"http://user:secret@" + own + "/fhir/Binary/b1", `\\\\` + there + `\b1`, "http://" + own + ".example.org/b1",
	} {
		_, err := c.Content(t.Context(), ref, "application/pdf", 1000)
		if got := told(t, err); got != "refused foreign_host" && got != "refused bad_reference" && !strings.HasPrefix(ref, `\`) {
			t.Errorf("%s: %q", ref, got)
		}
	}
	before := len(s.requests())
	_, err := c.Content(t.Context(), "Binary/b1", "application/pdf", 1000)
	if got := told(t, err); got != "refused foreign_host" {
		t.Errorf("redirected to another host: got %q", got)
	}
	if got := s.headerOf(before).Get("Authorization"); got != "Bearer secret" {
		t.Errorf("our own server was asked with %q", got)
	}
}

func TestConsents(t *testing.T) {
	consent := func(id, more string) string {
		return fmt.Sprintf(`{"resource":{"resourceType":"Consent","id":%q,"status":"active","category":[{"text":"x"}],"patient":{"reference":"Patient/p1"}%s}}`, id, more)
	}
	for _, test := range []struct {
		name string
		body string
		want int
		err  string
	}{
		{"none", bundle(), 0, ""},
		{"two", bundle(consent("1", ""), consent("2", "")), 2, ""},
		{"one that cannot be read", bundle(consent("1", ""), consent("2", `,"dateTime":"soon"`)), 0, "refused bad_consent"},
		{"no Bundle", "{}", 0, "transient not_fhir 200"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, answer(200, test.body))
			list, err := open(t, s.URL+"/fhir").Consents(t.Context(), "Patient/p1")
			if got := told(t, err); got != test.err || len(list) != test.want {
				t.Errorf("got %d and %q, want %d and %q", len(list), got, test.want, test.err)
			}
			if got, want := s.requests()[0], "GET /fhir/Consent?patient=Patient%2Fp1&status=active"; got != want {
				t.Errorf("asked %q, want %q", got, want)
			}
		})
	}
	if _, err := open(t, "http://127.0.0.1:9/fhir").Consents(t.Context(), "Patient/.."); told(t, err) != "refused bad_reference" {
		t.Errorf("a path upwards: %v", err)
	}
}
