package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// TestDigest is the reminders of two visits on one day, which are one message, and what is answered to it.
func TestDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{journeys: remindersOnTheInstant(t), writeTo: "[server, topic], appointment_writeback: [status, patch, response, task]"})
	b := w.run()
	v, other, third := w.attendee(t, "d1", "Erika", "+15550100192", "de"), w.attendee(t, "d2", "Jonas", "+15550100193", "de"), w.attendee(t, "d3", "Ann", "+15550100194", "en")
	w.whatsapp.Fail(func(r sandbox.SendRequest) *sandbox.SendFault {
		if strings.HasSuffix(r.To, "194") && r.Template == "appointment_reminders_two" {
			return &sandbox.SendFault{Code: 132001}
		}
		return nil
	})
	first := w.dueSoon().Add(48 * time.Hour)
	v.knows(appointment("first-d1", "d1", "booked", first))
	v.knows(appointment("second-d1", "d1", "booked", first.Add(5*time.Minute)))
	for _, id := range []string{"first-d3", "second-d3"} {
		third.knows(appointment(id, "d3", "booked", first))
	}
	other.knows(appointment("only", "d2", "booked", first)) // somebody else's is never among them
	for ref, start := range map[string]time.Time{"first-d1": first, "second-d1": first.Add(5 * time.Minute), "first-d3": first, "second-d3": first, "only": first} {
		w.planned("Appointment/"+ref, start.Add(-48*time.Hour))
	}
	w.passes(soon)
	digest := v.reads("appointment_reminders_two")
	zone, err := time.LoadLocation(clinicZone)
	must(t, err)
	clock := func(at time.Time) string { return at.In(zone).Format("15:04") }
	v.shows(digest, "Erika", "1. ", clock(first), "2. ", clock(first.Add(5*time.Minute)))
	other.reads("appointment_reminder_soon")
	third.await("each to be said by itself, where together it is refused", func() bool {
		return len(slices.DeleteFunc(third.phone.Messages(), func(m sandbox.ReceivedMessage) bool { return m.Template != "appointment_reminder_soon" })) == 2
	})

	v.taps(digest, "Einzeln zeigen")
	var each []sandbox.ReceivedMessage
	v.await("each visit by itself", func() bool {
		each = slices.DeleteFunc(v.phone.Messages(), func(m sandbox.ReceivedMessage) bool { return !strings.Contains(m.Text, "einer Ihrer Termine") })
		return len(each) == 2
	})
	for _, m := range each {
		if strings.Contains(m.Text, clock(first.Add(5*time.Minute))) {
			v.taps(m, "Bestätigen")
		}
	}
	accepted := func(id string) bool {
		raw, _ := w.ehr.Resource("Appointment/" + id)
		return strings.Contains(string(raw), `"accepted"`)
	}
	v.await("the second visit to be confirmed", func() bool { return accepted("second-d1") })
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	if accepted("first-d1") {
		t.Error("an answer to one visit has confirmed the other")
	}
	entries, err := b.app.ledger.Trace(t.Context(), "Patient/d1")
	must(t, err)
	told := map[string]int{}
	for _, e := range entries {
		if n := e.Notification; n.Step == "reminder_2d" {
			told[string(n.State)+" "+n.Reason]++
		}
	}
	if told["skipped merged"] != 1 || told[string(pipeline.Delivered)+" "] != 1 {
		t.Errorf("the reminders are %v, want one delivered, and one merged into it", told)
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	chart := slices.IndexFunc(w.ehr.All("Communication"), func(raw json.RawMessage) bool {
		return strings.Contains(string(raw), "Appointment/first-d1") && strings.Contains(string(raw), "Appointment/second-d1")
	})
	if chart < 0 {
		t.Error("the record of the message is not about both visits")
	}
}
