package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// finding is a word that stands in every report of these tests, wherever one can say what was found.
const finding = "Glioblastoma"

// signature is who has read the results.
const signature = `"resultsInterpreter":[{"reference":"Practitioner/1","display":"` + finding + `"}],`

// report gives the attendee's report a status, with further elements: JSON that ends with a comma, or nothing. A code of its own comes first.
func (v *attendee) report(status string, issued time.Time, elements string) {
	v.t.Helper()
	if !strings.HasPrefix(elements, `"code":`) {
		elements += `"code":{"text":"` + finding + `"},`
	}
	v.knows(fmt.Sprintf(`{"resourceType":"DiagnosticReport","id":"of-%s","status":%q,"issued":%q,"subject":{"reference":"Patient/%s"},`+
		`%s"conclusion":%q,"presentedForm":[{"contentType":"text/plain","title":%q}]}`,
		v.id, status, issued.UTC().Format(time.RFC3339), v.id, elements, finding, finding))
}

// TestReports is what patients hear of reports, and what people are asked to do about them.
func TestReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	b := w.run()
	waits := unsignedReport(t, w) // falls due when the others are played
	guarded := guardedReport(t, w)
	for _, part := range []struct {
		name string
		play func(*testing.T, *world, *bridge)
	}{{"ready, changed, withdrawn", signedReport}, {"deleted", deletedReport}, {"a call", calledReport}} {
		t.Run(part.name, func(t *testing.T) { part.play(t, w, b) })
	}
	t.Run("a person speaks of it", guarded)
	t.Run("signed by nobody", waits)
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	for i, want := range []int{3, 2, 1, 0, 1} {
		messages := w.whatsapp.Phone(fmt.Sprintf("+1555010016%d", i)).Messages()
		if len(messages) != want {
			t.Errorf("+1555010016%d has %d messages, want %d", i, len(messages), want)
		}
		for _, m := range messages {
			if strings.Contains(m.Screen()+m.Text+m.Template+m.CallbackData, finding) {
				t.Errorf("%s says what was found", m.Template)
			}
		}
	}
	for _, kind := range []string{"Communication", "Task"} {
		for _, raw := range w.ehr.All(kind) {
			if strings.Contains(string(raw), finding) {
				t.Errorf("a %s says what was found", kind)
			}
		}
		if again := w.ehr.Duplicates(kind); len(again) > 0 {
			t.Errorf("%d of %s were written twice", len(again), kind)
		}
	}
	if strings.Contains(b.log.String()+w.metrics(), finding) {
		t.Error("the log or the metrics say what was found")
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
}

func signedReport(t *testing.T, w *world, b *bridge) {
	v := w.attendee(t, "r0", "Amara", "+15550100160", "en")
	issued := time.Now().Add(-time.Hour)
	v.report("preliminary", issued, signature)
	v.report("final", issued, signature)
	v.reads("report_ready")
	v.charted("recipient.0.reference", "your results are ready at Harbour Hospital")
	v.await("the patient to be told", func() bool { return v.settled(b) })
	v.report("final", issued, signature+`"effectiveDateTime":"2027-03-01",`)
	v.report("corrected", issued.Add(time.Minute), signature)
	v.reads("report_changed")
	v.await("the patient to be told", func() bool { return v.settled(b) })
	v.report("entered-in-error", issued.Add(time.Minute), signature)
	v.reads("report_withdrawn")
	v.isAsked("result_withdrawn")
}

func deletedReport(t *testing.T, w *world, b *bridge) {
	v := w.attendee(t, "r1", "Jonas", "+15550100161", "de")
	v.report("final", time.Now(), signature)
	v.reads("report_ready")
	v.await("the patient to be told", func() bool { return v.settled(b) })
	v.publish("DiagnosticReport/of-r1", nil)
	if m := v.reads("report_withdrawn"); !strings.Contains(m.Text, "Jonas") {
		t.Error("the message lacks the name")
	}
	v.isAsked("result_withdrawn")
}

func calledReport(t *testing.T, w *world, _ *bridge) {
	v := w.attendee(t, "r2", "ليلى", "+15550100162", "ar")
	v.report("final", time.Now(), `"code":{"coding":[{"system":"http://example.org/codes","code":"call"}],"text":"`+finding+`"},`)
	v.reads("report_call")
	v.isAsked("sensitive_result")
}

// guardedReport is of a category that people speak of: the patient hears nothing, signed or not.
func guardedReport(t *testing.T, w *world) func(*testing.T) {
	v := w.attendee(t, "r3", "Lucía", "+15550100163", "es")
	v.report("final", time.Now(), signature+`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"GE"}]}],`)
	return func(t *testing.T) {
		v.t = t
		v.isAsked("sensitive_result")
	}
}

// unsignedReport is from a laboratory alone: the care team has 48 hours, of which little is left.
func unsignedReport(t *testing.T, w *world) func(*testing.T) {
	v := w.attendee(t, "r4", "Soraya", "+15550100164", "fr")
	due := v.dueSoon()
	v.report("final", due.Add(-48*time.Hour), `"performer":[{"reference":"Organization/lab"}],`)
	v.planned("DiagnosticReport/of-r4", due)
	return func(t *testing.T) {
		v.t = t
		if _, ok := v.has("report_ready"); ok {
			t.Error("said too early")
		}
		w.passes(soon)
		v.reads("report_ready")
	}
}

// isAsked waits for the Task that is about the attendee's report.
func (v *attendee) isAsked(code string) {
	v.t.Helper()
	if got, want := v.task(code).Get("focus.reference").String(), "DiagnosticReport/of-"+v.id; got != want {
		v.t.Errorf("the Task is about %q, want %q", got, want)
	}
}
