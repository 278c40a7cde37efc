package journey_test

import (
	"strings"
	"testing"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// mother is who acts for Patient/1, and reads a language.
func mother(t testing.TB, given, language string) *fhir.RelatedPerson {
	r := m{"resourceType": "RelatedPerson", "id": "a", "patient": m{"reference": "Patient/1"}, "name": []any{m{"given": []any{given}, "family": "Probe"}}}
	if language != "" {
		r["communication"] = []any{m{"language": m{"coding": []any{m{"system": "urn:ietf:bcp:47", "code": language}}}}}
	}
	return decode[*fhir.RelatedPerson](t, r)
}

func TestComposeForWhoActsForThePatient(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9)
	n := news(t, book, v, "booked")
	n.Recipient = "RelatedPerson/a" // it was tried before
	cases := []struct {
		name           string
		given, child   string // languages: of the mother, of the child
		language, says string
	}{
		{"the language of who reads it", "fr", "de", "fr", "Bonjour Erika, nous"},
		{"the child's, if nothing is known of hers", "", "it", "it", "Gentile Erika, abbiamo"},
		{"the facility's", "", "", "en", "Hello Erika, we"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := compose(t, book, n, pipeline.Facts{Subject: v, Patient: patient(t, "Erika", c.child), Proxy: mother(t, "Ana", c.given)})
			if got.Message.Language != c.language || !strings.Contains(got.Message.Seen.Reveal(), c.says) {
				t.Errorf("got %s: %s", got.Message.Language, got.Message.Seen.Reveal())
			}
		})
	}
	t.Run("nobody guesses whose visit it is", func(t *testing.T) {
		got := compose(t, book, n, pipeline.Facts{Subject: v, Patient: patient(t, "", "de"), Proxy: mother(t, "Ana", "de")})
		if got.Skip != pipeline.ReasonMissingFact {
			t.Errorf("got %q, want %q", got.Skip, pipeline.ReasonMissingFact)
		}
	})
}

func TestAProxyIsGreeted(t *testing.T) {
	greeting := strings.NewReplacer("field: facility.name,", "field: recipient.given, or: patient.given,", "may_show: [", "may_show: [name, ")
	book := with(t, "journeys/visit.yaml", soundJourney, "templates/hello.yaml", greeting.Replace(soundTemplate), "templates/thanks.yaml", soundSession)
	v := visit(t, "booked", march9)
	n := news(t, book, v, "booked")
	for want, proxy := range map[string]*fhir.RelatedPerson{"Erika": nil, "Ana": mother(t, "Ana", "")} {
		got := compose(t, book, n, pipeline.Facts{Subject: v, Patient: patient(t, "Erika", ""), Proxy: proxy})
		if !strings.Contains(got.Message.Seen.Reveal(), want) {
			t.Errorf("got %q, want %s greeted", got.Message.Seen.Reveal(), want)
		}
	}
}

// A proxy writes in a language of her own, and her number has been told about one child.
func TestUnderstandWhatAProxyWrites(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9)
	sent := &pipeline.SentMessage{
		Notification: pipeline.Notification{Journey: "appointment", Step: "booked", Subject: "Appointment/1", Patient: "Patient/1", Recipient: "RelatedPerson/a"},
		Attempt:      pipeline.Attempt{Actions: []string{"confirm", "change", "cancel"}, Shown: "2027-03-09T13:30:00Z"},
	}
	thread := pipeline.Thread{
		Sent: sent, How: "only", Subject: v, SubjectVersion: "1", Patients: []string{"Patient/1"}, Now: moment(t, before),
		Lookup: directory(patient(t, "Erika", "de"), mother(t, "Ana", "tr")),
	}
	r := pipeline.Reply{ID: "wamid.1", Kind: "text", Text: pipeline.NewPrivate("Geliyorum"), At: moment(t, before)}
	o, err := book.Understand(r, thread)
	if err != nil || o.Answer == nil || len(o.Say) != 1 {
		t.Fatalf("got %+v, %v", o, err)
	}
	got := []string{o.Reading, o.Answer.Patient, o.Decision.Patient, o.Say[0].Patient, o.Say[0].Recipient}
	same(t, "decided", got, []string{"confirm", "Patient/1", "Patient/1", "Patient/1", "RelatedPerson/a"})

	thread.Sent, thread.How, thread.Proxy = nil, "none", "RelatedPerson/a"
	o, err = book.Understand(r, thread)
	if err != nil || len(o.Say) != 1 || o.Say[0].Recipient != "RelatedPerson/a" || o.Say[0].Patient != "Patient/1" {
		t.Errorf("an acknowledgement: got %+v, %v", o, err)
	}
}
