package journey_test

import (
	"strings"
	"testing"

	"fhirbridge/pipeline/journey"
)

const askedJourney = `journey: appointment
on: Appointment
steps:
  - {name: booked, when: became booked, send: offer, expires: start}
answers:
  help:
    do: ask
    reply: how_help
    words: {en: [help], de: [hilfe]}
    then:
      nothing: {do: note, words: {en: ["no"], de: [nein]}}
      help_words: {do: task, anything: true, reply: noted}
examples:
  - example: in the patient's own words
    patient: {given: Ann, language: en}
    timeline:
      - at: 2027-03-01 09:00
        event: {status: booked, start: "2027-03-09T14:30:00+01:00"}
        sends: [{step: booked}]
      - at: 2027-03-01 09:01
        tap: help
        reads: help
        sends: [{step: "answer:help"}]
      - at: 2027-03-01 09:02
        says: I need a wheelchair at the door, please.
        reads: help_words
        hands: help_words
        sends: [{step: "answer:help_words"}]
      - at: 2027-03-01 09:03 # what answers no question goes to people as it is
        says: And a taxi.
        reads: text
        hands: patient_message
  - example: nothing is asked for
    patient: {given: Ann, language: en}
    timeline:
      - at: 2027-03-01 09:00
        event: {status: booked, start: "2027-03-09T14:30:00+01:00"}
        sends: [{step: booked}]
      - at: 2027-03-01 09:01
        says: help
        reads: help
        sends: [{step: "answer:help"}]
      - at: 2027-03-01 09:02
        says: No.
        reads: nothing
`

const offer = `template: offer
kind: template
category: utility
buttons: [help]
languages:
  en: {body: "Write to us if you need help.", buttons: [Help]}
  de: {body: "Schreiben Sie uns, wenn Sie Hilfe brauchen.", buttons: [Hilfe]}
`

const howHelp = `template: how_help
kind: session
languages:
  en: {body: What do you need?}
  de: {body: Was brauchen Sie?}
`

// What is typed in answer to a question that awaits words is taken for them, whatever it says, unless it is one of
// the question's own words; and nothing else is.
func TestWordsThatAreAskedFor(t *testing.T) {
	load := func(text string) []journey.Problem {
		journeys, templates := files("journeys/help.yaml", text, "templates/offer.yaml", offer, "templates/how_help.yaml", howHelp,
			"templates/noted.yaml", strings.Replace(soundSession, "thanks", "noted", 1))
		book, problems := journey.Load(journeys, templates, settings(t))
		if len(problems) > 0 {
			return problems
		}
		return book.RunExamples()
	}
	if found := load(askedJourney); len(found) > 0 {
		t.Error(found)
	}
	cases := []struct{ name, old, new, want string }{
		{"outside of a question", "do: ask\n    reply: how_help\n    words:", "do: ask\n    anything: true\n    reply: how_help\n    words:", "answers.help.anything: is only for an answer to a question, in then"},
		{"twice", `nothing: {do: note, words: {en: ["no"], de: [nein]}}`, "nothing: {do: note, anything: true}", `another answer takes anything already: "nothing"`},
		{"nonsense", "anything: true", "anything: maybe", `unknown truth "maybe"`},
	}
	for _, c := range cases {
		found := load(strings.Replace(askedJourney, c.old, c.new, 1))
		if len(found) != 1 || !strings.Contains(found[0].String(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, found, c.want)
		}
	}
}
