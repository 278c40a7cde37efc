package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// peculiar is a visit with what no model of ours knows. It has to be there afterwards.
const peculiar = `{"resourceType":"Appointment","id":"v","status":"booked","start":"2036-05-04T10:00:00Z","end":"2036-05-04T10:30:00Z",` +
	`"contained":[{"resourceType":"Location","id":"l","name":"<House & Garden>"}],"extension":[{"url":"urn:x","valueDecimal":1.50}],"_status":{"id":"s"},` +
	`"participant":[{"actor":{"reference":"Practitioner/d"},"status":"accepted"},{"actor":{"reference":"Patient/p"},"_status":{"id":"t"},"status":"%s"}]}`

// rungOf is one server and what becomes of a decision on it.
type rungOf struct {
	name    string
	server  sandbox.FHIRConfig
	profile string
	// was is the participation before, needs-action if empty; status what is decided, accepted if empty.
	was, status string
	// meddle is done by somebody else when the first change arrives; it may fail that request, too.
	meddle func(*sandbox.FHIRServer) *sandbox.FHIRFault
	always int // status of the answer to every change
	// What lies on the server, and is owed.
	participant, by string
	responses       int
	task            string // why people are asked
	err             string
	tries           int // changes that were sent
}

func edited(status string) func(*sandbox.FHIRServer) *sandbox.FHIRFault {
	return func(s *sandbox.FHIRServer) *sandbox.FHIRFault {
		_ = s.Seed([]byte(strings.Replace(fmt.Sprintf(peculiar, status), `"start"`, `"comment":"by a person","start"`, 1)))
		return nil
	}
}

func TestLadderMatrix(t *testing.T) {
	stale409, whole := sandbox.FHIRConfig{ConflictStatus: http.StatusConflict}, sandbox.FHIRConfig{NoPatch: true}
	lost := func(*sandbox.FHIRServer) *sandbox.FHIRFault {
		return &sandbox.FHIRFault{Fault: sandbox.Fault{Act: true, Cut: true}}
	}
	oracle := sandbox.FHIRConfig{Oracle: true}
	for _, c := range []rungOf{
		{name: "takes everything", participant: "accepted", by: "patch", tries: 1},
		{name: "is so already", was: "accepted", participant: "accepted", by: "unchanged"},
		{name: "insists on If-Match", server: sandbox.FHIRConfig{RequireIfMatch: true}, participant: "accepted", by: "patch", tries: 1},
		{name: "no PATCH", server: whole, participant: "accepted", by: "update", tries: 1},
		{name: "no PATCH, 412 once", server: whole, meddle: edited("needs-action"), participant: "accepted", by: "update", tries: 2},
		{name: "no PATCH, 412 with a human edit", server: whole, meddle: edited("declined"), participant: "declined", by: "task", task: "changed by a person", tries: 1},
		{name: "no PATCH and no PUT", server: sandbox.FHIRConfig{NoPatch: true, NoUpdate: true}, participant: "needs-action", by: "response", responses: 1},
		{name: "412 once", meddle: edited("needs-action"), participant: "accepted", by: "patch", tries: 2},
		{name: "412 with a human edit", meddle: edited("tentative"), participant: "tentative", by: "task", task: "changed by a person", tries: 1},
		{name: "412, and the person wanted the same", meddle: edited("accepted"), participant: "accepted", by: "unchanged", tries: 1},
		{name: "409 in place of 412, once", server: stale409, meddle: edited("needs-action"), participant: "accepted", by: "patch", tries: 2},
		{name: "409 in place of 412, with a human edit", server: stale409, meddle: edited("declined"), participant: "declined", by: "task", task: "changed by a person", tries: 1},
		{name: "412 always", always: http.StatusPreconditionFailed, participant: "needs-action", err: "conflict", tries: 5},
		{name: "422 always", always: http.StatusUnprocessableEntity, participant: "needs-action", by: "response", responses: 1, tries: 1},
		{name: "423: somebody has it open", always: http.StatusLocked, participant: "needs-action", err: "conflict", tries: 1},
		{name: "503", always: http.StatusServiceUnavailable, participant: "needs-action", err: "throttled", tries: 1},
		{name: "the answer is lost", meddle: lost, participant: "accepted", err: "connection_lost", tries: 1},
		{name: "read-only", server: sandbox.FHIRConfig{ReadOnly: true}, participant: "needs-action", by: "task", task: "server takes no response"},
		{name: "no versions", server: sandbox.FHIRConfig{NoVersions: true}, participant: "needs-action", by: "response", responses: 1},
		{name: "Oracle, tentative", server: oracle, profile: "oracle-health", was: "tentative", participant: "accepted", by: "patch", tries: 1},
		{name: "Oracle, needs-action", server: oracle, profile: "oracle-health", participant: "needs-action", by: "task", task: "server takes no response", tries: 1},
		{name: "Oracle, declined", server: oracle, profile: "oracle-health", status: "declined", participant: "needs-action", by: "task", task: "server takes no response"},
		{name: "Oracle, 409 once", server: oracle, profile: "oracle-health", was: "tentative", meddle: edited("tentative"), participant: "accepted", by: "patch", tries: 2},
		{name: "Oracle, 409 with a human edit", server: oracle, profile: "oracle-health", was: "tentative", meddle: edited("declined"), participant: "declined", by: "task", task: "changed by a person", tries: 1},
		{name: "Oracle, 412", server: oracle, profile: "oracle-health", was: "tentative", always: 412, participant: "tentative", by: "task", task: "server takes no response", tries: 1},
		{name: "Oracle, 422", server: oracle, profile: "oracle-health", was: "tentative", always: 422, participant: "tentative", by: "task", task: "server takes no response", tries: 1},
		{name: "Oracle, 423", server: oracle, profile: "oracle-health", was: "tentative", always: 423, participant: "tentative", err: "conflict", tries: 1},
		{name: "Oracle, 424", server: oracle, profile: "oracle-health", was: "tentative", always: 424, participant: "tentative", by: "task", task: "held by the ehr", tries: 1},
	} {
		t.Run(c.name, c.play)
	}
}

