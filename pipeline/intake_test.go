package pipeline_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// intakeCase is one record through intake, and what its fakes say.
type intakeCase struct {
	name   string
	events []pipeline.Event
	decode error
	kept   map[string]json.RawMessage
	apply  func(pipeline.Event) (pipeline.Applied, error)
	decide func(pipeline.Change) ([]pipeline.Notification, error)
	needs  []string // "" stands for all patients
	dead   error    // of the dead-letter topic

	outcomes []string // in the metrics: "type outcome"
	reasons  string   // bridge-faults of the dead letter, "" for none
	applied  string   // references in the order of Apply
	parked   string
	err      string
}

var recordTime = at("2026-03-01T12:00:00Z")

func appointmentEvent(v visit) pipeline.Event {
	id := v.id
	if id == "" {
		id = "a1"
	}
	return pipeline.Event{Type: "Appointment", ID: id, Version: "1", LastUpdated: recordTime, Resource: v.json()}
}

func patientEvent() pipeline.Event {
	return pipeline.Event{Type: "Patient", ID: "p1", Version: "1", Resource: patientJSON("p1", number)}
}

var knownPatient = map[string]json.RawMessage{"Patient/p1": patientJSON("p1", number)}

func intakeCases() []intakeCase {
	planned := func(pipeline.Event) (pipeline.Applied, error) { return pipeline.Applied{Planned: 1}, nil }
	says := func(f pipeline.Freshness) func(pipeline.Event) (pipeline.Applied, error) {
		return func(pipeline.Event) (pipeline.Applied, error) { return pipeline.Applied{Fresh: f}, nil }
	}
	gone := pipeline.Event{Type: "Appointment", ID: "a1", Operation: pipeline.Delete}
	bad := pipeline.Event{Type: "Appointment", ID: "bad", Resource: json.RawMessage(`{"resourceType":"Appointment","id":"bad","status":"` + surname + `"}`)}
	visits := []pipeline.Event{appointmentEvent(visit{}), bad, appointmentEvent(visit{id: "a2"})}
	faulty := errors.Join(
		&pipeline.Error{Op: "envelope.decode", Kind: pipeline.Malformed, Reason: "no_id", Path: "Bundle.entry[1].resource.id"},
		&pipeline.Error{Op: "envelope.decode", Kind: pipeline.Malformed, Reason: "not_fhir", Path: "Bundle.entry[2]"})
	return []intakeCase{
		{name: "planned", events: visits[:1], kept: knownPatient, apply: planned, outcomes: []string{"Appointment planned"}, applied: "Appointment/a1"},
		{name: "applied without a plan", events: visits[:1], kept: knownPatient, apply: says(pipeline.Newer), outcomes: []string{"Appointment applied"}, applied: "Appointment/a1"},
		{name: "repeated", events: visits[:1], kept: knownPatient, apply: says(pipeline.Same), outcomes: []string{"Appointment repeated"}, applied: "Appointment/a1"},
		{name: "stale", events: visits[:1], kept: knownPatient, apply: says(pipeline.Older), outcomes: []string{"Appointment stale"}, applied: "Appointment/a1"},
		{name: "kept", events: []pipeline.Event{patientEvent()}, apply: says(pipeline.Newer), needs: []string{}, outcomes: []string{"Patient kept"}, applied: "Patient/p1"},
		{name: "deleted", events: []pipeline.Event{gone}, apply: says(pipeline.Newer), outcomes: []string{"Appointment applied"}, applied: "Appointment/a1"},
		{name: "of a type that nobody reads", events: []pipeline.Event{{Type: "Observation", ID: "o1"}}, outcomes: []string{"other ignored"}},
		{name: "parked, its patient unknown", events: visits[:1], outcomes: []string{"Appointment parked"}, parked: "Appointment/a1"},
		{name: "nothing in it", outcomes: []string{}},
		{name: "not readable at all", decode: broken("not_json"), outcomes: []string{"other dead"}, reasons: "not_json"},
		{name: "a resource that is none", events: visits[1:2], outcomes: []string{"Appointment dead"}, reasons: "unknown_code Appointment.status"},
		{name: "changed, it does not say to what", events: []pipeline.Event{{Type: "Appointment", ID: "a1", Operation: pipeline.Update}},
			outcomes: []string{"Appointment dead"}, reasons: "no_resource Appointment"},
		{name: "faulty parts and a sound one", events: visits[:1], decode: faulty, kept: knownPatient, apply: planned, applied: "Appointment/a1",
			outcomes: []string{"other dead", "other dead", "Appointment planned"}, reasons: "no_id Bundle.entry[1].resource.id; not_fhir Bundle.entry[2]"},
		{name: "a faulty one between sound ones", events: visits, kept: knownPatient, apply: planned, applied: "Appointment/a1 Appointment/a2",
			outcomes: []string{"Appointment dead", "Appointment planned", "Appointment planned"}, reasons: "unknown_code Appointment.status"},
		{name: "the ledger does not answer", events: visits[:1], kept: knownPatient, applied: "Appointment/a1",
			apply: func(pipeline.Event) (pipeline.Applied, error) { return pipeline.Applied{}, transient("disk_full") },
			err:   "disk_full", outcomes: []string{}},
		{name: "the ledger does not answer to the second", events: []pipeline.Event{visits[0], visits[2]}, kept: knownPatient, applied: "Appointment/a1 Appointment/a2",
			apply: func(ev pipeline.Event) (pipeline.Applied, error) {
				if ev.ID == "a2" {
					return pipeline.Applied{}, transient("disk_full")
				}
				return planned(ev)
			}, err: "disk_full", outcomes: []string{"Appointment planned"}},
		{name: "the dead letter is not written", events: visits[1:2], dead: transient("unreachable"), err: "unreachable",
			outcomes: []string{"Appointment dead"}, reasons: "unknown_code Appointment.status"},
		{name: "the journeys fail", events: visits[:1], kept: knownPatient, applied: "Appointment/a1", outcomes: []string{"Appointment dead"}, reasons: "journey_failed",
			decide: func(pipeline.Change) ([]pipeline.Notification, error) { return nil, errors.New(words) }},
		{name: "the journeys panic", events: visits[:1], kept: knownPatient, applied: "Appointment/a1", outcomes: []string{"Appointment dead"}, reasons: "panic",
			decide: func(pipeline.Change) ([]pipeline.Notification, error) { panic(words) }},
		{name: "the journeys want what never expires", events: visits[:1], kept: knownPatient, applied: "Appointment/a1", outcomes: []string{"Appointment dead"}, reasons: "no_expiry",
			decide: func(pipeline.Change) ([]pipeline.Notification, error) {
				return []pipeline.Notification{{Key: "k1", Expires: recordTime.Add(time.Hour)}, {Key: "k2"}}, nil
			}},
		{name: "the ledger will never take it", events: visits[:1], kept: knownPatient, applied: "Appointment/a1", outcomes: []string{"Appointment dead"}, reasons: "foreign_plan",
			apply: func(pipeline.Event) (pipeline.Applied, error) { return pipeline.Applied{}, broken("foreign_plan") }},
	}
}

