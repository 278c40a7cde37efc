package journey_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// visitEnd is when the visits of these tests were over, and surveyTime when patients are asked about them.
const (
	visitEnd   = "2027-03-09T10:30:00+01:00"
	surveyTime = "2027-03-09T14:30:00+01:00"
)

func surveyed(t testing.TB, id string, more ...m) *fhir.Encounter {
	t.Helper()
	place := m{"location": []any{m{"location": m{"reference": "Location/survey-example"}}}, "period": m{"end": visitEnd}, "id": id}
	return encounter(t, "finished", append([]m{place}, more...)...)
}

// threadOf is what a message of the shipped survey was about, and what the ledger knows of it.
func threadOf(subject fhir.Resource, of string, answers ...pipeline.Answer) pipeline.Thread {
	return pipeline.Thread{
		Sent: &pipeline.SentMessage{Notification: pipeline.Notification{
			Journey: of, Step: "visit", Subject: subject.Header().Ref(), Patient: "Patient/1", Recipient: "Patient/1",
		}},
		How: "only", Subject: subject, Known: pipeline.Known{Answers: answers}, Patients: []string{"Patient/1"}, Now: time.Date(2027, 3, 9, 14, 0, 0, 0, time.UTC),
	}
}

func tapping(t pipeline.Thread, action string) pipeline.Thread {
	t.Sent.Action, t.How = action, "token"
	return t
}

