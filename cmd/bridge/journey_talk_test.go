package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// closedNow are opening hours of which none is today, nor on the days beside it.
func closedNow(t *testing.T) string {
	t.Helper()
	zone, err := time.LoadLocation(clinicZone)
	must(t, err)
	day := strings.ToLower(began.In(zone).AddDate(0, 0, 3).Weekday().String())
	return fmt.Sprintf(`, hours: [{days: [%s], from: "09:30", to: "16:00"}]`, day)
}

// TestTalk is what patients write of their own accord, and what comes of it.
func TestTalk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{facility: closedNow(t), more: "media: {megabytes: 2, kinds: {document: 1}}\n"})
	b := w.run()
	for _, part := range []struct {
		name string
		play func(*testing.T, *world)
	}{
		{"stop and start", stopAndStart}, {"stop of somebody nobody knows", stopOfAStranger},
		{"a photo", photo}, {"a photo of somebody nobody knows", photoOfAStranger}, {"a file that is gone", fileGone}, {"a file that is too large", fileTooLarge},
		{"a file of a type that is not taken", fileType},
		{"when nobody is there", outOfHours}, {"an emergency", emergency}, {"an emergency after stop", emergencyAfterStop},
	} {
		t.Run(part.name, func(t *testing.T) { part.play(t, w) })
	}
	t.Run("another language", func(t *testing.T) { anotherLanguage(t, w, b) })
	b = w.run()
	t.Run("the next message in it", func(t *testing.T) { nextInIt(t, w) })
	t.Run("the wrong number", func(t *testing.T) { wrongNumber(t, w, b) })
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	for _, kind := range []string{"Communication", "Consent", "DocumentReference", "Task"} {
		if again := w.ehr.Duplicates(kind); len(again) > 0 {
			t.Errorf("%d of %s were written twice", len(again), kind)
		}
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	for _, words := range []string{"Brustschmerzen", "Befund", "15550100", "Erika"} {
		if strings.Contains(b.log.String()+w.metrics(), words) {
			t.Errorf("the log or the metrics say %q", words)
		}
	}
}

// filed waits for a resource in the EHR of which a path is so.
func (w *world) filed(kind, path, want string) (found gjson.Result) {
	w.t.Helper()
	w.await(kind+" with "+path+" "+want, func() bool {
		for _, raw := range w.ehr.All(kind) {
			if found = gjson.ParseBytes(raw); found.Get(path).String() == want {
				return true
			}
		}
		return false
	})
	return found
}

// onTopic waits for a resource on the topic of which a path is so.
func (w *world) onTopic(kind, path, want string) (found gjson.Result) {
	w.t.Helper()
	for n := 1; ; n++ {
		for _, r := range w.records(w.topics.Communications, n) {
			if found = gjson.ParseBytes(r.Value); found.Get("resourceType").String() == kind && found.Get(path).String() == want {
				return found
			}
		}
	}
}

func stopAndStart(t *testing.T, w *world) {
	v := w.attendee(t, "t1", "Erika", "+15550100171", "de")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	consent := func(rule string) {
		t.Helper()
		var found gjson.Result
		v.await("a Consent "+rule, func() bool {
			for _, raw := range v.ehr.All("Consent") {
				if found = gjson.ParseBytes(raw); found.Get("patient.reference").String() == "Patient/t1" && found.Get("policyRule.coding.0.code").String() == rule {
					return true
				}
			}
			return false
		})
		if got := found.Get("status").String() + " " + found.Get("performer.0.reference").String(); got != "active Patient/t1" {
			t.Errorf("the Consent is %q", got)
		}
		id := found.Get("identifier.0.value").String()
		if on := w.onTopic("Consent", "identifier.0.value", id); on.Get("policyRule.coding.0.code").String() != rule {
			t.Errorf("on the topic it is %s", on.Get("policyRule.coding.0.code"))
		}
	}
	v.phone.Write("Stopp!")
	v.reads("sendet Ihnen keine Nachrichten mehr")
	consent("OPTOUT")
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1100 * time.Millisecond))) // of the same second STOP wins
	v.phone.Write("START")
	v.reads("Willkommen zurück")
	consent("OPTIN")
}

// stopOfAStranger is filed with the number, until the EHR's server knows whose it is.
func stopOfAStranger(t *testing.T, w *world) {
	own := *w
	own.t = t
	phone := own.whatsapp.Phone("+15550100172")
	phone.Write("STOP")
	c := own.filed("Consent", "patient.identifier.value", "+15550100172")
	if c.Get("patient.reference").Exists() || c.Get("policyRule.coding.0.code").String() != "OPTOUT" {
		t.Errorf("the Consent is of %s, %s", c.Get("patient"), c.Get("policyRule.coding.0.code"))
	}
	must(t, own.ehr.Seed([]byte(patient("t2", "Ann", "+15550100173", "en")))) // whom the bridge has never told anything
	own.whatsapp.Phone("+15550100173").Write("STOP")
	own.filed("Consent", "patient.reference", "Patient/t2")
}