func TestIntake(t *testing.T) {
	for _, c := range intakeCases() {
		t.Run(c.name, func(t *testing.T) { c.run(t) })
	}
}

func (c intakeCase) run(t *testing.T) {
	var applied, parked []string
	var letters []published
	metrics, counted := newMetrics(t)
	l := &ledger{
		resource: directory(c.kept),
		apply: func(ev pipeline.Event, decide pipeline.Decide) (pipeline.Applied, error) {
			applied = append(applied, ev.Ref())
			if decide != nil && c.decide != nil {
				if _, err := decide(pipeline.Versioned{}, pipeline.Known{}); err != nil {
					return pipeline.Applied{}, err
				}
			}
			return c.apply(ev)
		},
		park: func(ev pipeline.Event, _ pipeline.Reason, _ time.Time) error {
			parked = append(parked, ev.Ref())
			return nil
		},
	}
	log, _ := newLog(t)
	in := &pipeline.Intake{
		Decoder: decoder(func([]byte, pipeline.Source) ([]pipeline.Event, error) { return c.events, c.decode }),
		Ledger:  l, Resolver: pipeline.NewResolver(l), Metrics: metrics, Log: log, Now: func() time.Time { return recordTime }, MaxAge: 24 * time.Hour,
		Journeys: &journeys{decide: c.decide, needs: func(fhir.Resource) []string {
			if c.needs != nil {
				return c.needs
			}
			return []string{"Patient/p1"}
		}},
		DeadLetters: &pipeline.DeadLetters{Topic: "dead", Metrics: metrics, Publisher: publisher(func(p published) error {
			letters = append(letters, p)
			return c.dead
		})},
	}
	err := in.Handle(t.Context(), pipeline.Record{Value: []byte(words), Source: pipeline.Source{Topic: "ehr.fhir", Partition: 2, Offset: 7}})
	switch {
	case c.err == "" && err != nil, c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
		t.Errorf("Handle: %v, want %q", err, c.err)
	}
	same(t, "applied", strings.Join(applied, " "), c.applied)
	same(t, "parked", strings.Join(parked, " "), c.parked)
	if c.reasons == "" != (len(letters) == 0) {
		t.Fatalf("%d dead letters, want reasons %q", len(letters), c.reasons)
	}
	if len(letters) > 0 {
		h := letters[0].headers
		same(t, "dead letter", []string{h[pipeline.HeaderFaults], h[pipeline.HeaderLane], h[pipeline.HeaderOffset], string(letters[0].value)},
			[]string{c.reasons, "intake", "7", words})
	}
	same(t, "outcomes", eventOutcomes(counted()), c.outcomes)
}

// eventOutcomes lists what bridge_events_total counts, each as often as it was counted.
func eventOutcomes(text string) []string {
	list := []string{}
	for line := range strings.Lines(text) {
		labels, ok := strings.CutPrefix(line, "bridge_events_total{outcome=")
		if !ok {
			continue
		}
		labels, n, _ := strings.Cut(strings.TrimSpace(labels), "} ")
		outcome, kind, _ := strings.Cut(labels, ",type=")
		for range int(n[0] - '0') {
			list = append(list, kind+" "+outcome)
		}
	}
	return list
}
