package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// remindersOnTheInstant is a folder with the shipped journeys, of which that of visits reminds at the hour of the visit.
func remindersOnTheInstant(t *testing.T) string {
	t.Helper()
	dir := journeysOnTheInstant(t)
	file := filepath.Join(dir, "appointment.yaml")
	raw, err := os.ReadFile(file)
	must(t, err)
	at := strings.NewReplacer("start - 7d, 10:00", "start - 168h", "start - 2d, 10:00", "start - 48h", "start - 1d, 10:00", "start - 24h")
	must(t, os.WriteFile(file, []byte(at.Replace(string(raw))), 0o600))
	return dir
}

// TestAVisit is what a visit leads to, from the request for it to the day before, and what patients answer.
func TestAVisit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{journeys: remindersOnTheInstant(t), writeTo: "[server, topic], appointment_writeback: [status, patch, response, task]"})
	b := w.run()
	reminders := remindersSoon(t, w) // they fall due when the parts are played
	for _, part := range []struct {
		name string
		play func(*testing.T, *world)
	}{
		{"requested", requested}, {"moved", moved}, {"another place, another clinician", elsewhere},
		{"cancelled", cancelled}, {"not cancelled after all", kept}, {"cancelled by the hospital", hospitalCancelled},
		{"entered in error", enteredInError}, {"deleted", deleted}, {"missed", missed}, {"a group", groupVisit}, {"sensitive", sensitiveVisit},
	} {
		t.Run(part.name, func(t *testing.T) { part.play(t, w) })
	}
	w.passes(soon)
	for name, await := range reminders {
		t.Run(name, await)
	}
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	if got := len(w.whatsapp.Phone("+15550100132").Messages()); got != 1 {
		t.Errorf("%d messages about the sensitive visit, want the booking only", got)
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	if again := w.ehr.Duplicates("Task"); len(again) > 0 {
		t.Errorf("%d Tasks were written twice", len(again))
	}
}

// began is when these tests did: what is so many days ahead stays so when an hour strikes in between.
var began = time.Now()

// ahead is a visit's start that is far enough away for no reminder to come in between.
func ahead(days int) time.Time {
	return began.Add(time.Duration(days) * 24 * time.Hour).Truncate(time.Hour)
}

// becomes gives the attendee's visit another status.
func (v *attendee) becomes(status string, start time.Time, elements string) {
	v.t.Helper()
	v.knows(strings.Replace(appointment("of-"+v.id, v.id, status, start), `"participant"`, elements+`"participant"`, 1))
}

func (v *attendee) awaitEHR(path, want string) {
	v.t.Helper()
	v.await(path+" "+want+" in the EHR", func() bool { return v.visit(path) == want })
}

func (v *attendee) shows(m sandbox.ReceivedMessage, words ...string) {
	v.t.Helper()
	for _, want := range words {
		if !strings.Contains(m.Screen(), want) {
			v.t.Errorf("%s does not show %q", m.Template, want)
		}
	}
}

func requested(t *testing.T, w *world) {
	v := w.attendee(t, "p1", "Amara", "+15550100121", "en")
	v.becomes("proposed", ahead(20), "")
	v.shows(v.reads("appointment_requested"), "Amara", "It is not booked yet.")
	v.phone.Write("Is there anything new?")
	v.reads("We have passed it on")
	v.becomes("booked", ahead(21), "")
	booked := v.reads("Good news: your appointment is booked.") // as one says it in a conversation
	v.taps(booked, "Change")
	v.reads("Our team will write to you here or call you")
	v.awaitEHR("participant.0.status", "tentative")
	if task := v.task("change"); task.Get("focus.reference").String() != "Appointment/of-p1" {
		t.Errorf("the Task is about %q", task.Get("focus.reference"))
	}
	if got := v.visit("status"); got != "booked" {
		t.Errorf("the visit is %q, want booked until people have moved it", got)
	}
}

