package pipeline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir/strict"
	"fhirbridge/pipeline"
)

// ehr is a FHIR server with one appointment, that notes what it is asked.
type ehr struct {
	server
	reads   []any // of each Read: a visit, or an error; the last one stays
	patches []error
	creates []error
	calls   []string
}

func newEHR(c ladderCase) *ehr {
	e := &ehr{reads: c.reads, patches: c.patches, creates: c.creates}
	e.read = func(ref string) (pipeline.Versioned, error) {
		e.calls = append(e.calls, "read")
		now := e.reads[0]
		if len(e.reads) > 1 {
			e.reads = e.reads[1:]
		}
		switch now := now.(type) {
		case error:
			return pipeline.Versioned{}, now
		case json.RawMessage:
			return pipeline.Versioned{Resource: now, Version: "1"}, nil
		case visit:
			return pipeline.Versioned{Resource: now.json(), Version: now.version}, nil
		}
		panic("of no kind")
	}
	e.patch = func(ref, version string, patch []byte) error {
		var ops []struct{ Op, Path, Value string }
		_ = json.Unmarshal(patch, &ops)
		e.calls = append(e.calls, fmt.Sprintf("patch %s v%s %s=%s", ref, version, ops[1].Path, ops[1].Value))
		return next(&e.patches)
	}
	e.create = func(body []byte, ifNoneExist string) (string, error) {
		var r struct{ ResourceType, ParticipantStatus string }
		_ = json.Unmarshal(body, &r)
		e.calls = append(e.calls, fmt.Sprintf("create %s %s %s", r.ResourceType, r.ParticipantStatus, ifNoneExist))
		if found := strict.Validate(body); len(found) > 0 {
			return "", fmt.Errorf("invalid: %v", found)
		}
		return r.ResourceType + "/1", next(&e.creates)
	}
	return e
}

func next(list *[]error) error {
	if len(*list) == 0 {
		return nil
	}
	err := (*list)[0]
	*list = (*list)[1:]
	return err
}

type ladderCase struct {
	name    string
	rungs   string
	reads   []any
	patches []error
	creates []error
	status  string // decided; accepted if ""
	was     string // "-" for not known; needs-action if ""
	want    string // calls
	owed    string // keys, and the reason of a Task
	err     string
}