func answeredAs(t testing.TB, b *journey.Book, id, words string, th pipeline.Thread) pipeline.Outcome {
	t.Helper()
	r := pipeline.Reply{ID: id, Kind: "text", Text: pipeline.NewPrivate(words), At: th.Now}
	o, err := b.Understand(r, th)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The same answer is the same for ever, whichever message brings it; another visit's, patient's or question's is another.
func TestSurveyAnswersHaveKeys(t *testing.T) {
	b := everything(t)
	first := answeredAs(t, b, "wamid.1", "", tapping(threadOf(surveyed(t, "1"), "survey"), "survey_good"))
	if a := first.Survey; a == nil || a.Score != 4 || a.Question != "survey" || a.Subject != "Encounter/1" || a.Patient != "Patient/1" {
		t.Fatalf("got %+v", first.Survey)
	}
	typed := answeredAs(t, b, "wamid.2", "4", threadOf(surveyed(t, "1"), "survey"))
	if typed.Reading != "survey_good" || typed.Survey.Key != first.Survey.Key {
		t.Errorf("typed: got %s, %v", typed.Reading, typed.Survey)
	}
	keys := []string{first.Survey.Key}
	for _, th := range []pipeline.Thread{tapping(threadOf(surveyed(t, "2"), "survey"), "survey_good"), tapping(threadOf(visit(t, "fulfilled", lateStart), "survey_booked"), "survey_good")} {
		keys = append(keys, answeredAs(t, b, "wamid.3", "", th).Survey.Key)
	}
	words := threadOf(surveyed(t, "1"), "survey")
	words.Sent.Notification.Step, words.How = "answer:survey_good", "asked"
	o := answeredAs(t, b, "wamid.4", "A bit long.", words)
	if o.Survey == nil || o.Survey.Score != 0 || o.Survey.Question != "survey_comment" || o.Handoff != "survey_comment" {
		t.Fatalf("words: got %+v, handed over as %q", o.Survey, o.Handoff)
	}
	keys = append(keys, o.Survey.Key)
	if slices.Sort(keys); len(slices.Compact(slices.Clone(keys))) != 4 {
		t.Errorf("two answers have one key: %v", keys)
	}
}

// What cannot be filed as it was meant goes to people, and is no answer.
func TestSurveyAnswersThatDoNotCount(t *testing.T) {
	b := everything(t)
	before := func(action string) pipeline.Answer {
		return pipeline.Answer{Subject: "Encounter/1", Patient: "Patient/1", Action: action, At: time.Unix(1, 0)}
	}
	gone := tapping(threadOf(surveyed(t, "1"), "survey"), "survey_good")
	gone.Subject = nil
	for _, c := range []struct {
		name, reading, handoff string
		thread                 pipeline.Thread
	}{
		{"the same again", "again", "", tapping(threadOf(surveyed(t, "1"), "survey", before("survey_good")), "survey_good")},
		{"another score", "survey_good", "another_score", tapping(threadOf(surveyed(t, "1"), "survey", before("survey_poor")), "survey_good")},
		{"a visit that was a mistake", "late", "late_answer", tapping(threadOf(encounter(t, "entered-in-error"), "survey"), "survey_good")},
		{"a visit that is gone", "late", "late_answer", gone},
		{"a visit that is somebody else's by now", "late", "late_answer", tapping(threadOf(surveyed(t, "1", m{"subject": m{"reference": "Patient/2"}}), "survey"), "survey_good")},
	} {
		o := answeredAs(t, b, "wamid.1", "", c.thread)
		if o.Survey != nil || o.Answer != nil || o.Reading != c.reading || o.Handoff != c.handoff {
			t.Errorf("%s: got %s, handed over as %q, answered: %v", c.name, o.Reading, o.Handoff, o.Survey != nil)
		}
	}
	if o := answeredAs(t, b, "wamid.1", "", tapping(threadOf(surveyed(t, "1"), "survey", before("can_wait")), "survey_good")); o.Survey == nil {
		t.Error("who answered something else before has no score")
	}
}

// One visit is asked about once: both of its resources have the same name for it, and no other visit has.
func TestOnceAboutAVisit(t *testing.T) {
	b := everything(t)
	once := func(subject fhir.Resource, of string) []string {
		t.Helper()
		now := moment(t, surveyTime)
		plan := decide(t, b, pipeline.Change{Current: subject, Version: "1", Now: now, Lookup: directory()})
		i := slices.IndexFunc(plan, func(n pipeline.Notification) bool { return n.Journey == of })
		if i < 0 {
			t.Fatalf("nothing is asked by %s", of)
		}
		composed, err := b.Compose(plan[i], pipeline.Facts{Subject: subject, Patient: patient(t, "Ann", "en"), Lookup: directory(), Now: now}, attempt)
		if err != nil || composed.Skip != "" {
			t.Fatal(err, composed.Skip)
		}
		return composed.Once
	}
	booking := func(id string) fhir.Resource {
		return visit(t, "fulfilled", "2027-03-09T10:00:00+01:00", m{"id": id, "participant": []any{
			m{"actor": m{"reference": "Patient/1"}, "status": "accepted"}, m{"actor": m{"reference": "Location/survey-example"}, "status": "accepted"},
		}})
	}
	two := m{"appointment": []any{m{"reference": "Appointment/1"}, m{"reference": "Appointment/2"}}}
	of1, of2 := once(booking("1"), "survey_booked"), once(booking("2"), "survey_booked")
	alone, other := once(surveyed(t, "1", m{"appointment": nil}), "survey"), once(surveyed(t, "2", m{"appointment": nil}), "survey")
	same(t, "the visit of one appointment", once(surveyed(t, "1"), "survey"), slices.Concat(alone, of1))
	same(t, "the visit of two", once(surveyed(t, "1", two), "survey"), slices.Concat(alone, of1, of2))
	for _, pair := range [][2][]string{{of1, of2}, {alone, other}, {alone, of1}} {
		if len(pair[0]) != 1 || len(pair[1]) != 1 || slices.Equal(pair[0], pair[1]) {
			t.Errorf("two visits: %v and %v", pair[0], pair[1])
		}
	}
}

func TestProblemsOfSurveys(t *testing.T) {
	const survey = `journey: survey
on: Encounter
steps:
  - {name: visit, at: end + 4h, when: is finished, send: ask_score, expires: end + 3d, once: survey}
answers:
  rating:
    do: score
    scale: [one, two, three, four, five]
    low: 2
    reply: more
    then: {comment: {do: words, anything: true, reply: more}}
`
	const ask = `template: ask_score
kind: template
category: utility
buttons: [five, one]
languages:
  en: {body: "How was it? Tell us from one to five.", buttons: [Good, Bad]}
`
	const more = "template: more\nkind: session\nlanguages: {en: {body: Thank you. And more?}}\n"
	load := func(journeyText, templateText string) []journey.Problem {
		journeys, templates := files("journeys/survey.yaml", journeyText, "templates/ask.yaml", templateText, "templates/more.yaml", more)
		_, problems := journey.Load(journeys, templates, settings(t))
		return problems
	}
	if found := load(survey, ask); len(found) > 0 {
		t.Fatal(found)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"four points", "four, five]", "four]", "must be 5 names, from the worst to the best"},
		{"a point twice", "four, five]", "four, four]", `there are two answers with the name "four"`},
		{"no scale", "    scale: [one, two, three, four, five]\n", "", "rating.scale: is missing"},
		{"a low that is none", "low: 2", "low: 6", "must be a score from 1 to 5"},
		{"words of its own", "low: 2", "words: {en: [well]}", "a score is given by the points of its scale"},
		{"the scale as a button", "do: score", "do: note", "is only for do: score"},
		{"words that answer nothing", "comment: {do: words, anything: true", "comment: {do: words, words: {en: [well]}", "takes what is typed in answer to a score"},
		{"a questionnaire", "on: Encounter", "on: Encounter\nquestionnaire: https://your.host/fhir/Questionnaire/visit|1", "[]"},
		{"a questionnaire with an id", "on: Encounter", "on: Encounter\nquestionnaire: urn:uuid:6f6f1f4e-0b1b-4f0e-9d0b-2d1f0a3c5e7a", "[]"},
		{"a questionnaire that is none", "on: Encounter", "on: Encounter\nquestionnaire: not a url at all", "questionnaire: must be the URL of a Questionnaire"},
		{"a questionnaire that is relative", "on: Encounter", "on: Encounter\nquestionnaire: Questionnaire/visit", "questionnaire: must be the URL of a Questionnaire"},
		{"once of a report", "on: Encounter", "on: DiagnosticReport", "is for a journey on visits"},
	} {
		if found := load(strings.Replace(survey, c.old, c.new, 1), ask); !strings.Contains(fmt.Sprint(found), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, found, c.want)
		}
	}
	const noScore = "journey: x\non: Encounter\nquestionnaire: https://your.host/Questionnaire/1\nsteps:\n  - {name: visit, at: end + 4h, send: ask_score, expires: end + 3d}\nanswers:\n  five: {do: note}\n  one: {do: note}\n"
	if found := load(noScore, ask); !strings.Contains(fmt.Sprint(found), "questionnaire: is for a journey that asks for scores") {
		t.Errorf("a questionnaire without scores: got %v", found)
	}
	if found := load(survey, strings.Replace(ask, "five, one", "rating, one", 1)); !strings.Contains(fmt.Sprint(found), `unknown answer "rating"`) {
		t.Errorf("the scale on a button: got %v", found)
	}
}

