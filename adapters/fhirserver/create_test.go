package fhirserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/pipeline"
)

const (
	post   = "POST /Communication"
	search = "GET /Communication?identifier=https%3A%2F%2Fbridge.example.org%2Fmessages%7Cm1"
)

var (
	created  = answer(201, "", "Location", "Communication/c1/_history/1")
	none     = answer(200, bundle())
	conforms = answer(200, `{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1","rest":[{"mode":"server","resource":[{"type":"Communication","conditionalCreate":true}]}]}`)
)

// knowing returns a client of a server that has declared conditional create.
func knowing(t *testing.T, script ...http.HandlerFunc) (*fhirserver.Client, *server) {
	t.Helper()
	s := serve(t, append([]http.HandlerFunc{conforms}, script...)...)
	c := open(t, s.URL)
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, s
}

func create(t *testing.T, c *fhirserver.Client) (ref, failure string) {
	t.Helper()
	ref, err := c.Create(t.Context(), communication("m1"), identified("m1"))
	return ref, told(t, err)
}

func TestCreate(t *testing.T) {
	page := "<html>" + canary
	foreign := `{"resource":{"resourceType":"Communication","id":"c8","identifier":[{"system":"` + system + `","value":"m2"}]}}`
	for _, test := range []struct {
		name   string
		script []http.HandlerFunc
		ref    string
		want   string
		asked  []string
	}{
		{"created", []http.HandlerFunc{created}, "Communication/c1", "", []string{post}},
		{"absolute location", []http.HandlerFunc{answer(201, "", "Location", "https://inner.example.org/r4/Communication/c1")}, "Communication/c1", "", []string{post}},
		{"location from the root", []http.HandlerFunc{answer(201, "", "Location", "/r4/Communication/c1/_history/1")}, "Communication/c1", "", []string{post}},
		{"name in the body", []http.HandlerFunc{answer(201, `{"resourceType":"Communication","id":"c1"}`)}, "Communication/c1", "", []string{post}},
		{"there already", []http.HandlerFunc{answer(200, "", "Content-Location", "Communication/c1/_history/4")}, "Communication/c1", "", []string{post}},
		{"there already, not named", []http.HandlerFunc{answer(200, ""), answer(200, found("m1", "c1"))}, "Communication/c1", "", []string{post, search}},
		{"there several times", []http.HandlerFunc{answer(412, outcome("error", "multiple-matches", "")), answer(200, found("m1", "c3", "c1", "c2"))}, "Communication/c3", "", []string{post, search}},
		{"412 for another reason", []http.HandlerFunc{answer(412, ""), none}, "", "refused precondition_failed 412", []string{post, search}},
		{"another request has won", []http.HandlerFunc{answer(409, ""), answer(200, found("m1", "c1"))}, "Communication/c1", "", []string{post, search}},
		{"conflict with something else", []http.HandlerFunc{answer(409, ""), none}, "", "refused conflict 409", []string{post, search}},
		{"no location", []http.HandlerFunc{answer(201, ""), answer(200, found("m1", "c1"))}, "Communication/c1", "", []string{post, search}},
		{"no location, cannot be found", []http.HandlerFunc{answer(201, ""), none}, "", "refused no_location 201", []string{post, search}},
		{"location of something else", []http.HandlerFunc{answer(201, "", "Location", "Patient/p1"), answer(200, found("m1", "c1"))}, "Communication/c1", "", []string{post, search}},
		{"location that is none", []http.HandlerFunc{answer(201, "", "Location", "%zz"), answer(200, found("m1", "c1"))}, "Communication/c1", "", []string{post, search}},
		{"no location, search is down", []http.HandlerFunc{answer(201, ""), answer(500, "")}, "", "transient http_status 500", []string{post, search}},
		{"accepted for later", []http.HandlerFunc{answer(202, ""), none}, "", "transient no_location 202 unknown", []string{post, search}},
		{"a page", []http.HandlerFunc{answer(200, page)}, "", "transient not_fhir 200 unknown", []string{post}},
		{"what is found is something else", []http.HandlerFunc{answer(409, ""), answer(200, bundle(foreign))}, "", "refused conflict 409", []string{post, search}},
		{"refused", []http.HandlerFunc{answer(422, outcome("error", "required", "Communication.status"))}, "", "refused required 422 Communication.status", []string{post}},
		{"lost", []http.HandlerFunc{hangUp}, "", "transient connection_lost unknown", []string{post}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := knowing(t, test.script...)
			ref, failure := create(t, c)
			if ref != test.ref || failure != test.want {
				t.Errorf("got %q, %q, want %q, %q", ref, failure, test.ref, test.want)
			}
			if diff := cmp.Diff(test.asked, s.requests()[1:]); diff != "" {
				t.Errorf("requests: want (-), got (+):\n%s", diff)
			}
		})
	}
}

