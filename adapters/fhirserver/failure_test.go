package fhirserver_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/fhirserver"
)

func TestRefusals(t *testing.T) {
	page := "<html><body>" + canary + "</body></html>"
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string // of a read
		write  string // of a patch, where it differs
	}{
		{"400", answer(400, outcome("error", "structure", "Appointment.participant[0].status")), "refused structure 400 Appointment.participant[0].status", ""},
		{"400 without words", answer(400, ""), "refused http_status 400", ""},
		{"401", answer(401, outcome("error", "login", "")), "transient login 401 halt", ""},
		{"401 with a page", answer(401, page), "transient unauthorized 401 halt", ""},
		{"403", answer(403, page), "transient forbidden 403 halt", ""},
		{"404", answer(404, outcome("error", "not-found", "")), "refused not_found 404", ""},
		{"405", answer(405, ""), "refused http_status 405", ""},
		{"408", answer(408, ""), "transient timeout 408", "transient timeout 408 unknown"},
		{"409", answer(409, outcome("error", "conflict", "")), "refused conflict 409", ""},
		{"410", answer(410, ""), "refused deleted 410", ""},
		{"412", answer(412, ""), "refused precondition_failed 412", ""},
		{"415", answer(415, ""), "refused http_status 415", ""},
		{"422", answer(422, outcome("error", "business-rule", "Appointment.status")), "refused business_rule 422 Appointment.status", ""},
		{"422 that will pass", answer(422, outcome("error", "lock-error", "")), "transient lock_error 422", ""},
		{"404 means what it says", answer(404, outcome("error", "transient", "")), "refused transient 404", ""},
		{"423", answer(423, ""), "transient locked 423", ""},
		{"424", answer(424, ""), "refused failed_dependency 424", ""},
		{"424 that will pass", answer(424, outcome("error", "transient", "")), "transient transient 424", ""},
		{"429", answer(429, ""), "throttled throttled 429 after 5s", ""},
		{"429 with a wait", answer(429, "", "Retry-After", "17"), "throttled throttled 429 after 17s", ""},
		{"429 with a date", answer(429, "", "Retry-After", "Tue, 10 Mar 2026 09:01:30 GMT"), "throttled throttled 429 after 1m30s", ""},
		{"429 with a date that is over", answer(429, "", "Retry-After", "Tue, 10 Mar 2026 08:00:00 GMT"), "throttled throttled 429 after 1s", ""},
		{"429 with a year", answer(429, "", "Retry-After", "31536000"), "throttled throttled 429 after 1h0m0s", ""},
		{"429 with nonsense", answer(429, "", "Retry-After", canary), "throttled throttled 429 after 5s", ""},
		{"500", answer(500, page), "transient http_status 500", "transient http_status 500 unknown"},
		{"501", answer(501, ""), "refused http_status 501", ""},
		{"503", answer(503, ""), "transient http_status 503", "transient http_status 503 unknown"},
		{"503 with a wait", answer(503, "", "Retry-After", "3"), "throttled http_status 503 after 3s", "throttled http_status 503 after 3s unknown"},
		{"the gravest issue counts", answer(422, strings.Replace(outcome("error", "required", "Appointment.start"), `"issue":[`, `"issue":[{"severity":"warning","code":"informational","expression":["Appointment.end"]},`, 1)), "refused required 422 Appointment.start", ""},
		{"a warning alone is no reason", answer(422, outcome("warning", "required", "Appointment.start")), "refused http_status 422", ""},
		{"a code of the server's own", answer(422, outcome("error", canary, "")), "refused http_status 422", ""},
		{"an expression with a value", answer(422, outcome("error", "value", "Patient.name.where(family='"+canary+"')")), "refused value 422", ""},
		{"an expression that is a name", answer(422, outcome("error", "value", canary)), "refused value 422", ""},
		{"an expression with a number", answer(422, outcome("error", "value", "Patient.telecom[15550100123]")), "refused value 422", ""},
		{"issue is an object", answer(422, `{"resourceType":"OperationOutcome","issue":{"code":"value"}}`), "refused http_status 422", ""},
		{"an outcome of five megabytes", answer(422, strings.Replace(outcome("error", "value", ""), canary, strings.Repeat(canary, 300_000), 1)), "refused http_status 422", ""},
		{"200 with a page", answer(200, page, "Content-Type", "text/html"), "transient not_fhir 200", "transient not_fhir 200 unknown"},
		{"200 with other JSON", answer(200, `{"error":"`+canary+`"}`), "transient not_fhir 200", "transient not_fhir 200 unknown"},
		{"no answer", hangUp, "transient connection_lost", "transient connection_lost unknown"},
		{"redirect to another host", answer(302, "", "Location", "http://localhost.example:1/login?patient="+canary), "transient redirect_refused", ""},
		{"redirect to another scheme", answer(307, "", "Location", "https://127.0.0.1:1/x"), "transient redirect_refused", ""},
		{"redirect to itself", answer(307, "", "Location", "/Appointment/a1"), "transient redirect_refused", ""},
		{"redirect to nowhere", answer(302, ""), "transient redirect_refused 302", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := open(t, serve(t, test.answer).URL, fhirserver.WithClock(newClock().now))
			_, err := c.Read(t.Context(), "Appointment/a1")
			if got := told(t, err); got != test.want {
				t.Errorf("Read: got %q, want %q", got, test.want)
			}
			if test.write == "" {
				test.write = test.want
			}
			c = open(t, serve(t, test.answer).URL, fhirserver.WithClock(newClock().now))
			err = c.Patch(t.Context(), "Appointment/a1", "3", []byte(`[]`))
			got := told(t, err)
			if got != test.write && !strings.Contains(test.name, "redirect") { // a write is redirected less
				t.Errorf("Patch: got %q, want %q", got, test.write)
			}
			if !strings.HasPrefix(got, strings.Fields(test.write)[0]) {
				t.Errorf("Patch: got %q, want that kind", got)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	s := serve(t, hangUp)
	s.Close()
	if _, err := open(t, s.URL).Read(t.Context(), "Patient/p1"); told(t, err) != "transient unreachable" {
		t.Errorf("Read: %v", err)
	}
	if err := open(t, s.URL).Patch(t.Context(), "Patient/p1", "1", nil); told(t, err) != "transient unreachable" {
		t.Errorf("Patch, which has certainly not happened: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	c := openWith(t, fhirserver.Config{BaseURL: s.URL, Timeout: 20 * time.Millisecond})
	if err := c.Patch(t.Context(), "Patient/p1", "1", nil); told(t, err) != "transient timeout unknown" {
		t.Errorf("Patch: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Read(ctx, "Patient/p1")
	if told(t, err) != "transient cancelled" || !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
}

func TestCutAnswer(t *testing.T) {
	c := open(t, serve(t, cut(200, `{"resourceType":"Patient","id":"p1"`)).URL)
	if _, err := c.Read(t.Context(), "Patient/p1"); told(t, err) != "transient connection_lost" {
		t.Errorf("Read: %v", err)
	}
	if err := c.Patch(t.Context(), "Patient/p1", "1", nil); err != nil {
		t.Errorf("Patch, which the status says has happened: %v", err)
	}
}

func TestLargeAnswer(t *testing.T) {
	pdf := strings.Repeat("A", 16<<20)
	c := open(t, serve(t, answer(200, `{"resourceType":"DiagnosticReport","id":"r1","x":"`+pdf+`"}`)).URL)
	if _, err := c.Read(t.Context(), "DiagnosticReport/r1"); told(t, err) != "refused too_large 200" {
		t.Errorf("Read: %v", err)
	}
}

// One server, one wait: whoever asks within it is told at once, without a call.
func TestEverybodyWaits(t *testing.T) {
	s := serve(t, answer(429, "", "Retry-After", "10"), answer(200, `{"resourceType":"Patient","id":"p1"}`))
	at := newClock()
	c := open(t, s.URL, fhirserver.WithClock(at.now))
	_, err := c.Read(t.Context(), "Patient/p1")
	if got := told(t, err); got != "throttled throttled 429 after 10s" {
		t.Fatal(got)
	}
	at.move(4 * time.Second)
	_, read := c.Read(t.Context(), "Patient/p2")
	_, created := c.Create(t.Context(), communication("m1"), identified("m1"))
	for _, err := range []error{read, created, c.Ping(t.Context())} {
		if got := told(t, err); got != "throttled throttled after 6s" {
			t.Error(got)
		}
	}
	if got := len(s.requests()); got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
	at.move(6 * time.Second)
	if _, err := c.Read(t.Context(), "Patient/p1"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}
