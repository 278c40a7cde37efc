package fhirserver_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/pipeline"
)

// canary is a word of a patient, put wherever a server or a caller could put one.
const canary = "CanaryAdaBeispiel"

const (
	fhirJSON = "application/fhir+json"
	system   = "https://bridge.example.org/messages"
)

// communication is what is created in these tests.
func communication(message string) []byte {
	return []byte(`{"resourceType":"Communication","identifier":[{"system":"` + system + `","value":"` + message + `"}],"status":"completed","payload":[{"contentString":"` + canary + `"}]}`)
}

func identified(message string) string { return "identifier=" + system + "|" + message }

// found is a search result with the communications of those ids, all of one message.
func found(message string, ids ...string) string {
	var entries []string
	for i, id := range ids {
		entries = append(entries, fmt.Sprintf(
			`{"resource":{"resourceType":"Communication","id":%q,"meta":{"lastUpdated":"2026-03-0%dT08:00:00Z"},"identifier":[{"system":%q,"value":%q}]}}`,
			id, i+1, system, message))
	}
	return bundle(entries...)
}

func bundle(entries ...string) string {
	return `{"resourceType":"Bundle","type":"searchset","entry":[` + strings.Join(entries, ",") + `]}`
}

func outcome(severity, code, expression string) string {
	return fmt.Sprintf(`{"resourceType":"OperationOutcome","issue":[{"severity":%q,"code":%q,"expression":[%q],"diagnostics":%q,"details":{"text":%q}}]}`,
		severity, code, expression, canary, canary)
}

// server answers with a script: one function per request, in order; the last one for all that follow.
type server struct {
	*httptest.Server

	mu     sync.Mutex
	script []http.HandlerFunc
	asked  []string // "METHOD /path?query" with the condition or the body of a search behind it
	header []http.Header
}

func serve(t *testing.T, script ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{script: script}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := r.Method + " " + r.URL.RequestURI()
		if strings.HasSuffix(r.URL.Path, "/_search") {
			line += " " + string(body)
		}
		s.mu.Lock()
		s.asked = append(s.asked, line)
		s.header = append(s.header, r.Header)
		step := s.script[min(len(s.asked), len(s.script))-1]
		s.mu.Unlock()
		step(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

func (s *server) headerOf(request int) http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header[request]
}

// answer writes a status, headers as name and value in turn, and a body.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", fhirJSON)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hangUp ends the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cut ends the connection in the middle of a body.
func cut(status int, body string, header ...string) http.HandlerFunc {
	whole := answer(status, body, append(header, "Content-Length", "1000")...)
	return func(w http.ResponseWriter, r *http.Request) {
		whole(w, r)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func open(t testing.TB, base string, options ...fhirserver.Option) *fhirserver.Client {
	t.Helper()
	return openWith(t, fhirserver.Config{BaseURL: base}, options...)
}

func openWith(t testing.TB, cfg fhirserver.Config, options ...fhirserver.Option) *fhirserver.Client {
	t.Helper()
	c, err := fhirserver.New(cfg, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// clock is a clock that stands until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// told is an error in one line: kind, reason, code, path, wait and flags.
func told(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *pipeline.Error
	if !errors.As(err, &e) {
		t.Errorf("%T is no *pipeline.Error", err)
		return err.Error()
	}
	silent(t, err)
	text := strings.TrimSpace(strings.Join([]string{e.Kind.String(), e.Reason, e.Code, e.Path}, " "))
	if e.After != 0 {
		text += " after " + e.After.String()
	}
	if e.Unknown {
		text += " unknown"
	}
	if e.Halt {
		text += " halt"
	}
	return strings.Join(strings.Fields(text), " ")
}

// silent checks that an error repeats nothing that a patient, a server or a URL said.
func silent(t *testing.T, err error) {
	t.Helper()
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			text := fmt.Sprintf(verb, cause)
			for _, word := range []string{"Canary", "Beispiel", "5550100", "555-0100", "127.0.0.1", "http://", "identifier=", "secret"} {
				if strings.Contains(text, word) {
					t.Errorf("error says %q: %s", word, text)
				}
			}
		}
	}
}