// More than three buttons of a session text are the rows of a list.
func TestAListOfButtons(t *testing.T) {
	b := everything(t)
	subject := surveyed(t, "1")
	now := moment(t, surveyTime)
	plan := decide(t, b, pipeline.Change{Current: subject, Version: "1", Now: now})
	composed, err := b.Compose(plan[0], pipeline.Facts{Subject: subject, Patient: patient(t, "Ann", "en"), Lookup: directory(), Window: true, Now: now}, attempt)
	if err != nil || composed.Message.Interactive == nil || composed.Message.Interactive.List == nil {
		t.Fatal("no list: ", err, composed.Skip)
	}
	list := composed.Message.Interactive.List
	if list.Title != "Choose a rating" || len(list.Rows) != 5 || list.Rows[0].Title.Reveal() != "5 – Very good" || list.Rows[4].Payload != pipeline.Token(attempt, 5) {
		t.Errorf("got %q with %d rows", list.Title, len(list.Rows))
	}
	if !slices.Equal(composed.Actions, []string{"survey_very_good", "survey_good", "survey_fair", "survey_poor", "survey_very_poor"}) {
		t.Errorf("they mean %v", composed.Actions)
	}
	const list4 = `template: menu
kind: session
buttons: [a, b, c, d]
languages:
  en: {body: Which one?, buttons: [One, Two, Three, "A fourth, of 24 letters."], list: {button: Choose}}
`
	for _, c := range []struct{ name, old, new, want string }{
		{"fine", "", "", ""},
		{"nothing to open it", ", list: {button: Choose}", "", "list: is missing"},
		{"a long one", "button: Choose", "button: Choose one of these four", "must be at most 20 characters"},
		{"a long row", "letters.", "letters!!", "must be at most 24 characters"},
		{"no list", "buttons: [a, b, c, d]", "buttons: [a, b, c]", "is only for a template with choose, or a session text with more than 3 buttons"},
	} {
		journeys, templates := files("journeys/x.yaml", "journey: x\non: message\n", "templates/menu.yaml", strings.Replace(list4, c.old, c.new, 1))
		_, problems := journey.Load(journeys, templates, settings(t))
		if text := fmt.Sprint(problems); c.want == "" && len(problems) > 0 || !strings.Contains(text, c.want) {
			t.Errorf("%s: got %v, want %q", c.name, problems, c.want)
		}
	}
}
