package journey_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

const reportJourney = `journey: finding
on: DiagnosticReport
lists: {some: [a]}
means:
  listed: {any: [sensitive, code in some]}
  spoken: {all: [is final, not listed]}
steps:
  - name: ready
    at: issued + 2d, 10:00 unless signed
    when: spoken and not told
    send: hello
    expires: issued + 30d
`

// hello greets without a fact of the subject.
var hello = strings.NewReplacer("may_show: [schedule, facility]", "may_show: [facility]", "  date: {field: start.date, example: Tuesday}\n", "",
	"{{date}}", "your file", "buttons: [confirm]\n", "", "    buttons: [Confirm]\n", "", "    buttons: [Bestätigen]\n", "").Replace(soundTemplate)

// Each case is one change to a sound journey about reports, and the problem that it must lead to.
func TestProblemsOfReportJourneys(t *testing.T) {
	with(t, "journeys/finding.yaml", reportJourney, "templates/hello.yaml", hello)
	cases := []struct{ name, old, new, want string }{
		{"a time", "issued + 2d, 10:00", "start - 2d", `journeys/finding.yaml:9:9: steps[0].at: must be like "issued + 48h" or "issued + 2d, 10:00"`},
		{"a time before it is issued", "issued + 2d, 10:00", "issued - 2d", `journeys/finding.yaml:9:9: steps[0].at: must be like "issued + 48h" or "issued + 2d, 10:00"`},
		{"an end", "issued + 30d", "start", `journeys/finding.yaml:12:14: steps[0].expires: must be like "issued + 30d" or "+48h"`},
		{"an end before the time", "issued + 2d, 10:00 unless signed", "issued + 60d", `journeys/finding.yaml:12:14: steps[0].expires: must be later than at`},
		{"a haste that happens", "unless signed", "unless became final", `journeys/finding.yaml:9:9: steps[0].at: must say how things are, not what happens`},
		{"a haste that is unknown", "unless signed", "unless singed", `journeys/finding.yaml:9:9: steps[0].at: unknown condition "singed", did you mean "signed"?`},
		{"news of a withdrawal that wait", "spoken and not told", "withdrawn", `journeys/finding.yaml:9:9: steps[0].at: what is withdrawn is said at once`},
		{"a meaning that is built in", "  listed:", "  signed:", `journeys/finding.yaml:5:3: means.signed: means something already`},
		{"a meaning's name", "  spoken:", "  Spoken Of:", `journeys/finding.yaml:6:3: means.Spoken Of: must be lower-case letters, digits and underscores, at most 40`},
		{"a meaning of nothing", "{any: [sensitive, code in some]}", "{}", `journeys/finding.yaml:5:3: means.listed: needs either any or all`},
		{"a meaning of both", "{any: [sensitive, code in some]}", "{any: [sensitive], all: [sensitive]}", `journeys/finding.yaml:5:3: means.listed: needs either any or all`},
		{"a meaning that happens", "[is final, not listed]", "[became final]", `journeys/finding.yaml:6:18: means.spoken.all[0]: must be one condition that says how things are`},
		{"a meaning of two in one", "[is final, not listed]", "[is final and not listed]", `journeys/finding.yaml:6:18: means.spoken.all[0]: must be one condition that says how things are`},
		{"a meaning that changes when it is sent", "[is final, not listed]", "[told]", `journeys/finding.yaml:6:18: means.spoken.all[0]: "told" is for the "when" of a step`},
		{"a meaning that comes later", "[sensitive, code in some]", "[not spoken]", `journeys/finding.yaml:5:18: means.listed.any[0]: unknown condition "not spoken"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(reportJourney, c.old) {
				t.Fatalf("%q is not in the journey", c.old)
			}
			journeys := fstest.MapFS{"finding.yaml": {Data: []byte(strings.Replace(reportJourney, c.old, c.new, 1))}}
			_, problems := journey.Load(journeys, fstest.MapFS{"hello.yaml": {Data: []byte(hello)}}, settings(t))
			if !slices.ContainsFunc(problems, func(p journey.Problem) bool { return strings.HasPrefix(p.String(), c.want) }) {
				t.Errorf("got %v, want %s", problems, c.want)
			}
		})
	}
}

// Visits are not spoken of as reports are.
func TestUnlessIsForReports(t *testing.T) {
	file := strings.Replace(soundJourney, "when: became booked", "when: is booked\n    at: start - 2d unless confirmed", 1)
	journeys, templates := files("journeys/visit.yaml", file, "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession)
	_, problems := journey.Load(journeys, templates, settings(t))
	if len(problems) != 1 || !strings.HasSuffix(problems[0].String(), `"unless" is for a report, which is then spoken of at once`) {
		t.Errorf("got %v", problems)
	}
}

// TestTimesOfReports counts days in the calendar of the facility.
func TestTimesOfReports(t *testing.T) {
	book := with(t, "journeys/finding.yaml", reportJourney, "templates/hello.yaml", hello)
	now := "2027-03-27T09:00:00+01:00" // the night before summer time begins
	cases := []struct {
		name string
		more []m
		want string
	}{
		{"two days on", []m{{"issued": now}}, "2027-03-29T10:00:00+02:00"},
		{"signed", []m{{"issued": now}, signers["interpreter"]}, now},
		{"issued in UTC, on the day before", []m{{"issued": "2027-03-26T23:30:00Z"}}, "2027-03-29T10:00:00+02:00"},
		{"issued long ago, and seen only now", []m{{"issued": "2027-03-20T09:00:00Z"}}, now},
		{"by the record when it does not say", []m{{"meta": m{"lastUpdated": "2027-03-26T09:00:00Z"}}}, "2027-03-28T10:00:00+02:00"},
		{"from now on when nothing says", nil, "2027-03-29T10:00:00+02:00"},
		{"too long ago", []m{{"issued": "2027-02-20T09:00:00Z"}}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			for _, n := range decide(t, book, pipeline.Change{Current: report(t, "final", c.more...), Version: "1", Now: moment(t, now)}) {
				got += n.Due.In(zone(t, "Europe/Berlin")).Format(time.RFC3339)
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestSigned tells who stands for a report, by what the reference names.
func TestSigned(t *testing.T) {
	contained := []any{m{"resourceType": "Practitioner", "id": "p"}}
	cases := []struct {
		name string
		more m
		want bool
	}{
		{"nobody", m{}, false},
		{"a laboratory", m{"performer": []any{m{"reference": "Organization/lab"}}}, false},
		{"a team has read it", m{"resultsInterpreter": []any{m{"reference": "CareTeam/1"}}}, false},
		{"a name without a type", m{"resultsInterpreter": []any{m{"display": "A. Example"}}}, false},
		{"a person has read it", m{"resultsInterpreter": []any{m{"reference": "Practitioner/1"}}}, true},
		{"a person of an absolute address", m{"performer": []any{m{"reference": "https://ehr.example.org/fhir/Practitioner/1"}}}, true},
		{"a person in a role, among others", signers["performer"], true},
		{"a contained person", m{"contained": contained, "performer": []any{m{"reference": "#p"}}}, true},
		{"a person known by a number", m{"performer": []any{m{"type": "Practitioner", "identifier": m{"value": "17"}}}}, true},
	}
	book, now := shipped(t), moment(t, before)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list := decide(t, book, pipeline.Change{Current: report(t, "final", c.more), Version: "1", Now: now})
			if len(list) != 1 || list[0].Due.Equal(now) != c.want {
				t.Errorf("got %v, want it said at once: %v", list, c.want)
			}
		})
	}
}
