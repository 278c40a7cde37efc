package fhirserver_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/pipeline"
)

// patient is a Patient of whom rest says more.
func patient(id, rest string) string {
	return fmt.Sprintf(`{"resource":{"resourceType":"Patient","id":%q,"name":[{"family":%q}]%s}}`, id, canary, rest)
}

func phone(number, rest string) string {
	return fmt.Sprintf(`,"telecom":[{"system":"phone","value":%q%s}]`, number, rest)
}

// register answers searches for numbers by POST and GET: written number to entries.
func register(byPost int, entries map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.Method == http.MethodPost {
			if byPost != http.StatusOK {
				answer(byPost, outcome("error", "not-supported", ""))(w, r)
				return
			}
		}
		answer(200, bundle(strings.Fields(entries[q.Get("telecom")])...))(w, r)
	}
}

func TestPatientsByPhone(t *testing.T) {
	const number = "+4915550100123"
	for _, test := range []struct {
		name    string
		entries map[string]string
		want    []string
	}{
		{"nobody", nil, nil},
		{"as E.164", map[string]string{number: patient("p1", phone(number, ""))}, []string{"Patient/p1"}},
		{"digits only", map[string]string{"4915550100123": patient("p1", phone("4915550100123", ""))}, []string{"Patient/p1"}},
		{"at home", map[string]string{"015550100123": patient("p1", phone("015550100123", ""))}, []string{"Patient/p1"}},
		{"a family", map[string]string{
			number:         patient("p2", phone(number, "")) + " " + patient("p1", phone(number, "")),
			"015550100123": patient("p3", phone("01555/0100123", "")),
		}, []string{"Patient/p1", "Patient/p2", "Patient/p3"}},
		{"found twice", map[string]string{number: patient("p1", phone(number, "")), "4915550100123": patient("p1", phone(number, ""))}, []string{"Patient/p1"}},
		{"not active", map[string]string{number: patient("p1", `,"active":false`+phone(number, "")) + " " + patient("p2", `,"active":true`+phone(number, ""))}, []string{"Patient/p2"}},
		{"replaced by another record", map[string]string{number: patient("p1", `,"link":[{"type":"replaced-by","other":{"reference":"Patient/p2"}}]`+phone(number, "")) + " " + patient("p2", phone(number, ""))}, []string{"Patient/p2"}},
		{"an old number", map[string]string{number: patient("p1", phone(number, `,"use":"old"`))}, nil},
		{"a number until last year", map[string]string{number: patient("p1", phone(number, `,"period":{"end":"2025-12-31"}`))}, nil},
		{"a number until today", map[string]string{number: patient("p1", phone(number, `,"period":{"end":"2026-03-10"}`))}, []string{"Patient/p1"}},
		{"a number until next month", map[string]string{number: patient("p1", phone(number, `,"period":{"end":"2026-04"}`))}, []string{"Patient/p1"}},
		{"with signs and a zero in brackets", map[string]string{number: patient("p1", phone("+49(0)1555-0100123", ""))}, []string{"Patient/p1"}},
		{"with the code to dial abroad", map[string]string{number: patient("p1", phone("004915550100123", ""))}, []string{"Patient/p1"}},
		{"a server that does not search by number", map[string]string{number: patient("p1", phone("+15550100124", "")) + " " + patient("p2", "")}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, register(http.StatusMethodNotAllowed, test.entries))
			c := open(t, s.URL, fhirserver.WithClock(newClock().now))
			got, err := c.PatientsByPhone(t.Context(), pipeline.NewPrivate(number))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
		})
	}
}