func moved(t *testing.T, w *world) {
	v := w.attendee(t, "p2", "Jonas", "+15550100122", "de")
	zone, err := time.LoadLocation(clinicZone)
	must(t, err)
	day := time.Now().In(zone).AddDate(0, 0, 20)
	before, after := time.Date(day.Year(), day.Month(), day.Day(), 9, 40, 0, 0, zone), time.Date(day.Year(), day.Month(), day.Day()+1, 13, 25, 0, 0, zone)
	v.books(before, "", "")
	booked := v.reads("appointment_booked")
	v.books(after, "", "")
	v.shows(v.reads("appointment_moved"), "Bisher: ", ", 09:40\n", "Uhrzeit: 13:25\n")
	v.taps(booked, "Bestätigen") // which was for the time before
	now := v.reads("So steht er jetzt:")
	v.shows(now, "13:25")
	if got := v.visit("participant.0.status"); got != "needs-action" {
		t.Errorf("the participation is %q after a button that is void", got)
	}
	v.taps(now, "Bestätigen")
	v.reads("Sie haben Ihren Termin bestätigt")
	v.awaitEHR("participant.0.status", "accepted")
}

func elsewhere(t *testing.T, w *world) {
	v := w.attendee(t, "p3", "Ann", "+15550100123", "en")
	start := ahead(20)
	by := func(place, clinician string) {
		v.books(start, "", strings.Replace(at(place), "}", `,"display":"`+place+`"}`, 1)+
			`{"actor":{"reference":"Practitioner/`+clinician+`","display":"Dr. `+clinician+`"},"status":"accepted"},`)
	}
	by("North", "Careful")
	v.reads("appointment_booked")
	by("South", "Careful")
	v.shows(v.reads("appointment_place"), "Place: South\n", "Address: Harbour Hospital\n", "With: Dr. Careful\n")
	by("South", "Gentle")
	v.shows(v.reads("appointment_clinician"), "With: Dr. Gentle\n", "Place: South\n")
	by("North", "Careful") // both at once are one message
	v.await("the fourth message", func() bool { return len(v.phone.Messages()) == 4 })
	last, _ := v.phone.Last()
	v.shows(last, "Place: North\n", "With: Dr. Careful\n")
	v.taps(last, "Confirm")
	v.awaitEHR(`participant.#(actor.reference=="Patient/p3").status`, "accepted")
}

// remindersSoon books visits that are reminded of soon, and returns what waits for each reminder.
func remindersSoon(t *testing.T, w *world) map[string]func(*testing.T) {
	t.Helper()
	wait := make(map[string]func(*testing.T))
	for _, c := range []struct {
		id, number, template string
		ahead                time.Duration
	}{
		{"p4", "+15550100124", "appointment_reminder", 7 * 24 * time.Hour},
		{"p5", "+15550100125", "appointment_reminder_soon", 2 * 24 * time.Hour},
		{"p6", "+15550100126", "appointment_reminder_tomorrow", 24 * time.Hour},
	} {
		v := w.attendee(t, c.id, "Giulia", c.number, "it")
		told := v.booksSoon(c.ahead, c.template, "", "")
		wait[c.template] = func(t *testing.T) {
			v.t = t
			v.taps(told(), "Conferma")
			v.awaitEHR("participant.0.status", "accepted")
		}
	}
	v := w.attendee(t, "p7", "Inês", "+15550100127", "pt")
	v.confirmedSoon()
	wait["appointment_see_you_tomorrow"] = func(t *testing.T) {
		v.t = t
		v.taps(v.reads("appointment_see_you_tomorrow"), "Remarcar")
		v.awaitEHR("participant.0.status", "tentative")
	}
	return wait
}

// confirmedSoon books a visit that was confirmed by telephone, and is reminded of soon.
func (v *attendee) confirmedSoon() {
	v.t.Helper()
	due := v.dueSoon()
	v.knows(strings.Replace(appointment("of-"+v.id, v.id, "booked", due.Add(24*time.Hour)), "needs-action", "accepted", 1))
	v.planned("Appointment/of-"+v.id, due)
}

func cancelled(t *testing.T, w *world) {
	v := w.attendee(t, "p8", "Jonas", "+15550100128", "de")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.Write("Ich kann nicht kommen")
	question := v.reads("Möchten Sie diesen Termin wirklich absagen?")
	if got := v.visit("status"); got != "booked" {
		t.Errorf("the visit is %q before the answer", got)
	}
	v.phone.Write("Ja!")
	v.reads("Ihr Termin ist abgesagt.")
	v.awaitEHR("status", "cancelled")
	if got := v.visit("cancelationReason.coding.0.code"); got != "pat" {
		t.Errorf("the visit is cancelled because of %q, want pat: the patient", got)
	}
	v.taps(question, "Ja, absagen") // once more
	v.await("the second tap to be understood", func() bool { return strings.Contains(v.metrics(), `reading="again"`) })
}

