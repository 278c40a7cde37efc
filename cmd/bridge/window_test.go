package main

import (
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// TestTheWindowIsClosedAfterAll is WhatsApp refusing free words although the patient has just written: the template
// says it, whether that is known at once or by a status that comes later; an answer goes to people.
func TestTheWindowIsClosedAfterAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{writeTo: "[server, topic]"})
	refused, lost, silent := w.attendee(t, "p1", "Amara", "+15550100141", "en"), w.attendee(t, "p2", "Jonas", "+15550100142", "de"), w.attendee(t, "p3", "Ann", "+15550100143", "en")
	late := w.attendee(t, "p4", "María", "+15550100144", "es")
	w.whatsapp.Fail(func(r sandbox.SendRequest) *sandbox.SendFault {
		shut := r.Template == "" && r.Kind == "interactive"
		switch {
		case shut && strings.HasSuffix(r.To, "141"):
			return &sandbox.SendFault{Code: 131047}
		case shut && strings.HasSuffix(r.To, "142"):
			return &sandbox.SendFault{Failed: 131047}
		case r.Template == "" && strings.HasSuffix(r.To, "143"):
			return &sandbox.SendFault{Code: 131047}
		case r.Template == "" && strings.HasSuffix(r.To, "144"):
			return &sandbox.SendFault{Failed: 131047}
		}
		return nil
	})
	b := w.run()
	start := time.Now().Add(20 * 24 * time.Hour).Truncate(time.Hour)
	for _, v := range []*attendee{refused, lost} {
		v.phone.Write("?")
		v.await("the window to be open", func() bool { return len(v.phone.Messages()) > 0 })
		v.books(start, "", "")
		v.reads("appointment_booked")
	}
	for v, yes := range map[*attendee]string{silent: "yes", late: "sí"} {
		v.books(start, "", "")
		v.reads("appointment_booked")
		v.phone.Write(yes)
		task := v.task("answer_not_delivered")
		if got, want := task.Get("focus.reference").String(), "Appointment/of-"+v.id; got != want {
			t.Errorf("the Task is about %q, want %q", got, want)
		}
		if task.Get("description").String() == "" {
			t.Error("the Task does not say what the patient should have read")
		}
	}
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	for _, v := range []*attendee{refused, lost} {
		templates := 0
		for _, m := range v.phone.Messages() {
			if m.Template == "appointment_booked" {
				templates++
			}
		}
		if templates != 1 {
			t.Errorf("%s: the template was sent %d times, want once", v.id, templates)
		}
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
}
