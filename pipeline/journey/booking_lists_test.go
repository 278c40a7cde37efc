package journey_test

import (
	"fhirbridge/pipeline/journey"
	"strings"
	"testing"
)

const someList = `template: times
kind: session
choose: slots
languages:
  en:
    body: Please choose.
    list: {button: See times, more: Later, other: None of these}
  de:
    body: Bitte wählen Sie.
    list: {button: Zeiten, more: Später, other: Keine davon}
`

// chosenTime shows the time that was chosen, and paper carries a document.
const (
	chosenTime = "template: time\nkind: session\nmay_show: [schedule]\nparameters: {date: {field: slot.date}}\nlanguages: {en: {body: 'On {{date}}.'}, de: {body: 'Am {{date}}.'}}\n"
	paper      = "template: paper\nkind: session\ndocument: true\nlanguages: {en: {body: Here., file: Paper.pdf}, de: {body: Hier., file: Papier.pdf}}\n"
)

func TestProblemsOfLists(t *testing.T) {
	const change = "  change: {do: change, reply: {slots: times, taken: times, done: thanks, asked: thanks}}\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"sound", "", "", ""},
		{"what is chosen", "choose: slots", "choose: slot", `unknown choice "slot", did you mean "slots"?`},
		{"not a session text", "kind: session\nchoose", "kind: template\ncategory: utility\nchoose", "choose: is only for the kind session"},
		{"no list in a language", "    list: {button: Zeiten, more: Später, other: Keine davon}\n", "", "languages.de.list: is missing"},
		{"no row for later times", "more: Later, ", "", "languages.en.list.more: is missing"},
		{"a long row", "None of these", "None of these times suits me", "languages.en.list.other: must be at most 24 characters"},
		{"a long button", "See times", "See all the free times now", "languages.en.list.button: must be at most 20 characters"},
		{"times where nothing is chosen", "done: thanks", "done: times", `"times" has a list to choose from, and nothing is chosen here`},
		{"the chosen time when it is done", "done: thanks", "done: time", ""},
		{"a chosen time where people are asked", "asked: thanks", "asked: time", `reply.asked: "time" shows the time that was chosen, and here none is`},
		{"a chosen time where times are offered", "choose: slots\n", "choose: slots\nmay_show: [schedule]\nparameters: {date: {field: slot.date}}\n", `reply.taken: "times" shows the time that was chosen, and here none is`},
		{"a document when it is done", "done: thanks", "done: paper", `reply.done: "paper" carries a document`},
		{"no list where times are chosen", "slots: times", "slots: thanks", `"thanks" must be of choose: slots`},
		{"a reply that is missing", ", done: thanks", "", "answers.change.reply.done: is missing"},
		{"services of a change", "slots: times", "services: times, slots: times", `unknown key "services"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			journeyText := strings.Replace(soundJourney, "answers:\n", "answers:\n"+change, 1)
			replace := func(s string) string { return strings.Replace(s, c.old, c.new, 1) }
			list := someList
			if strings.Contains(list, c.old) {
				list = replace(list)
			} else {
				journeyText = replace(journeyText)
			}
			journeys, templates := files("journeys/visit.yaml", journeyText, "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession, "templates/times.yaml", list,
				"templates/time.yaml", chosenTime, "templates/paper.yaml", paper)
			_, problems := journey.Load(journeys, templates, settings(t))
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if all := strings.Join(got, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("got %s\nwant %s", all, c.want)
			}
		})
	}
	journeys, templates := files("journeys/visit.yaml", soundJourney, "templates/hello.yaml", strings.Replace(soundTemplate, "start.date", "slot.date", 1), "templates/thanks.yaml", soundSession)
	if _, problems := journey.Load(journeys, templates, settings(t)); len(problems) == 0 || !strings.Contains(problems[0].Text, "shows the time that was chosen, and here none is") {
		t.Errorf("a time where none is chosen: got %v", problems)
	}
}
