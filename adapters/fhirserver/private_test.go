package fhirserver_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/porttest"
)

// seen is what proxies and logs see of requests, and what they carry inside.
type seen struct {
	mu            sync.Mutex
	lines, bodies []string
}

// behind starts a FHIR server whose requests are noted on their way.
func behind(t *testing.T) (*seen, string) {
	t.Helper()
	ehr, err := sandbox.NewFHIRServer(sandbox.FHIRConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ehr.Close() })
	s := &seen{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head, _ := httputil.DumpRequest(r, false)
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		s.mu.Lock()
		s.lines, s.bodies = append(s.lines, string(head)), append(s.bodies, string(body))
		s.mu.Unlock()
		ehr.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return s, proxy.URL + "/fhir"
}

// TestRequestsHoldNoNumber files a conversation of somebody whose number is in the provider's message ids, as it always
// is, on a server that creates conditionally and on one that is searched first: the number is in bodies only.
func TestRequestsHoldNoNumber(t *testing.T) {
	const digits = "15550100123"
	number := pipeline.NewPrivate("+" + digits)
	wamid := "wamid." + base64.StdEncoding.EncodeToString([]byte("\x1c\x18\x0b"+digits+"\x15\x02\x00\x12\x18\x20"+"3EB0C767D097B7C7C0"+"\x00"))
	now := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	reply := pipeline.Reply{ID: wamid, Kind: "text", Text: pipeline.NewPrivate("Yes"), From: number, At: now, Received: now}
	answer := pipeline.SentMessage{
		Notification: pipeline.Notification{Patient: "Patient/p1", Recipient: "Patient/p1", ReplyTo: wamid},
		Attempt:      pipeline.Attempt{ID: "attempt000000001", MessageID: wamid, Address: number, Seen: pipeline.NewPrivate("Thank you."), Begun: now},
	}
	decision := pipeline.Decision{Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "accepted", Reply: wamid, At: now}
	filing := pipeline.Filing{Facility: "Harbour Hospital", Sinks: []pipeline.Sink{pipeline.SinkServer}}
	writes := slices.Concat(
		filing.Reply(reply, pipeline.Thread{}, "", "text"), filing.Handoff(reply, pipeline.Thread{}, "", pipeline.Outcome{Handoff: "patient_message"}),
		filing.Sent(answer), filing.Response(decision), filing.Unmet(decision, pipeline.ReasonRefused),
		filing.Errands([]pipeline.Errand{{Key: "e1", Code: "call", Subject: "Appointment/a1", Patient: "Patient/p1"}}, now),
	)
	for _, test := range []struct {
		name string
		ping bool
	}{{"creates conditionally", true}, {"searched first", false}} {
		t.Run(test.name, func(t *testing.T) {
			s, base := behind(t)
			c := open(t, base)
			if test.ping {
				if err := c.Ping(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := c.PatientsByPhone(t.Context(), number); err != nil {
				t.Errorf("PatientsByPhone: %v", err)
			}
			for _, w := range writes {
				first, err := c.Create(t.Context(), []byte(w.Body.Reveal()), w.IfNoneExist)
				if err != nil {
					t.Errorf("%s: %v", w.Type, err)
				}
				if again, err := c.Create(t.Context(), []byte(w.Body.Reveal()), w.IfNoneExist); again != first || err != nil {
					t.Errorf("%s again: got %q, %v, want %q", w.Type, again, err, first)
				}
			}
			if len(porttest.Found(strings.Join(s.bodies, "\n"), wamid)) == 0 || len(porttest.Found(wamid, digits[1:])) == 0 {
				t.Error("what is there is not found: the search finds nothing")
			}
			for _, line := range s.lines {
				plain, err := url.QueryUnescape(line)
				if err != nil {
					t.Fatal(err)
				}
				if len(porttest.Found(line+plain, digits[1:])) > 0 {
					t.Errorf("the number can be read in\n%s", plain)
				}
			}
		})
	}
}
