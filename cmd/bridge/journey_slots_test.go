package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// bookable is a configuration by which patients can book and move.
const bookable = `
booking:
  reschedule: true
  notice: 1h
  patience: 2m
  services:
    - {name: checkup, title: {en: Check-up, de: Vorsorge}, schedules: [Schedule/checkup]}
    - {name: scan, title: {en: Scan}, service_types: ["urn:types|scan"]}
`

// TestFreeSlots is what patients book and move themselves, and when people do.
func TestFreeSlots(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{more: bookable, fhir: func(c *sandbox.FHIRConfig) { c.PageSize = 5 }})
	b := w.run()
	w.schedule("checkup", "Practitioner/careful", "Location/house-2")
	for i := range 12 {
		w.slot(fmt.Sprintf("c%d", i), "checkup", "free", slotDay(i))
	}
	for _, part := range []struct {
		name string
		play func(*testing.T, *world)
	}{
		{"asked for in words, and paged", booked}, {"taken meanwhile", taken}, {"none is free", noneFree},
		{"a family's phone", slotsOfAFamily}, {"moved", rescheduled}, {"not moved by the EHR", notRescheduled}, {"the server is down", serverDown},
	} {
		t.Run(part.name, func(t *testing.T) { part.play(t, w) })
	}
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	for _, kind := range []string{"Task", "Appointment"} {
		if again := w.ehr.Duplicates(kind); len(again) > 0 {
			t.Errorf("%d %ss were written twice", len(again), kind)
		}
	}
}

// slotDay is the time of the slot of that number.
func slotDay(n int) time.Time { return ahead(3 + n).Add(time.Duration(n) * time.Minute) }

func (w *world) schedule(id string, actors ...string) {
	w.t.Helper()
	must(w.t, w.ehr.Seed([]byte(fmt.Sprintf(`{"resourceType":"Schedule","id":%q,"actor":[{"reference":"%s"}]}`, id, strings.Join(actors, `"},{"reference":"`)))))
}

func (w *world) slot(id, schedule, status string, start time.Time) {
	w.t.Helper()
	must(w.t, w.ehr.Seed([]byte(fmt.Sprintf(`{"resourceType":"Slot","id":%q,"status":%q,"schedule":{"reference":"Schedule/%s"},"start":%q,"end":%q}`,
		id, status, schedule, start.Format(time.RFC3339), start.Add(30*time.Minute).Format(time.RFC3339)))))
}

// guest is somebody who has been told of a visit, so that it is known who writes.
func guest(t *testing.T, w *world, id, number string) *attendee {
	t.Helper()
	v := w.attendee(t, id, "Ann", number, "en")
	v.books(ahead(40), "", "")
	v.reads("appointment_booked")
	return v
}

// choose taps a row of the newest message that says so.
func (v *attendee) choose(words string, row int) {
	v.t.Helper()
	m := v.reads(words)
	if row < 0 {
		row += len(m.Buttons)
	}
	_, err := v.phone.Tap(m.ID, row)
	must(v.t, err)
}

// offers looks at a row of a list.
func (v *attendee) offers(m sandbox.ReceivedMessage, row int, words string) {
	v.t.Helper()
	if row >= len(m.Buttons) || !strings.Contains(m.Buttons[row].Title, words) {
		v.t.Errorf("row %d of %d does not offer %q", row, len(m.Buttons), words)
	}
}

// counted waits until the phone has that many messages, and gives what comes unasked some time to come.
func (v *attendee) counted(want int) {
	v.t.Helper()
	v.await("the last message", func() bool { return len(v.phone.Messages()) >= want })
	v.await("rest", func() bool { return v.settled(v.bridge) })
	time.Sleep(300 * time.Millisecond)
	if got := len(v.phone.Messages()); got != want {
		v.t.Errorf("%d messages, want %d", got, want)
	}
}

// asked are the appointments that a patient has asked for.
func (v *attendee) asked() (list []gjson.Result) {
	for _, raw := range v.ehr.All("Appointment") {
		a := gjson.ParseBytes(raw)
		if a.Get(`identifier.0.system`).String() == "urn:fhirbridge:request" && a.Get("participant.0.actor.reference").String() == "Patient/"+v.id {
			list = append(list, a)
		}
	}
	return list
}

