package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// birthYear is the year in which those of these tests are born, and not the digits of a duration or a port.
var birthYear = regexp.MustCompile(`(?:^|[^0-9.]|[0-9]{2}\.)1979(?:[^0-9]|$)`)

// TestBinding is what a reply is about, and whose it is, where that is not plain.
func TestBinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{documents: "ask"})
	b := w.run()
	late := afterTheVisit(t, w)
	for _, part := range []struct {
		name string
		play func(*testing.T, *world)
	}{
		{"the same tap five times", sameTap}, {"two visits", twoVisits}, {"two children", twoChildren},
		{"results and a visit", resultsAndVisit}, {"two phones", twoPhones},
		{"a username", username}, {"a stranger", stranger},
	} {
		t.Run(part.name, func(t *testing.T) { part.play(t, w) })
	}
	t.Run("a tap after the visit", late)
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	for _, kind := range []string{"Communication", "Consent", "Task"} {
		if again := w.ehr.Duplicates(kind); len(again) > 0 {
			t.Errorf("%d of %s were written twice", len(again), kind)
		}
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	if birthYear.MatchString(b.log.String() + w.metrics()) {
		t.Error("the log or the metrics say when somebody was born")
	}
	for _, words := range []string{"15550100", "555 0100", "Amara", "US.7"} {
		if strings.Contains(b.log.String()+w.metrics(), words) {
			t.Errorf("the log or the metrics say %q", words)
		}
	}
	for _, raw := range append(w.ehr.All("Communication"), w.ehr.All("Task")...) {
		if strings.Contains(string(raw), "1979") {
			t.Error("a date of birth is filed")
		}
	}
}

// sameTap is one tap that the webhook brings five times, and four more taps of the same button.
func sameTap(t *testing.T, w *world) {
	v := w.attendee(t, "b1", "Amara", "+15550100501", "en")
	v.books(ahead(20), "", "")
	m := v.reads("appointment_booked")
	tap := map[string]any{
		"id": "wamid.the-same", "type": "button", "context": map[string]string{"id": m.ID},
		"button": map[string]string{"payload": m.Buttons[0].Payload, "text": m.Buttons[0].Title},
	}
	for range 5 {
		v.phone.Send(tap)
		must(t, w.whatsapp.Drain(t.Context())) // in a webhook of its own
	}
	v.awaitEHR("participant.0.status", "accepted")
	for range 4 {
		v.taps(m, "Confirm")
	}
	v.await("all of them", func() bool {
		return strings.Contains(v.metrics(), `bridge_replies_total{kind="button",reading="repeated"} 4`) &&
			strings.Contains(v.metrics(), `bridge_replies_total{kind="button",reading="again"} 4`)
	})
	if len(m.Buttons[0].Payload) != 16 || strings.Contains(m.Buttons[0].Payload, "confirm") {
		t.Error("the button says something")
	}
	v.await("five Communications of the patient's", func() bool {
		n := 0
		for _, raw := range v.ehr.All("Communication") {
			if gjson.GetBytes(raw, "sender.reference").String() == "Patient/b1" {
				n++
			}
		}
		return n == 5
	})
	if n := len(v.phone.Messages()); n != 2 {
		t.Errorf("%d messages, want the booking and one confirmation", n)
	}
}

// afterTheVisit books a visit that begins soon; what it returns lets it begin, and taps.
func afterTheVisit(t *testing.T, w *world) func(*testing.T) {
	v := w.attendee(t, "b2", "Jonas", "+15550100502", "de")
	v.books(v.dueSoon(), "", "")
	m := v.reads("appointment_booked")
	return func(t *testing.T) {
		v.passes(soon + time.Second)
		v.t = t
		v.taps(m, "Bestätigen")
		v.reads("nicht mehr bestätigt")
		v.task("late_answer")
		if got := v.visit("participant.0.status"); got != "needs-action" {
			t.Errorf("the participation is %q", got)
		}
	}
}

const whichVisit = "We are not sure which appointment you mean"

