package pipeline_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// docsFiling files what docs/fhir.md shows.
var docsFiling = pipeline.Filing{
	Facility: "Harbour Hospital", Sinks: []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic},
	Files: pipeline.FileRules{Limit: 1 << 20, Types: pipeline.DefaultFileTypes},
}

const docsVisit = `{"resourceType":"Appointment","id":"1","status":"booked","start":"2026-03-05T09:00:00Z","end":"2026-03-05T09:30:00Z",
	"slot":[{"reference":"Slot/1"}],"participant":[{"actor":{"reference":"Patient/7"},"status":"needs-action"},{"actor":{"reference":"Practitioner/9"},"status":"accepted"}]}`

func docsSent() pipeline.SentMessage {
	return pipeline.SentMessage{
		Notification: pipeline.Notification{
			Key: "qmfhsx5cdjlbqg3ydyibcpxa2a", Journey: "appointment", Step: "booked", Subject: "Appointment/1", Patient: "Patient/7", Recipient: "Patient/7", Edge: true,
		},
		Attempt: pipeline.Attempt{
			ID: "k3v5tq2m7d4xw6p0", MessageID: "wamid.example-1", Template: "appointment_booked", Language: "en", SubjectVersion: "3",
			Seen: pipeline.NewPrivate("Hello Amara, we have booked an appointment for you at Harbour Hospital."), Begun: at("2026-03-01T08:00:00Z"),
		},
	}
}

func docsReply() (pipeline.Reply, pipeline.Thread) {
	sent := docsSent()
	return pipeline.Reply{
		ID: "wamid.example-2", Kind: "button", Text: pipeline.NewPrivate("Confirm"), From: pipeline.NewPrivate(number),
		At: at("2026-03-01T08:05:00Z"), Received: at("2026-03-01T08:05:01Z"),
	}, pipeline.Thread{Sent: &sent}
}

func docsAnswer() pipeline.SentMessage {
	m := docsSent()
	m.Notification.Step, m.Notification.ReplyTo = "answer:confirm", "wamid.example-2"
	m.Attempt = pipeline.Attempt{
		ID: "w6p7k3v5tq2m7d40", MessageID: "wamid.example-3", Language: "en",
		Seen: pipeline.NewPrivate("Thank you. You have confirmed your appointment."), Begun: at("2026-03-01T08:05:02Z"),
	}
	return m
}

func docsFate(m pipeline.SentMessage, f pipeline.Fate) pipeline.SentMessage {
	m.Fate = f
	return m
}

var (
	docsFailed  = pipeline.Fate{State: pipeline.Failed, Code: "131026"}
	docsSkipped = pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonNoNumber}
	docsRead    = pipeline.Fate{Filed: true, State: pipeline.Read, Delivered: at("2026-03-01T08:00:05Z"), Read: at("2026-03-01T08:01:00Z")}
)

func docsUnsent() pipeline.SentMessage {
	m := docsFate(docsSent(), docsSkipped)
	m.Attempt = pipeline.Attempt{SubjectVersion: "3"}
	return m
}

func docsDecision(visit string) pipeline.Decision {
	return pipeline.Decision{
		Appointment: "Appointment/1", Patient: "Patient/7", Status: "declined", Visit: visit, Start: at("2026-03-05T09:00:00Z"),
		Reply: "wamid.example-2", At: at("2026-03-01T08:05:00Z"),
	}
}

func docsWish(chosen bool) pipeline.Wish {
	w := pipeline.Wish{
		Patient: "Patient/7", Code: "book", Service: "checkup", Status: "proposed", Origin: "ezsrdblzkxy3zcrmcgi7uwqwhm", Reply: "wamid.example-2",
		At: at("2026-03-01T08:05:00Z"), Until: at("2026-03-01T09:00:00Z"),
	}
	if chosen {
		w.Slot = &pipeline.Slot{Ref: "Slot/2", Start: at("2026-03-06T09:00:00Z"), End: at("2026-03-06T09:30:00Z")}
	}
	return w
}

func docsSurvey(score int) pipeline.SurveyAnswer {
	return pipeline.SurveyAnswer{
		Key: "survey-1", Question: "kind", Questionnaire: "https://hospital.example.org/Questionnaire/visit|1", Subject: "Encounter/3", Patient: "Patient/7", Score: score,
	}
}

func docsFile(t *testing.T) (r pipeline.Reply, th pipeline.Thread) {
	t.Helper()
	r, th = docsReply()
	r.Kind, r.Text = "image", pipeline.NewPrivate("Is this how it should look?")
	r.Media = &pipeline.InboundMedia{ID: "1", ContentType: "image/jpeg", Filename: pipeline.NewPrivate("wound.jpg")}
	return r, th
}

// filedFile is what the server and then the topic get of a file that a patient has sent.
func filedFile(t *testing.T) (created, published string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, th := docsFile(t)
		k := newOutbox(docsFiling.File(r, th, "Patient/7")...)
		s := &server{create: func(body []byte, _ string) (string, error) {
			created = string(body)
			return "DocumentReference/4", nil
		}}
		stop := start(fetching(t, k, s, &source{file: pipeline.Media{ContentType: "image/jpeg", Data: []byte("\xff\xd8 a picture")}}, docsFiling, nil).Run)
		pass(time.Minute)
		stop()
		published = k.list[0].Body.Reveal()
	})
	return created, published
}

