package journey_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline/journey"
)

const talkJourney = `journey: talk
on: message
answers:
  language:
    do: speak
    reply: which
    chosen: thanks
    words: {en: [language], de: [sprache]}
    names: {en: [English], de: [Deutsch]}
  wrong_number:
    do: disown
    reply: thanks
    words: {en: [wrong number], de: [falsche nummer]}
  alarm:
    do: task
    inside: true
    reply: thanks
    words: {en: ["suicid*"], de: [notfall]}
otherwise: {text: thanks, closed: thanks}
`

const which = `template: which
kind: session
choose: languages
languages:
  en: {body: Which language?, list: {button: Languages}}
  de: {body: Welche Sprache?, list: {button: Sprachen}}
`

// The journey on message is tried first, in all languages: what it knows means nothing to another journey.
func TestWordsOfTheConversation(t *testing.T) {
	const visit = `journey: visit
on: Appointment
steps:
  - {name: tomorrow, when: is booked, at: start - 1d, send: hello, expires: start}
answers:
  here:
    do: note
    words: {en: [here], de: [hier]}
  come:
    do: ask
    reply: thanks
    words: {en: [coming], de: [komme]}
    then: {sure: {do: note, words: {en: [sure], de: [sicher]}}}
`
	const hello = "template: hello\nkind: template\ncategory: utility\nbuttons: [here]\nlanguages: {en: {body: Hello to you., buttons: [I am here]}, de: {body: Guten Tag., buttons: [Ich bin hier]}}\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"words of its own", "", "", ""},
		{"a word of the conversation", "en: [here]", "en: [here, Language]", `journeys/visit.yaml:8:24: answers.here.words.en[1]: "Language" means "language" in the journey on message`},
		{"in another language", "de: [hier]", "de: [Wrong Number!]", `answers.here.words.de[0]: "Wrong Number!" means "wrong_number"`},
		{"the name of a language", "en: [sure]", "en: [Deutsch]", `answers.come.then.sure.words.en[0]: "Deutsch" means "language_de"`},
		{"a sentence that is an alarm", "en: [sure]", "en: [no suicide]", `answers.come.then.sure.words.en[0]: "no suicide" means "alarm"`},
		{"a wish for an appointment", "en: [here]", "en: [appointment]", `"appointment" means "book"`},
		{"a wish for an appointment in answer to a question", "en: [sure]", "en: [appointment]", ""},
	} {
		talk := strings.Replace(talkJourney, "answers:\n", "answers:\n  book: {do: book, reply: thanks, words: {en: [appointment], de: [termin]}}\n", 1)
		journeys, templates := files("journeys/talk.yaml", talk, "journeys/visit.yaml", strings.Replace(visit, c.old, c.new, 1),
			"templates/which.yaml", which, "templates/thanks.yaml", soundSession, "templates/hello.yaml", hello)
		_, problems := journey.Load(journeys, templates, settings(t))
		if got := fmt.Sprint(problems); c.want == "" && len(problems) > 0 || !strings.Contains(got, c.want) || len(problems) > 1 {
			t.Errorf("%s: got %v, want %q", c.name, got, c.want)
		}
	}
}

// Hours that nobody is told of are none.
func TestHoursWithoutWords(t *testing.T) {
	s := settings(t)
	s.Hours = []journey.Opening{{Days: []time.Weekday{time.Monday}, From: 8 * 60, To: 12 * 60}}
	for _, c := range []struct {
		name, otherwise string
		found           bool
	}{
		{"told", "{text: thanks, closed: thanks}", false},
		{"not told", "{text: thanks}", true},
	} {
		talk := strings.Replace(talkJourney, "{text: thanks, closed: thanks}", c.otherwise, 1)
		journeys, templates := files("journeys/talk.yaml", talk, "templates/which.yaml", which, "templates/thanks.yaml", soundSession)
		_, problems := journey.Load(journeys, templates, s)
		if len(problems) > 0 != c.found || c.found && !strings.HasPrefix(problems[0].Text, "facility.hours: do nothing without otherwise.closed") {
			t.Errorf("%s: got %v", c.name, problems)
		}
	}
}

