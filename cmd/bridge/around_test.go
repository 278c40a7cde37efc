package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/configs"
)

// instantly says the reminders of a fixed hour at the hour of the visit, so that a test can be there in time.
var instantly = strings.NewReplacer("start - 3d, 10:00", "start - 72h", "start - 1d, 18:00", "start - 24h")

// journeysOnTheInstant is a folder with the shipped journeys, without their examples, which name the hours.
func journeysOnTheInstant(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	names, err := fs.Glob(configs.Journeys(), "*.yaml")
	must(t, err)
	for _, name := range names {
		raw, err := fs.ReadFile(configs.Journeys(), name)
		must(t, err)
		rules, _, _ := strings.Cut(string(raw), "\nexamples:")
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(instantly.Replace(rules)), 0o600))
	}
	return dir
}

// pin waits for the place on the map.
func (v *attendee) pin() {
	v.t.Helper()
	v.await("the place on the map", func() bool { m, _ := v.phone.Last(); return m.Kind == "location" })
	m, _ := v.phone.Last()
	if want := (sandbox.Location{Latitude: 53.5413, Longitude: 9.9841, Name: "House 2", Address: "Harbour Road 1, 20457 Hamburg"}); *m.Location != want {
		v.t.Errorf("got %+v, want %+v", *m.Location, want)
	}
}

const houseTwo = `{"resourceType":"Location","id":"house-2","name":"House 2","description":"Main entrance, then lift B",` +
	`"address":{"line":["Harbour Road 1"],"postalCode":"20457","city":"Hamburg"},"position":{"latitude":53.5413,"longitude":9.9841}}`

// TestAroundAVisit is what happens before and around visits: what to do for them, the way, house rules, checking in.
func TestAroundAVisit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{journeys: journeysOnTheInstant(t), writeTo: "[server, topic], appointment_writeback: [status, patch, response, task]"})
	w.run()
	w.knows(houseTwo)
	var parts []func()
	for _, book := range []func(*testing.T, *world) func(){preparation, directions, where, safety, arrival, arrivalOfTwo} {
		parts = append(parts, book(t, w)) // they wait at the same time
	}
	w.passes(soon)
	for _, part := range parts {
		part()
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
}

func preparation(t *testing.T, w *world) func() {
	v := w.attendee(t, "p1", "Amara", "+15550100111", "en")
	told := v.booksSoon(72*time.Hour, "preparation", `"patientInstruction":"Please bring your papers.",`, "")
	return func() {
		m := told()
		if !strings.Contains(m.Text, "Please bring your papers.") {
			t.Error("the message lacks what is to be done")
		}
		v.taps(m, "Done")
		v.reads("you are ready")
		v.charted("sender.reference", "Read as: prepared")
		v.taps(m, "I can't do this")
		v.reads("as soon as possible")
		task := v.task("cannot_prepare")
		if got := task.Get("priority").String() + " " + task.Get("focus.reference").String(); got != "urgent Appointment/of-p1" {
			t.Errorf("the Task is %q, want urgent Appointment/of-p1", got)
		}
	}
}

func directions(t *testing.T, w *world) func() {
	v := w.attendee(t, "p2", "Jonas", "+15550100112", "de")
	told := v.booksSoon(2*time.Hour, "directions", "", at("house-2"))
	return func() {
		m := told()
		if !strings.Contains(m.Text, "Harbour Road 1, 20457 Hamburg") || !strings.Contains(m.Text, "Main entrance, then lift B") {
			t.Error("the message lacks the address or the way")
		}
		v.taps(m, "Wo ist das?")
		v.pin()
	}
}

// where asks before anybody has said the way, after a message of another journey.
func where(t *testing.T, w *world) func() {
	v := w.attendee(t, "p3", "María", "+15550100113", "es")
	v.books(time.Now().Add(10*24*time.Hour), "", at("house-2"))
	return func() {
		v.reads("appointment_booked")
		v.phone.Write("¿Dónde?")
		v.pin()
		v.charted("recipient.0.reference", `House 2\nHarbour Road 1, 20457 Hamburg`)
	}
}

func safety(t *testing.T, w *world) func() {
	v := w.attendee(t, "p4", "Amélie", "+15550100114", "fr")
	told := v.booksSoon(24*time.Hour, "safety_rules", `"serviceType":[{"coding":[{"system":"http://example.org/service-types","code":"vulnerable-example"}]}],`, "")
	return func() {
		told()
		v.phone.Write("Je suis malade")
		v.reads("ne pas partir avant notre réponse")
		if task := v.task("has_symptoms"); task.Get("priority").String() != "urgent" {
			t.Errorf("the Task is %q, want urgent", task.Get("priority"))
		}
	}
}

func arrival(t *testing.T, w *world) func() {
	v := w.attendee(t, "p5", "Giulia", "+15550100115", "it")
	told := v.booksSoon(30*time.Minute, "check_in", "", at("check-in-example"))
	return func() {
		v.taps(told(), "Sono qui")
		v.reads("Si accomodi")
		if got := v.visit("status"); got != "arrived" {
			t.Errorf("the visit is %q, want arrived", got)
		}
	}
}

// arrivalOfTwo is a visit of several patients: one of them cannot say that it has begun, and people are asked.
func arrivalOfTwo(t *testing.T, w *world) func() {
	v := w.attendee(t, "p6", "Inês", "+15550100116", "pt")
	w.attendee(t, "p7", "Łucja", "+15550100117", "pl")
	told := v.booksSoon(30*time.Minute, "check_in", "", at("check-in-example")+`{"actor":{"reference":"Patient/p7"},"status":"needs-action"},`)
	return func() {
		told()
		v.phone.Write("Cheguei!")
		v.reads("informados da sua chegada")
		v.task("wish_of_the_patient")
		if got := v.visit("status") + " " + v.visit(`participant.#(actor.reference=="Patient/p6").status`); got != "booked accepted" {
			t.Errorf("the visit and the participation are %q, want booked accepted", got)
		}
	}
}
