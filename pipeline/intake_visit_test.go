package pipeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// TestIntakeRevisesVisits: a visit that takes place is planned from the newest of it and of its booking, whichever comes first, and
// also if one changes while the other is decided about.
func TestIntakeRevisesVisits(t *testing.T) {
	booking := func(version int) json.RawMessage { return visit{version: fmt.Sprint(version)}.json() }
	arrives := pipeline.Event{Type: "Encounter", ID: "e1", Version: "1", Operation: pipeline.Update, Resource: encounter("arrived", "")}
	moves := pipeline.Event{Type: "Appointment", ID: "a1", Version: "2", Operation: pipeline.Update, Resource: booking(2)}
	with := func(version int) pipeline.Event {
		ev := arrives
		ev.Context = map[string]json.RawMessage{"Appointment/a1": booking(version)}
		return ev
	}
	along, older, next := with(7), with(0), with(2)
	for _, c := range []struct {
		name   string
		event  pipeline.Event
		visits []string
		status string // of the Encounter that is kept
		during int    // how often a newer version of the booking comes while something is decided
		want   string // from which versions the visit is planned, in turn
	}{
		{"it comes", arrives, nil, "arrived", 0, "1"},
		{"it comes, and the booking changes meanwhile", arrives, nil, "arrived", 1, "1, 2"},
		{"and again", arrives, nil, "arrived", 2, "1, 2, 3"},
		{"it comes with the booking", along, nil, "arrived", 1, "7"},
		{"it comes with a booking that is older by then", older, nil, "arrived", 0, "1"},
		{"it comes with a booking that is older meanwhile", next, nil, "arrived", 1, "2, 3"},
		{"the booking changes", moves, []string{"Encounter/e1"}, "arrived", 0, "none, 2"},
		{"the booking changes, and again meanwhile", moves, []string{"Encounter/e1"}, "arrived", 2, "none, 2, 3, 4"},
		{"the booking of no visit changes", moves, nil, "arrived", 0, "none"},
		{"the booking changes of a visit that is over", moves, []string{"Encounter/e1"}, "finished", 0, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			version, during := 1, c.during
			var planned []string
			meanwhile := func() {
				if during > 0 {
					version, during = version+1+len(c.event.Context), during-1
				}
			}
			l := &ledger{
				resource: func(ref string) (pipeline.Versioned, bool, error) {
					switch ref {
					case "Patient/p1":
						return pipeline.Versioned{Resource: patientJSON("p1", number)}, true, nil
					case "Appointment/a1":
						stamp := pipeline.Stamp{Version: fmt.Sprint(version)}
						return pipeline.Versioned{Resource: booking(version), Version: stamp.Version, Stamp: stamp}, true, nil
					case "Encounter/e1":
						return pipeline.Versioned{Resource: encounter(c.status, ""), Version: "1"}, true, nil
					}
					return pipeline.Versioned{}, false, nil
				},
				apply: func(ev pipeline.Event, decide pipeline.Decide) (pipeline.Applied, error) {
					plan, err := decide(pipeline.Versioned{}, pipeline.Known{})
					if named := len(plan.Bookings) == 1; named != (ev.Type == "Encounter") {
						t.Errorf("%d bookings of a %s", len(plan.Bookings), ev.Type)
					}
					if ev.Type == "Appointment" {
						version = 2
					} else {
						meanwhile()
					}
					return pipeline.Applied{Visits: c.visits}, err
				},
				revise: func(ref, version string, decide pipeline.Decide) (pipeline.Applied, error) {
					same(t, "revised", ref+" "+version, "Encounter/e1 1")
					_, err := decide(pipeline.Versioned{Resource: encounter(c.status, ""), Version: "1"}, pipeline.Known{})
					meanwhile()
					return pipeline.Applied{}, err
				},
			}
			log, _ := newLog(t)
			in := &pipeline.Intake{
				Ledger: l, Resolver: pipeline.NewResolver(l), Log: log, Now: func() time.Time { return recordTime }, MaxAge: 24 * time.Hour,
				Journeys: &journeys{
					needs: func(fhir.Resource) []string { return []string{"Patient/p1"} },
					decide: func(change pipeline.Change) ([]pipeline.Notification, error) {
						from := "none"
						if a := change.Lookup("Appointment/a1"); a != nil {
							from = a.Header().Version
						}
						if _, revised := change.Previous.(*fhir.Encounter); revised && change.Current != nil && change.Version != "1" {
							t.Errorf("revised as version %q", change.Version)
						}
						planned = append(planned, from)
						return nil, nil
					},
				},
			}
			if _, err := in.Take(t.Context(), c.event); err != nil {
				t.Fatal(err)
			}
			same(t, "planned from", strings.Join(planned, ", "), c.want)
		})
	}
}

