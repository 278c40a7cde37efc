package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/fhir/strict"
)

// TestInteropChart is each kind of resource that the bridge writes, on a real FHIR server too: what it takes,
// what it refuses, and what it says when two write at once.
func TestInteropChart(t *testing.T) {
	run := newRun()
	c := newCrowd(t, worldOptions{
		fhir: likeHAPI, writeTo: "[server, topic], appointment_writeback: [status, patch, response, task]",
		more: fmt.Sprintf("booking:\n  notice: 1h\n  patience: 2m\n  services:\n    - {name: checkup, title: {en: Check-up}, schedules: [Schedule/%s]}\n"+
			"media: {megabytes: 2}\n", run),
	})
	b := c.world.run()
	c.freeTimes(t, run)
	for _, part := range []struct {
		name string
		play func(*testing.T, *crowd)
	}{
		{"a conversation", chartedConversation}, {"cancelled while a person writes", chartedCancel}, {"a person has decided", chartedHumanEdit},
		{"stop and start", chartedConsent}, {"stop of somebody nobody knows", chartedStranger},
		{"a photo", chartedPhoto}, {"a question", chartedQuestion}, {"a request", chartedRequest}, {"a free time", chartedTime},
		{"no answer", chartedWithoutAnswer}, {"a survey", chartedSurvey},
		{"no change of appointments", chartedResponse}, // which is remembered for an hour
	} {
		t.Run(part.name, func(t *testing.T) { part.play(t, c) })
	}
	c.await("everything to be said and written", func() bool { return c.settled(b) })
	c.soundChart(t)
}

// soundChart looks at everything that was written.
func (c *crowd) soundChart(t *testing.T) {
	t.Helper()
	for _, kind := range writtenKinds {
		if again := c.ehr.Duplicates(kind); len(again) > 0 {
			t.Errorf("%d of %s were written twice", len(again), kind)
		}
		for _, raw := range c.ehr.All(kind) {
			if found := strict.Validate(raw); len(found) > 0 {
				t.Errorf("%s/%s: %v", kind, gjson.GetBytes(raw, "id"), found)
			}
		}
	}
	if again := c.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
}

// spoken waits until the chart has that many Communications with words of or to the attendee, and returns them, oldest first.
func (v *attendee) spoken(n int) (list []gjson.Result) {
	v.t.Helper()
	v.await(fmt.Sprintf("%d Communications", n), func() bool {
		list = nil
		for _, raw := range v.ehr.All("Communication") {
			if c := gjson.ParseBytes(raw); c.Get("subject.reference").String() == "Patient/"+v.id && c.Get("payload").Exists() {
				list = append(list, c)
			}
		}
		return len(list) >= n
	})
	if len(list) != n {
		v.t.Errorf("%d Communications, want %d", len(list), n)
	}
	return list
}

func chartedConversation(t *testing.T, c *crowd) {
	v := c.somebody(t, "Amara", "en")
	v.books(ahead(20), "", "")
	booked := v.reads("appointment_booked")
	v.spoken(1) // nobody taps before it is filed
	v.taps(booked, "Confirm")
	v.reads("you have confirmed your appointment")
	v.awaitEHR("participant.0.status", "accepted")
	said := v.spoken(3)
	for i, want := range []struct{ sender, recipient, words string }{
		{"", "Patient/" + v.id, "we have booked"}, {"Patient/" + v.id, "", "Confirm"}, {"", "Patient/" + v.id, "you have confirmed"},
	} {
		if got := said[i].Get("sender.reference").String() + " " + said[i].Get("recipient.0.reference").String(); got != want.sender+" "+want.recipient {
			t.Errorf("Communication %d is from and to %q", i, got)
		}
		if got := said[i].Get("payload.0.contentString").String(); !strings.Contains(got, want.words) {
			t.Errorf("Communication %d says %q, want %q", i, got, want.words)
		}
		if got := said[i].Get("identifier.#").Int(); got < 2 {
			t.Errorf("Communication %d has %d identifiers, want ours and the provider's", i, got)
		}
		if i == 0 {
			continue
		}
		if got, want := said[i].Get("inResponseTo.0.reference").String(), "Communication/"+said[i-1].Get("id").String(); got != want {
			t.Errorf("Communication %d answers %q, want %q", i, got, want)
		}
	}
	if got := said[0].Get("about.0.reference").String(); got != "Appointment/of-"+v.id {
		t.Errorf("the booking is about %q", got)
	}
}

