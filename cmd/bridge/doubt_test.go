package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// TestDoubt is a number that may be somebody else's by now: nothing about the patient goes to it until the hospital, or
// who has it, says otherwise.
func TestDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{documents: "ask", whatsapp: func(c *sandbox.WhatsAppConfig) { c.IdentityKeys = true }})
	b := w.run()
	for _, part := range []struct {
		name string
		play func(*testing.T, *world)
	}{
		{"another number", changedNumber}, {"another device, while something is sent", changedDevice},
		{"another device, when the patient writes", changedWriter}, {"the word of older webhooks", changedIdentity},
	} {
		t.Run(part.name, func(t *testing.T) { part.play(t, w) })
	}
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	if again := w.ehr.Duplicates("Task"); len(again) > 0 {
		t.Errorf("%d Tasks were written twice", len(again))
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	for _, words := range []string{"15550100", "KEY", "Amara"} {
		if strings.Contains(b.log.String()+w.metrics(), words) {
			t.Errorf("the log or the metrics say %q", words)
		}
	}
}

// unverified moves the visit, and waits until that is not said.
func (v *attendee) unverified(days int) {
	v.t.Helper()
	before := v.skippedFor("unverified")
	v.books(ahead(days), "", "")
	v.await("the news to be skipped", func() bool { return v.skippedFor("unverified") > before })
}

// skippedFor is how many notifications were skipped for a reason.
func (v *attendee) skippedFor(reason string) (n int) {
	for line := range strings.Lines(v.metrics()) {
		if strings.HasPrefix(line, "bridge_notifications_total{") && strings.Contains(line, `reason="`+reason+`"`) {
			count, err := strconv.Atoi(strings.TrimSpace(line[strings.LastIndex(line, " "):]))
			must(v.t, err)
			n += count
		}
	}
	return n
}

// saved is the record with the number that is right, some time after the doubt: the provider's times are whole seconds.
func (v *attendee) saved(number string) {
	v.t.Helper()
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(2100 * time.Millisecond)))
	v.saves(patient(v.id, "Amara", number, "en"))
}

func changedNumber(t *testing.T, w *world) {
	v := w.attendee(t, "n1", "Amara", "+15550100601", "en")
	v.books(ahead(20), "", "")
	booked := v.reads("appointment_booked")
	next := v.phone.ChangeNumber("+15550100602")
	task := v.task("number_changed")
	if got := task.Get("focus.reference").String(); got != "Patient/n1" || !strings.Contains(task.Get("description").String(), "15550100602") {
		t.Errorf("the Task is about %s and does not say the new number", got)
	}
	v.unverified(21)
	v.phone.Write("Yes") // whoever that is
	v.task("sender_unverified")
	v.reads("We have passed it on to our team") // which says nothing of the patient
	if got := v.visit("participant.0.status"); got != "needs-action" {
		t.Errorf("a word of somebody who may be anybody has made the participation %q", got)
	}
	v.taps(booked, "Confirm") // on what was moved: the newest facts are not said to this number
	v.await("the answer to be skipped", func() bool { return strings.Contains(v.metrics(), `step="answer:stale"`) })
	told := len(v.phone.Messages())
	v.saved("+15550100602")
	v.books(ahead(22), "", "")
	v.await("the news at the new number", func() bool { return len(next.Messages()) == 1 })
	if n := len(v.phone.Messages()); n != told {
		t.Errorf("%d more messages to the old number", n-told)
	}
}

// changedDevice is found when a message is for another key; who has the phone then shows who they are.
func changedDevice(t *testing.T, w *world) {
	v := w.born(t, "n3", "Amara", "+15550100603", "en")
	pdf := document("n3")
	v.reported("final", time.Now(), inline(pdf))
	v.reads("report_ready_here")
	v.delivered("DiagnosticReport/of-n3") // the status tells the key
	v.phone.ChangeDevice()
	v.books(ahead(20), "", "")
	v.task("identity_changed")
	if n := len(v.phone.Messages()); n != 1 {
		t.Errorf("%d messages, want none that was for another key", n-1)
	}
	v.unverified(21)
	v.wants("Send here", "please write your date of birth")
	v.phone.Write("21 August 1979")
	v.gets(pdf, "results.pdf")
	v.books(ahead(22), "", "")
	v.reads("Your appointment has changed") // they have written: free words
}

// changedWriter is found when the patient writes; the hospital vouches for the number by a newer record.
func changedWriter(t *testing.T, w *world) {
	v := w.attendee(t, "n4", "Amara", "+15550100604", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	must(t, w.whatsapp.Drain(t.Context()))
	v.phone.ChangeDevice()
	v.phone.Write("Yes")
	v.task("identity_changed")
	v.task("sender_unverified")
	v.unverified(21)
	v.saved("+15550100604")
	v.books(ahead(22), "", "")
	v.reads("Your appointment has changed") // they have written: free words
	v.phone.Write("Yes")
	v.awaitEHR("participant.0.status", "accepted")
}

func changedIdentity(t *testing.T, w *world) {
	v := w.attendee(t, "n5", "Amara", "+15550100605", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.ChangeIdentity()
	v.task("identity_changed")
	v.unverified(21)
	v.phone.Write("stop")
	v.reads("will not send you any more messages")
}
