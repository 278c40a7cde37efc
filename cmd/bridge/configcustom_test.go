package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// TestCustomProblems shows that what is wrong with an engineer's own fields and conditions is found, where it is.
func TestCustomProblems(t *testing.T) {
	field := func(path string) string {
		return "fields:\n  room: {path: " + path + ", of: Appointment, class: place}\n"
	}
	for _, c := range []struct{ name, add, want string }{
		{"sound", field("comment") + "conditions:\n  \"first visit\": {path: \"description = 'first'\", of: Appointment}\n", ""},
		{"unknown key", "fields:\n  room: {path: comment, off: Appointment, class: place}\n", "test.yaml:9:25: fields.room.off: unknown key; did you mean of?"},
		{"a refused function", field(`"comment.trim()"`), "test.yaml:9:25: fields.room.path: trim() is not implemented"},
		{"a refused function, without quotes", field("comment.trim()"), "test.yaml:9:24: fields.room.path: trim()"},
		{"a refused function, between escapes", field("'comment.where($this = ''x'').trim()'"), "test.yaml:9:16: fields.room.path: column 28 of the expression: trim()"},
		{
			"a refused function, on the second line", "fields:\n  room:\n    of: Appointment\n    class: place\n    path: |\n      comment\n        .trim()\n",
			"fields.room.path: column ",
		},
		{"what is no expression", field(`"comment.("`), "fields.room.path: this does not compile"},
		{"a path of another type", field("Patient.name.family"), "test.yaml:9:16: fields.room.path: begins with another type than Appointment"},
		{"an element that there is not", field("coment"), "test.yaml:9:16: fields.room.path: begins with an element that Appointment does not have"},
		{"no path", "conditions:\n  late: {of: Appointment}\n", "conditions.late.path: required"},
		{"a class that there is not", strings.Replace(field("comment"), "place", "plce", 1), `test.yaml:9:49: fields.room.class: unknown class "plce", did you mean "place"?`},
		{"no type", "conditions:\n  late: {path: comment.exists()}\n", "conditions.late.of: unknown type"},
		{"a name that is built in", "conditions:\n  confirmed: {path: comment.exists(), of: Appointment}\n", "conditions.confirmed: is built in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(soundConfig + c.add))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && err == nil:
				t.Error("accepted")
			case c.want != "" && !strings.Contains(err.Error(), c.want):
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestReceiverNeedsNoExpressions: what stands alone in front reads no journeys.
func TestReceiverNeedsNoExpressions(t *testing.T) {
	l := &loader{file: "test.yaml", env: os.LookupEnv, reader: forReceiver}
	if _, err := l.parse([]byte(soundConfig + "fields:\n  room: {path: comment.trim(), of: Appointment, class: place}\n")); err != nil {
		t.Error(err)
	}
}

const (
	customKeys = `fields:
  room:
    path: participant.actor.where(reference.startsWith('Location/')).display
    of: Appointment
    class: place
conditions:
  first visit: {path: "appointmentType.coding.exists(code = 'NEW') and start > now()", of: Appointment}
`
	customJourney = `journey: visit
on: Appointment
steps:
  - {name: welcome, when: became booked and first visit, send: hello, expires: start}
  - {name: again, when: became booked and not first visit, send: hello, expires: start}
`
	customTemplate = `template: hello
kind: template
category: utility
may_show: [place]
parameters: {room: {field: room, example: Room 5}}
languages:
  en: {body: "Please come to {{room}} for your appointment."}
`
)

// inFolders writes journeys and templates into folders and returns the keys of the configuration that name them.
func inFolders(t *testing.T, journeys, templates map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for folder, list := range map[string]map[string]string{"journeys": journeys, "templates": templates} {
		must(t, os.Mkdir(filepath.Join(dir, folder), 0o700))
		for name, text := range list {
			must(t, os.WriteFile(filepath.Join(dir, folder, name), []byte(text), 0o600))
		}
	}
	return "journeys: " + filepath.Join(dir, "journeys") + "\ntemplates: " + filepath.Join(dir, "templates") + "\n"
}

// TestCustomExpressions takes a condition and a field from the configuration to the words.
func TestCustomExpressions(t *testing.T) {
	text := soundConfig + customKeys + inFolders(t, map[string]string{"visit.yaml": customJourney}, map[string]string{"hello.yaml": customTemplate})
	config, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(text))
	must(t, err)
	book, err := loadJourneys(config)
	must(t, err)
	now := time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct{ name, element, step, words string }{
		{"it holds", `"appointmentType":{"coding":[{"code":"NEW"}]}`, "welcome", "Please come to Room 7 for your appointment."},
		{"it does not", `"appointmentType":{"coding":[{"code":"ROUTINE"}]}`, "again", "Please come to Room 7 for your appointment."},
		{"a resource that does not parse", `"appointmentType":{"coding":[{"code":"NEW","codee":"x"}]}`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			subject, err := fhir.Decode([]byte(`{"resourceType":"Appointment","id":"1","status":"booked","start":"2027-03-09T14:30:00+01:00","end":"2027-03-09T15:00:00+01:00",` +
				c.element + `,"participant":[{"actor":{"reference":"Patient/1"},"status":"accepted"},{"actor":{"reference":"Location/1","display":"Room 7"},"status":"accepted"}]}`))
			must(t, err)
			plan, err := book.Decide(pipeline.Change{Current: subject, Version: "1", Now: now})
			must(t, err)
			if c.step == "" {
				if len(plan.Wanted) > 0 {
					t.Errorf("got %s, want nothing in doubt", plan.Wanted[0].Step)
				}
				return
			}
			if len(plan.Wanted) != 1 || plan.Wanted[0].Step != c.step {
				t.Fatalf("got %d, want %s", len(plan.Wanted), c.step)
			}
			said, err := book.Compose(plan.Wanted[0], pipeline.Facts{Subject: subject, Now: now}, pipeline.NewAttempt())
			must(t, err)
			if got := said.Message.Seen.Reveal(); got != c.words {
				t.Errorf("got %q (%s), want %q", got, said.Skip, c.words)
			}
		})
	}
}