func TestCreateAsksOnCondition(t *testing.T) {
	for _, test := range []struct{ name, condition, want string }{
		{"system and value", identified("m1"), "identifier=https%3A%2F%2Fbridge.example.org%2Fmessages%7Cm1"},
		{"signs of base64", identified("wamid.HBg+/=="), "identifier=https%3A%2F%2Fbridge.example.org%2Fmessages%7Cwamid.HBg%2B%2F%3D%3D"},
		{"value alone", "identifier=m1", "identifier=m1"},
		{"signs with a meaning", identified("a,b|c d"), `identifier=https%3A%2F%2Fbridge.example.org%2Fmessages%7Ca%5C%2Cb%5C%7Cc%20d`},
		{"line feed", identified("m1\r\nX-Injected: 1"), "identifier=https%3A%2F%2Fbridge.example.org%2Fmessages%7Cm1%0D%0AX-Injected%3A%201"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := knowing(t, created)
			if _, err := c.Create(t.Context(), communication("m1"), test.condition); err != nil {
				t.Fatal(err)
			}
			h := s.headerOf(1)
			if got := h.Get("If-None-Exist"); got != test.want {
				t.Errorf("If-None-Exist: got %q, want %q", got, test.want)
			}
			if got := h.Get("Content-Type"); got != fhirJSON {
				t.Errorf("Content-Type: got %q", got)
			}
			if got := h.Get("X-Injected"); got != "" {
				t.Error("a header was injected")
			}
		})
	}
}

func TestCreateNeedsAnIdentifier(t *testing.T) {
	c, s := knowing(t, created)
	for _, condition := range []string{"", "identifier=", "identifier=" + system + "|", "_id=1", "status=completed&identifier=x"} {
		_, err := c.Create(t.Context(), communication("m1"), condition)
		if got := told(t, err); got != "malformed no_identifier" {
			t.Errorf("%q: got %q", condition, got)
		}
	}
	if _, err := c.Create(t.Context(), []byte(canary), identified("m1")); told(t, err) != "malformed not_fhir" {
		t.Errorf("body: %v", err)
	}
	if got := len(s.requests()); got != 1 {
		t.Errorf("%d requests", got-1)
	}
}

// After an unclear outcome the server is searched before it is asked to create, until an answer is clear.
func TestCreateSearchesAfterDoubt(t *testing.T) {
	for _, test := range []struct {
		name   string
		script []http.HandlerFunc
		refs   []string // of one call after the other; a failure where none is named
		asked  []string
	}{
		{"lost, had happened", []http.HandlerFunc{hangUp, answer(200, found("m1", "c1")), created}, []string{"", "Communication/c1", "Communication/c1"}, []string{post, search, post}},
		{"lost, had not happened", []http.HandlerFunc{hangUp, none, created, created}, []string{"", "Communication/c1", "Communication/c1"}, []string{post, search, post, post}},
		{"500", []http.HandlerFunc{answer(500, ""), none, created}, []string{"", "Communication/c1"}, []string{post, search, post}},
		{"503, and then nobody can search", []http.HandlerFunc{answer(503, ""), answer(500, ""), none, created}, []string{"", "", "Communication/c1"}, []string{post, search, search, post}},
		{"a page", []http.HandlerFunc{answer(200, "<html>"), none, created}, []string{"", "Communication/c1"}, []string{post, search, post}},
		{"a refusal is clear", []http.HandlerFunc{answer(422, ""), created}, []string{"", "Communication/c1"}, []string{post, post}},
		{"a refusal does not settle the doubt before it", []http.HandlerFunc{hangUp, none, answer(422, ""), none, created}, []string{"", "", "Communication/c1"}, []string{post, search, post, search, post}},
		{"not to be found", []http.HandlerFunc{answer(201, ""), none, answer(200, found("m1", "c1"))}, []string{"", "Communication/c1"}, []string{post, search, search}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := knowing(t, test.script...)
			var refs []string
			for range test.refs {
				ref, failure := create(t, c)
				if (ref == "") == (failure == "") {
					t.Errorf("got %q, %q", ref, failure)
				}
				refs = append(refs, ref)
			}
			if diff := cmp.Diff(test.refs, refs); diff != "" {
				t.Errorf("references: want (-), got (+):\n%s", diff)
			}
			if diff := cmp.Diff(test.asked, s.requests()[1:]); diff != "" {
				t.Errorf("requests: want (-), got (+):\n%s", diff)
			}
		})
	}
}

