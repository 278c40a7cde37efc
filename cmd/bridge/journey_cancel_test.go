package main

import (
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// TestAnEHRThatTakesNoChange is a visit that a patient cancels where nothing can be changed from outside: the answer is there as a
// resource of its own, people are asked to cancel the visit, and the patient hears just that.
func TestAnEHRThatTakesNoChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{
		fhir:    func(c *sandbox.FHIRConfig) { c.NoPatch, c.NoUpdate = true, true },
		writeTo: "[server, topic], appointment_writeback: [status, patch, response, task]",
	})
	b := w.run()
	v := w.attendee(t, "p1", "Amara", "+15550100141", "en")
	v.books(ahead(20), "", "")
	v.taps(v.reads("appointment_booked"), "Cancel")
	v.taps(v.reads("Do you really want to cancel this appointment?"), "Yes, cancel")
	v.reads("We have noted that you will not come")
	if task := v.task("wish_of_the_patient"); task.Get("focus.reference").String() != "Appointment/of-p1" {
		t.Errorf("the Task is about %q", task.Get("focus.reference"))
	}
	w.await("everything to be written", func() bool { return w.settled(b) })
	answers := w.ehr.All("AppointmentResponse")
	if len(answers) != 1 {
		t.Fatalf("%d AppointmentResponses, want 1", len(answers))
	}
	got := gjson.ParseBytes(answers[0])
	if what := got.Get("participantStatus").String() + " " + got.Get("appointment.reference").String() + " " + got.Get("actor.reference").String(); what != "declined Appointment/of-p1 Patient/p1" {
		t.Errorf("the answer is %q", what)
	}
	if status := v.visit("status") + " " + v.visit("participant.0.status"); status != "booked needs-action" {
		t.Errorf("the visit is %q, and nothing may change it", status)
	}
}
