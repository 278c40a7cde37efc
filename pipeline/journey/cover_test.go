package journey_test

import (
	"strings"
	"testing"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

const (
	coverJourney = `journey: visit
on: Appointment
steps:
  - {name: booked, when: became booked, send: hello, expires: start, covers: [other.early]}
`
	coveredJourney = `journey: other
on: Appointment
steps:
  - {name: early, at: "start - 3d, 10:00", when: is booked, send: again, expires: +1d}
  - {name: late, at: "start - 1d, 10:00", when: is booked, send: again, expires: +12h}
`
)

// coverFiles are two journeys of which one says what the other would.
func coverFiles(first, second string) []string {
	again := strings.NewReplacer("template: hello", "template: again", "booked an", "kept an", "gebucht", "notiert", "buttons: [confirm]\n", "", "    buttons: [Confirm]\n", "", "    buttons: [Bestätigen]\n", "")
	hello := strings.NewReplacer("buttons: [confirm]\n", "", "    buttons: [Confirm]\n", "", "    buttons: [Bestätigen]\n", "")
	return []string{"journeys/visit.yaml", first, "journeys/other.yaml", second, "templates/hello.yaml", hello.Replace(soundTemplate), "templates/again.yaml", again.Replace(soundTemplate)}
}

func TestOneStepCoversAnother(t *testing.T) {
	b := with(t, coverFiles(coverJourney, coveredJourney)...)
	v := visit(t, "booked", march9)
	wanted := func(c pipeline.Change) map[string]pipeline.Notification {
		got := make(map[string]pipeline.Notification)
		for _, n := range decide(t, b, c) {
			got[n.Step] = n
		}
		return got
	}
	first := func(now string) map[string]pipeline.Notification {
		return wanted(pipeline.Change{Current: v, Version: "1", Now: moment(t, now)})
	}
	got := first("2027-03-06T09:55:00+01:00")
	if n := got["early"]; n.CoveredBy != got["booked"].Key || n.CoveredBy == "" {
		t.Errorf("due five minutes later: covered by %q", n.CoveredBy)
	}
	if n := got["late"]; n.Key == "" || n.CoveredBy != "" {
		t.Errorf("due days later: got %+v", n)
	}
	c := pipeline.Change{Current: v, Version: "1", Now: moment(t, "2027-03-06T09:55:00+01:00")}
	for _, s := range b.Explain(c, pipeline.Plan{Wanted: decide(t, b, c)}).Steps {
		if want := map[string]string{"early": "said by visit.booked, unless that is not sent"}[s.Step]; s.Because() != want || !s.Planned {
			t.Errorf("%s is planned: %v, because %q, want %q", s.Step, s.Planned, s.Because(), want)
		}
	}
	again := wanted(pipeline.Change{ // the booking has gone out
		Previous: v, Current: v, Version: "2", Now: moment(t, "2027-03-06T09:56:00+01:00"), Known: pipeline.Known{Open: []pipeline.Notification{got["early"], got["late"]}},
	})
	if again["early"].CoveredBy != got["booked"].Key {
		t.Errorf("later: covered by %q", again["early"].CoveredBy)
	}
	if n := first("2027-03-06T09:49:00+01:00")["early"]; n.Key == "" || n.CoveredBy != "" {
		t.Errorf("due eleven minutes later: got %+v", n)
	}
}

func TestProblemsOfCovers(t *testing.T) {
	for _, c := range []struct{ name, covers, other, want string }{
		{"no such step", "[other.erly]", coveredJourney, `unknown step "other.erly", did you mean "other.early"?`},
		{"itself", "[visit.booked]", coveredJourney, "covers others itself"},
		{"a chain", "[other.early]", strings.Replace(coveredJourney, "expires: +1d", "expires: +1d, covers: [other.late]", 1), "covers others itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			journeys, templates := files(coverFiles(strings.Replace(coverJourney, "[other.early]", c.covers, 1), c.other)...)
			_, problems := journey.Load(journeys, templates, settings(t))
			if len(problems) != 1 || !strings.Contains(problems[0].String(), c.want) {
				t.Errorf("got %v, want %q", problems, c.want)
			}
		})
	}
}

// An example sends what is covered only if nothing covers it.
func TestExamplesMerge(t *testing.T) {
	const example = `examples:
  - example: booked when it is to be said
    patient: {given: Erika, language: en}
    timeline:
      - at: 2027-03-06 09:55
        event: {status: booked, start: "2027-03-09T14:30:00+01:00"}
        sends: [{step: booked}]
      - at: 2027-03-06 12:00
`
	const covers = ", covers: [other.early]"
	for first, sent := range map[string]string{coverJourney: "", strings.Replace(coverJourney, covers, "", 1): "early"} {
		// The examples of a journey are of that one alone: so both steps are in one.
		one := strings.Replace(first, "other.early", "visit.early", 1) + "  - {name: early, at: \"start - 3d, 10:00\", when: is booked, send: again, expires: +1d}\n" + example
		problems := with(t, coverFiles(one, coveredJourney)...).RunExamples()
		if got := len(problems) == 0; got != (sent == "") {
			t.Errorf("sent %q besides: got %v", sent, problems)
		}
	}
}
