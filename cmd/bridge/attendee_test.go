package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// attendee is a patient with a phone.
type attendee struct {
	*world
	id    string
	phone *sandbox.Phone
}

// attendee makes a patient known; what it waits for, t waits for.
func (w *world) attendee(t *testing.T, id, given, number, language string) *attendee {
	t.Helper()
	return w.enrols(t, patient(id, given, number, language), id, number)
}

// enrols makes an attendee of a Patient.
func (w *world) enrols(t *testing.T, raw, id, number string) *attendee {
	t.Helper()
	own := *w
	own.t = t
	own.knows(raw)
	return &attendee{world: &own, id: id, phone: w.whatsapp.Phone(number)}
}

// bornOn makes an attendee with a date of birth.
func (w *world) bornOn(t *testing.T, day, id, given, number, language string) *attendee {
	t.Helper()
	return w.enrols(t, strings.Replace(patient(id, given, number, language), `"id"`, `"birthDate":"`+day+`","id"`, 1), id, number)
}

// saves saves another record of the patient, and waits until it is what is known: other events may overtake it.
func (v *attendee) saves(raw string) {
	v.t.Helper()
	v.knows(raw)
	v.await("the record to be known", func() bool { return v.lag(v.bridge) == 0 })
}

// books books a visit, with further elements and participants: JSON that ends with a comma, or nothing.
func (v *attendee) books(start time.Time, elements, participants string) {
	v.t.Helper()
	a := appointment("of-"+v.id, v.id, "booked", start)
	a = strings.Replace(a, `"participant":[`, elements+`"participant":[`+participants, 1)
	v.knows(a)
}

// booksSoon books a visit that far ahead of what is soon. What it returns waits, when soon has passed, for the message that is
// due then.
func (v *attendee) booksSoon(ahead time.Duration, template, elements, participants string) func() sandbox.ReceivedMessage {
	v.t.Helper()
	due := v.dueSoon()
	v.books(due.Add(ahead), elements, participants)
	v.planned("Appointment/of-"+v.id, due)
	return func() sandbox.ReceivedMessage { return v.reads(template) }
}

// has finds the newest message of a template, or of words.
func (v *attendee) has(want string) (found sandbox.ReceivedMessage, ok bool) {
	for _, m := range v.phone.Messages() {
		if m.Template == want || m.Template == "" && strings.Contains(m.Text, want) {
			found, ok = m, true
		}
	}
	return found, ok
}

// reads waits for a template, or for words.
func (v *attendee) reads(want string) sandbox.ReceivedMessage {
	v.t.Helper()
	v.await("the message "+want, func() bool { _, ok := v.has(want); return ok })
	m, _ := v.has(want)
	return m
}

func (v *attendee) taps(m sandbox.ReceivedMessage, title string) {
	v.t.Helper()
	for i, b := range m.Buttons {
		if b.Title == title {
			_, err := v.phone.Tap(m.ID, i)
			must(v.t, err)
			return
		}
	}
	v.t.Fatalf("%s has no button %s", m.Template, title)
}

// task waits for what people are asked to do for the attendee, and returns it.
func (v *attendee) task(code string) (task gjson.Result) {
	v.t.Helper()
	v.await("the Task "+code, func() bool {
		for _, raw := range v.ehr.All("Task") {
			task = gjson.ParseBytes(raw)
			if task.Get("code.coding.0.code").String() == code && task.Get("for.reference").String() == "Patient/"+v.id {
				return true
			}
		}
		return false
	})
	return task
}

// charted waits for a Communication from or to the attendee that has some words.
func (v *attendee) charted(whose, words string) {
	v.t.Helper()
	v.await("the chart to have "+words, func() bool {
		return slices.ContainsFunc(v.ehr.All("Communication"), func(raw json.RawMessage) bool {
			return gjson.GetBytes(raw, whose).String() == "Patient/"+v.id && strings.Contains(string(raw), words)
		})
	})
}

// visit is an element of the visit, as the EHR has it.
func (v *attendee) visit(path string) string {
	raw, _ := v.ehr.Resource("Appointment/of-" + v.id)
	return gjson.GetBytes(raw, path).String()
}

// at is the participation of a place.
func at(place string) string {
	return fmt.Sprintf(`{"actor":{"reference":"Location/%s"},"status":"accepted"},`, place)
}
