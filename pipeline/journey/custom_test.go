package journey_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// own is what an engineer might define, over members of the resource; parses counts how often one is parsed.
func own(t testing.TB, parses *int) journey.Settings {
	s := settings(t)
	s.Parse = func(raw []byte) (any, error) {
		*parses++
		var members map[string]any
		err := json.Unmarshal(raw, &members)
		return members, err
	}
	member := func(parsed any, name string) (string, error) {
		text, ok := parsed.(m)[name].(string)
		if !ok {
			return "", errors.New("no text")
		}
		return text, nil
	}
	s.Fields = map[string]journey.Field{"room": {Of: "Appointment", Class: "place", Texts: func(parsed any, _ time.Time) ([]string, error) {
		text, err := member(parsed, "comment")
		return []string{text, "never shown"}, err
	}}}
	s.Conditions = map[string]journey.Condition{"first visit": {Of: "Appointment", Holds: func(parsed any, _ time.Time) (bool, error) {
		text, err := member(parsed, "description")
		return text == "first", err
	}}}
	return s
}

const (
	ownJourney = `journey: visit
on: Appointment
steps:
  - {name: welcome, when: became booked and first visit, send: hello, expires: start}
  - {name: again, when: became booked and not first visit, send: hello, expires: start}
`
	ownTemplate = `template: hello
kind: template
category: utility
may_show: [place]
parameters:
  room: {field: room, example: Room 5, else: {en: our house}}
languages:
  en: {body: "Please come to {{room}} for your appointment."}
`
)

func ownBook(t testing.TB, s journey.Settings, pairs ...string) *journey.Book {
	t.Helper()
	journeys, templates := files(pairs...)
	book, problems := journey.Load(journeys, templates, s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return book
}

func TestCustomConditionAndField(t *testing.T) {
	cases := []struct {
		name string
		more m
		want string
		text string
	}{
		{"it holds", m{"description": "first", "comment": "Room 7"}, "welcome", "Please come to Room 7 for your appointment."},
		{"its contrary holds", m{"description": "second", "comment": "Room 7"}, "again", "Please come to Room 7 for your appointment."},
		{"neither holds of what it fails on", m{"comment": "Room 7"}, "", ""},
		{"a field that fails is empty", m{"description": "first"}, "welcome", "Please come to our house for your appointment."},
		{
			"a field of a sensitive visit is empty", m{"description": "first", "comment": "Room 7", "meta": labels("PSY")["meta"]},
			"welcome", "Please come to our house for your appointment.",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			parses := 0
			book := ownBook(t, own(t, &parses), "journeys/visit.yaml", ownJourney, "templates/hello.yaml", ownTemplate)
			v := visit(t, "booked", march9, c.more)
			now := v.Start().Add(-48 * time.Hour)
			wanted := decide(t, book, pipeline.Change{Current: v, Version: "1", Now: now})
			if got := strings.Join(steps(wanted), " "); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			if parses != 1 {
				t.Errorf("two conditions have parsed the resource %d times, want once", parses)
			}
			if c.want == "" {
				return
			}
			got := compose(t, book, wanted[0], pipeline.Facts{Subject: v, Patient: patient(t, "Ann", "en"), Now: now, Lookup: directory()})
			if text := got.Message.Seen.Reveal(); text != c.text {
				t.Errorf("got %q, want %q", text, c.text)
			}
		})
	}
}

func TestNothingIsParsedThatNobodyUses(t *testing.T) {
	parses := 0
	book := ownBook(t, own(t, &parses), "journeys/visit.yaml", soundJourney, "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession)
	v := visit(t, "booked", march9, m{"description": "first", "comment": "Room 7"})
	now := v.Start().Add(-48 * time.Hour)
	book.Needs(v)
	wanted := decide(t, book, pipeline.Change{Current: v, Version: "1", Now: now})
	if len(wanted) != 1 {
		t.Fatalf("got %d, want the booking", len(wanted))
	}
	compose(t, book, wanted[0], pipeline.Facts{Subject: v, Patient: patient(t, "Ann", "en"), Now: now, Lookup: directory()})
	if parses != 0 {
		t.Errorf("parsed %d times, want never", parses)
	}
}

func TestCheckCustom(t *testing.T) {
	cases := []struct {
		name       string
		fields     map[string]journey.Field
		conditions map[string]journey.Condition
		want       string
	}{
		{"nothing", nil, nil, ""},
		{
			"what is right", map[string]journey.Field{"room": {Of: "Appointment", Class: "place"}},
			map[string]journey.Condition{"is first-visit": {Of: "DiagnosticReport"}}, "",
		},
		{"a name that is built in", map[string]journey.Field{"instruction": {Of: "Appointment", Class: "place"}}, nil, "fields.instruction: is built in"},
		{"a name with a point", map[string]journey.Field{"place.room": {Of: "Appointment", Class: "place"}}, nil, "fields.place.room: must be lower-case"},
		{"a class that there is not", map[string]journey.Field{"room": {Of: "Appointment", Class: "places"}}, nil, `fields.room.class: unknown class "places", did you mean "place"?`},
		{"a class for findings", map[string]journey.Field{"room": {Of: "Appointment", Class: "result"}}, nil, "fields.room.class: unknown class"},
		{"a type of which no journey is", map[string]journey.Field{"room": {Of: "appointment", Class: "place"}}, nil, `fields.room.of: unknown type "appointment", did you mean "Appointment"?`},
		{"no type", nil, map[string]journey.Condition{"first visit": {}}, "conditions.first visit.of: unknown type"},
		{"a condition that is built in", nil, map[string]journey.Condition{"confirmed": {Of: "Appointment"}}, "conditions.confirmed: is built in"},
		{"a status", nil, map[string]journey.Condition{"is booked": {Of: "Appointment"}}, "conditions.is booked: is built in"},
		{"an and", nil, map[string]journey.Condition{"first and last": {Of: "Appointment"}}, "conditions.first and last: must be words"},
		{"a contrary", nil, map[string]journey.Condition{"not first": {Of: "Appointment"}}, "conditions.not first: must be words"},
		{"capitals", nil, map[string]journey.Condition{"First": {Of: "Appointment"}}, "conditions.First: must be words"},
		{"nothing at all", nil, map[string]journey.Condition{"": {Of: "Appointment"}}, "conditions.: must be words"},
		{"what seems to happen", nil, map[string]journey.Condition{"became late": {Of: "Appointment"}}, "conditions.became late: reads as something else"},
		{"what seems to ask a list", nil, map[string]journey.Condition{"service in fasting": {Of: "Appointment"}}, "conditions.service in fasting: reads as something else"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := settings(t)
			s.Fields, s.Conditions = c.fields, c.conditions
			got := ""
			if err := s.CheckCustom(); err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, c.want)
			}
			journeys, templates := files("journeys/visit.yaml", soundJourney, "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession)
			if book, _ := journey.Load(journeys, templates, s); (book == nil) != (c.want != "") {
				t.Errorf("Load refuses it: %v, want %v", book == nil, c.want != "")
			}
		})
	}
}