func kept(t *testing.T, w *world) {
	v := w.attendee(t, "p9", "Işıl", "+15550100129", "tr")
	v.books(ahead(20), "", "")
	v.taps(v.reads("appointment_booked"), "İptal et")
	v.taps(v.reads("gerçekten iptal etmek istiyor musunuz?"), "Hayır, kalsın")
	v.reads("hiçbir şeyi iptal etmedik")
	v.phone.Write("Evet") // to whether they will come, and not to the question before
	v.reads("randevunuzu onayladınız")
	v.awaitEHR("participant.0.status", "accepted")
}

func hospitalCancelled(t *testing.T, w *world) {
	v := w.attendee(t, "p10", "Łucja", "+15550100130", "pl")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.becomes("cancelled", ahead(20), `"cancelationReason":{"coding":[{"code":"prov"}]},`)
	v.taps(v.reads("appointment_cancelled"), "Nowa wizyta")
	v.reads("w sprawie nowej wizyty")
	v.task("rebook")
}

func enteredInError(t *testing.T, w *world) {
	v := w.attendee(t, "p11", "Соломія", "+15550100131", "uk")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.becomes("entered-in-error", ahead(20), "")
	v.isWithdrawn()
}

func deleted(t *testing.T, w *world) {
	v := w.attendee(t, "p12", "Işıl", "+15550100133", "tr")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.publish("Appointment/of-p12", nil)
	v.isWithdrawn()
}

func (v *attendee) isWithdrawn() {
	v.t.Helper()
	v.reads("appointment_withdrawn")
	if got, want := v.task("visit_withdrawn").Get("focus.reference").String(), "Appointment/of-"+v.id; got != want {
		v.t.Errorf("the Task is about %q, want %q", got, want)
	}
}

func missed(t *testing.T, w *world) {
	v := w.attendee(t, "p13", "ليلى", "+15550100134", "ar")
	v.becomes("noshow", time.Now().Add(-time.Hour), "")
	v.reads("appointment_missed")
	v.phone.Write("موعد جديد")
	v.reads("سيتواصل معكم فريقنا بشأن موعد جديد")
	v.task("rebook")
}

// groupVisit is a visit of several patients: what one of them wants of the visit itself people do.
func groupVisit(t *testing.T, w *world) {
	v := w.attendee(t, "p14", "María", "+15550100135", "es")
	other := w.attendee(t, "p15", "Amélie", "+15550100136", "fr")
	v.books(ahead(20), "", `{"actor":{"reference":"Patient/p15"},"status":"needs-action"},`)
	other.taps(other.reads("appointment_booked"), "Confirmer")
	other.reads("vous avez confirmé votre rendez-vous")
	v.taps(v.reads("appointment_booked"), "Cancelar")
	v.taps(v.reads("¿De verdad desea cancelar esta cita?"), "Sí, cancelar")
	v.reads("nuestro equipo cancelará la cita")
	v.task("wish_of_the_patient")
	v.awaitEHR(`participant.#(actor.reference=="Patient/p14").status`, "declined")
	v.awaitEHR(`participant.#(actor.reference=="Patient/p15").status`, "accepted")
	if got := v.visit("status"); got != "booked" {
		t.Errorf("the visit is %q, want booked for the other one", got)
	}
}

// sensitiveVisit names no place: people tell the patient of another one.
func sensitiveVisit(t *testing.T, w *world) {
	const label = `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]},`
	v := w.attendee(t, "p16", "Ann", "+15550100132", "en")
	start := ahead(20)
	for _, place := range []string{"Quiet", "Still"} {
		v.books(start, label, strings.Replace(at(place), "}", `,"display":"`+place+`"}`, 1))
		m := v.reads("appointment_booked")
		v.shows(m, "Place: Harbour Hospital\n")
		if strings.Contains(m.Screen(), place) {
			t.Error("the place of a sensitive visit is named")
		}
	}
	v.task("tell_new_place")
}
