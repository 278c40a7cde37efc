package journey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// waits are settings with a field of an engineer's own, which gives this text.
func waits(t testing.TB, text string) journey.Settings {
	s := settings(t)
	s.Parse = func([]byte) (any, error) { return text, nil }
	s.Fields = map[string]journey.Field{"wait_minutes": {
		Of: "Appointment", Class: "schedule", Texts: func(parsed any, _ time.Time) ([]string, error) { return []string{parsed.(string)}, nil },
	}}
	return s
}

const waitTemplate = `template: hello
kind: template
category: utility
may_show: [schedule, facility]
parameters:
  minutes:
    field: wait_minutes
    example: 20 minutes
    forms:
      en: {one: "{{minutes}} minute", other: "{{minutes}} minutes"}
      pl: {one: "{{minutes}} minuta", few: "{{minutes}} minuty", many: "{{minutes}} minut"}
      ar: {zero: "{{minutes}} دقيقة", one: دقيقة واحدة, two: دقيقتان, few: "{{minutes}} دقائق", many: "{{minutes}} دقيقة", other: "{{minutes}} دقيقة"}
  facility: {field: facility.name, example: Clinic}
languages:
  en: {body: "You will be seen in {{minutes}} at {{facility}} today, please wait."}
  pl: {body: "Czas oczekiwania w {{facility}} to teraz {{minutes}} od tej chwili."}
  ar: {body: "وقت الانتظار في {{facility}} هو الآن {{minutes}} تقريبًا من هذه اللحظة."}
`

const waitJourney = `journey: visit
on: Appointment
steps: [{name: booked, when: became booked, send: hello, expires: start}]
`

func TestNumbersAreInflected(t *testing.T) {
	cases := []struct{ language, number, want string }{
		{"en", "1", "1 minute at"},
		{"en", "0", "0 minutes at"},
		{"en", "999", "999 minutes at"},
		{"pl", "1", "1 minuta od"},
		{"pl", "3", "3 minuty od"},
		{"pl", "12", "12 minut od"},
		{"pl", "22", "22 minuty od"},
		{"ar", "1", "دقيقة واحدة"},
		{"ar", "2", "دقيقتان"},
		{"ar", "3", "3 دقائق"},
		{"ar", "11", "11 دقيقة"},
		{"ar", "100", "100 دقيقة"},
		{"en", "1000", ""},
		{"en", "-1", ""},
		{"en", "2.5", ""},
		{"en", "soon", ""},
	}
	for _, c := range cases {
		t.Run(c.language+" "+c.number, func(t *testing.T) {
			journeys, templates := files("journeys/visit.yaml", waitJourney, "templates/hello.yaml", waitTemplate)
			book, problems := journey.Load(journeys, templates, waits(t, c.number))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			v := visit(t, "booked", march9)
			got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "", c.language)})
			if c.want == "" {
				if got.Skip != pipeline.ReasonMissingFact {
					t.Errorf("got %q, want %q", got.Message.Seen.Reveal(), pipeline.ReasonMissingFact)
				}
			} else if !strings.Contains(got.Message.Seen.Reveal(), c.want) {
				t.Errorf("got %q, want %q", got.Message.Seen.Reveal(), c.want)
			}
		})
	}
}

func TestProblemsOfForms(t *testing.T) {
	cases := []struct{ name, old, with, want string }{
		{"one that the language needs", `few: "{{minutes}} minuty", `, "", `needs "few" in pl`},
		{"one that it has not", `en: {one:`, `en: {two: "{{minutes}}", one:`, `en has one, other, not "two"`},
		{"a language without", `      pl: {one: "{{minutes}} minuta", few: "{{minutes}} minuty", many: "{{minutes}} minut"}` + "\n", "", `"minutes" has no forms in pl`},
		{"another placeholder", `one: "{{minutes}} minute"`, `one: "{{n}} minute"`, "only {{minutes}} may stand here"},
		{"no words", `one: "{{minutes}} minute"`, `one: ""`, "is empty"},
		{"what is no number", "field: wait_minutes", "field: start.time", `"start.time" gives no number`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(waitTemplate, c.old, c.with, 1)
			if changed == waitTemplate {
				t.Fatal("nothing was changed")
			}
			journeys, templates := files("journeys/visit.yaml", waitJourney, "templates/hello.yaml", changed)
			_, problems := journey.Load(journeys, templates, waits(t, "1"))
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if !slices.ContainsFunc(got, func(text string) bool { return strings.Contains(text, c.want) }) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