func ladderCases() []ladderCase {
	const (
		patch1   = "patch Appointment/a1 v1 /participant/1/status=accepted"
		patch2   = "patch Appointment/a1 v2 /participant/1/status=accepted"
		response = "create AppointmentResponse accepted identifier=urn:fhirbridge:decision|response:zig7fsk2ufcmduh7f7z4r6lh7u"
		task     = "task:zig7fsk2ufcmduh7f7z4r6lh7u@server task:zig7fsk2ufcmduh7f7z4r6lh7u@topic"
		copied   = "response:zig7fsk2ufcmduh7f7z4r6lh7u@topic"
	)
	open, v2 := []any{visit{version: "1"}}, visit{version: "2"}
	all := "patch response task"
	return []ladderCase{
		{name: "patched", rungs: all, reads: open, want: "read, " + patch1},
		{name: "it says so already", rungs: all, reads: []any{visit{version: "1", participant: "accepted"}}, want: "read"},
		{name: "it says so already, whatever it was", rungs: all, was: "tentative", reads: []any{visit{version: "1", participant: "accepted"}}, want: "read"},
		{name: "proposed", rungs: all, reads: []any{visit{version: "1", status: "proposed"}}, want: "read, " + patch1},
		{name: "changed meanwhile, not by a person who decides", rungs: all, reads: []any{visit{version: "1"}, v2}, patches: []error{refused("412")},
			want: "read, " + patch1 + ", read, " + patch2},
		{name: "in conflict", rungs: all, reads: []any{visit{version: "1"}, v2}, patches: []error{refused("409")}, want: "read, " + patch1 + ", read, " + patch2},
		{name: "a person decides meanwhile", rungs: all, reads: []any{visit{version: "1"}, visit{version: "2", participant: "declined"}}, patches: []error{refused("412")},
			want: "read, " + patch1 + ", read", owed: task + " changed by a person"},
		{name: "it moves meanwhile", rungs: all, reads: []any{visit{version: "1"}, visit{version: "2", start: "2000-02-02T10:00:00Z"}}, patches: []error{refused("412")},
			want: "read, " + patch1 + ", read", owed: task + " appointment moved"},
		{name: "our own patch came through after all", rungs: all, reads: []any{visit{version: "1"}, visit{version: "2", participant: "accepted"}}, patches: []error{refused("412")},
			want: "read, " + patch1 + ", read"},
		{name: "changed again and again", rungs: all, reads: open, patches: []error{refused("412"), refused("412"), refused("412"), refused("412"), refused("412")},
			want: strings.Repeat("read, "+patch1+", ", 4) + "read, " + patch1, err: "transient conflict"},
		{name: "a person has decided before", rungs: all, reads: []any{visit{version: "1", participant: "tentative"}}, want: "read", owed: task + " changed by a person"},
		{name: "what it was is not known", rungs: all, was: "-", reads: []any{visit{version: "1", participant: "tentative"}}, want: "read, " + patch1},
		{name: "the same instant, written otherwise", rungs: all, reads: []any{visit{version: "1", start: "2000-02-01T11:00:00+01:00"}}, want: "read, " + patch1},
		{name: "moved", rungs: all, reads: []any{visit{version: "1", start: "2000-02-02T10:00:00Z"}}, want: "read", owed: task + " appointment moved"},
		{name: "cancelled", rungs: all, reads: []any{visit{version: "1", status: "cancelled"}}, want: "read", owed: task + " appointment not booked"},
		{name: "over", rungs: all, reads: []any{visit{version: "1", status: "fulfilled"}}, want: "read", owed: task + " appointment not booked"},
		{name: "without this patient", rungs: all, reads: []any{visit{version: "1", actor: "Patient/p2"}}, want: "read", owed: task + " appointment not booked"},
		{name: "gone", rungs: all, reads: []any{refused("404")}, want: "read", owed: task + " appointment not booked"},
		{name: "deleted", rungs: all, reads: []any{refused("410")}, want: "read", owed: task + " appointment not booked"},
		{name: "the server takes no patch: 405", rungs: all, reads: open, patches: []error{refused("405")}, want: "read, " + patch1 + ", read, " + response, owed: copied},
		{name: "the server takes no patch: 422", rungs: all, reads: open, patches: []error{refused("422")}, want: "read, " + patch1 + ", read, " + response, owed: copied},
		{name: "the server knows no patch: 404", rungs: all, reads: open, patches: []error{refused("404")}, want: "read, " + patch1 + ", read, " + response, owed: copied},
		{name: "refused without a code", rungs: all, reads: open, patches: []error{refused("")}, want: "read, " + patch1 + ", read, " + response, owed: copied},
		{name: "nor a response", rungs: all, reads: open, patches: []error{refused("405")}, creates: []error{refused("422")},
			want: "read, " + patch1 + ", read, " + response, owed: task + " server takes no response"},
		{name: "moved between patch and response", rungs: all, reads: []any{visit{version: "1"}, visit{version: "2", start: "2000-02-02T10:00:00Z"}}, patches: []error{refused("405")},
			want: "read, " + patch1 + ", read", owed: task + " appointment moved"},
		{name: "patch, then task", rungs: "patch task", reads: open, patches: []error{refused("405")}, want: "read, " + patch1, owed: task + " server takes no patch"},
		{name: "patch only", rungs: "patch", reads: open, patches: []error{refused("405")}, want: "read, " + patch1, owed: task + " server takes no patch"},
		{name: "response only", rungs: "response", reads: open, want: "read, " + response, owed: copied},
		{name: "response only, and it says so already", rungs: "response", reads: []any{visit{version: "1", participant: "accepted"}}, want: "read, " + response, owed: copied},
		{name: "response only, and moved", rungs: "response", reads: []any{visit{version: "1", start: "2000-02-02T10:00:00Z"}}, want: "read", owed: task + " appointment moved"},
		{name: "response only, and nothing can be read", rungs: "response", reads: []any{refused("405")}, want: "read, " + response, owed: copied},
		{name: "task only", rungs: "task", reads: open, want: "", owed: task + " refused"},
		{name: "nothing configured", rungs: "", reads: open, want: "", owed: task + " refused"},
		{name: "the server is down at the reading", rungs: all, reads: []any{transient("unreachable")}, want: "read", err: "unreachable"},
		{name: "the server is down at the patch", rungs: all, reads: open, patches: []error{transient("timeout")}, want: "read, " + patch1, err: "timeout"},
		{name: "the server is down at the response", rungs: "response", reads: open, creates: []error{transient("timeout")}, want: "read, " + response, err: "timeout"},
		{name: "the server throttles", rungs: all, reads: open, patches: []error{&pipeline.Error{Kind: pipeline.Throttled}}, want: "read, " + patch1, err: "throttled"},
		{name: "the server gives something else", rungs: all, reads: []any{json.RawMessage(`{"resourceType":"Patient","id":"a1"}`)}, want: "read, read, " + response, owed: copied},
		{name: "the server gives nonsense", rungs: "patch task", reads: []any{json.RawMessage(`nonsense`)}, want: "read", owed: task + " server takes no patch"},
		{name: "a status that is none", rungs: all, status: "maybe", reads: open, want: "read, read", owed: task + " server takes no response"},
	}
}