// twoVisits are told apart by a list, and by quoting.
func twoVisits(t *testing.T, w *world) {
	v := w.attendee(t, "b3", "Amara", "+15550100503", "en")
	v.books(ahead(20), "", "")
	first := v.reads("appointment_booked")
	v.knows(appointment("more-b3", "b3", "booked", ahead(21)))
	v.await("the second visit", func() bool { m, _ := v.has("appointment_booked"); return m.ID != first.ID })
	second, _ := v.has("appointment_booked")
	other := func() string {
		raw, _ := v.ehr.Resource("Appointment/more-b3")
		return gjson.GetBytes(raw, "participant.0.status").String()
	}
	v.phone.Write("Yes")
	list := v.reads(whichVisit)
	if list.Kind != "list" || len(list.Buttons) != 3 || list.Buttons[2].Title != "None of these" {
		t.Fatalf("a %s of %d, want a list of two visits and neither", list.Kind, len(list.Buttons))
	}
	for _, b := range list.Buttons {
		if len(b.Payload) != 16 {
			t.Error("a row carries more than a token")
		}
	}
	if v.visit("participant.0.status")+other() != "needs-actionneeds-action" {
		t.Error("a visit was confirmed before anybody said which")
	}
	tap := func(row int) {
		t.Helper()
		_, err := v.phone.Tap(list.ID, row)
		must(t, err)
	}
	tap(1) // the newest stands first
	v.awaitEHR("participant.0.status", "accepted")
	v.charted("sender.reference", "Read as: confirm")
	tap(1)
	tap(2)
	v.task("which_appointment")
	if got := other(); got != "needs-action" {
		t.Errorf("the other visit is %q", got)
	}
	_, err := v.phone.Reply(second.ID, "yes, please")
	must(t, err)
	v.await("the quoted one", func() bool { return other() == "accepted" })
}

// twoChildren have one phone.
func twoChildren(t *testing.T, w *world) {
	const phone = "+15550100504"
	ann, ben := w.attendee(t, "b4", "Amara", phone, "en"), w.attendee(t, "b5", "Ben", phone, "en")
	ann.books(ahead(20), "", "")
	first := ann.reads("appointment_booked")
	ben.books(ahead(20), "", "")
	ben.await("both", func() bool { m, _ := ben.has("appointment_booked"); return m.ID != first.ID })
	ben.phone.Write("yes")
	ben.taps(ben.reads(whichVisit), "Ben")
	ben.awaitEHR("participant.0.status", "accepted")
	if got := ann.visit("participant.0.status"); got != "needs-action" {
		t.Errorf("the other child's participation is %q", got)
	}
	ben.charted("sender.reference", "Read as: confirm")
}

// resultsAndVisit: yes is about the visit, whatever else was said since.
func resultsAndVisit(t *testing.T, w *world) {
	v := w.born(t, "b6", "Amara", "+15550100506", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.reported("final", time.Now(), inline(document("b6")))
	v.reads("report_ready_here")
	v.phone.Write("yes")
	v.awaitEHR("participant.0.status", "accepted")
	v.phone.Write("Send it here")
	v.reads("please write your date of birth")
}

// twoPhones are one person's: what the second writes is theirs, and decides nothing; a STOP from it is one of the person.
func twoPhones(t *testing.T, w *world) {
	v := w.attendee(t, "b7", "Amara", "+15550100507", "en")
	v.knows(strings.Replace(patient("b7", "Amara", "+15550100507", "en"), `"telecom":[`,
		`"telecom":[{"system":"phone","use":"mobile","rank":2,"value":"+15550100508"},`, 1))
	second := w.whatsapp.Phone("+15550100508")
	v.books(ahead(20), "", "")
	v.await("the booking", func() bool { return len(v.phone.Messages())+len(second.Messages()) == 1 })
	if len(v.phone.Messages()) == 0 { // whichever of them is the first
		v.phone, second = second, v.phone
	}
	second.Write("Yes")
	v.charted("sender.reference", `"Yes"`)
	if got := v.visit("participant.0.status"); got != "needs-action" {
		t.Errorf("the participation is %q by a word of a phone that was told nothing", got)
	}
	second.Write("STOP")
	v.filed("Consent", "patient.reference", "Patient/b7")
	skipped := v.skippedFor("stopped")
	v.books(ahead(21), "", "")
	v.await("the news to be skipped", func() bool { return v.skippedFor("stopped") > skipped })
	if n := len(v.phone.Messages()); n != 1 {
		t.Errorf("%d messages after STOP, want none", n-1)
	}
}
