package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// answer lets the patient do something with the last message, a minute after it.
func (s *stage) answer(ctx context.Context, a simulatedAnswer) error {
	for s.toAnswer(a) == nil {
		_, at, err := s.ledger.Due(ctx, s.now(), 0)
		if err != nil {
			return err
		}
		if at.IsZero() {
			return fmt.Errorf("nobody can answer %q: %s", a.text, s.whatCanBeAnswered())
		}
		if err := s.pass(ctx, at); err != nil {
			return err
		}
	}
	if err := s.pass(ctx, s.now().Add(time.Minute)); err != nil {
		return err
	}
	m := s.toAnswer(a)
	before, err := s.outlook(ctx, m.Notification.Subject)
	if err != nil {
		return err
	}
	if err := s.hear(ctx, m, a); err != nil {
		return err
	}
	after, err := s.outlook(ctx, m.Notification.Subject)
	if err != nil {
		return err
	}
	reply := s.understood
	reply.Steps = changed(before, after, s.now())
	s.happens(m.Notification.Subject, happening{Reply: &reply})
	if err := s.settle(ctx); err != nil {
		return err
	}
	return s.pass(ctx, s.now())
}

// hear takes in an answer to a message.
func (s *stage) hear(ctx context.Context, m *simulatedSent, a simulatedAnswer) error {
	s.replies++
	number := m.Attempt.Address
	s.understood = simulatedReply{From: number.Reveal(), Patient: m.Notification.Patient}
	r := pipeline.Reply{ID: "wamid.simulated-reply-" + strconv.Itoa(s.replies), From: number, Kind: "text", At: s.now(), Received: s.now()}
	if a.tap {
		button := slices.Index(m.Attempt.Actions, a.text)
		s.understood.Tap = m.titles[button]
		r.Kind, r.Payload, r.Text = "button", pipeline.Token(m.Attempt.ID, button+1), pipeline.NewPrivate(m.titles[button])
	} else {
		s.understood.Words, r.Text = a.text, pipeline.NewPrivate(a.text)
	}
	s.updates = pipeline.Updates{Replies: []pipeline.Reply{r}}
	return s.inbound.Handle(ctx, pipeline.Record{Headers: map[string]string{
		pipeline.HeaderChannel: simulatedChannel, pipeline.HeaderReceived: s.now().Format(time.RFC3339Nano),
	}})
}

// outlook is what the journeys want of a subject as it stands, nil if nothing is kept of it.
func (s *stage) outlook(ctx context.Context, ref string) (*journey.Outlook, error) {
	kept, known, err := s.ledger.Resource(ctx, ref)
	if err != nil || !known {
		return nil, err
	}
	state, err := s.ledger.KnownOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	subject, err := fhir.Decode(kept.Resource)
	if err != nil {
		return nil, err
	}
	lookup, err := s.intake.Resolver.Lookup(ctx, subject, nil)
	if err != nil {
		return nil, err
	}
	c := pipeline.Change{Previous: subject, Current: subject, Version: kept.Version, Known: state, Lookup: lookup, Now: s.now()}
	plan, err := s.book.Decide(c)
	x := s.book.Explain(c, plan)
	return &x, err
}

// toAnswer is the message that is answered: the last one, or the last one that has the button; nil if there is none.
func (s *stage) toAnswer(a simulatedAnswer) *simulatedSent {
	for i := len(s.sent) - 1; i >= 0; i-- {
		if !a.tap || slices.Contains(s.sent[i].Attempt.Actions, a.text) {
			return &s.sent[i]
		}
	}
	return nil
}

func (s *stage) whatCanBeAnswered() string {
	var actions []string
	for _, m := range s.sent {
		for _, action := range m.Attempt.Actions {
			if !slices.Contains(actions, action) {
				actions = append(actions, action)
			}
		}
	}
	switch {
	case len(s.sent) == 0:
		return "no message is sent"
	case len(actions) == 0:
		return "no message has buttons"
	}
	return "the messages have buttons for " + strings.Join(actions, ", ")
}