// chartedCancel is a patient and a person who change one visit at the same time: each change stands.
func chartedCancel(t *testing.T, c *crowd) {
	v := c.somebody(t, "Ann", "en")
	start := ahead(20)
	v.books(start, "", "")
	v.taps(v.reads("appointment_booked"), "Cancel")
	question := v.reads("Do you really want to cancel this appointment?")
	v.meanwhile(func() {
		must(t, v.ehr.Seed([]byte(strings.Replace(appointment("of-"+v.id, v.id, "booked", start), `"participant"`, `"comment":"Call the porter.","participant"`, 1))))
	})
	defer v.ehr.Fail(nil)
	v.taps(question, "Yes, cancel")
	v.awaitEHR("status", "cancelled")
	if got := v.visit("comment"); got != "Call the porter." {
		t.Errorf("the comment of a person is %q", got)
	}
	if hapi, ok := v.ehr.(*realEHR); ok && hapi.answered(http.StatusConflict) == 0 {
		t.Error("the server has not answered 409 to a PATCH of what was changed")
	}
}

// chartedHumanEdit is a person who answers for the patient first: that stands, and people are told.
func chartedHumanEdit(t *testing.T, c *crowd) {
	v := c.somebody(t, "Jonas", "de")
	start := ahead(20)
	v.books(start, "", "")
	booked := v.reads("appointment_booked")
	v.meanwhile(func() {
		must(t, v.ehr.Seed([]byte(strings.Replace(appointment("of-"+v.id, v.id, "booked", start), "needs-action", "declined", 1))))
	})
	defer v.ehr.Fail(nil)
	v.taps(booked, "Bestätigen")
	if got := v.task("changed_by_a_person").Get("focus.reference").String(); got != "Appointment/of-"+v.id {
		t.Errorf("the Task is about %q", got)
	}
	if got := v.visit("participant.0.status"); got != "declined" {
		t.Errorf("the participation is %q, want what a person has written", got)
	}
}

func chartedResponse(t *testing.T, c *crowd) {
	v := c.somebody(t, "María", "es")
	v.books(ahead(20), "", "")
	booked := v.reads("appointment_booked")
	v.ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		if r.Method != http.MethodPatch && r.Method != http.MethodPut || r.ID != "of-"+v.id {
			return nil
		}
		return &sandbox.FHIRFault{Fault: sandbox.Fault{Status: http.StatusMethodNotAllowed}}
	})
	defer v.ehr.Fail(nil)
	v.taps(booked, "Confirmar")
	answer := v.filed("AppointmentResponse", "appointment.reference", "Appointment/of-"+v.id)
	if got := answer.Get("participantStatus").String() + " " + answer.Get("actor.reference").String(); got != "accepted Patient/"+v.id {
		t.Errorf("the answer is %q", got)
	}
}

func chartedConsent(t *testing.T, c *crowd) {
	v := c.somebody(t, "Erika", "de")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	for i, words := range []string{"Stopp!", "START"} {
		rule := []string{"OPTOUT", "OPTIN"}[i]
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1100 * time.Millisecond))) // of the same second STOP wins
		v.phone.Write(words)
		v.await("a Consent "+rule, func() bool {
			for _, raw := range v.ehr.All("Consent") {
				consent := gjson.ParseBytes(raw)
				if consent.Get("patient.reference").String() == "Patient/"+v.id && consent.Get("policyRule.coding.0.code").String() == rule {
					return true
				}
			}
			return false
		})
	}
}

// chartedStranger is somebody nobody knows, and then the server does, by the number: it is asked anew.
func chartedStranger(t *testing.T, c *crowd) {
	own := *c.world
	own.t = t
	id, number := c.id(), c.number()
	phone := own.whatsapp.Phone(number)
	phone.Write("STOP")
	own.filed("Consent", "patient.identifier.value", number)
	must(t, own.ehr.Seed([]byte(patient(id, "Ann", number, "en"))))
	phone.Write("STOP")
	own.filed("Consent", "patient.reference", "Patient/"+id)
}