func booked(t *testing.T, w *world) {
	v := guest(t, w, "s1", "+15550100161")
	v.phone.Write("I would like an appointment")
	v.choose("What would you like an appointment for?", 0)
	v.choose("These times are free", 8)
	later := func(n int) {
		v.await("the later times", func() bool { m, _ := v.phone.Last(); return len(m.Buttons) == n })
	}
	later(5) // four of twelve, and none of these
	list, _ := v.phone.Last()
	for _, b := range list.Buttons {
		if strings.Contains(b.Payload, "c9") || len(b.Payload) != 16 {
			t.Errorf("a row carries %q", b.Payload)
		}
	}
	for range 5 {
		v.choose("These times are free", 1) // c9
	}
	v.await("an appointment", func() bool { return len(v.asked()) > 0 })
	v.counted(4 + 5)
	v.shows(v.reads("It is not booked yet"), minutesOf(slotDay(9)))
	list9 := v.asked()
	if len(list9) != 1 {
		t.Fatalf("%d appointments, want one", len(list9))
	}
	a := list9[0]
	for path, want := range map[string]string{
		"status": "proposed", "slot.0.reference": "Slot/c9", "start": slotDay(9).UTC().Format(time.RFC3339),
		"participant.0.status": "accepted", "participant.1.actor.reference": "Practitioner/careful", "participant.1.status": "needs-action",
		"participant.2.actor.reference": "Location/house-2",
	} {
		if got := a.Get(path).String(); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	ref := "Appointment/" + a.Get("id").String()
	if task := v.task("appointment_requested"); task.Get("focus.reference").String() != ref {
		t.Errorf("the Task is about %s, want %s", task.Get("focus.reference"), ref)
	}
	v.publish(ref, []byte(a.Raw)) // that it was asked for is no news
	v.publish(ref, []byte(strings.Replace(strings.Replace(a.Raw, `"proposed"`, `"booked"`, 1), `"versionId":"1"`, `"versionId":"2"`, 1)))
	v.await("the booking", func() bool { m, _ := v.phone.Last(); return strings.Contains(m.Text, "your appointment is booked") })
	v.counted(4 + 5 + 1)
	if _, told := v.has("appointment_requested"); told {
		t.Error("the request was told as news")
	}
	v.choose("These times are free", 2) // out of the same conversation: people see to it
	v.reads("Our team will get in touch with you about a new appointment")
	v.task("book")
	if got := len(v.asked()); got != 1 {
		t.Errorf("%d appointments, want one", got)
	}
}

// minutesOf is how an English message writes the minutes of a time, whatever the zone.
func minutesOf(at time.Time) string { return at.Format(":04") }

func taken(t *testing.T, w *world) {
	v := guest(t, w, "s2", "+15550100162")
	v.becomes("cancelled", ahead(40), `"cancelationReason":{"coding":[{"code":"prov"}]},`)
	v.taps(v.reads("appointment_cancelled"), "New appointment")
	v.choose("What would you like an appointment for?", 0)
	v.reads("These times are free")
	w.slot("c0", "checkup", "busy", slotDay(0))
	v.choose("These times are free", 0)
	v.offers(v.reads("that time is no longer free"), 0, minutesOf(slotDay(1)))
	if got := len(v.asked()); got != 0 {
		t.Errorf("%d appointments at a time that is taken", got)
	}
	v.choose("that time is no longer free", 0)
	v.reads("It is not booked yet")
	if list := v.asked(); len(list) != 1 || list[0].Get("slot.0.reference").String() != "Slot/c1" {
		t.Errorf("%d appointments, want one at the second time", len(list))
	}
}

func noneFree(t *testing.T, w *world) {
	v := guest(t, w, "s3", "+15550100163")
	v.phone.Write("appointment")
	v.choose("What would you like an appointment for?", 1)
	v.reads("Our team will get in touch with you about a new appointment")
	if task := v.task("book"); !strings.Contains(task.Get("description").String(), "scan") {
		t.Error("the Task does not say what for")
	}
}

// slotsOfAFamily is a word that may be anybody's.
func slotsOfAFamily(t *testing.T, w *world) {
	v := guest(t, w, "s4", "+15550100164")
	other := guest(t, w, "s5", "+15550100164")
	v.counted(2)
	other.phone.Write("I need an appointment")
	v.reads("Our team will get in touch with you about a new appointment")
	if _, offered := v.has("What would you like an appointment for?"); offered {
		t.Error("it was guessed whose wish it is")
	}
}

// rebookable is a visit at a slot of a practitioner who has two more.
func rebookable(t *testing.T, w *world, id, number string) *attendee {
	t.Helper()
	v := w.attendee(t, id, "Jonas", number, "en")
	w.schedule("of-"+id, "Practitioner/"+id)
	w.slot(id+"a", "of-"+id, "busy", ahead(10))
	w.slot(id+"b", "of-"+id, "free", ahead(12))
	w.slot(id+"c", "of-"+id, "free", ahead(13))
	v.books(ahead(10), `"slot":[{"reference":"Slot/`+id+`a"}],`, "")
	v.taps(v.reads("appointment_booked"), "Change")
	v.offers(v.reads("Which time would suit you better?"), 2, "None of these")
	return v
}

func rescheduled(t *testing.T, w *world) {
	v := rebookable(t, w, "s6", "+15550100166")
	v.choose("Which time would suit you better?", 1)
	v.reads("Your appointment has been moved")
	v.awaitEHR("slot.0.reference", "Slot/s6c")
	if got, want := v.visit("start"), ahead(13).Format(time.RFC3339); got != want {
		t.Errorf("the visit starts at %s, want %s", got, want)
	}
	raw, _ := w.ehr.Resource("Appointment/of-s6")
	v.publish("Appointment/of-s6", raw) // as the patient has chosen: no news
	v.counted(3)
	v.choose("Which time would suit you better?", 0) // it was for the visit as it was
	v.reads("This is how it stands now")
	v.counted(4)
	v.awaitEHR("slot.0.reference", "Slot/s6c")
	v.books(ahead(15), `"slot":[{"reference":"Slot/other"}],`, "")
	v.await("the move by the hospital", func() bool { return len(v.phone.Messages()) == 5 })
}

// notRescheduled is an EHR that refuses the time, and takes the participation.
func notRescheduled(t *testing.T, w *world) {
	v := rebookable(t, w, "s7", "+15550100167")
	refused := false
	w.ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		if r.Method == http.MethodPatch && r.ID == "of-s7" && !refused {
			refused = true
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Status: http.StatusUnprocessableEntity}}
		}
		return nil
	})
	defer w.ehr.Fail(nil)
	v.choose("Which time would suit you better?", 0)
	v.reads("Until then your appointment stays as it is")
	v.awaitEHR("participant.0.status", "tentative")
	if got, want := v.visit("start"), ahead(10).UTC().Format(time.RFC3339); got != want {
		t.Errorf("the visit starts at %s, want %s as before", got, want)
	}
	task := v.task("change")
	if got := task.Get("focus.reference").String(); got != "Appointment/of-s7" || !strings.Contains(task.Get("description").String(), "Slot/s7b") {
		t.Errorf("the Task is about %q and says %q", got, task.Get("description"))
	}
}

// serverDown is a server that does not answer for longer than a patient waits.
func serverDown(t *testing.T, w *world) {
	v := guest(t, w, "s8", "+15550100168")
	w.ehr.Fail(func(sandbox.FHIRRequest) *sandbox.FHIRFault {
		return &sandbox.FHIRFault{Fault: sandbox.Fault{Status: http.StatusInternalServerError}}
	})
	heard := func() int { return strings.Count(w.bridge.log.String(), `"kind":"list","reading":"book"`) }
	before := heard()
	v.phone.Write("appointment")
	v.choose("What would you like an appointment for?", 0)
	v.await("the wish to be heard", func() bool { return heard() > before })
	w.ahead.Add(int64(3 * time.Minute)) // longer than a patient waits
	v.reads("Our team will get in touch with you about a new appointment")
	w.ehr.Fail(nil)
	v.task("book")
	v.counted(3) // and nothing else when the server is back
}
