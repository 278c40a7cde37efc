package journey_test

import (
	"testing"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// around is a journey about the same visits as the one of sound files: what it says may be asked for at any time.
const around = `journey: around
on: Appointment
never: [is sensitive]
steps: [{name: way, at: start - 2h, when: is booked, send: way, expires: start}]
answers:
  where: {do: note, reply: thanks, words: {en: [where, maybe], de: [wo]}}
  ill: {do: task, urgent: true, reply: thanks, words: {en: [ill], de: [krank]}}
  here: {do: accept, reply: thanks, words: {en: [here], de: [hier]}}
  fine: {do: note, words: {en: ["yes", fine], de: [gut]}}
`

const another = `journey: another
on: Appointment
steps: [{name: other, at: start - 3h, when: is booked, send: other, expires: start}]
answers:
  perhaps: {do: note, reply: thanks, words: {en: [maybe], de: [vielleicht]}}
`

func plain(name string) string {
	return `template: ` + name + `
kind: template
category: utility
languages:
  en: {body: "This is ` + name + `."}
  de: {body: "Das ist ` + name + `."}
`
}

// A word is first an answer to the message that it follows. Then it may be one that another journey about the same
// visit takes note of, or hands to people.
func TestUnderstandAWordOfAnotherJourney(t *testing.T) {
	book := with(t, "journeys/visit.yaml", soundJourney, "journeys/around.yaml", around, "journeys/another.yaml", another,
		"templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession, "templates/way.yaml", plain("way"), "templates/other.yaml", plain("other"))
	booked := visit(t, "booked", march9)
	cases := []struct {
		name, word     string
		told           string
		subject        fhir.Resource
		reading, hands string
		urgent         bool
		journey        string
	}{
		{name: "an answer to the message", word: "yes", reading: "confirm", journey: "visit"},
		{name: "what is taken note of", word: "Where?", reading: "where", journey: "around"},
		{name: "what people are asked to act on", word: "ill", reading: "ill", hands: "ill", urgent: true, journey: "around"},
		{name: "what another journey would decide by", word: "here", reading: "text", hands: "patient_message"},
		{name: "what means two things", word: "maybe", reading: "text", hands: "patient_message"},
		{name: "what means one thing to the journey that was heard", word: "maybe", told: "another", reading: "perhaps", journey: "another"},
		{name: "a visit of which no step of the other journey speaks", word: "where", subject: visit(t, "cancelled", march9), reading: "text", hands: "patient_message"},
		{name: "what the other journey says nothing about", word: "where", subject: visit(t, "booked", march9, labels("PSY")), reading: "text", hands: "patient_message"},
		{name: "a visit that does not concern the patient any more", word: "where", subject: visit(t, "booked", march9, patients("accepted", "2")), reading: "text", hands: "patient_message"},
		{name: "a decision of the journey that was not heard", word: "ja", told: "around", reading: "text", hands: "patient_message"},
		{name: "a word of none", word: "who", reading: "text", hands: "patient_message"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			th := about(t, book, booked, "")
			th.Language, th.Lookup = "en", directory()
			if c.told != "" {
				th.Sent.Notification.Journey = c.told
			}
			if c.subject != nil {
				th.Subject = c.subject
			}
			o := understand(t, book, text(c.word), th)
			said := ""
			for _, n := range o.Say {
				said = n.Journey
				if got := compose(t, book, n, pipeline.Facts{Subject: th.Subject, Patient: patient(t, "Erika", "en"), Window: true}); got.Skip != "" {
					t.Errorf("not said: %s", got.Skip)
				}
			}
			if o.Reading != c.reading || o.Handoff != c.hands || o.Urgent != c.urgent || said != c.journey {
				t.Errorf("got %q, %q, %v, said by %q, want %q, %q, %v, %q", o.Reading, o.Handoff, o.Urgent, said, c.reading, c.hands, c.urgent, c.journey)
			}
		})
	}
	th := about(t, book, nil, "")
	th.Language = "en"
	if o := understand(t, book, text("where"), th); o.Reading != "text" {
		t.Errorf("a visit that is gone: got %q", o.Reading)
	}
}

// What other journeys say of the same visit is for their own examples.
func TestExamplesOfOneJourneyAlone(t *testing.T) {
	example := soundJourney + `examples:
  - example: told
    patient: {given: Ann, language: en}
    timeline:
      - at: 2027-03-01 09:00
        event: {status: booked, start: "2027-03-09T14:30:00+01:00"}
        sends: [{step: booked}]
      - at: 2027-03-09 14:30
`
	book := with(t, "journeys/visit.yaml", example, "journeys/another.yaml", another,
		"templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession, "templates/other.yaml", plain("other"))
	if problems := book.RunExamples(); len(problems) > 0 {
		t.Errorf("got %q", problems)
	}
}
