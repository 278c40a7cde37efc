package fhir_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/fhir/strict"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var sentAt = time.Date(2026, 3, 2, 10, 15, 30, 0, time.FixedZone("CET", 3600))

// reply is a patient's answer with every element that a draft has.
func reply() fhir.CommunicationDraft {
	return fhir.CommunicationDraft{
		Identifiers:  []fhir.Identifier{{System: "https://hospital.example.org/whatsapp", Value: "wamid.HBgL"}, {System: "urn:empty"}},
		Status:       fhir.CommunicationCompleted,
		Categories:   []fhir.Concept{{Codings: []fhir.Coding{{System: fhir.CommunicationCategorySystem, Code: "reminder"}}}, {}},
		Priority:     "routine",
		MediumSystem: "https://hospital.example.org/media",
		Subject:      fhir.Ref("Patient", "p1"),
		Topic:        fhir.Concept{Codings: []fhir.Coding{{System: fhir.CommunicationTopicSystem, Code: "appointment-reminder"}}},
		Instantiates: []string{"urn:x:template:appointment_booked:en"},
		About:        []fhir.Reference{fhir.Ref("Appointment", "a1"), {}},
		Encounter:    fhir.Ref("Encounter", "e1"),
		ReasonCodes:  []fhir.Concept{{Codings: []fhir.Coding{{System: "urn:x:step", Code: "appointment.booked"}}}},
		InResponseTo: []fhir.Reference{fhir.Ref("Communication", "c1")},
		PartOf:       []fhir.Reference{fhir.Ref("Communication", "thread")},
		BasedOn:      []fhir.Reference{fhir.Ref("ServiceRequest", "s1")},
		Sent:         sentAt,
		Received:     sentAt.Add(1234567 * time.Microsecond),
		Sender:       fhir.Reference{Type: "Patient", ID: "p1", Display: "Jane Doe"},
		Recipients:   []fhir.Reference{fhir.Ref("Organization", "o1"), {Type: "HealthcareService", Identifier: fhir.Identifier{System: "urn:x", Value: "7"}}},
		Payload:      []string{"Ja, gerne <3 & \"danke\"\n\x00\x07👍", " ", ""},
		Notes:        []fhir.Note{{Text: "read as: confirm", Time: sentAt, Author: fhir.Ref("Organization", "o1")}, {}},
	}
}