// A server that has not declared conditional create is searched first, each time:
// what an earlier process has left unclear cannot be known.
func TestCreateSearchesAServerThatIsNotKnown(t *testing.T) {
	silentAbout := answer(200, `{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1","rest":[{"mode":"server","resource":[{"type":"Communication"}]}]}`)
	for _, test := range []struct {
		name string
		ping bool
	}{{"never asked", false}, {"does not create conditionally", true}} {
		t.Run(test.name, func(t *testing.T) {
			script := []http.HandlerFunc{none, created, answer(200, found("m1", "c1"))}
			skip := 0
			if test.ping {
				script, skip = append([]http.HandlerFunc{silentAbout}, script...), 1
			}
			s := serve(t, script...)
			c := open(t, s.URL)
			if test.ping {
				if err := c.Ping(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if ref, failure := create(t, c); ref != "Communication/c1" {
					t.Errorf("got %q, %q", ref, failure)
				}
			}
			if diff := cmp.Diff([]string{search, post, search}, s.requests()[skip:]); diff != "" {
				t.Errorf("requests: want (-), got (+):\n%s", diff)
			}
			if got := s.headerOf(skip).Get("Prefer"); got != "handling=strict" {
				t.Errorf("search prefers %q", got)
			}
		})
	}
}

// A server that cannot be searched is written to all the same, unless nothing
// would keep it from creating a second one.
func TestCreateOnAServerThatCannotBeSearched(t *testing.T) {
	cannot := answer(405, "")
	s := serve(t, cannot, created)
	if ref, failure := create(t, open(t, s.URL)); ref != "Communication/c1" {
		t.Errorf("first attempt: got %q, %q", ref, failure)
	}
	s = serve(t, cannot, hangUp, cannot)
	c := open(t, s.URL)
	for _, want := range []string{"transient connection_lost unknown", "refused http_status 405"} {
		if ref, failure := create(t, c); failure != want {
			t.Errorf("got %q, %q, want %q", ref, failure, want)
		}
	}
	c, _ = knowing(t, hangUp, cannot, created)
	for _, want := range []string{"", "Communication/c1"} {
		if ref, failure := create(t, c); ref != want {
			t.Errorf("conditional: got %q, %q, want %q", ref, failure, want)
		}
	}
}

func TestSearchReadsAllPages(t *testing.T) {
	page := func(ids string, next string) http.HandlerFunc {
		body := strings.TrimSuffix(found("m1", strings.Fields(ids)...), "}")
		return answer(200, body+`,"link":[{"relation":"self","url":"https://elsewhere.example.org/x"},{"relation":"next","url":"`+next+`"}]}`)
	}
	old := answer(200, strings.ReplaceAll(found("m1", "c0"), "2026-03-01", "2026-02-01"))
	c, s := knowing(t, answer(412, ""), page("c2", "/Communication?page=2"), page("c3 c4", "?page=3"), old)
	ref, failure := create(t, c)
	if ref != "Communication/c0" {
		t.Errorf("got %q, %q", ref, failure)
	}
	want := []string{post, search, "GET /Communication?page=2", "GET /Communication?page=3"}
	if diff := cmp.Diff(want, s.requests()[1:]); diff != "" {
		t.Errorf("requests: want (-), got (+):\n%s", diff)
	}
	c, s = knowing(t, answer(412, ""), page("c2", "?page=again"))
	if _, failure := create(t, c); failure != "refused too_many_pages" || len(s.requests()) != 22 {
		t.Errorf("endless pages: %q after %d requests", failure, len(s.requests()))
	}
}

func TestPatch(t *testing.T) {
	const patch = `[{"op":"replace","path":"/participant/0/status","value":"accepted"}]`
	var body []byte
	s := serve(t, answer(200, ""), answer(204, ""), answer(200, outcome("information", "informational", "")))
	c := open(t, s.URL)
	for range 3 {
		if err := c.Patch(t.Context(), "Appointment/a1", "3", []byte(patch)); err != nil {
			t.Errorf("Patch: %v", err)
		}
	}
	if got := s.requests()[0]; got != "PATCH /Appointment/a1" {
		t.Errorf("asked %q", got)
	}
	for name, want := range map[string]string{"If-Match": `W/"3"`, "Content-Type": "application/json-patch+json", "Accept": fhirJSON} {
		if got := s.headerOf(0).Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for _, version := range []string{"", `3"`, "3\r\nX: 1"} {
		if err := c.Patch(t.Context(), "Appointment/a1", version, body); told(t, err) != "refused no_version 428" {
			t.Errorf("version %q: %v", version, err)
		}
	}
	if err := c.Patch(t.Context(), "Appointment/..", "3", body); told(t, err) != "refused bad_reference" {
		t.Errorf("reference: %v", err)
	}
	if got := len(s.requests()); got != 3 {
		t.Errorf("%d requests, want 3", got)
	}
}

var _ pipeline.FHIRServer = (*fhirserver.Client)(nil)
