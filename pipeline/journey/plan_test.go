package journey_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const explainedJourney = `journey: visit
on: Appointment
lists: {wards: [Location/ward]}
only: [not place in wards]
never: [is withheld]
steps:
  - {name: booked, when: became booked, send: hello, expires: start}
  - {name: told, when: became booked and confirmed, send: hello, expires: start}
  - {name: missed, when: became noshow, task: call, send: hello, expires: +1d}
  - {name: asked, when: became booked, task: prepare}
  - {name: week, at: "start - 7d, 10:00", when: is booked, send: hello, expires: +1d}
  - {name: day, at: "start - 1d, 10:00", when: is booked and not answered, send: hello, expires: +1d}
  - {name: late, at: "start + 1h", when: is booked, send: hello, expires: start + 2h}
`

// explained is what Explain says of what is decided about a change, a line a step.
func explained(t *testing.T, c pipeline.Change) (zone string, lines []string) {
	t.Helper()
	book := with(t, "journeys/visit.yaml", explainedJourney, "templates/hello.yaml", plain("hello"))
	plan, err := book.Decide(c)
	if err != nil {
		t.Fatal(err)
	}
	o := book.Explain(c, plan)
	for _, s := range o.Steps {
		text := s.Because()
		if s.Planned {
			text = s.Due.In(o.Zone).Format("01-02 15:04")
		}
		lines = append(lines, s.Step+": "+text)
	}
	return o.Zone.String() + " of " + o.ZoneFrom, lines
}

func TestExplain(t *testing.T) {
	const start = "2027-03-09T14:30:00+01:00"
	now := moment(t, "2027-03-05T09:00:00+01:00")
	booked, nobody := visit(t, "booked", start), visit(t, "booked", start, m{"participant": []any{m{"actor": m{"reference": "Location/1"}, "status": "accepted"}}})
	planned := []string{
		"booked: 03-05 09:00", "told: does not hold: confirmed", "missed: waits for: became noshow",
		"asked: says nothing; people are asked: prepare", "week: its time has passed", "day: 03-08 10:00", "late: 03-09 15:30",
	}
	standing := slices.Clone(planned)
	standing[0], standing[1], standing[3] = "booked: waits for: became booked", "told: waits for: became booked", "asked: waits for: became booked"
	historic := slices.Clone(planned)
	for i := range 4 {
		historic[i] = strings.Split(planned[i], ":")[0] + ": too long ago to be news"
	}
	historic[2] = planned[2]
	cases := []struct {
		name string
		c    pipeline.Change
		want []string
	}{
		{"booked", pipeline.Change{Current: booked}, planned},
		{"as it stands", pipeline.Change{Previous: booked, Current: booked}, standing},
		{"history", pipeline.Change{Current: booked, Historic: true}, historic},
		{"withheld", pipeline.Change{Current: visit(t, "booked", start, labels("NOPAT"))}, []string{": never while: is withheld"}},
		{"test data", pipeline.Change{Current: visit(t, "booked", start, labels("HTEST"))}, []string{": test data is never spoken of"}},
		{"nobody's", pipeline.Change{Current: nobody}, []string{": concerns no patient"}},
		{"elsewhere", pipeline.Change{Current: visit(t, "booked", start, m{"participant": []any{
			m{"actor": m{"reference": "Patient/1"}, "status": "accepted"}, m{"actor": m{"reference": "Location/ward"}, "status": "accepted"},
		}})}, []string{": only while: not place in wards"}},
		{"deleted", pipeline.Change{Previous: booked}, []string{
			"booked: the resource is gone", "told: the resource is gone", "missed: the resource is gone", "asked: the resource is gone",
			"week: the resource is gone", "day: the resource is gone", "late: the resource is gone",
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.c.Version, c.c.Now = "1", now
			_, got := explained(t, c.c)
			same(t, "steps", got, c.want)
		})
	}
}

// TestExplainWhatIsNotKnown names what the time of a step counts from.
func TestExplainWhatIsNotKnown(t *testing.T) {
	visitJourney := `journey: stay
on: Encounter
steps:
  - {name: before, at: start - 1h, when: is arrived, send: hello, expires: start}
  - {name: here, at: arrived + 1h, when: is arrived, send: hello, expires: +1d}
  - {name: after, at: end + 1h, when: is arrived, send: hello, expires: +1d}
  - {name: waits, at: "20m late, again every 20m, at most 3 times", when: is waiting, send: hello, expires: +15m}
  - {name: news, when: became waiting, send: hello, expires: start + 1d}
`
	book := with(t, "journeys/stay.yaml", visitJourney, "templates/hello.yaml", plain("hello"))
	c := pipeline.Change{Current: encounter(t, "arrived", m{"appointment": nil, "period": nil, "statusHistory": nil}), Version: "1", Now: moment(t, "2027-03-09T10:00:00+01:00")}
	plan, err := book.Decide(c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range book.Explain(c, plan).Steps {
		got = append(got, s.Step+": "+s.Because())
	}
	same(t, "steps", got, []string{
		"before: the visit has no start", "here: the visit has no arrival", "after: ", "waits: the visit has no start", "news: the visit has no start",
	})
}

// TestExplainZone tells where the zone of the clock times is from.
func TestExplainZone(t *testing.T) {
	extension := m{"_start": m{"extension": []any{m{"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "Asia/Tokyo"}}}}
	cases := []struct {
		name   string
		visit  fhir.Resource
		places []fhir.Resource
		want   string
	}{
		{"the facility", visit(t, "booked", march9), nil, "Europe/Berlin of facility"},
		{"the place", visit(t, "booked", march9), []fhir.Resource{place(t, "House 2", "America/New_York")}, "America/New_York of Location/1"},
		{"the start", visit(t, "booked", march9, extension), []fhir.Resource{place(t, "House 2", "America/New_York")}, "Asia/Tokyo of start"},
		{"a report has no place", report(t, "final"), nil, "Europe/Berlin of facility"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, _ := explained(t, pipeline.Change{Current: c.visit, Version: "1", Lookup: directory(c.places...), Now: moment(t, "2027-03-01T09:00:00Z")})
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestExplainTellsAllThatIsPlanned holds the outlook against the plan, over the life of a visit.
func TestExplainTellsAllThatIsPlanned(t *testing.T) {
	book := shipped(t)
	var known pipeline.Known
	var previous fhir.Resource
	for i, status := range []string{"proposed", "booked", "booked", "arrived", "fulfilled", "cancelled", "booked", "noshow"} {
		current := visit(t, status, moment(t, march9).Add(time.Duration(i)*time.Hour).Format(time.RFC3339), patients("needs-action", "1", "2"))
		c := pipeline.Change{Previous: previous, Current: current, Version: version(i), Known: known, Lookup: directory(), Now: moment(t, "2027-02-01T09:00:00Z")}
		plan, err := book.Decide(c)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, o := range book.Explain(c, plan).Steps {
			if o.Planned {
				got = append(got, fmt.Sprint(o.Key, o.Due, o.Expires))
			}
			if o.Planned != (o.Because() == "") {
				t.Errorf("%s of %s is planned: %v, because %q", o.Step, status, o.Planned, o.Because())
			}
		}
		for _, n := range plan.Wanted {
			want = append(want, fmt.Sprint(n.Key, n.Due, n.Expires))
		}
		slices.Sort(got)
		slices.Sort(want)
		same(t, status, got, want)
		previous, known.Open = current, plan.Wanted
	}
}
