package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// writes runs bridge writes as an operator does, and returns what the terminal shows.
func (w *world) writes(args ...string) string {
	w.t.Helper()
	file := filepath.Join(w.dir, "bridge.yaml")
	must(w.t, os.WriteFile(file, []byte(w.config(w.whatsapp.URL())), 0o600))
	cmd, out := root(), &bytes.Buffer{}
	cmd.SetArgs(append(append([]string{"writes"}, args...), "--config", file))
	cmd.SetOut(out)
	must(w.t, cmd.ExecuteContext(w.t.Context()))
	return out.String()
}

// TestForbiddenWrite: a Task that the EHR does not let us write holds what is behind it for a bounded time. Then an operator sees
// it, and lets it be written when the EHR allows that; nothing is written twice.
func TestForbiddenWrite(t *testing.T) {
	w := newWorld(t, worldOptions{})
	var forbidden atomic.Bool
	forbidden.Store(true)
	w.ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		if r.Type == "Task" && r.Method == http.MethodPost && forbidden.Load() {
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Status: http.StatusForbidden}}
		}
		return nil
	})
	b := w.run()
	v := w.attendee(t, "p1", "Amara", "+15550100158", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	w.await("the booking in the chart", func() bool { return len(w.said()) == 1 }) // before the Task
	v.phone.Write("Where can I leave my bicycle?")
	w.await("the Task to be refused", func() bool {
		return strings.Contains(w.metrics(), `bridge_writes_total{kind="create",outcome="retry",sink="server"}`)
	})
	if got := len(w.said()); got != 2 { // what was said to the patient's words is behind the Task
		t.Errorf("%d messages are in the chart, want 2", got)
	}
	w.ahead.Add(int64(55 * time.Minute))
	other := w.attendee(t, "p2", "Bela", "+15550100159", "en")
	other.books(ahead(20), "", "")
	w.await("what the EHR takes of others", func() bool { return len(w.said()) == 3 })
	w.ahead.Add(int64(9 * time.Minute)) // it is put off for five at most
	w.await("what is behind it", func() bool { return len(w.said()) == 4 })
	shown := w.writes()
	for _, want := range []string{"create Task", "Patient/p1", "forbidden", "handoff:"} {
		if !strings.Contains(shown, want) {
			t.Errorf("an operator does not see %q", want)
		}
	}
	if strings.Contains(shown, "bicycle") || !strings.Contains(w.metrics(), "bridge_ledger_writes_given_up 1") {
		t.Error("words are shown, or nobody is told")
	}
	forbidden.Store(false)
	if got := w.writes("--again"); got != "1 are owed again\n" {
		t.Errorf("again: %q", got)
	}
	v.task("patient_message")
	if got := w.writes(); got != "Nothing was given up.\n" {
		t.Errorf("left: %q", got)
	}
	w.noDuplicates(b)
}