func TestProblemsOfTalk(t *testing.T) {
	load := func(talk, template string) []journey.Problem {
		s := settings(t)
		s.Emergency = ""
		journeys, templates := files("journeys/talk.yaml", talk, "templates/which.yaml", template, "templates/thanks.yaml", soundSession)
		_, problems := journey.Load(journeys, templates, s)
		return problems
	}
	if found := load(talkJourney, which); len(found) > 0 {
		t.Fatal(found)
	}
	cases := []struct{ name, old, new, want string }{
		{"no names", "    names: {en: [English], de: [Deutsch]}\n", "", "answers.language.names: is missing"},
		{"a language without a name", "de: [Deutsch]}", "de: []}", "answers.language.names.de: needs a name"},
		{"a language left out", ", de: [Deutsch]}", "}", "answers.language.names: has no names for de"},
		{"a language that is not spoken", "de: [Deutsch]}", "de: [Deutsch], sv: [Svenska]}", `unknown language "sv"`},
		{"a name that means something else", "de: [Deutsch]}", "de: [language]}", `means "language_de" already`},
		{"nothing said to the choice", "    chosen: thanks\n", "", "answers.language.chosen: is missing"},
		{"no list to choose from", "reply: which", "reply: thanks", `"thanks" must be of choose: languages`},
		{"names of nothing", "do: disown\n", "do: disown\n    names: {en: [a]}\n", "answers.wrong_number.names: is only for the choice of a language"},
		{"inside of what does something", "do: disown\n", "do: disown\n    inside: true\n", "answers.wrong_number.inside: is only for what people are asked to do"},
		{"an alarm without letters", `"suicid*"`, `"?*"`, "must have letters or digits"},
		{"an alarm without a language", `en: ["suicid*"], `, "", "answers.alarm.words: has no words in en"},
		{"a reading that there is not", "closed:", "closing:", `unknown reading "closing": it is one of closed, late, stranger, stranger_noted, stranger_unclear, text, unclear`},
		{"a title that is too long", "button: Languages", "button: Languages of all people", "languages.en.list.button: must be at most 20 characters"},
		{"a list in one language only", ", list: {button: Sprachen}", "", "languages.de.list: is missing"},
		{"a list of an approved template", "kind: session\nchoose", "kind: template\ncategory: utility\nchoose", "choose: is only for the kind session"},
		{"somebody's name for a stranger", "kind: session\nchoose: languages\nlanguages:\n  en: {body: Which", "kind: session\nchoose: languages\nmay_show: [name]\nlanguages:\n  en: {body: Which", ""},
		{
			"a number that is not known", "kind: session\nchoose: languages\nlanguages:\n  en: {body: Which language?", "kind: session\nchoose: languages\nmay_show: [facility]\nparameters:\n  n: {field: facility.emergency}\nlanguages:\n  en: {body: \"Which {{n}}?\"",
			`"facility.emergency" is not configured`,
		},
	}
	for _, c := range cases {
		found := load(strings.Replace(talkJourney, c.old, c.new, 1), strings.Replace(which, c.old, c.new, 1))
		switch {
		case c.want == "" && len(found) > 0, c.want != "" && (len(found) == 0 || !strings.Contains(found[0].String(), c.want) && !strings.Contains(found[len(found)-1].String(), c.want)):
			t.Errorf("%s: got %v, want %q", c.name, found, c.want)
		}
	}
	named := strings.Replace(which, "kind: session\n", "kind: session\nmay_show: [name]\n", 1)
	found := load(strings.Replace(talkJourney, "do: disown\n    reply: thanks", "do: disown\n    reply: which", 1), named)
	if len(found) == 0 || !strings.Contains(found[len(found)-1].String(), "may show nothing but the facility") {
		t.Errorf("a stranger is told a name: got %v", found)
	}
}