func TestLadder(t *testing.T) {
	for _, c := range ladderCases() {
		t.Run(c.name, func(t *testing.T) {
			e := newEHR(c)
			l := pipeline.Ladder{Server: e, Filing: pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic}}}
			for _, rung := range strings.Fields(c.rungs) {
				l.Rungs = append(l.Rungs, pipeline.Rung(rung))
			}
			d := pipeline.Decision{
				Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "accepted", Start: at(visitStart), Was: "needs-action", Reply: "m1", At: recordTime,
			}
			if c.status != "" {
				d.Status = c.status
			}
			if c.was != "" {
				d.Was = strings.Trim(c.was, "-")
			}
			carried, err := l.Carry(t.Context(), d, at(visitStart).Add(-time.Hour))
			if c.err == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("Carry: %v, want %q", err, c.err)
			}
			same(t, "calls", strings.Join(e.calls, ", "), c.want)
			var keys []string
			owed := carried.Writes
			for _, w := range owed {
				keys = append(keys, w.Key)
				valid(t, w)
			}
			if len(owed) > 0 && owed[0].Type == "Task" {
				var task struct {
					Code struct{ Text string }
				}
				_ = json.Unmarshal([]byte(owed[0].Body.Reveal()), &task)
				_, why, _ := strings.Cut(task.Code.Text, "(")
				keys = append(keys, strings.TrimSuffix(why, ")"))
			}
			same(t, "owed", strings.Join(keys, " "), c.owed)
		})
	}
}

// valid fails if the resource of w is not valid FHIR.
func valid(t *testing.T, w pipeline.Write) {
	t.Helper()
	if w.Kind != pipeline.WriteCreate {
		return
	}
	for _, f := range strict.Validate([]byte(w.Body.Reveal())) {
		t.Errorf("%s: %s at %s", w.Key, f.Rule, f.Path)
	}
}

// TestLadderAfterAnotherDecision: what the patient's own last decision made is no person's change.
func TestLadderAfterAnotherDecision(t *testing.T) {
	for ours, want := range map[string]int{"accepted": 1, "": 0} {
		patched := 0
		server := &server{
			read: func(string) (pipeline.Versioned, error) {
				return pipeline.Versioned{Resource: visit{version: "3", participant: "accepted"}.json(), Version: "3"}, nil
			},
			patch: func(string, string, []byte) error { patched++; return nil },
		}
		l := &pipeline.Ladder{Server: server, Rungs: []pipeline.Rung{pipeline.RungPatch}, Filing: filing}
		_, err := l.Carry(t.Context(), pipeline.Decision{
			Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "declined", Start: at(visitStart), Was: "needs-action", Ours: ours, Reply: "m2", At: recordTime,
		}, recordTime)
		if err != nil || patched != want {
			t.Errorf("ours %q: patched %d times, want %d (%v)", ours, patched, want, err)
		}
	}
}