func (c rungOf) play(t *testing.T) {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	c.was, c.status = or(c.was, "needs-action"), or(c.status, "accepted")
	ehr, err := sandbox.NewFHIRServer(c.server)
	must(t, err)
	t.Cleanup(func() { _ = ehr.Close() })
	must(t, ehr.Seed(fmt.Appendf(nil, peculiar, c.was)))
	var tries atomic.Int32 // a connection that is cut tells the client nothing of what the server did before
	ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		if r.Type != "Appointment" || r.Method != http.MethodPatch && r.Method != http.MethodPut {
			return nil
		}
		first := tries.Add(1) == 1
		if c.always > 0 {
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Status: c.always}}
		}
		if c.meddle != nil && first {
			return c.meddle(ehr)
		}
		return nil
	})
	l := c.ladder(t, ehr.URL())
	d := pipeline.Decision{
		Appointment: "Appointment/v", Patient: "Patient/p", Status: c.status, Was: c.was, Start: time.Date(2036, 5, 4, 10, 0, 0, 0, time.UTC), Reply: "r1", At: time.Now(),
	}
	carried, err := l.Carry(t.Context(), d, time.Now())
	c.holds(t, ehr, carried, err, int(tries.Load()))
	if c.err == "" { // whatever was done is not done twice
		_, err = l.Carry(t.Context(), d, time.Now())
		must(t, err)
		if got := ehr.Count("AppointmentResponse"); got != c.responses {
			t.Errorf("%d AppointmentResponses after it was repeated, want %d", got, c.responses)
		}
	}
}

func (c rungOf) ladder(t *testing.T, base string) *pipeline.Ladder {
	t.Helper()
	client, err := fhirserver.New(fhirserver.Config{BaseURL: base})
	must(t, err)
	must(t, client.Ping(t.Context()))
	of := ProfileConfig{Profile: c.profile}
	must(t, of.load())
	return &pipeline.Ladder{
		Server: client, Profile: of.loaded, Rungs: []pipeline.Rung{pipeline.RungPatch, pipeline.RungResponse, pipeline.RungTask},
		Filing: pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer}},
	}
}

// holds looks at what lies on the server, and what is owed.
func (c rungOf) holds(t *testing.T, ehr *sandbox.FHIRServer, carried pipeline.Carried, err error, tries int) {
	t.Helper()
	var e *pipeline.Error
	if c.err == "" != (err == nil) || err != nil && (!errors.As(err, &e) || e.Kind != pipeline.Transient && e.Kind != pipeline.Throttled || e.Reason != c.err) {
		t.Errorf("got error %v, want %q, which may pass", err, c.err)
	}
	raw, _ := ehr.Resource("Appointment/v")
	if got := gjson.GetBytes(raw, "participant.1.status").String(); got != c.participant {
		t.Errorf("the participation is %q, want %q", got, c.participant)
	}
	if gjson.GetBytes(raw, "contained.0.name").String() != "<House & Garden>" {
		t.Error("the visit has lost what it contains")
	}
	for _, kept := range []string{`"valueDecimal":1.50`, `"_status":{"id":"s"}`, `"_status":{"id":"t"}`} {
		if !strings.Contains(string(raw), kept) {
			t.Errorf("the visit has lost %s", kept)
		}
	}
	if c.meddle != nil && strings.Contains(c.name, "4") && gjson.GetBytes(raw, "comment").String() != "by a person" {
		t.Error("what a person has written is gone")
	}
	if carried.By != c.by || tries != c.tries || ehr.Count("AppointmentResponse") != c.responses {
		t.Errorf("carried by %q, %d changes, %d responses; want %q, %d, %d", carried.By, tries, ehr.Count("AppointmentResponse"), c.by, c.tries, c.responses)
	}
	var why string
	for _, w := range carried.Writes {
		_, why, _ = strings.Cut(gjson.Get(w.Body.Reveal(), "code.text").String(), "(")
	}
	if why = strings.TrimSuffix(why, ")"); why != c.task {
		t.Errorf("people are asked because of %q, want %q", why, c.task)
	}
}