// requestingClinic keeps what it is asked to create.
type requestingClinic struct {
	*clinic
	created string
}

func (c *requestingClinic) Create(_ context.Context, body []byte, _ string) (string, error) {
	c.created = string(body)
	return "Appointment/2", nil
}

func requestedAppointment(t *testing.T) string {
	t.Helper()
	c := &requestingClinic{clinic: newClinic()}
	w := docsWish(true)
	c.has["Slot/2"] = `{"resourceType":"Slot","id":"2","status":"free","schedule":{"reference":"Schedule/1"},"start":"2026-03-06T09:00:00Z","end":"2026-03-06T09:30:00Z",
		"serviceType":[{"text":"Check-up"}]}`
	l := &pipeline.Ladder{Server: c, Rungs: []pipeline.Rung{pipeline.RungPatch}, Filing: docsFiling, Validate: explain}
	if _, err := l.Grant(t.Context(), w, w.At); err != nil {
		t.Fatal(err)
	}
	return c.created
}

// docsPatches are the patches, and of what. A server gives the Communication its id.
func docsPatches(t *testing.T) map[string][2]string {
	t.Helper()
	sent := docsFiling.Sent(docsSent())[0].Body.Reveal()
	asked := `{"resourceType":"CommunicationRequest","id":"8","status":"active"}`
	list := map[string][2]string{}
	put := func(name, of string) func([]byte, bool, error) {
		return func(patch []byte, changed bool, err error) {
			if err != nil || !changed {
				t.Fatal(name, changed, err)
			}
			list[name] = [2]string{string(patch), of}
		}
	}
	put("ParticipantPatch", docsVisit)(fhir.ParticipantPatch([]byte(docsVisit), fhir.Ref("Patient", "7"), fhir.ParticipantAccepted))
	put("StatusPatch", docsVisit)(fhir.StatusPatch([]byte(docsVisit), fhir.AppointmentCancelled))
	put("SlotPatch", docsVisit)(fhir.SlotPatch([]byte(docsVisit), fhir.Ref("Slot", "2"), at("2026-03-06T09:00:00Z"), at("2026-03-06T09:30:00Z")))
	put("CommunicationPatch", sent)(fhir.CommunicationPatch([]byte(sent), []byte(docsFiling.Sent(docsFate(docsSent(), docsRead))[0].Body.Reveal())))
	put("CommunicationRequestPatch", asked)(fhir.CommunicationRequestPatch([]byte(asked), fhir.RequestRevoked, fhir.Concept{Text: "no number"}))
	return list
}

// docsBuilt are the examples of docs/fhir.md, as the code builds them: the name, and what of Filing builds it.
func docsBuilt(t *testing.T) map[string]string {
	t.Helper()
	first := func(writes []pipeline.Write) string { return writes[0].Body.Reveal() }
	r, th := docsReply()
	photo, _ := docsFile(t)
	file, topic := filedFile(t)
	sent := docsSent()
	said := photo
	said.Text = pipeline.NewPrivate("Where can I park?")
	words, none := said, pipeline.Thread{Patients: []string{"Patient/7"}}
	words.Kind, words.Media = "text", nil
	unsaid := docsFate(docsAnswer(), pipeline.Fate{Filed: true, State: pipeline.Failed, Code: "131047"})
	errand := pipeline.Errand{Key: "errand-1", Code: "visit_withdrawn", Subject: "Appointment/1", Patient: "Patient/7"}
	gone := pipeline.SentFile{Media: *photo.Media, Kind: "image", Reply: photo.ID, Patient: "Patient/7"}
	built := map[string]string{
		"thread": first(docsFiling.Thread(sent)), "sent": first(docsFiling.Sent(sent)), "reply": first(docsFiling.Reply(r, th, "Patient/7", "confirm")),
		"answer": first(docsFiling.Sent(docsAnswer())), "failed": first(docsFiling.Sent(docsFate(sent, docsFailed))), "unsent": first(docsFiling.Sent(docsUnsent())),
		"consent": first(docsFiling.Consent(r, th, "Patient/7", true)), "survey": first(docsFiling.Survey(r, th, docsSurvey(4))),
		"file": file, "file-topic": topic, "response": first(docsFiling.Response(docsDecision(""))), "requested": requestedAppointment(t),
		"task-handoff":   first(docsFiling.Handoff(words, none, "Patient/7", pipeline.Outcome{Handoff: "patient_message"})),
		"task-errand":    first(docsFiling.Errands([]pipeline.Errand{errand}, at("2026-03-01T08:05:00Z"))),
		"task-unmet":     first(docsFiling.Unmet(docsDecision("cancelled"), "wish_of_the_patient")),
		"task-wished":    first(docsFiling.Wished(docsWish(false), "no_free_time")),
		"task-requested": first(docsFiling.Requested(docsWish(true), "Appointment/2")),
		"task-unsaid":    first(docsFiling.Unsaid(unsaid)),
		"task-file":      first(docsFiling.Unfetched(gone, pipeline.ReasonFileGone, at("2026-03-01T08:06:00Z"))),
		"task-disowned":  first(docsFiling.Disowned(r, th, pipeline.Outcome{Handoff: "wrong_number", Disowns: []string{"Patient/7"}})),
	}
	for name, patch := range docsPatches(t) {
		built[name] = patch[0]
	}
	for name, body := range built {
		if !json.Valid([]byte(body)) {
			t.Errorf("%s is not built", name)
		}
	}
	return built
}
