package main

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// simulation is all that would happen. It holds names, numbers and words.
type simulation struct {
	Timeline []happening      `json:"timeline"`
	Faults   []simulatedFault `json:"faults"`
}

// happening is one line of the timeline: one of its parts is set.
type happening struct {
	// At is in the zone of what it is about.
	At      time.Time         `json:"at"`
	Event   *simulatedEvent   `json:"event,omitempty"`
	Message *simulatedMessage `json:"message,omitempty"`
	Unsaid  *simulatedUnsaid  `json:"not_sent,omitempty"`
	Reply   *simulatedReply   `json:"reply,omitempty"`
	Write   *simulatedWrite   `json:"write,omitempty"`
	Note    string            `json:"note,omitempty"`
}

// simulatedEvent is an event that was taken in, and what it has planned.
type simulatedEvent struct {
	File     string          `json:"file"`
	Resource string          `json:"resource"`
	Version  string          `json:"version,omitempty"`
	Outcome  string          `json:"outcome"`
	Zone     string          `json:"zone,omitempty"`
	ZoneFrom string          `json:"zone_from,omitempty"`
	Steps    []simulatedStep `json:"steps,omitempty"`
}

// simulatedStep is a step that is planned, or the reason why it is not.
type simulatedStep struct {
	Journey  string      `json:"journey"`
	Step     string      `json:"step,omitempty"`
	Patient  string      `json:"patient,omitempty"`
	Template string      `json:"template,omitempty"`
	Task     string      `json:"task,omitempty"`
	Planned  bool        `json:"planned"`
	Due      time.Time   `json:"due,omitzero"`
	Expires  time.Time   `json:"expires,omitzero"`
	Reason   journey.Why `json:"reason,omitempty"`
	Because  string      `json:"because,omitempty"`
	now      bool
}

// simulatedMessage is what a phone shows.
type simulatedMessage struct {
	Journey    string            `json:"journey"`
	Step       string            `json:"step"`
	Subject    string            `json:"subject,omitempty"`
	Patient    string            `json:"patient"`
	To         string            `json:"to"`
	Template   string            `json:"template,omitempty"`
	Language   string            `json:"language"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Text       string            `json:"text"`
	Answers    []string          `json:"answers,omitempty"`
}

// simulatedUnsaid is what was due and is not sent, or not before Until.
type simulatedUnsaid struct {
	Journey string          `json:"journey"`
	Step    string          `json:"step"`
	Subject string          `json:"subject,omitempty"`
	Patient string          `json:"patient"`
	Reason  pipeline.Reason `json:"reason"`
	Until   time.Time       `json:"until,omitzero"`
}

// simulatedReply is what a patient did, and how it is understood.
type simulatedReply struct {
	Patient   string `json:"patient,omitempty"`
	From      string `json:"from"`
	Tap       string `json:"tap,omitempty"`
	Words     string `json:"words,omitempty"`
	Found     string `json:"found"`
	Reading   string `json:"reading"`
	Decides   string `json:"decides,omitempty"`
	Wants     string `json:"wants,omitempty"`
	HandsOver string `json:"hands_over,omitempty"`
	Urgent    bool   `json:"urgent,omitempty"`
	Stops     *bool  `json:"stops,omitempty"`
	// Speaks is the language chosen, Disowns are those whose number it is not.
	Speaks  string   `json:"speaks,omitempty"`
	Disowns []string `json:"disowns,omitempty"`
	// Steps are those whose plan it has changed.
	Steps []simulatedStep `json:"steps,omitempty"`
}

// simulatedWrite is what the chart gets.
type simulatedWrite struct {
	Method  string          `json:"method"`
	To      string          `json:"to"`
	Meaning string          `json:"meaning"`
	Body    json.RawMessage `json:"body"`
}

// simulatedFault is what could not be taken in.
type simulatedFault struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
	Path   string `json:"path,omitempty"`
}

// happens adds a line, at the clock time of the subject's place.
func (s *stage) happens(subject string, h happening) {
	zone := s.zones[subject]
	if zone == nil && len(s.Timeline) > 0 && subject == "" {
		zone = s.Timeline[len(s.Timeline)-1].At.Location()
	}
	if zone == nil {
		zone = s.zone
	}
	h.At = s.now().In(zone)
	s.Timeline = append(s.Timeline, h)
}

// fault adds each part of an error.
func (s *stage) fault(file string, err error) {
	parts := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		parts = joined.Unwrap()
	}
	for _, part := range parts {
		var e *pipeline.Error
		if errors.As(part, &e) {
			s.Faults = append(s.Faults, simulatedFault{File: file, Reason: e.Reason, Path: e.Path})
		}
	}
}

// describe adds what the journeys say of an event.
func (e *simulatedEvent) describe(x *journey.Outlook, now time.Time) {
	e.Zone, e.ZoneFrom = x.Zone.String(), x.ZoneFrom
	for _, o := range x.Steps {
		e.Steps = append(e.Steps, asStep(o, x.Zone, now))
	}
}

func asStep(o journey.StepOutlook, zone *time.Location, now time.Time) simulatedStep {
	s := simulatedStep{
		Journey: o.Journey, Step: o.Step, Patient: o.Patient, Template: o.Template, Task: o.Task,
		Planned: o.Planned, Reason: o.Why, Because: o.Because(), now: !o.Due.After(now),
	}
	if !o.Due.IsZero() {
		s.Due, s.Expires = o.Due.In(zone), o.Expires.In(zone)
	}
	return s
}

// changed are the steps that are planned in one of two outlooks, as the second has them.
func changed(before, after *journey.Outlook, now time.Time) []simulatedStep {
	if before == nil || after == nil || len(before.Steps) != len(after.Steps) {
		return nil
	}
	var steps []simulatedStep
	for i, o := range after.Steps {
		if o.Planned != before.Steps[i].Planned {
			steps = append(steps, asStep(o, after.Zone, now))
		}
	}
	return steps
}

// shown is a message as the phone shows it.
func shown(m pipeline.SentMessage, said pipeline.Message) *simulatedMessage {
	n := m.Notification
	x := &simulatedMessage{
		Journey: n.Journey, Step: n.Step, Subject: n.Subject, Patient: n.Patient, To: m.Attempt.Address.Reveal(),
		Template: m.Attempt.Template, Language: m.Attempt.Language, Text: said.Seen.Reveal(), Answers: slices.Compact(slices.Clone(m.Attempt.Actions)),
	}
	if said.Template != nil {
		x.Parameters = map[string]string{}
		for _, p := range said.Template.Body {
			x.Parameters[p.Name] = p.Text.Reveal()
		}
		if p := said.Template.Header; p != nil {
			x.Parameters[p.Name] = p.Text.Reveal()
		}
	}
	return x
}