// result is a message about a report that could not be delivered.
func result() fhir.CommunicationDraft {
	return fhir.CommunicationDraft{
		Status:       fhir.CommunicationNotDone,
		StatusReason: fhir.Concept{Codings: []fhir.Coding{{System: fhir.NotDoneReasonSystem, Code: "invalid-phone-number"}}},
		Subject:      fhir.Ref("Patient", "p1"),
		About:        []fhir.Reference{{URL: "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}},
		Reasons:      []fhir.Reference{fhir.Ref("DiagnosticReport", "r1")},
		Sender:       fhir.Ref("Device", "bridge"),
		Recipients:   []fhir.Reference{fhir.Ref("RelatedPerson", "m1")},
	}
}

// built is one of each that the bridge writes, by the name of its golden file.
func built() map[string]interface{ JSON() ([]byte, error) } {
	return map[string]interface{ JSON() ([]byte, error) }{
		"communication_reply_everything": reply(),
		"communication_report_not_done":  result(),
		"communication_least":            fhir.CommunicationDraft{Status: fhir.CommunicationUnknown},
		"appointmentresponse_declined":   fhir.AppointmentResponseDraft{Identifiers: []fhir.Identifier{{System: "urn:x", Value: "1"}}, Appointment: fhir.Ref("Appointment", "a1"), Actor: fhir.Ref("Patient", "p1"), ParticipantStatus: fhir.ParticipantDeclined, Comment: "I am on holiday"},
		"appointmentresponse_other_time": fhir.AppointmentResponseDraft{Appointment: fhir.Ref("Appointment", "a1"), Actor: fhir.Ref("Patient", "p1"), ParticipantStatus: fhir.ParticipantTentative, Start: sentAt, End: sentAt.Add(time.Hour)},
		"task_reply_nobody_understood":   fhir.TaskDraft{Identifiers: []fhir.Identifier{{System: "urn:x", Value: "1"}}, Code: "Read and answer a patient's message", Priority: "urgent", Description: "Can I bring my dog?", For: fhir.Ref("Patient", "p1"), Focus: fhir.Ref("Communication", "c1"), AuthoredOn: sentAt, Requester: fhir.Ref("Device", "bridge"), Owner: fhir.Ref("Organization", "o1")},
		"task_least":                     fhir.TaskDraft{Code: "Call the patient"},
		"task_everything":                fhir.TaskDraft{Identifiers: []fhir.Identifier{{System: "urn:x", Value: "2"}}, Code: "Call the patient", Codings: []fhir.Coding{{System: "https://hospital.example.org/tasks", Code: "call"}}, Reason: "preparation not possible", Priority: "urgent", For: fhir.Ref("Patient", "p1"), Focus: fhir.Ref("Appointment", "a1"), AuthoredOn: sentAt},

		"appointment_proposed":     booking(),
		"appointment_least":        fhir.AppointmentDraft{Status: fhir.AppointmentProposed, Patient: fhir.Ref("Patient", "p1")},
		"consent_opt_in":           fhir.ConsentDraft{Patient: fhir.Ref("Patient", "p1"), Choice: fhir.ChoicePermit, At: sentAt},
		"consent_opt_out":          stop(),
		"survey_score_and_words":   survey(),
		"survey_stopped":           fhir.QuestionnaireResponseDraft{Status: "stopped", Answers: []fhir.SurveyAnswer{{LinkID: "words", Words: " "}}},
		"document_photo_inline":    photo(""),
		"document_photo_elsewhere": photo("Binary/b1"),
		"document_least":           fhir.DocumentReferenceDraft{ContentType: "audio/ogg; codecs=opus", Data: []byte{0}},
	}
}

// booking is what a patient asks for who has chosen a slot.
func booking() fhir.AppointmentDraft {
	return fhir.AppointmentDraft{
		Identifiers:  []fhir.Identifier{{System: "urn:x", Value: "1"}},
		Status:       fhir.AppointmentPending,
		Slot:         fhir.Ref("Slot", "s1"),
		Start:        sentAt.Add(72 * time.Hour),
		End:          sentAt.Add(73 * time.Hour),
		ServiceTypes: []fhir.Concept{{Text: "Check-up"}},
		Patient:      fhir.Ref("Patient", "p1"),
		Actors:       []fhir.Reference{fhir.Ref("Practitioner", "d1"), fhir.Ref("Location", "l1"), {}},
		Created:      sentAt,
	}
}

// stop is a patient who wants no more messages.
func stop() fhir.ConsentDraft {
	return fhir.ConsentDraft{
		Identifiers: []fhir.Identifier{{System: "urn:x", Value: "1"}}, Patient: fhir.Ref("Patient", "p1"), Choice: fhir.ChoiceDeny,
		At: sentAt, Performer: fhir.Ref("RelatedPerson", "m1"), Organization: fhir.Ref("Organization", "o1"),
	}
}

// survey is a score, words, and a question that was passed over.
func survey() fhir.QuestionnaireResponseDraft {
	return fhir.QuestionnaireResponseDraft{
		Identifier: fhir.Identifier{System: "urn:x", Value: "1"}, Questionnaire: "https://hospital.example.org/Questionnaire/visit|2",
		Status: "completed", Subject: fhir.Ref("Patient", "p1"), Source: fhir.Ref("Patient", "p1"), Author: fhir.Ref("Device", "bridge"),
		Encounter: fhir.Ref("Encounter", "e1"), Authored: sentAt,
		Answers: []fhir.SurveyAnswer{{LinkID: "score", Question: "How was your visit?", Score: 2}, {LinkID: "waiting"}, {LinkID: "words", Words: "I waited long"}},
	}
}

// photo is a picture that a patient sent; it lies at url, or inline.
func photo(url string) fhir.DocumentReferenceDraft {
	return fhir.DocumentReferenceDraft{
		Identifiers: []fhir.Identifier{{System: "urn:x", Value: "1"}}, Type: fhir.Concept{Text: "Photo"},
		Subject: fhir.Ref("Patient", "p1"), Author: fhir.Ref("RelatedPerson", "m1"), Date: sentAt, Created: sentAt.Add(-time.Minute),
		Description: "Is this all right?", ContentType: "image/jpeg", Data: []byte("not really a photo"), URL: url, Title: "wound.jpg",
		Encounter: fhir.Ref("Encounter", "e1"), Related: []fhir.Reference{fhir.Ref("Communication", "c1")},
	}
}

func TestBuiltIsValid(t *testing.T) {
	for name, draft := range built() {
		t.Run(name, func(t *testing.T) {
			got, err := draft.JSON()
			if err != nil {
				t.Fatal(err)
			}
			if found := strict.Validate(got); len(found) > 0 {
				t.Errorf("google/fhir finds %v", found)
			}
			if strings.Contains(string(got), "null") || strings.Contains(string(got), "[]") || strings.Contains(string(got), "{}") {
				t.Errorf("something empty was written")
			}
			if !strings.HasPrefix(string(got), `{"resourceType":"`) {
				t.Errorf("the type does not come first")
			}
			file := filepath.Join("testdata", "built", name+".json")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "resource", string(got)+"\n", string(want))
		})
	}
}

func TestCommunicationRoundTrip(t *testing.T) {
	d := reply()
	raw, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	r, err := fhir.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	c := r.(*fhir.Communication)
	compareCommunication(t, c, parse(t, raw))
	same(t, "Status", c.Status(), d.Status)
	same(t, "Identifiers", c.Identifiers(), d.Identifiers[:1])
	same(t, "Subject", c.Subject(), d.Subject)
	same(t, "Sender", c.Sender(), d.Sender)
	same(t, "Recipients", c.Recipients(), d.Recipients)
	same(t, "About", c.About(), d.About[:1])
	same(t, "InResponseTo", c.InResponseTo(), d.InResponseTo)
	same(t, "Topic", c.Topic(), d.Topic)
	same(t, "Sent", c.Sent().Time.Equal(d.Sent), true)
	same(t, "Received", c.Received().Time.Equal(d.Received.Truncate(time.Millisecond)), true)
	same(t, "Texts", c.Texts(), []string{"Ja, gerne <3 & \"danke\"\n👍"})

	n := parse(t, raw).at("medium").list()
	same(t, "medium", node{n[0].v}.concept(), fhir.Concept{Text: "WhatsApp", Codings: []fhir.Coding{
		{System: fhir.ParticipationModeSystem, Code: "ONLINEWRIT"},
		{System: "https://hospital.example.org/media", Code: "whatsapp", Display: "WhatsApp"},
	}})
}

// changed returns d with one thing changed.
func changed[T any](d T, change func(*T)) T {
	change(&d)
	return d
}

func TestDraftsRefuse(t *testing.T) {
	communication := func(change func(*fhir.CommunicationDraft)) fhir.CommunicationDraft { return changed(reply(), change) }
	answer := fhir.AppointmentResponseDraft{Appointment: fhir.Ref("Appointment", "a1"), Actor: fhir.Ref("Patient", "p1"), ParticipantStatus: "accepted"}
	for _, test := range []struct {
		name       string
		draft      interface{ JSON() ([]byte, error) }
		path, rule string
	}{
		{"no status", communication(func(d *fhir.CommunicationDraft) { d.Status = "" }), "Communication.status", "missing"},
		{"unknown status", communication(func(d *fhir.CommunicationDraft) { d.Status = "sent" }), "Communication.status", "unknown_code"},
		{"unknown priority", communication(func(d *fhir.CommunicationDraft) { d.Priority = "high" }), "Communication.priority", "unknown_code"},
		{"about a place of one's own", communication(func(d *fhir.CommunicationDraft) { d.About = []fhir.Reference{{Local: "x"}} }), "Communication.about[0].reference", "bad_reference"},
		{"id outside the grammar", communication(func(d *fhir.CommunicationDraft) { d.Subject.ID = "p_1" }), "Communication.subject.reference", "bad_reference"},
		{"written to a place", communication(func(d *fhir.CommunicationDraft) { d.Recipients[1] = fhir.Ref("Location", "l1") }), "Communication.recipient[1]", "wrong_target"},
		{"written by a group", communication(func(d *fhir.CommunicationDraft) { d.Sender = fhir.Ref("Group", "g1") }), "Communication.sender", "wrong_target"},
		{"subject is a doctor", communication(func(d *fhir.CommunicationDraft) { d.Subject = fhir.Ref("Practitioner", "d1") }), "Communication.subject", "wrong_target"},
		{"answers an appointment", communication(func(d *fhir.CommunicationDraft) { d.InResponseTo[0] = fhir.Ref("Appointment", "a1") }), "Communication.inResponseTo[0]", "wrong_target"},
		{"because of an appointment", communication(func(d *fhir.CommunicationDraft) { d.Reasons = []fhir.Reference{fhir.Ref("Appointment", "a1")} }), "Communication.reasonReference[0]", "wrong_target"},
		{"text too long", communication(func(d *fhir.CommunicationDraft) { d.Payload[0] = strings.Repeat("x", 1<<20+1) }), "Communication.payload[0].contentString", "too_long"},
		{"answer to nothing", fhir.AppointmentResponseDraft{Actor: answer.Actor, ParticipantStatus: "accepted"}, "AppointmentResponse.appointment", "missing"},
		{"answer of nobody", fhir.AppointmentResponseDraft{Appointment: answer.Appointment, ParticipantStatus: "accepted"}, "AppointmentResponse.actor", "missing"},
		{"answer unknown", fhir.AppointmentResponseDraft{Appointment: answer.Appointment, Actor: answer.Actor, ParticipantStatus: "yes"}, "AppointmentResponse.participantStatus", "unknown_code"},
		{"proposal without end", fhir.AppointmentResponseDraft{Appointment: answer.Appointment, Actor: answer.Actor, ParticipantStatus: "tentative", Start: sentAt}, "AppointmentResponse.end", "missing"},
		{"task without words", fhir.TaskDraft{Code: " "}, "Task.code", "missing"},
		{"task of unknown priority", fhir.TaskDraft{Code: "x", Priority: "now"}, "Task.priority", "unknown_code"},
		{"task in codes alone", fhir.TaskDraft{Codings: []fhir.Coding{{Code: "call"}}}, "Task.code", "missing"},
		{"visit booked", changed(booking(), func(d *fhir.AppointmentDraft) { d.Status = fhir.AppointmentBooked }), "Appointment.status", "unknown_code"},
		{"visit of no status", changed(booking(), func(d *fhir.AppointmentDraft) { d.Status = "" }), "Appointment.status", "missing"},
		{"visit of nobody", changed(booking(), func(d *fhir.AppointmentDraft) { d.Patient = fhir.Reference{} }), "Appointment.participant[0].actor", "missing"},
		{"visit of a doctor", changed(booking(), func(d *fhir.AppointmentDraft) { d.Patient = fhir.Ref("Practitioner", "d1") }), "Appointment.participant[0].actor", "wrong_target"},
		{"visit with a group", changed(booking(), func(d *fhir.AppointmentDraft) { d.Actors[1] = fhir.Ref("Group", "g1") }), "Appointment.participant[2].actor", "wrong_target"},
		{"visit pending at no time", changed(booking(), func(d *fhir.AppointmentDraft) { d.Start, d.End, d.Slot = time.Time{}, time.Time{}, fhir.Reference{} }), "Appointment.start", "missing"},
		{"visit at a slot of no time", changed(booking(), func(d *fhir.AppointmentDraft) { d.Status, d.Start, d.End = "proposed", time.Time{}, time.Time{} }), "Appointment.start", "missing"},
		{"visit without end", changed(booking(), func(d *fhir.AppointmentDraft) { d.End = time.Time{} }), "Appointment.end", "missing"},
		{"visit without start", changed(booking(), func(d *fhir.AppointmentDraft) { d.Start = time.Time{} }), "Appointment.start", "missing"},
		{"visit that ends before it starts", changed(booking(), func(d *fhir.AppointmentDraft) { d.End = d.Start }), "Appointment.end", "bad_value"},
		{"visit at no slot", changed(booking(), func(d *fhir.AppointmentDraft) { d.Slot = fhir.Ref("Schedule", "c1") }), "Appointment.slot", "wrong_target"},
		{"consent of nobody", changed(stop(), func(d *fhir.ConsentDraft) { d.Patient = fhir.Reference{} }), "Consent.patient", "missing"},
		{"consent to nothing", changed(stop(), func(d *fhir.ConsentDraft) { d.Choice = fhir.ChoiceUnknown }), "Consent.policyRule", "missing"},
		{"consent given never", changed(stop(), func(d *fhir.ConsentDraft) { d.At = time.Time{} }), "Consent.dateTime", "missing"},
		{"consent given by a device", changed(stop(), func(d *fhir.ConsentDraft) { d.Performer = fhir.Ref("Device", "x") }), "Consent.performer[0]", "wrong_target"},
		{"survey of no status", changed(survey(), func(d *fhir.QuestionnaireResponseDraft) { d.Status = "" }), "QuestionnaireResponse.status", "missing"},
		{"survey of unknown status", changed(survey(), func(d *fhir.QuestionnaireResponseDraft) { d.Status = "done" }), "QuestionnaireResponse.status", "unknown_code"},
		{"survey about an appointment", changed(survey(), func(d *fhir.QuestionnaireResponseDraft) { d.Encounter = fhir.Ref("Appointment", "a1") }), "QuestionnaireResponse.encounter", "wrong_target"},
		{"survey answered by a device", changed(survey(), func(d *fhir.QuestionnaireResponseDraft) { d.Source = fhir.Ref("Device", "x") }), "QuestionnaireResponse.source", "wrong_target"},
		{"score of six", changed(survey(), func(d *fhir.QuestionnaireResponseDraft) { d.Answers[0].Score = 6 }), "QuestionnaireResponse.item[0].answer[0]", "bad_value"},
		{"score below nothing", changed(survey(), func(d *fhir.QuestionnaireResponseDraft) { d.Answers[0].Score = -1 }), "QuestionnaireResponse.item[0].answer[0]", "bad_value"},
		{"score and words", changed(survey(), func(d *fhir.QuestionnaireResponseDraft) { d.Answers[2].Score = 1 }), "QuestionnaireResponse.item[2].answer[0]", "bad_value"},
		{"answer to no question", changed(survey(), func(d *fhir.QuestionnaireResponseDraft) { d.Answers[2].LinkID = "" }), "QuestionnaireResponse.item[2].linkId", "missing"},
		{"photo of no kind", changed(photo(""), func(d *fhir.DocumentReferenceDraft) { d.ContentType = "" }), "DocumentReference.content[0].attachment.contentType", "missing"},
		{"photo of an odd kind", changed(photo(""), func(d *fhir.DocumentReferenceDraft) { d.ContentType = "jpeg" }), "DocumentReference.content[0].attachment.contentType", "bad_value"},
		{"photo of nothing", changed(photo("Binary/b1"), func(d *fhir.DocumentReferenceDraft) { d.Data = nil }), "DocumentReference.content[0].attachment.data", "missing"},
		{"photo of a place", changed(photo(""), func(d *fhir.DocumentReferenceDraft) { d.Subject = fhir.Ref("Location", "l1") }), "DocumentReference.subject", "wrong_target"},
		{"photo by a group", changed(photo(""), func(d *fhir.DocumentReferenceDraft) { d.Author = fhir.Ref("Group", "g1") }), "DocumentReference.author[0]", "wrong_target"},
		{"task for a place", fhir.TaskDraft{Code: "x", Owner: fhir.Ref("Location", "l1")}, "Task.owner", "wrong_target"},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw, err := test.draft.JSON()
			var e *fhir.Error
			if !errors.As(err, &e) || raw != nil {
				t.Fatalf("got %d bytes and %v, want an *Error", len(raw), err)
			}
			same(t, "path and rule", []string{e.Path, e.Rule}, []string{test.path, test.rule})
		})
	}
}
