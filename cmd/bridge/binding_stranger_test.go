package main

import (
	"strings"
	"testing"

	"fhirbridge/adapters/sandbox"
)

// username is a patient whose number WhatsApp tells no more, and who is known by the message before.
func username(t *testing.T, w *world) {
	v := w.attendee(t, "b9", "Amara", "+15550100509", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.delivered("Appointment/of-b9") // the status tells whose id it is
	v.phone.Hide()
	v.phone.Write("yes")
	v.awaitEHR("participant.0.status", "accepted")
	v.reads("you have confirmed your appointment")
	v.charted("sender.reference", `"yes"`)
}

// stranger is somebody of whom WhatsApp tells no number, and whom nobody knows: asked, and told nothing.
func stranger(t *testing.T, w *world) {
	v := w.born(t, "b10", "Amara", "+15550100510", "en")
	w.whatsapp.Fail(func(r sandbox.SendRequest) *sandbox.SendFault { return &sandbox.SendFault{Statuses: []string{}} })
	v.books(ahead(20), "", "") // no status tells whose id it is
	v.reads("appointment_booked")
	w.whatsapp.Fail(nil)
	other := v
	other.phone.Hide()
	other.phone.Write("When is my appointment?")
	other.reads("we do not know yet who you are")
	task := v.filed("Task", "description", "When is my appointment?")
	if task.Get("for").Exists() {
		t.Errorf("the Task is for %s", task.Get("for"))
	}
	other.phone.Write("Amara, 21 August 1979")
	other.reads("could not read a phone number")
	noted := func(n int) {
		t.Helper()
		other.await("the same words again", func() bool {
			same := 0
			for _, m := range other.phone.Messages() {
				if strings.HasPrefix(m.Text, "Thank you. If this is what we have in our records") {
					same++
				}
			}
			return same == n
		})
	}
	other.phone.Write("+1 555 0100 510, 22 August 1979")
	noted(1)
	other.reads("we do not know yet")
	other.phone.Write("Once more, please") // which asks again
	other.await("the question again", func() bool { m, _ := other.phone.Last(); return strings.Contains(m.Text, "who you are") })
	other.phone.Write("+1 555 0100 510\n21 August 1979")
	noted(2)
	other.phone.Write("yes")
	v.awaitEHR("participant.0.status", "accepted")
	v.reads("you have confirmed your appointment")
	v.charted("sender.reference", `"yes"`)
	pretender(t, w, v)
	locked(t, w)
}

// pretender knows the number and the date of birth of somebody else: what there is to say is said to the patient's phone alone.
func pretender(t *testing.T, w *world, v *attendee) {
	own := *w
	own.t = t
	other := &attendee{world: &own, id: "nobody", phone: w.whatsapp.Phone("+15550100511")}
	other.phone.Hide()
	other.phone.Write("Hello")
	other.reads("we do not know yet who you are")
	other.phone.Write("+1 555 0100 510, 21 August 1979")
	other.reads("Thank you. If this is what we have in our records")
	told, patients := len(other.phone.Messages()), len(v.phone.Messages())
	other.phone.Write("Where is it?")
	v.await("the answer", func() bool { return len(v.phone.Messages()) > patients })
	if n := len(other.phone.Messages()); n != told {
		t.Error("somebody else is told what is for the patient")
	}
}

// locked is a stranger who is wrong three times.
func locked(t *testing.T, w *world) {
	own := *w
	own.t = t
	other := &attendee{world: &own, id: "nobody", phone: w.whatsapp.Phone("+15550100512")}
	other.phone.Hide()
	for i, day := range []string{"1", "2", "3"} {
		other.phone.Write("hello " + []string{"one", "two", "three"}[i])
		other.await("the question", func() bool { m, _ := other.phone.Last(); return strings.Contains(m.Text, "who you are") })
		other.phone.Write("+1 555 0100 510, " + day + " May 1979")
		other.await("the answer", func() bool { m, _ := other.phone.Last(); return strings.HasPrefix(m.Text, "Thank you. If this is") })
	}
	own.filed("Task", "code.coding.0.code", "stranger_locked")
	other.phone.Write("hello again")
	other.await("no question", func() bool {
		m, _ := other.phone.Last()
		return strings.HasPrefix(m.Text, "Thank you for your message. We have passed it on")
	})
	other.phone.Write("STOP")
	other.reads("will not send you any more messages")
}
