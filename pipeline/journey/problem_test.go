package journey_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fhirbridge/pipeline/journey"
)

const (
	soundJourney = `journey: visit
on: Appointment
steps:
  - name: booked
    when: became booked
    send: hello
    expires: start
answers:
  confirm: {do: accept, reply: thanks, words: {en: ["yes"], de: [ja]}}
stale: hello
`
	soundTemplate = `template: hello
kind: template
category: utility
message_send_ttl_seconds: 43200
may_show: [schedule, facility]
parameters:
  date: {field: start.date, example: Tuesday}
  facility: {field: facility.name, example: Clinic}
buttons: [confirm]
languages:
  en:
    header: An appointment
    body: We have booked an appointment for you on {{date}} at {{facility}} today.
    footer: Reply STOP to end.
    buttons: [Confirm]
  de:
    header: Ein Termin
    body: Wir haben für Sie einen Termin am {{date}} bei {{facility}} gebucht.
    footer: Mit STOPP beenden.
    buttons: [Bestätigen]
`
	soundSession = `template: thanks
kind: session
languages:
  en: {body: Thank you.}
  de: {body: Vielen Dank.}
`
)

func TestSoundFilesLoad(t *testing.T) {
	with(t, "journeys/visit.yaml", soundJourney, "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession)
}

// Each case is one change to sound files, and the problem that it must lead to.
func TestProblemsOfJourneys(t *testing.T) {
	cases := []struct{ name, old, new, want string }{
		{"a key", "steps:", "stpes:", `journeys/visit.yaml:3:1: stpes: unknown key "stpes", did you mean "steps"?`},
		{"no name", "journey: visit\n", "", "journeys/visit.yaml:1:1: journey: is missing"},
		{"a name", "journey: visit", "journey: My Visit!", "journeys/visit.yaml:1:10: journey: must be lower-case letters, digits and underscores, at most 40"},
		{"a resource", "on: Appointment", "on: Apointment", `journeys/visit.yaml:2:5: on: unknown start "Apointment", did you mean "Appointment"?`},
		{"a condition", "became booked", "became boked", `journeys/visit.yaml:5:11: steps[0].when: unknown condition "became boked", did you mean "became booked"?`},
		{"a condition far from any", "became booked", "when the moon is full", `journeys/visit.yaml:5:11: steps[0].when: unknown condition "when the moon is full": see docs/journeys.md for what can be said`},
		{"two edges", "became booked", "became booked and moved", `journeys/visit.yaml:5:11: steps[0].when: "became booked and moved": only one thing can happen at a time`},
		{"neither edge nor time", "became booked", "is booked", `journeys/visit.yaml:4:5: steps[0]: needs something that happens ("became …", "moved"), or a time ("at")`},
		{"both edge and time", "    send", "    at: start - 2h\n    send", `journeys/visit.yaml:6:9: steps[0].at: a step is said when something happens or at a time, not both`},
		{"a time", "when: became booked", "when: is booked\n    at: 2 days before", `journeys/visit.yaml:6:9: steps[0].at: must be like "start - 2d, 10:00" or "start - 2h"`},
		{"a clock", "when: became booked", "when: is booked\n    at: start - 2d, 25:00", `journeys/visit.yaml:6:9: steps[0].at: must be like "start - 2d, 10:00" or "start - 2h"`},
		{"an hour and a clock", "when: became booked", "when: is booked\n    at: start - 2h, 10:00", `journeys/visit.yaml:6:9: steps[0].at: must be like "start - 2d, 10:00" or "start - 2h"`},
		{"no end", "    expires: start\n", "", `journeys/visit.yaml:4:5: steps[0].expires: is missing`},
		{"an end", "expires: start", "expires: never", `journeys/visit.yaml:7:14: steps[0].expires: must be like "start", "start - 1h" or "+48h"`},
		{"an end before the time", "when: became booked", "when: is booked\n    at: start - 2h", ``},
		{"a template", "send: hello", "send: helo", `journeys/visit.yaml:6:11: steps[0].send: unknown template "helo", did you mean "hello"?`},
		{"a session text", "send: hello", "send: thanks", `journeys/visit.yaml:6:11: steps[0].send: is a session text: only a template may open a conversation`},
		{"a policy", "expires: start", "expires: start\n    unknown: resent", `journeys/visit.yaml:8:14: steps[0].unknown: unknown policy "resent", did you mean "resend"?`},
		{"a deed", "do: accept", "do: acept", `journeys/visit.yaml:9:17: answers.confirm.do: unknown deed "acept", did you mean "accept"?`},
		{"an answer that a button needs", "  confirm:", "  confirmed:", `journeys/visit.yaml:6:11: steps[0].send: "hello" has a button for an unknown answer "confirm", did you mean "confirmed"?`},
		{"a reply", "reply: thanks", "reply: thank", `journeys/visit.yaml:9:32: answers.confirm.reply: unknown template "thank", did you mean "thanks"?`},
		{"a language of words", "de: [ja]", "dee: [ja]", `journeys/visit.yaml:9:61: answers.confirm.words.dee: unknown language "dee", did you mean "de"?`},
		{"words that are missing", ", de: [ja]", "", `journeys/visit.yaml:9:47: answers.confirm.words: has no words in de`},
		{"a sentence as a word", "[ja]", `["` + strings.Repeat("ja ", 30) + `"]`, `journeys/visit.yaml:9:66: answers.confirm.words.de[0]: is longer than 64 bytes: a sentence is not a word`},
		{"a word with two meanings", "stale: hello", "  cancel: {do: decline, reply: thanks, words: {en: [\"no\"], de: [JA!]}}", `journeys/visit.yaml:10:65: answers.cancel.words.de[0]: means "confirm" already`},
		{"what is only for messages", "stale: hello", "otherwise: {text: thanks}", `journeys/visit.yaml:10:13: otherwise.text: is only for the journey on message`},
		{"a silence that happens", "steps:", "never: [became booked]\nsteps:", `journeys/visit.yaml:3:9: never[0]: must say how things are, not what happens`},
		{"a list that is none", "steps:\n  - name: booked\n    when: became booked\n    send: hello\n    expires: start", "steps: booked", `journeys/visit.yaml:3:8: steps: must be a list`},
		{"two steps of a name", "answers:", "  - {name: booked, when: moved, send: hello, expires: start}\nanswers:", `journeys/visit.yaml:8:5: steps[1]: there are two steps with the name "booked"`},
		{"no YAML", "steps:", "steps: [", `journeys/visit.yaml:`},
		{"two documents", "answers:", "---\nanswers:", `journeys/visit.yaml: must hold one document, and holds 2`},
		{"a key twice", "on: Appointment", "on: Appointment\non: Appointment", `journeys/visit.yaml:3:1: is not YAML: mapping key "on" already defined at [2:1]`},
		{"nothing under a key", "send: hello", "send:", `journeys/visit.yaml:6:5: steps[0].send: is empty`},
		{"an example's time", "stale: hello", "examples: [{example: x, patient: {given: A, language: en}, timeline: [{at: noon}]}]", `journeys/visit.yaml:10:76: examples[0].timeline[0].at: must be like "2027-03-01 09:00"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "an end before the time" {
				c.want = `journeys/visit.yaml:8:14: steps[0].expires: must be later than at`
				c.old, c.new = "    when: became booked\n    send: hello\n    expires: start", "    when: is booked\n    at: start - 2h\n    send: hello\n    expires: start - 3h"
			}
			found(t, strings.Replace(soundJourney, c.old, c.new, 1), soundTemplate, soundSession, c.old != c.new, c.want)
		})
	}
}

func TestProblemsOfTemplates(t *testing.T) {
	long := strings.Repeat("long words ", 90)
	cases := []struct{ name, old, new, want string }{
		{"a missing language", "  de:\n    header: Ein Termin\n    body: Wir haben für Sie einen Termin am {{date}} bei {{facility}} gebucht.\n    footer: Mit STOPP beenden.\n    buttons: [Bestätigen]\n", "", `templates/hello.yaml:1:1: languages: has no text in de`},
		{"a field", "start.date", "start.dat", `templates/hello.yaml:7:17: parameters.date.field: unknown field "start.dat", did you mean "start.date"?`},
		{"a result, for which there is no field", "start.date", "result.value", `templates/hello.yaml:7:17: parameters.date.field: unknown field "result.value": it is one of before.date, before.time, clinician.name, delay.minutes, facility.emergency, facility.name, facility.phone, facility.portal, instruction, open.date, open.time, patient.given, patient.name, place.address, place.name, place.way, recipient.given, recipient.name, slot.date, slot.time, start.date, start.time`},
		{"a class that is not declared", "field: start.date", "field: place.name", `templates/hello.yaml:7:17: parameters.date.field: "place.name" shows data of the class "place", which may_show does not list`},
		{"a class", "[schedule", "[schedul", `templates/hello.yaml:5:12: may_show[0]: unknown class of data "schedul", did you mean "schedule"?`},
		{"a phone that is not configured", "field: facility.name", "field: facility.phone", `templates/hello.yaml:8:21: parameters.facility.field: "facility.phone" is not configured`},
		{"a placeholder", "on {{date}} at", "on {{dat}} at", `templates/hello.yaml:13:11: languages.en.body: unknown placeholder "dat", did you mean "date"?`},
		{"placeholders that differ", "on {{date}} at", "on a day at", `templates/hello.yaml:11:3: languages: en and de use different placeholders`},
		{"a placeholder that is not closed", "on {{date}} at", "on {{date}} }} at", `templates/hello.yaml:13:11: languages.en.body: has braces that belong to no placeholder`},
		{"a variable at the end", "{{facility}} today.", "{{facility}}", `templates/hello.yaml:13:11: languages.en.body: must not begin or end with a variable`},
		{"a variable at the start", "We have booked an appointment for you on {{date}}", "\"{{date}}", ``},
		{"adjacent variables", "{{date}} at {{facility}} today", "{{date}} {{facility}} today", `templates/hello.yaml:13:11: languages.en.body: must have words between two variables`},
		{"few words", "We have booked an appointment for you on {{date}} at {{facility}} today.", "On {{date}} at {{facility}} now.", `templates/hello.yaml:13:11: languages.en.body: must have more words of its own for 2 variables`},
		{"a long body", "We have booked", long + "booked", `templates/hello.yaml:13:11: languages.en.body: may become longer than 1024 characters: 1034 of its own, and up to 180 of its variables`},
		{"a long header", "An appointment", strings.Repeat("x", 61), `templates/hello.yaml:12:13: languages.en.header: must be at most 60 characters`},
		{"two variables in a header", "header: An appointment", "header: A {{date}} at {{facility}}", `templates/hello.yaml:12:13: languages.en.header: must have at most one variable`},
		{"marks in a header", "header: An appointment", "header: An *appointment*", `templates/hello.yaml:12:13: languages.en.header: must have no formatting marks`},
		{"a long footer", "Reply STOP to end.", strings.Repeat("x", 61), `templates/hello.yaml:14:13: languages.en.footer: must be at most 60 characters`},
		{"a variable in a footer", "Reply STOP to end.", "\"{{facility}}\"", `templates/hello.yaml:14:13: languages.en.footer: must have no variable`},
		{"a long button", "[Confirm]", "[Confirm the appointment now]", `templates/hello.yaml:15:14: languages.en.buttons: must be at most 25 characters`},
		{"a button too many", "[Confirm]", "[Confirm, Cancel]", `templates/hello.yaml:15:14: languages.en.buttons: must be as many as the buttons of the template: 1, not 2`},
		{"no buttons in a language", "    buttons: [Confirm]\n", "", `templates/hello.yaml:12:5: languages.en.buttons: is missing`},
		{"a name", "template: hello", "template: Hello-World", `templates/hello.yaml:1:11: template: must be lower-case letters, digits and underscores, at most 512`},
		{"a kind", "kind: template", "kind: templat", `templates/hello.yaml:2:7: kind: unknown kind "templat", did you mean "template"?`},
		{"a category", "utility", "utilty", `templates/hello.yaml:3:11: category: unknown category "utilty", did you mean "utility"?`},
		{"a time to live", "43200", "86400", `templates/hello.yaml:4:27: message_send_ttl_seconds: must be a number of seconds from 30 to 43200 (12 hours)`},
		{"a parameter's name", "  date: {field", "  Date1: {field", `templates/hello.yaml:7:3: parameters.Date1: must be lower-case letters and underscores`},
		{"no example", ", example: Tuesday", "", `templates/hello.yaml:7:9: parameters.date.example: is missing`},
		{"a parameter that nobody uses", "buttons: [confirm]", "  spare: {field: start.time, example: x}\nbuttons: [confirm]", `templates/hello.yaml:7:3: parameters: "spare" is used in no text`},
		{"words instead that are missing", "example: Tuesday", "example: Tuesday, else: {en: soon}", `templates/hello.yaml:7:3: parameters: "date" has no else in de`},
		{"a language without a calendar", "  de:\n", "  tlh:\n", `templates/hello.yaml:16:3: languages.tlh: no calendar for the language "tlh": a line in calendar.go adds one`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "a variable at the start" {
				c.old, c.new = "We have booked an appointment for you on {{date}} at {{facility}} today.", `"{{date}} is when we have booked an appointment for you at {{facility}} today."`
				c.want = `templates/hello.yaml:13:11: languages.en.body: must not begin or end with a variable`
			}
			found(t, soundJourney, strings.Replace(soundTemplate, c.old, c.new, 1), soundSession, strings.Contains(soundTemplate, c.old), c.want)
		})
	}
}

// found checks that loading finds a problem, and no Book.
func found(t *testing.T, visit, hello, thanks string, changed bool, want string) {
	t.Helper()
	journeys, templates := files("journeys/visit.yaml", visit, "templates/hello.yaml", hello, "templates/thanks.yaml", thanks)
	book, problems := journey.Load(journeys, templates, settings(t))
	if !changed || book != nil {
		t.Fatalf("changed %v, book %v", changed, book != nil)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.String(), want) {
			return
		}
	}
	t.Errorf("got %q, want %q", problems, want)
}

func TestAllProblemsAtOnce(t *testing.T) {
	journeys, templates := files(
		"journeys/visit.yaml", strings.Replace(strings.Replace(soundJourney, "send: hello", "send: helo", 1), "expires: start", "expires: soon", 1),
		"templates/hello.yaml", strings.Replace(soundTemplate, "utility", "utilty", 1), "templates/thanks.yaml", soundSession)
	_, problems := journey.Load(journeys, templates, journey.Settings{Language: "xx"})
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		"facility.name is missing",
		"facility.timezone is missing",
		`facility.language unknown language "xx"`,
		"journeys/visit.yaml:6:11: ", "journeys/visit.yaml:7:14: ", "templates/hello.yaml:3:11: ",
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) }) {
			t.Errorf("got %q, want %q", got, w)
		}
	}
}

func TestFilesThatNoParserShouldSee(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"brackets":   {strings.Repeat("[", 200_000), "is nested too deeply"},
		"mappings":   {strings.Repeat("{a: ", 60_000), "is nested too deeply"},
		"lists":      {strings.Repeat("- ", 100_000), "is nested too deeply"},
		"large":      {strings.Repeat("# x\n", 100_000), "is larger than 256 KB"},
		"not UTF-8":  {"journey: \xff", "is not UTF-8"},
		"no content": {"# " + strings.Repeat("-", 200), "must hold one document"},
	} {
		journeys, templates := files("journeys/visit.yaml", c.file, "templates/thanks.yaml", soundSession)
		_, problems := journey.Load(journeys, templates, settings(t))
		if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "journeys/visit.yaml: "+c.want) {
			t.Errorf("%s: got %q, want %q", name, problems, c.want)
		}
	}
}

func TestDirectoriesThatHoldNothing(t *testing.T) {
	_, problems := journey.Load(fstest.MapFS{"readme.txt": {}}, fstest.MapFS{}, settings(t))
	if len(problems) != 2 || problems[0].String() != "journeys: holds no .yaml file" || problems[1].String() != "templates: holds no .yaml file" {
		t.Errorf("got %q", problems)
	}
	_, problems = journey.Load(os.DirFS(filepath.Join(t.TempDir(), "none")), fstest.MapFS{}, settings(t))
	if len(problems) != 2 || problems[0].String() != "journeys: cannot be read: no such file or directory" {
		t.Errorf("got %q", problems)
	}
}

func TestExamplesThatDoNotHold(t *testing.T) {
	timeline := func(rest string) string {
		return soundJourney + `examples:
  - example: told
    patient: {given: Ann, language: en}
    timeline:
      - at: 2027-03-01 09:00
        event: {status: booked, start: "2027-03-09T14:30:00+01:00"}
` + rest
	}
	cases := []struct{ name, rest, want string }{
		{"it holds", "        sends: [{step: booked, words: at Harbour Hospital}]\n", ""},
		{"it is sent and not expected", "", `examples[0].timeline[0]: example "told": sends 1, not 0: booked at 2027-03-01 09:00`},
		{"other words", "        sends: [{step: booked, words: in Paris}]\n", `examples[0].timeline[0].sends[0]: example "told": other words: "An appointment`},
		{"another time", "        sends: [{step: booked, at: 2027-03-01 10:00}]\n", `example "told": got booked at 2027-03-01 09:00`},
		{"another reading", "        sends: [{step: booked}]\n      - {at: 2027-03-01 10:00, says: maybe, reads: confirm}\n", `example "told": reads: got "text", want "confirm"`},
		{"another decision", "        sends: [{step: booked}]\n      - {at: 2027-03-01 10:00, tap: confirm, reads: confirm}\n", `example "told": decides: got "accepted", want ""`},
		{"an event that is none", "        sends: [{step: booked}]\n      - {at: 2027-03-01 10:00, event: {status: boked}}\n", `its event is not right: fhir: unknown_code at Appointment.status`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := with(t, "journeys/visit.yaml", timeline(c.rest), "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession)
			problems := b.RunExamples()
			switch {
			case c.want == "" && len(problems) > 0:
				t.Errorf("got %q", problems)
			case c.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].String(), c.want) || problems[0].Line == 0):
				t.Errorf("got %q, want %q", problems, c.want)
			}
		})
	}
}