// TestIntakeRevisesAgain: if the process ends after a visit was taken in and before it was decided about anew, it is when its event comes again.
func TestIntakeRevisesAgain(t *testing.T) {
	version, kept, ends := "1", false, false
	l := &ledger{
		resource: func(ref string) (pipeline.Versioned, bool, error) {
			switch ref {
			case "Patient/p1":
				return pipeline.Versioned{Resource: patientJSON("p1", number)}, true, nil
			case "Appointment/a1":
				if ends {
					ends = false
					return pipeline.Versioned{}, false, errors.New("it ends here")
				}
				return pipeline.Versioned{Resource: visit{version: version}.json(), Version: version}, true, nil
			case "Encounter/e1":
				return pipeline.Versioned{Resource: encounter("arrived", ""), Version: "1"}, kept, nil
			}
			return pipeline.Versioned{}, false, nil
		},
		revise: func(_, _ string, decide pipeline.Decide) (pipeline.Applied, error) {
			_, err := decide(pipeline.Versioned{Resource: encounter("arrived", ""), Version: "1"}, pipeline.Known{})
			return pipeline.Applied{}, err
		},
	}
	in, changes := taking(t, l, pipeline.Versioned{})
	l.apply = func(_ pipeline.Event, decide pipeline.Decide) (pipeline.Applied, error) {
		if kept {
			return pipeline.Applied{Fresh: pipeline.Same}, nil
		}
		_, err := decide(pipeline.Versioned{}, pipeline.Known{})
		version, kept, ends = "2", true, true // the booking has come meanwhile, when no visit went back to it
		return pipeline.Applied{}, err
	}
	arrives := pipeline.Event{Type: "Encounter", ID: "e1", Version: "1", Operation: pipeline.Update, Resource: encounter("arrived", "")}
	if _, err := in.Take(t.Context(), arrives); err == nil {
		t.Fatal("it has not ended")
	}
	if outcome, err := in.Take(t.Context(), arrives); err != nil || outcome != "repeated" {
		t.Fatalf("%q, %v", outcome, err)
	}
	same(t, "planned from", bookingsOf(*changes), "1, 2")
}

// TestIntakeRevisesOthers: a visit that cannot be decided about is no fault of its booking, and the others are decided anew.
func TestIntakeRevisesOthers(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string
		done bool
	}{
		{"faulty", &pipeline.Error{Op: "sqlledger.apply", Kind: pipeline.Malformed, Reason: "foreign_plan"}, "Encounter/e1 Encounter/e2", true},
		{"the ledger is busy", transient("busy"), "Encounter/e1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var revised []string
			l := &ledger{
				resource: func(ref string) (pipeline.Versioned, bool, error) {
					switch {
					case ref == "Patient/p1":
						return pipeline.Versioned{Resource: patientJSON("p1", number)}, true, nil
					case strings.HasPrefix(ref, "Encounter/"):
						return pipeline.Versioned{Resource: encounter("arrived", ""), Version: "1"}, true, nil
					}
					return pipeline.Versioned{}, false, nil
				},
				revise: func(ref, _ string, _ pipeline.Decide) (pipeline.Applied, error) {
					if revised = append(revised, ref); ref == "Encounter/e1" {
						return pipeline.Applied{}, c.err
					}
					return pipeline.Applied{}, nil
				},
			}
			in, _ := taking(t, l, pipeline.Versioned{})
			log, lines := newLog(t)
			in.Log = log
			l.apply = func(pipeline.Event, pipeline.Decide) (pipeline.Applied, error) {
				return pipeline.Applied{Planned: 1, Visits: []string{"Encounter/e1", "Encounter/e2"}}, nil
			}
			_, err := in.Take(t.Context(), appointmentEvent(visit{}))
			same(t, "done", err == nil, c.done)
			same(t, "revised", strings.Join(revised, " "), c.want)
			said := strings.Contains(lines.String(), `"visit":"Encounter/e1","reason":"foreign_plan"`)
			same(t, "said", said, c.done)
		})
	}
}

// bookingsOf are the versions of Appointment/a1 from which was planned, in turn.
func bookingsOf(changes []pipeline.Change) string {
	var from []string
	for _, c := range changes {
		from = append(from, c.Lookup("Appointment/a1").Header().Version)
	}
	return strings.Join(from, ", ")
}

// TestIntakeRevisesHistory: what was history when it came is no news because its booking changes.
func TestIntakeRevisesHistory(t *testing.T) {
	for _, c := range []struct {
		name    string
		updated string
		loaded  bool
		want    bool
	}{
		{"news", "2026-03-01T11:59:00Z", false, false},
		{"old", "2026-02-26T11:59:00Z", false, true},
		{"without a time of its own", "", false, true},
		{"an initial load", "2026-03-01T11:59:00Z", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &ledger{
				resource: func(ref string) (pipeline.Versioned, bool, error) {
					switch ref {
					case "Patient/p1":
						return pipeline.Versioned{Resource: patientJSON("p1", number)}, true, nil
					case "Encounter/e1":
						return pipeline.Versioned{Resource: encounter("arrived", c.updated), Version: "1", Loaded: c.loaded}, true, nil
					}
					return pipeline.Versioned{}, false, nil
				},
				revise: func(_, _ string, decide pipeline.Decide) (pipeline.Applied, error) {
					_, err := decide(pipeline.Versioned{Resource: encounter("arrived", c.updated), Version: "1"}, pipeline.Known{})
					return pipeline.Applied{}, err
				},
			}
			in, changes := taking(t, l, pipeline.Versioned{})
			l.apply = func(pipeline.Event, pipeline.Decide) (pipeline.Applied, error) {
				return pipeline.Applied{Visits: []string{"Encounter/e1"}}, nil
			}
			if _, err := in.Take(t.Context(), appointmentEvent(visit{})); err != nil {
				t.Fatal(err)
			}
			if len(*changes) != 1 || (*changes)[0].Historic != c.want {
				t.Errorf("%d changes; historic is not %v", len(*changes), c.want)
			}
		})
	}
}

// encounter is a visit that takes place and goes back to Appointment/a1.
func encounter(status, updated string) json.RawMessage {
	if updated != "" {
		updated = `,"lastUpdated":"` + updated + `"`
	}
	return json.RawMessage(`{"resourceType":"Encounter","id":"e1","meta":{"versionId":"1"` + updated + `},"status":"` + status + `","class":{"code":"AMB"},` +
		`"subject":{"reference":"Patient/p1"},"appointment":[{"reference":"Appointment/a1"}]}`)
}
