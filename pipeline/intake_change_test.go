package pipeline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// taking returns a lane that applies every event to a ledger which keeps version
// kept of it, and the changes that were decided about.
func taking(t *testing.T, l *ledger, kept pipeline.Versioned) (*pipeline.Intake, *[]pipeline.Change) {
	t.Helper()
	var changes []pipeline.Change
	log, _ := newLog(t)
	apply := l.apply
	l.apply = func(ev pipeline.Event, decide pipeline.Decide) (pipeline.Applied, error) {
		if apply != nil {
			if _, err := apply(ev, decide); err != nil {
				return pipeline.Applied{}, err
			}
		}
		if decide != nil {
			if _, err := decide(kept, pipeline.Known{Told: []string{"Patient/p1"}}); err != nil {
				return pipeline.Applied{}, err
			}
		}
		return pipeline.Applied{}, nil
	}
	return &pipeline.Intake{
		Ledger: l, Resolver: pipeline.NewResolver(l), Log: log, Now: func() time.Time { return recordTime }, MaxAge: 24 * time.Hour,
		Journeys: &journeys{
			needs: func(r fhir.Resource) []string {
				a, ok := r.(*fhir.Appointment)
				if !ok {
					return nil
				}
				var refs []string
				for _, p := range a.Patients() {
					refs = append(refs, p.Actor.String())
				}
				return refs
			},
			decide: func(c pipeline.Change) ([]pipeline.Notification, error) {
				changes = append(changes, c)
				return nil, nil
			},
		},
	}, &changes
}

func TestIntakeHistory(t *testing.T) {
	day := 24 * time.Hour
	cases := []struct {
		name      string
		updated   time.Time
		recorded  time.Time
		operation pipeline.Operation
		want      bool
	}{
		{"news", recordTime.Add(-time.Minute), recordTime, pipeline.Update, false},
		{"exactly as old as may be", recordTime.Add(-day), recordTime, pipeline.Update, false},
		{"older", recordTime.Add(-day - time.Second), recordTime, pipeline.Update, true},
		{"old by its own time, in a new record", recordTime.Add(-100 * day), recordTime, pipeline.Update, true},
		{"new by its own time, in an old record", recordTime, recordTime.Add(-100 * day), pipeline.Update, false},
		{"without a time of its own, in an old record", time.Time{}, recordTime.Add(-2 * day), pipeline.Update, true},
		{"without a time of its own, in a new record", time.Time{}, recordTime, pipeline.Update, false},
		{"without any time", time.Time{}, time.Time{}, pipeline.Update, false},
		{"from the future", recordTime.Add(day), recordTime, pipeline.Update, false},
		{"an initial load", recordTime, recordTime, pipeline.Snapshot, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in, changes := taking(t, &ledger{resource: directory(knownPatient)}, pipeline.Versioned{})
			ev := appointmentEvent(visit{})
			ev.LastUpdated, ev.Operation, ev.Source.Time = c.updated, c.operation, c.recorded
			if _, err := in.Take(t.Context(), ev); err != nil {
				t.Fatal(err)
			}
			if got := (*changes)[0].Historic; got != c.want {
				t.Errorf("historic = %v, want %v", got, c.want)
			}
		})
	}
}

