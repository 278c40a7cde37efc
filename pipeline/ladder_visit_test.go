package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// group is a visit of two patients.
var group = strings.Replace(string(visit{version: "1"}.json()), `"participant":[`,
	`"participant":[{"actor":{"reference":"Patient/p2"},"status":"needs-action"},`, 1)

// TestLadderOfVisit: what a patient wants of the appointment itself is done where the EHR lets a patient decide that, and
// else asked for; the patient is told which.
func TestLadderOfVisit(t *testing.T) {
	const (
		cancelled = "patch Appointment/a1 v1 /status=cancelled"
		declined  = "patch Appointment/a1 v1 /participant/1/status=declined"
		second    = "patch Appointment/a1 v1 /participant/2/status=declined"
		response  = "create AppointmentResponse declined identifier=urn:fhirbridge:decision|response:zig7fsk2ufcmduh7f7z4r6lh7u"
		wished    = "WhatsApp: appointment to be set to cancelled (wish of the patient)"
	)
	open, all := []any{visit{version: "1"}}, "status patch response task"
	cases := []struct {
		name    string
		rungs   string
		reads   []any
		patches []error
		late    bool
		want    string // calls
		task    string // what people are asked to do
		said    string
		err     bool
	}{
		{name: "the EHR takes it", rungs: all, reads: open, want: "read, " + cancelled, said: "done"},
		{name: "a nurse has cancelled it just now", rungs: all, reads: []any{visit{version: "2", status: "cancelled"}}, want: "read", said: "done"},
		{name: "our own patch came through after all", rungs: all, reads: []any{visit{version: "1"}, visit{version: "2", status: "cancelled"}},
			patches: []error{refused("412")}, want: "read, " + cancelled + ", read", said: "done"},
		{name: "on the waiting list", rungs: all, reads: []any{visit{version: "1", status: "waitlist"}}, want: "read, " + cancelled, said: "done"},
		{name: "of two patients", rungs: all, reads: []any{jsonOf(group)}, want: "read, read, " + second, task: wished, said: "asked"},
		{name: "the EHR lets no patient decide it", rungs: all, reads: open, patches: []error{refused("403")}, want: "read, " + cancelled + ", read, " + declined, task: wished, said: "asked"},
		{name: "not configured", rungs: "patch response task", reads: open, want: "read, " + declined, task: wished, said: "asked"},
		{name: "the EHR takes no patch at all", rungs: all, reads: open, patches: []error{refused("405")},
			want: "read, " + cancelled + ", read, " + response, task: wished, said: "asked"},
		{name: "moved", rungs: all, reads: []any{visit{version: "1", start: "2000-02-02T10:00:00Z"}}, want: "read",
			task: "WhatsApp: appointment to be set to cancelled (appointment moved)", said: "asked"},
		{name: "over", rungs: all, reads: []any{visit{version: "1", status: "fulfilled"}}, want: "read",
			task: "WhatsApp: appointment to be set to cancelled (appointment not booked)", said: "asked"},
		{name: "too late", rungs: all, reads: open, late: true, task: "WhatsApp: appointment to be set to cancelled (too late)", said: "asked"},
		{name: "the server is down", rungs: all, reads: open, patches: []error{transient("timeout")}, want: "read, " + cancelled, err: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := newEHR(ladderCase{reads: c.reads, patches: c.patches})
			l := &pipeline.Ladder{Server: e, Filing: filing}
			for _, rung := range strings.Fields(c.rungs) {
				l.Rungs = append(l.Rungs, pipeline.Rung(rung))
			}
			now := at(visitStart).Add(-time.Hour)
			if c.late {
				now = at(visitStart).Add(time.Second)
			}
			carried, err := l.Carry(t.Context(), pipeline.Decision{
				Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "declined", Visit: "cancelled", Until: at(visitStart),
				Start: at(visitStart), Was: "needs-action", Reply: "m1", At: recordTime,
				Done: []pipeline.Notification{{Step: "done"}}, Asked: []pipeline.Notification{{Step: "asked"}},
			}, now)
			same(t, "failed", err != nil, c.err)
			same(t, "calls", strings.Join(e.calls, ", "), c.want)
			same(t, "task", taskOf(t, carried.Writes), c.task)
			var said []string
			for _, n := range carried.Say {
				said = append(said, n.Step)
			}
			same(t, "said", strings.Join(said, " "), c.said)
		})
	}
}

func jsonOf(text string) json.RawMessage { return json.RawMessage(text) }

// taskOf returns what the one Task of the writes asks for, "" if there is none.
func taskOf(t *testing.T, writes []pipeline.Write) string {
	t.Helper()
	found := map[string]string{} // by key without its sink
	for _, w := range writes {
		valid(t, w)
		var task struct{ Code struct{ Text string } }
		if err := json.Unmarshal([]byte(w.Body.Reveal()), &task); w.Type == "Task" && err == nil {
			key, _, _ := strings.Cut(w.Key, "@")
			found[key] = task.Code.Text
		}
	}
	if len(found) > 1 {
		t.Errorf("%d Tasks, want one", len(found))
	}
	for _, text := range found {
		return text
	}
	return ""
}
