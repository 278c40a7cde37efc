package journey_test

import (
	"strings"
	"testing"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Whatever goes by SMS is words alone: the body, what may be answered, and how to stop.
func TestComposeForSMS(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9)
	got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "Erika", "de"), Plain: true})
	m := got.Message
	words := m.Text.Reveal()
	if m.Template != nil || m.Interactive != nil || m.Document != nil || m.Location != nil || m.Language != "de" || m.Attempt != attempt {
		t.Fatalf("got %+v", m)
	}
	if !strings.HasPrefix(words, "Guten Tag Erika, ") || !strings.HasSuffix(words, "\n\nBestätigen / Verschieben / Absagen\n\nMit STOPP erhalten Sie keine Nachrichten mehr.") {
		t.Errorf("got %q", words)
	}
	if strings.Contains(words, "Termin gebucht") || m.Seen.Reveal() != words {
		t.Errorf("the chart has %q", m.Seen.Reveal())
	}
	same(t, "actions, for who writes one of them", got.Actions, []string{"confirm", "change", "cancel"})
}

// No document, no list, and nothing of a class that may disclose what a visit is for.
func TestComposeNothingElseForSMS(t *testing.T) {
	template := func(shows, field string) string {
		return strings.NewReplacer("may_show: [schedule, facility]", "may_show: [schedule, "+shows+"]", "field: facility.name", "field: "+field).Replace(soundTemplate)
	}
	for _, c := range []struct {
		name, template string
		want           pipeline.Reason
	}{
		{"when, and by whom", soundTemplate, pipeline.ReasonNone},
		{"what the patient is called", template("name", "patient.given"), pipeline.ReasonNone},
		{"where", template("place", "place.name"), pipeline.ReasonNone},
		{"who", template("person", "clinician.name"), pipeline.ReasonNotOnWhatsApp},
		{"what to do before", template("instruction", "instruction"), pipeline.ReasonNotOnWhatsApp},
	} {
		t.Run(c.name, func(t *testing.T) {
			book := with(t, "journeys/visit.yaml", soundJourney, "templates/hello.yaml", c.template, "templates/thanks.yaml", soundSession)
			v := visit(t, "booked", march9)
			got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "Erika", "en"), Plain: true})
			if got.Skip != c.want {
				t.Errorf("got %q, want %q", got.Skip, c.want)
			}
		})
	}
}

// What a word by SMS asks for and an SMS cannot give, people give.
func TestUnderstandBySMS(t *testing.T) {
	s := settings(t)
	s.Portal = "https://portal.example.org"
	s.Documents.Results, s.Documents.Tries, s.Documents.Daily = true, 3, 6
	book := load(t, s)
	r := report(t, "final", m{"presentedForm": []any{m{"contentType": "application/pdf", "data": "JVBERi0="}}, "issued": before})
	v := visit(t, "booked", march9)
	for _, c := range []struct {
		name, words    string
		subject        fhir.Resource
		reading, hands string
	}{
		{"a decision", "yes", v, "confirm", ""},
		{"a question first", "cancel", v, "cancel", ""},
		{"the list of services", "book an appointment", v, "text", "patient_message"},
		{"a document", "send here", r, "text", "patient_message"},
		{"STOP", "stop", v, "stop", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			th := about(t, book, v, "")
			th.Now = moment(t, before)
			if c.subject == r {
				th = pipeline.Thread{How: "only", Subject: r, SubjectVersion: "1", Language: "en", Patients: []string{"Patient/1"}, Now: th.Now,
					Sent: &pipeline.SentMessage{Notification: pipeline.Notification{Journey: "report", Step: "ready", Subject: "DiagnosticReport/9", Patient: "Patient/1"}}}
			}
			reply := text(c.words)
			reply.ID, reply.Kind, reply.At = pipeline.SMSReply("m1"), "text", th.Now
			o, err := book.Understand(reply, th)
			if err != nil {
				t.Fatal(err)
			}
			if o.Reading != c.reading || o.Handoff != c.hands {
				t.Errorf("got %s, %s", o.Reading, o.Handoff)
			}
			for _, n := range o.Say {
				if !pipeline.BySMS(n.ReplyTo) {
					t.Errorf("%s does not go back by SMS", n.Step)
				}
			}
		})
	}
}

// TestWhichBySMS: there is no list in an SMS; people are asked, and the patient hears so.
func TestWhichBySMS(t *testing.T) {
	book := shipped(t)
	th := amongVisits(t, []pipeline.Antecedent{
		heardOf("appointment", "booked", visitOf(t, "1", "1", march9), "Patient/1"), heardOf("appointment", "booked", visitOf(t, "2", "1", march11), "Patient/1"),
	})
	th.Now = moment(t, before)
	r := text("Confirm")
	r.ID, r.Kind, r.At = pipeline.SMSReply("m1"), "text", th.Now
	o, err := book.Understand(r, th)
	if err != nil {
		t.Fatal(err)
	}
	if o.Reading != "unclear" || o.Handoff != "which_appointment" || o.Decision != nil || len(o.Say) != 1 {
		t.Fatalf("got %q, %q with %d messages; want people to be asked", o.Reading, o.Handoff, len(o.Say))
	}
	if said := compose(t, book, o.Say[0], pipeline.Facts{Window: true, Plain: true, Now: th.Now}); said.Skip != "" || said.Message.Text.Empty() {
		t.Errorf("nothing is said: %s", said.Skip)
	}
}