func TestIntakeDecidesFromBothVersions(t *testing.T) {
	cases := []struct {
		name  string
		event pipeline.Event
		kept  json.RawMessage
		want  string // previous status, current status, version
	}{
		{"the first version", appointmentEvent(visit{}), nil, "none booked 1"},
		{"a change", appointmentEvent(visit{status: "cancelled"}), visit{}.json(), "booked cancelled 1"},
		{"a deletion", pipeline.Event{Type: "Appointment", ID: "a1", Operation: pipeline.Delete, Version: "3"}, visit{}.json(), "booked none 3"},
		{"over one that cannot be read", appointmentEvent(visit{}), json.RawMessage(`{"resourceType":"Appointment","status":1}`), "none booked 1"},
		{"without a version", pipeline.Event{Type: "Appointment", ID: "a1", Resource: visit{}.json(), LastUpdated: recordTime}, nil, "none booked 2026-03-01T12:00:00Z"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in, changes := taking(t, &ledger{resource: directory(knownPatient)}, pipeline.Versioned{Resource: c.kept})
			if _, err := in.Take(t.Context(), c.event); err != nil {
				t.Fatal(err)
			}
			status := func(r fhir.Resource) string {
				if a, ok := r.(*fhir.Appointment); ok {
					return string(a.Status())
				}
				return "none"
			}
			got := (*changes)[0]
			same(t, "change", fmt.Sprint(status(got.Previous), " ", status(got.Current), " ", got.Version), c.want)
			same(t, "known", []any{got.Known.ToldOf("Patient/p1"), got.Now.Equal(recordTime)}, []any{true, true})
		})
	}
}

// TestIntakeVersionOfAFeedThatGivesNone: without versionId and lastUpdated the record is the
// version, so that two changes are two occasions, and a record that is read again is none.
func TestIntakeVersionOfAFeedThatGivesNone(t *testing.T) {
	read := func(topic string, partition int, offset int64) pipeline.Event {
		return pipeline.Event{Type: "Appointment", ID: "a1", Resource: visit{}.json(), Source: pipeline.Source{Topic: topic, Partition: partition, Offset: offset, Time: recordTime}}
	}
	with := func(ev pipeline.Event, version string, updated time.Time) pipeline.Event {
		ev.Version, ev.LastUpdated = version, updated
		return ev
	}
	record, next := read("ehr.fhir", 2, 7), read("ehr.fhir", 2, 8)
	cases := []struct {
		name          string
		first, second pipeline.Event
		same          bool
	}{
		{"the same record again", record, record, true},
		{"the next record", record, next, false},
		{"the same place in another partition", record, read("ehr.fhir", 3, 7), false},
		{"the same place in another topic", record, read("ehr.other", 2, 7), false},
		{"digits that could be read in two ways", read("ehr.fhir", 1, 11), read("ehr.fhir", 11, 1), false},
		{"two records of the same lastUpdated", with(record, "", recordTime), with(next, "", recordTime.In(time.FixedZone("", 3600))), true},
		{"two of another one, to the nanosecond", with(record, "", recordTime), with(next, "", recordTime.Add(1)), false},
		{"two records of the same version", with(record, "1", recordTime), with(next, "1", time.Time{}), true},
		{"two of another one", with(record, "1", recordTime), with(next, "2", recordTime), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in, changes := taking(t, &ledger{resource: directory(knownPatient)}, pipeline.Versioned{})
			for _, ev := range []pipeline.Event{c.first, c.second} {
				if _, err := in.Take(t.Context(), ev); err != nil {
					t.Fatal(err)
				}
			}
			first, second := (*changes)[0].Version, (*changes)[1].Version
			if first == "" || second == "" || (first == second) != c.same {
				t.Errorf("versions %q and %q, want the same: %v", first, second, c.same)
			}
		})
	}
}

