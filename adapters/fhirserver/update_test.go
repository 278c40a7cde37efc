package fhirserver_test

import (
	"net/http"
	"slices"
	"testing"

	"fhirbridge/pipeline"
)

func TestUpdate(t *testing.T) {
	body := []byte(`{"resourceType":"Appointment","id":"a1","status":"booked"}`)
	for _, test := range []struct {
		name, ref, version string
		answer             http.HandlerFunc
		want               string
		asked              int
	}{
		{"updated", "Appointment/a1", "3", answer(200, ""), "", 1},
		{"another version", "Appointment/a1", "3", answer(412, ""), "refused precondition_failed 412", 1},
		{"another version, as some say it", "Appointment/a1", "3", answer(409, ""), "refused conflict 409", 1},
		{"not taken", "Appointment/a1", "3", answer(405, ""), "refused http_status 405", 1},
		{"a page", "Appointment/a1", "3", answer(200, "<html>"+canary), "transient not_fhir 200 unknown", 1},
		{"lost", "Appointment/a1", "3", hangUp, "transient connection_lost unknown", 1},
		{"no version", "Appointment/a1", "", answer(200, ""), "refused no_version 428", 0},
		{"a version that is none", "Appointment/a1", "3\"\r\nX: y", answer(200, ""), "refused no_version 428", 0},
		{"elsewhere", "https://other.example.org/Appointment/a1", "3", answer(200, ""), "refused bad_reference", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.answer)
			c := open(t, s.URL)
			if got := told(t, c.Update(t.Context(), test.ref, test.version, body)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			asked := s.requests()
			if len(asked) != test.asked || test.asked > 0 && asked[0] != "PUT /Appointment/a1" {
				t.Errorf("asked %v", asked)
			}
			if test.asked > 0 && (s.headerOf(0).Get("If-Match") != `W/"3"` || s.headerOf(0).Get("Content-Type") != fhirJSON) {
				t.Errorf("headers %v", s.headerOf(0))
			}
		})
	}
}

func TestPost(t *testing.T) {
	for _, test := range []struct {
		name      string
		answer    http.HandlerFunc
		ref, want string
	}{
		{"created", created, "Communication/c1", ""},
		{"created, and not named", answer(201, ""), "", ""},
		{"refused", answer(422, outcome("error", "business-rule", "Communication.sender")), "", "refused business_rule 422 Communication.sender"},
		{"lost", hangUp, "", "transient connection_lost unknown"},
		{"in trouble", answer(500, ""), "", "transient http_status 500 unknown"},
		{"throttled", answer(429, "", "Retry-After", "7"), "", "throttled throttled 429 after 7s"},
		{"a page", answer(200, "<html>"), "", "transient not_fhir 200 unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.answer)
			ref, err := open(t, s.URL).Post(t.Context(), communication("m1"))
			if got := told(t, err); ref != test.ref || got != test.want {
				t.Errorf("got %q, %q, want %q, %q", ref, got, test.ref, test.want)
			}
			if asked := s.requests(); !slices.Equal(asked, []string{post}) || s.headerOf(0).Get("If-None-Exist") != "" {
				t.Errorf("asked %v", asked)
			}
		})
	}
	s := serve(t, created)
	if _, err := open(t, s.URL).Post(t.Context(), []byte(canary)); told(t, err) != "malformed not_fhir" || len(s.requests()) > 0 {
		t.Errorf("no resource: %v", err)
	}
}

func TestSearch(t *testing.T) {
	s := serve(t, answer(200, found("m1", "c1", "c2")), answer(400, ""))
	c := open(t, s.URL)
	list, err := c.Search(t.Context(), "Communication", "category=http://x|notification&recipient=Group/g&received=ge2026-03-01T12:00:00Z")
	if err != nil || len(list) != 2 {
		t.Errorf("got %d, %v", len(list), err)
	}
	const want = "GET /Communication?category=http%3A%2F%2Fx%7Cnotification&received=ge2026-03-01T12%3A00%3A00Z&recipient=Group%2Fg"
	if got := s.requests()[0]; got != want {
		t.Errorf("asked %s\nwant %s", got, want)
	}
	if _, err := c.Search(t.Context(), "Communication", "_id=1"); told(t, err) != "refused http_status 400" {
		t.Errorf("refused: %v", err)
	}
	if _, err := c.Search(t.Context(), "Communication", "nothing"); told(t, err) != "refused bad_search" || len(s.requests()) != 2 {
		t.Errorf("no search: %v", err)
	}
}

func TestDeclared(t *testing.T) {
	metadata := `{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1","rest":[{"mode":"client","resource":[{"type":"Task","interaction":[{"code":"create"}]}]},{"mode":"server","resource":[
		{"type":"Appointment","versioning":"no-version","interaction":[{"code":"read"},{"code":"update"}]},
		{"type":"Communication","versioning":"versioned","conditionalCreate":true,"updateCreate":true,"interaction":[{"code":"create"},{"code":"patch"},{"code":"search-type"}],"searchParam":[{"name":"identifier"},{"name":"_id"}]}]}]}`
	c := open(t, serve(t, answer(200, metadata, "Date", "Sun, 01 Mar 2026 12:00:00 GMT")).URL)
	if d := c.Declared("Communication"); d.Known {
		t.Errorf("before it was asked: %+v", d)
	}
	if at, err := c.Clock(t.Context()); err != nil || at.Unix() != 1772366400 {
		t.Errorf("got %v, %v", at, err)
	}
	for typ, want := range map[string]pipeline.Declared{
		"Appointment":   {Known: true, Read: true, Update: true},
		"Communication": {Known: true, Create: true, Patch: true, Search: true, Versions: true, ConditionalCreate: true, UpdateCreate: true, Parameters: []string{"identifier", "_id"}},
		"Task":          {Known: true},
	} {
		got := c.Declared(typ)
		if !slices.Equal(got.Parameters, want.Parameters) {
			t.Errorf("%s: parameters %v", typ, got.Parameters)
		}
		got.Parameters, want.Parameters = nil, nil
		if a, b := got, want; a.Known != b.Known || a.Read != b.Read || a.Create != b.Create || a.Update != b.Update || a.Patch != b.Patch || a.Search != b.Search ||
			a.Versions != b.Versions || a.ConditionalCreate != b.ConditionalCreate || a.UpdateCreate != b.UpdateCreate {
			t.Errorf("%s: got %+v, want %+v", typ, a, b)
		}
	}
}