func chartedPhoto(t *testing.T, c *crowd) {
	v := c.somebody(t, "Łucja", "pl")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.SendMedia(sandbox.InboundMedia{MIMEType: "image/jpeg", Data: jpeg(300_000), Caption: "Czy tak ma być?"})
	v.charted("sender.reference", "Czy tak ma być?")
	doc := v.filed("DocumentReference", "subject.reference", "Patient/"+v.id)
	if got := doc.Get("content.0.attachment.size").Int(); got != 300_000 || !doc.Get("content.0.attachment.data").Exists() {
		t.Errorf("the document has %d bytes", got)
	}
}

func chartedQuestion(t *testing.T, c *crowd) {
	v := c.somebody(t, "ليلى", "ar")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.Write("أين يمكنني ركن سيارتي؟")
	if got := v.task("patient_message").Get("description").String(); got != "أين يمكنني ركن سيارتي؟" {
		t.Errorf("the Task says %q", got)
	}
}

func chartedRequest(t *testing.T, c *crowd) {
	v := c.somebody(t, "Giulia", "it")
	v.asks("sent-"+v.id, "active", "clinic_closed", []string{v.id}, "")
	v.reads("clinic_closed")
	v.awaitRequest("sent-"+v.id, "status", "completed")
	v.asks("refused-"+v.id, "active", "appointment_booked", []string{v.id}, "") // which is not for requests
	v.awaitRequest("refused-"+v.id, "status", "revoked")
	if got := v.request("refused-"+v.id, "statusReason.text"); got != "request template" {
		t.Errorf("it was revoked because of %q", got)
	}
	v.task("request_template")
	v.await("the record of the message", func() bool {
		return v.record(v.id, "basedOn.0.reference", "CommunicationRequest/sent-"+v.id).Exists()
	})
}

// chartedTime is a time that a patient chooses after it was taken, and another one.
func chartedTime(t *testing.T, c *crowd) {
	v := c.somebody(t, "Ann", "en")
	v.books(ahead(40), "", "")
	v.reads("appointment_booked")
	v.phone.Write("I would like an appointment")
	v.offers(v.reads("These times are free"), 0, minutesOf(slotDay(1)))
	chosen := v.filed("Slot", "start", slotDay(1).Format(time.RFC3339))
	taken := strings.Replace(chosen.Raw, `"free"`, `"busy"`, 1)
	must(t, c.ehr.Seed([]byte(taken)))
	v.choose("These times are free", 0)
	v.choose("that time is no longer free", 0)
	v.reads("It is not booked yet")
	v.await("an appointment", func() bool { return len(v.asked()) > 0 })
	asked := v.asked()
	if len(asked) != 1 || asked[0].Get("status").String() != "proposed" || !asked[0].Get("start").Time().Equal(slotDay(2)) {
		t.Errorf("%d appointments, want one proposal at the second time", len(asked))
	}
	if task := v.task("appointment_requested"); task.Get("focus.reference").String() != "Appointment/"+asked[0].Get("id").String() {
		t.Errorf("the Task is about %s", task.Get("focus.reference"))
	}
}

// chartedWithoutAnswer is a server that writes each of two Communications and cannot say so: they are not written again.
func chartedWithoutAnswer(t *testing.T, c *crowd) {
	v := c.somebody(t, "Soraya", "fr")
	var lost atomic.Int32
	v.ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		if r.Method == http.MethodPost && r.Type == "Communication" && r.ID == "" && lost.Add(1) <= 2 {
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Act: true, Cut: true}}
		}
		return nil
	})
	defer v.ehr.Fail(nil)
	v.books(ahead(20), "", "")
	v.taps(v.reads("appointment_booked"), "Confirmer")
	v.awaitEHR("participant.0.status", "accepted")
	v.spoken(3)
	if lost.Load() < 2 {
		t.Error("no answer was lost")
	}
}

func chartedSurvey(t *testing.T, c *crowd) {
	v := c.somebody(t, "Amara", "en")
	v.over()
	v.passes(soon)
	v.taps(v.reads("survey_visit"), "5 – Very good")
	v.reads("Would you like to tell us more?")
	v.answeredSurvey("valueInteger", "5")
	v.phone.Write("Everybody was kind.")
	words := v.answeredSurvey("valueString", "Everybody was kind.")
	if got := words.Get("identifier.system").String(); got != "urn:fhirbridge:decision" {
		t.Errorf("the answer's identifier is of %q", got)
	}
}