// TestIntakeKeepsWhatCameAlong shows that a patient who is only context of an
// event is known when its message is sent, long after the record.
func TestIntakeKeepsWhatCameAlong(t *testing.T) {
	const urn = "urn:uuid:6f1c4f0a-0000-4000-8000-000000000001"
	along := func(names ...string) map[string]json.RawMessage {
		m := map[string]json.RawMessage{}
		for _, name := range names {
			m[name] = patientJSON("p1", number)
		}
		return m
	}
	cases := []struct {
		name    string
		actor   string
		context map[string]json.RawMessage
		kept    map[string]json.RawMessage
		want    string // applied, in order
	}{
		{"by its reference", "Patient/p1", along("Patient/p1"), nil, "Patient/p1 Appointment/a1"},
		{"by a name that holds inside the Bundle only", urn, along("Patient/p1", urn), nil, "Patient/p1 Appointment/a1"},
		{"the same is kept already", "Patient/p1", along("Patient/p1"), knownPatient, "Appointment/a1"},
		{"another version is kept", "Patient/p1", along("Patient/p1"), map[string]json.RawMessage{"Patient/p1": patientJSON("p1", newNumber)}, "Patient/p1 Appointment/a1"},
		{"it cannot be read, and is not known", "Patient/p1", map[string]json.RawMessage{"Patient/p1": json.RawMessage(`{"resourceType":"Patient","id":7}`)}, nil, "parked"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			l := &ledger{
				resource: directory(c.kept),
				apply: func(ev pipeline.Event, decide pipeline.Decide) (pipeline.Applied, error) {
					got = append(got, ev.Ref())
					if ev.Type == "Patient" && (decide != nil || ev.Source.Offset != 7) {
						t.Error("the patient is decided about, or has no source")
					}
					if strings.Contains(string(ev.Resource), "urn:") {
						t.Error("the kept resource names what nobody knows")
					}
					return pipeline.Applied{}, nil
				},
				park: func(pipeline.Event, pipeline.Reason, time.Time) error {
					got = append(got, "parked")
					return nil
				},
			}
			in, changes := taking(t, l, pipeline.Versioned{})
			ev := appointmentEvent(visit{actor: c.actor})
			ev.Context, ev.Source = c.context, pipeline.Source{Topic: "ehr.fhir", Offset: 7}
			if _, err := in.Take(t.Context(), ev); err != nil {
				t.Fatal(err)
			}
			same(t, "applied", strings.Join(got, " "), c.want)
			if c.want != "parked" && (*changes)[0].Lookup("Patient/p1") == nil {
				t.Error("the journeys do not see the patient")
			}
		})
	}
}

func TestIntakeLooksUpInOrder(t *testing.T) {
	// The event's own Bundle comes before the directory; what is contained is found too.
	place := func(id, name string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"resourceType":"Location","id":%q,"name":%q,"partOf":{"reference":"Location/site"}}`, id, name))
	}
	kept := map[string]json.RawMessage{
		"Patient/p1": patientJSON("p1", number), "Location/room": place("room", "kept room"), "Location/ward": place("ward", "kept ward"),
		"Location/site": json.RawMessage(`{"resourceType":"Location","id":"site","name":"kept site"}`),
	}
	in, changes := taking(t, &ledger{resource: directory(kept)}, pipeline.Versioned{})
	ev := pipeline.Event{Type: "Appointment", ID: "a1", Version: "1", Context: map[string]json.RawMessage{"Location/room": place("room", "new room")},
		Resource: json.RawMessage(`{"resourceType":"Appointment","id":"a1","status":"booked","start":"` + visitStart + `","end":"` + visitStart + `",
		"contained":[{"resourceType":"Practitioner","id":"doc","name":[{"family":"Contained"}]}],
		"participant":[{"actor":{"reference":"Patient/p1"},"status":"accepted"},{"actor":{"reference":"Location/room"},"status":"accepted"},
		{"actor":{"reference":"Location/ward"},"status":"accepted"},{"actor":{"reference":"#doc"},"status":"accepted"},
		{"actor":{"reference":"Location/unknown"},"status":"accepted"}]}`)}
	if _, err := in.Take(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	name := func(ref string) string {
		switch r := (*changes)[0].Lookup(ref).(type) {
		case *fhir.Location:
			return r.Name()
		case *fhir.Practitioner:
			return r.Name(recordTime).Formal()
		}
		return "none"
	}
	same(t, "found", []string{name("Location/room"), name("Location/ward"), name("Location/site"), name("#doc"), name("Location/unknown"), name("Location/other")},
		[]string{"new room", "kept ward", "kept site", "Contained", "none", "none"})
}