// The number stays out of URLs where the server lets it, and a plus is no space.
func TestPhoneNumbersInRequests(t *testing.T) {
	want := []string{"telecom=%2B15550100123", "telecom=15550100123", "telecom=5550100123", "telecom=%2B1%20555-010-0123", "telecom=%28555%29%20010-0123"}
	byPost := serve(t, register(http.StatusOK, nil))
	if _, err := open(t, byPost.URL).PatientsByPhone(t.Context(), pipeline.NewPrivate("+15550100123")); err != nil {
		t.Fatal(err)
	}
	var posts []string
	for _, criteria := range want {
		posts = append(posts, "POST /Patient/_search "+criteria)
	}
	if diff := cmp.Diff(posts, byPost.requests()); diff != "" {
		t.Errorf("by POST: want (-), got (+):\n%s", diff)
	}
	byGet := serve(t, register(http.StatusNotFound, nil))
	c := open(t, byGet.URL)
	for range 2 {
		if _, err := c.PatientsByPhone(t.Context(), pipeline.NewPrivate("+15550100123")); err != nil {
			t.Fatal(err)
		}
	}
	gets := []string{posts[0]} // once is enough
	for _, criteria := range slices.Concat(want, want) {
		gets = append(gets, "GET /Patient?"+criteria)
	}
	if diff := cmp.Diff(gets, byGet.requests()); diff != "" {
		t.Errorf("by GET: want (-), got (+):\n%s", diff)
	}
	if got := byGet.headerOf(0).Get("Content-Type"); got != "application/x-www-form-urlencoded" {
		t.Errorf("Content-Type: %q", got)
	}
}

func TestPatientsByPhoneFails(t *testing.T) {
	number := pipeline.NewPrivate("+15550100123")
	for _, test := range []struct {
		name   string
		number pipeline.Private
		answer http.HandlerFunc
		want   string
	}{
		{"no number", pipeline.Private{}, nil, "malformed invalid_number"},
		{"words", pipeline.NewPrivate(canary), nil, "malformed invalid_number"},
		{"no country", pipeline.NewPrivate("5550100123"), nil, "malformed invalid_number"},
		{"does not search so", number, answer(400, outcome("error", "not-supported", "")), "refused not_supported 400"},
		{"down", number, answer(502, canary), "transient http_status 502"},
		{"lost", number, hangUp, "transient connection_lost"},
		{"no bundle", number, answer(200, `{"resourceType":"Patient","id":"p1"}`), "transient not_fhir 200"},
		{"entry is an object", number, answer(200, `{"resourceType":"Bundle","entry":{"fullUrl":"`+canary+`"}}`), "transient not_fhir 200"},
		{"link to another host", number, answer(200, `{"resourceType":"Bundle","link":[{"relation":"next","url":"https://elsewhere.example.org/?telecom=%2B15550100123"}]}`), "refused foreign_link"},
		{"link that is none", number, answer(200, `{"resourceType":"Bundle","link":[{"relation":"next","url":"%zz15550100123"}]}`), "refused foreign_link"},
	} {
		t.Run(test.name, func(t *testing.T) {
			refs, err := open(t, serve(t, test.answer).URL).PatientsByPhone(t.Context(), test.number)
			if got := told(t, err); got != test.want || refs != nil {
				t.Errorf("got %v, %q, want %q", refs, got, test.want)
			}
		})
	}
}

func TestPhoneSearchEncodesOnce(t *testing.T) {
	var seen []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			t.Error(err)
		}
		if r.Method == http.MethodGet {
			seen = append(seen, q.Get("telecom"))
		}
		register(http.StatusNotImplemented, nil)(w, r)
	})
	if _, err := open(t, s.URL).PatientsByPhone(t.Context(), pipeline.NewPrivate("+15550100123")); err != nil {
		t.Fatal(err)
	}
	want := []string{"+15550100123", "15550100123", "5550100123", "+1 555-010-0123", "(555) 010-0123"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// TestNoAnswerOfBefore is a server that keeps the results of searches, as HAPI does for a minute: it is to search anew.
func TestNoAnswerOfBefore(t *testing.T) {
	s := serve(t, answer(200, bundle()))
	if _, err := open(t, s.URL+"/fhir").PatientsByPhone(t.Context(), pipeline.NewPrivate("+15550100101")); err != nil {
		t.Fatal(err)
	}
	for i := range s.requests() {
		if got := s.headerOf(i).Get("Cache-Control"); got != "no-cache" {
			t.Errorf("request %d has Cache-Control %q, want no-cache", i, got)
		}
	}
}