func outOfHours(t *testing.T, w *world) {
	v := w.attendee(t, "t8", "Ann", "+15550100179", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.Write("May my daughter come with me?")
	zone, err := time.LoadLocation(clinicZone)
	must(t, err)
	if day := began.In(zone).AddDate(0, 0, 3).Format("Monday, January 2, 2006"); !strings.Contains(v.reads("Nobody is here").Text, day+" from 9:30") {
		t.Errorf("the answer does not say when somebody reads it")
	}
	v.task("patient_message")
}

func emergency(t *testing.T, w *world) {
	v := w.attendee(t, "t9", "Erika", "+15550100180", "de")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.Write("Ich glaube, meine Mutter hat Brustschmerzen, was sollen wir tun?")
	v.reads("rufen Sie in einem Notfall sofort 112 an")
	task := v.task("emergency")
	if got := task.Get("priority").String(); got != "urgent" || !strings.Contains(task.Get("description").String(), "Brustschmerzen") {
		t.Errorf("the Task is %s", got)
	}
	v.phone.Write("She can't breathe") // in the language of the words
	v.reads("please call 112 now")
	if got := v.visit("participant.0.status"); got != "needs-action" {
		t.Errorf("the participation is %q", got)
	}
}

func emergencyAfterStop(t *testing.T, w *world) {
	v := w.attendee(t, "t10", "Ann", "+15550100181", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.Write("stop")
	v.reads("will not send you any more messages")
	v.phone.Write("May I ask something?") // which is not answered
	v.phone.Write("I want to kill myself")
	v.reads("please call 112 now")
	v.task("emergency")
	if n := len(v.phone.Messages()); n != 3 {
		t.Errorf("%d messages, want the booking, the farewell and the answer to the emergency", n)
	}
}

// anotherLanguage is chosen from the list, and outlives a restart.
func anotherLanguage(t *testing.T, w *world, b *bridge) {
	v := w.attendee(t, "t11", "Erika", "+15550100182", "de")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.Write("Sprache")
	list := v.reads("In welcher Sprache dürfen wir Ihnen schreiben?")
	if list.Kind != "list" || len(list.Buttons) != 10 {
		t.Fatalf("a %s of %d, want a list of ten languages", list.Kind, len(list.Buttons))
	}
	v.phone.Write("Ja") // to the visit, and not to the list
	v.reads("Sie haben Ihren Termin bestätigt")
	v.taps(list, "Українська")
	v.reads("Відтепер ми писатимемо вам українською")
	if got := v.task("language").Get("description").String(); got != "Українська" {
		t.Errorf("people are told of %q", got)
	}
	v.await("it to be settled", func() bool { return v.settled(b) })
	b.end(t)
}

func nextInIt(t *testing.T, w *world) {
	own := *w
	own.t = t
	v := &attendee{world: &own, id: "t11", phone: w.whatsapp.Phone("+15550100182")}
	v.becomes("cancelled", ahead(20), `"cancelationReason":{"coding":[{"code":"prov"}]},`)
	if got := v.reads("appointment_cancelled").Language; got != "uk" {
		t.Errorf("the next message is in %q, want uk", got)
	}
	raw, _ := v.ehr.Resource("Patient/t11")
	if got := gjson.GetBytes(raw, "communication.#").Int(); got != 1 || gjson.GetBytes(raw, "meta.versionId").String() != "1" {
		t.Error("the record was written over")
	}
}

// wrongNumber ends what goes to a number about a patient, until the record has another one.
func wrongNumber(t *testing.T, w *world, b *bridge) {
	v := w.attendee(t, "t12", "Erika", "+15550100183", "de")
	v.books(ahead(20), "", "")
	booked := v.reads("appointment_booked")
	v.phone.Write("Ich bin nicht Erika!")
	if m := v.reads("wir berichtigen unsere Daten"); strings.Contains(m.Screen(), "Erika") {
		t.Error("the answer names somebody")
	}
	task := v.task("wrong_number")
	if got := task.Get("focus.reference").String() + ": " + task.Get("description").String(); got != "Patient/t12: Ich bin nicht Erika!" {
		t.Errorf("the Task is %s", got)
	}
	told := len(v.phone.Messages())
	v.books(ahead(21), "", "")
	v.await("the news to be skipped", func() bool { return strings.Contains(v.metrics(), `reason="wrong_number"`) })
	v.taps(booked, "Bestätigen")
	v.phone.Write("Who is this?")
	v.reads("Im Moment kann sie niemand lesen") // whoever writes gets an answer
	v.await("it to be settled", func() bool { return v.settled(b) })
	for _, raw := range v.ehr.All("Communication") {
		text := string(raw)
		for _, words := range []string{"Who is this?", "Ich bin nicht Erika", "wir berichtigen unsere Daten"} {
			if strings.Contains(text, words) && strings.Contains(text, "Patient/t12") {
				t.Errorf("%q is filed as the patient's, or as said to them", words)
			}
		}
	}
	if got := v.visit("participant.0.status"); got != "needs-action" {
		t.Errorf("a stranger has made the participation %q", got)
	}
	v.saves(patient("t12", "Erika", "+15550100184", "de")) // else the visit is told of to the old number, and that is over
	v.books(ahead(22), "", "")
	right := &attendee{world: v.world, id: "t12", phone: v.whatsapp.Phone("+15550100184")}
	right.reads("appointment_moved")
	more := v.phone.Messages()[told:] // the answers to the button and to the words
	if len(more) != 2 {
		t.Errorf("the stranger got %d messages more, want 2", len(more))
	}
	for _, m := range more {
		if !strings.HasPrefix(m.Text, "Vielen Dank für Ihre Nachricht. Im Moment") {
			t.Error("the stranger is told something")
		}
	}
}
