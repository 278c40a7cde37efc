package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// outlook is what the running bridge tells of a subject: references, times and states; no words, names or numbers, and
// no ids of messages, which have numbers in them.
type outlook struct {
	Ref string `json:"ref"`
	// Version is the kept one; "" if the resource is gone.
	Version string `json:"version,omitempty"`
	// Zone is that of the subject's place, ZoneFrom what says so: start, a Location, or facility.
	Zone     string          `json:"zone,omitempty"`
	ZoneFrom string          `json:"zone_from,omitempty"`
	Answers  []outlookAnswer `json:"answers,omitempty"`
	Steps    []outlookStep   `json:"steps"`
}

// outlookAnswer is a patient's last decision.
type outlookAnswer struct {
	Patient string    `json:"patient"`
	Action  string    `json:"action"`
	At      time.Time `json:"at"`
}

// outlookStep is a notification, or a step of which there is none.
type outlookStep struct {
	Journey  string    `json:"journey"`
	Step     string    `json:"step,omitempty"`
	Patient  string    `json:"patient,omitempty"`
	Template string    `json:"template,omitempty"`
	Due      time.Time `json:"due,omitzero"`
	Expires  time.Time `json:"expires,omitzero"`
	// State is "" for what is not planned; then NotPlanned says why.
	State      pipeline.State  `json:"state,omitempty"`
	Reason     pipeline.Reason `json:"reason,omitempty"`
	Since      time.Time       `json:"since,omitzero"`
	NotPlanned string          `json:"not_planned,omitempty"`
	// Covered says which other message says what a planned one would.
	Covered string `json:"covered,omitempty"`
}

// notYet is why a step that the journeys want is not planned: they were changed since the last version came.
const notYet = "wanted since the journeys were changed: the next version of the resource plans it"

// errNothingKept says that the ledger has never heard of a subject.
var errNothingKept = errors.New("nothing is kept of it")

// plan answers GET /plan?ref=Appointment/1.
func (a *app) plan(w http.ResponseWriter, r *http.Request) {
	ref, ok := fhir.ParseReference(r.URL.Query().Get("ref"))
	if !ok || ref.Type == "" || ref.ID == "" {
		http.Error(w, "ref must be like Appointment/1", http.StatusBadRequest)
		return
	}
	o, err := a.outlookOf(r.Context(), fhir.Ref(ref.Type, ref.ID).String())
	switch {
	case errors.Is(err, errNothingKept):
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	case err != nil:
		a.log.Error("plan not read", "error", err)
		http.Error(w, "the ledger does not answer", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(o)
}

// outlookOf tells what is planned about a subject, what has become of it, and why the rest is not planned.
func (a *app) outlookOf(ctx context.Context, ref string) (*outlook, error) {
	kept, known, err := a.ledger.Resource(ctx, ref)
	if err != nil {
		return nil, err
	}
	entries, err := a.ledger.Trace(ctx, ref)
	if err != nil {
		return nil, err
	}
	if !known && len(entries) == 0 {
		return nil, errNothingKept
	}
	entries = slices.DeleteFunc(entries, func(e pipeline.TraceEntry) bool { return e.Notification.Subject != ref })
	o := &outlook{Ref: ref, Version: kept.Version, Steps: make([]outlookStep, 0, len(entries))}
	state, err := a.ledger.KnownOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	for _, answer := range state.Answers {
		o.Answers = append(o.Answers, outlookAnswer{Patient: answer.Patient, Action: answer.Action, At: answer.At})
	}
	expected, err := a.expected(ctx, kept, state)
	if err != nil {
		return nil, err
	}
	if expected.Zone != nil {
		o.Zone, o.ZoneFrom = expected.Zone.String(), expected.ZoneFrom
	}
	o.Steps = merge(expected.Steps, entries)
	return o, nil
}

// expected is what the journeys want of a subject as it stands; of one that is gone, or cannot be read, nothing.
func (a *app) expected(ctx context.Context, kept pipeline.Versioned, known pipeline.Known) (journey.Outlook, error) {
	subject, err := fhir.Decode(kept.Resource)
	if err != nil {
		return journey.Outlook{}, nil
	}
	lookup, err := a.resolver.Lookup(ctx, subject, nil)
	if err != nil {
		return journey.Outlook{}, err
	}
	c := pipeline.Change{Previous: subject, Current: subject, Version: kept.Version, Known: known, Lookup: lookup, Now: a.now()}
	plan, err := a.book.Decide(c)
	if err != nil {
		return journey.Outlook{}, err
	}
	return a.book.Explain(c, plan), nil
}

// merge puts what the journeys want beside what the ledger has: step by step, and what belongs to no step, as
// answers to replies, behind.
func merge(expected []journey.StepOutlook, entries []pipeline.TraceEntry) []outlookStep {
	steps := make([]outlookStep, 0, len(expected)+len(entries))
	told := make([]bool, len(entries))
	for _, x := range expected {
		last := -1
		for i, e := range entries {
			if n := e.Notification; !told[i] && n.Journey == x.Journey && n.Step == x.Step && n.Patient == x.Patient {
				steps, told[i], last = append(steps, traced(e, x.Template)), true, len(steps)
				if n.Key == x.Key && n.State == pipeline.Planned && x.Why == journey.WhyCovered {
					steps[last].Covered = x.Because()
				}
			}
		}
		why := x.Because()
		if x.Planned {
			why = notYet
		}
		key := func(e pipeline.TraceEntry) bool { return x.Key != "" && e.Notification.Key == x.Key }
		switch {
		case last < 0 && slices.ContainsFunc(entries, key): // it was put beside the step before: a step may be planned several times
		case last < 0:
			s := outlookStep{Journey: x.Journey, Step: x.Step, Patient: x.Patient, Template: x.Template, NotPlanned: why}
			if x.Why == journey.WhyPast || x.Why == journey.WhyUseless {
				s.Due = x.Due
			}
			steps = append(steps, s)
		case steps[last].State == pipeline.Cancelled && !x.Planned:
			steps[last].NotPlanned = why
		}
	}
	for i, e := range entries {
		if !told[i] {
			steps = append(steps, traced(e, ""))
		}
	}
	return steps
}

// traced is a notification of the ledger.
func traced(e pipeline.TraceEntry, template string) outlookStep {
	n := e.Notification
	s := outlookStep{
		Journey: n.Journey, Step: n.Step, Patient: n.Patient, Template: template,
		Due: n.Due, Expires: n.Expires, State: n.State, Reason: pipeline.Reason(n.Reason),
	}
	if len(e.Attempts) > 0 {
		s.Template = cmp.Or(e.Attempts[len(e.Attempts)-1].Template, template)
	}
	if len(e.States) > 0 {
		s.Since = e.States[len(e.States)-1].At
	}
	return s
}
