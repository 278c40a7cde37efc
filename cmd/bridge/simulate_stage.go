package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// stage is where a simulation is played: the lanes of the bridge over a ledger in memory, whose clock
// goes where it is set to. What the outside would do is in simulate_outside.go.
type stage struct {
	simulation
	book    *journey.Book
	config  *Config
	zone    *time.Location // of the facility
	clock   atomic.Int64   // in nanoseconds since 1970; the ledger reads it, too
	ledger  *sqlledger.Ledger
	intake  *pipeline.Intake
	inbound *pipeline.Inbound
	ladder  *pipeline.Ladder
	amends  *pipeline.WriteBack
	filing  pipeline.Filing
	sink    pipeline.Sink
	// dispatch asks its gates before each message, and posts none. What Meta says of templates, nobody knows here.
	dispatch *pipeline.Dispatch

	// zones are where the subjects are.
	zones map[string]*time.Location
	// explained is what was said of the last event, understood what the last reply was read as.
	explained  *journey.Outlook
	understood simulatedReply
	// updates are what the next webhook brings.
	updates pipeline.Updates
	sent    []simulatedSent
	strange int // patients who are in no file
	replies int
}

// simulatedSent is a message that was said, with the titles of its buttons.
type simulatedSent struct {
	pipeline.SentMessage
	titles []string
}

// newStage opens everything; the caller closes the ledger.
func newStage(ctx context.Context, c *Config, book *journey.Book) (*stage, error) {
	s := &stage{book: book, config: c, zones: map[string]*time.Location{}, sink: pipeline.SinkTopic}
	s.Timeline, s.Faults = []happening{}, []simulatedFault{}
	if slices.Contains(c.FHIR.WriteTo, pipeline.SinkServer) {
		s.sink = pipeline.SinkServer
	}
	var err error
	if s.zone, err = time.LoadLocation(c.Facility.Timezone); err != nil {
		return nil, err
	}
	s.ledger, err = sqlledger.New(sqlledger.Config{URL: "sqlite::memory:", Plaintext: true}, sqlledger.WithClock(s.now))
	if err != nil {
		return nil, err
	}
	asked, err := gates(c, s.ledger)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	watched := watcher{book, s}
	s.filing = pipeline.Filing{Facility: c.Facility.Name, Sinks: []pipeline.Sink{s.sink}}
	s.intake = &pipeline.Intake{
		Ledger: s.ledger, Journeys: watched, Resolver: pipeline.NewResolver(s.ledger), Filing: s.filing, Log: log, Now: s.now, MaxAge: c.Intake.MaxAge,
	}
	s.dispatch = &pipeline.Dispatch{
		Ledger: s.ledger, Journeys: book, Resolver: s.intake.Resolver, Gates: asked, Now: s.now, Country: c.Facility.Country,
		Documents: c.Documents.forDispatch(nil), Errands: s.filing.Errands,
	}
	if s.dispatch.Proxies, err = proxies(c, s.ledger, s.intake.Resolver, nil, log, s.now); err != nil {
		return nil, err
	}
	s.inbound = &pipeline.Inbound{
		Webhooks: map[string]pipeline.Webhook{simulatedChannel: mailbox{s}}, Ledger: s.ledger, Journeys: watched, Filing: s.filing, Log: log, Now: s.now,
		DeadLetters: &pipeline.DeadLetters{Publisher: nowhere{}},
	}
	s.ladder = &pipeline.Ladder{Server: chart{s}, Rungs: c.FHIR.AppointmentWriteback, Filing: s.filing}
	s.amends = &pipeline.WriteBack{Sink: s.sink, Ledger: s.ledger, Server: chart{s}, Log: log, Now: s.now}
	return s, s.ledger.Ping(ctx)
}

func (s *stage) now() time.Time { return time.Unix(0, s.clock.Load()).UTC() }

// set moves the clock; it never goes back.
func (s *stage) set(t time.Time) {
	if !t.IsZero() && t.After(s.now()) {
		s.clock.Store(t.UnixNano())
	}
}

// play takes in what is known and what happens, lets patients answer, and lets time pass until nothing is planned.
func (s *stage) play(ctx context.Context, people, events []fileEvent, o simulateOptions) error {
	for _, p := range people {
		if _, err := s.intake.Take(ctx, p.Event); err != nil {
			s.fault(p.file, err)
		}
	}
	for _, e := range events {
		if err := s.pass(ctx, e.LastUpdated); err != nil {
			return err
		}
		if err := s.take(ctx, e, o.lang); err != nil {
			return err
		}
		if err := s.pass(ctx, s.now()); err != nil {
			return err
		}
	}
	for _, a := range o.answers {
		if err := s.answer(ctx, a); err != nil {
			return err
		}
	}
	return s.pass(ctx, forever)
}

// forever is later than anything that is planned.
var forever = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// take takes in one event. A patient who is in no file is stood in for, where a bridge would wait.
func (s *stage) take(ctx context.Context, e fileEvent, lang string) error {
	s.explained = nil
	outcome, err := s.intake.Take(ctx, e.Event)
	if err == nil && outcome == "parked" {
		if err := s.standIn(ctx, e.Resource, lang); err != nil {
			return err
		}
		outcome, err = s.intake.Take(ctx, e.Event)
	}
	var fault *pipeline.Error
	if errors.As(err, &fault) && fault.Kind == pipeline.Malformed {
		s.fault(e.file, err)
		return nil
	} else if err != nil {
		return err
	}
	shown := simulatedEvent{File: e.file, Resource: e.Ref(), Version: e.Version, Outcome: outcome}
	if e.Operation == pipeline.Delete {
		shown.Outcome += ", deleted"
	}
	if x := s.explained; x != nil {
		s.zones[e.Ref()] = x.Zone
		shown.describe(x, s.now())
	}
	s.happens(e.Ref(), happening{Event: &shown})
	return s.settle(ctx)
}

// standIn makes up the patients of a subject that nobody knows.
func (s *stage) standIn(ctx context.Context, raw json.RawMessage, lang string) error {
	subject, err := fhir.Decode(raw)
	if err != nil {
		return nil // it is refused, and that is said
	}
	for _, ref := range s.book.Needs(subject) {
		r, ok := fhir.ParseReference(ref)
		if _, known, err := s.ledger.Resource(ctx, ref); err != nil || known || !ok || r.Type != "Patient" || r.ID == "" {
			continue
		}
		speaks := ""
		if lang != "" {
			speaks = `"communication":` + string(spoken(lang)) + `,`
		}
		body := fmt.Sprintf(`{"resourceType":"Patient","id":%q,%s"telecom":[{"system":"phone","use":"mobile","value":"+155501001%02d"}]}`, r.ID, speaks, s.strange%100)
		s.strange++
		if _, err := s.intake.Take(ctx, pipeline.Event{Type: r.Type, ID: r.ID, Resource: json.RawMessage(body)}); err != nil {
			return err
		}
		s.happens("", happening{Note: ref + " is in no file: somebody without a name stands in. A bridge would wait for the patient, and ask the FHIR server."})
	}
	return nil
}

// pass lets time pass, and says what falls due.
func (s *stage) pass(ctx context.Context, until time.Time) error {
	for idle := 0; idle < 100; {
		_, at, err := s.ledger.Due(ctx, s.now(), 0)
		if err != nil || at.IsZero() || at.After(until) {
			if err == nil && until.Before(forever) {
				s.set(until)
			}
			return err
		}
		s.set(at)
		list, _, err := s.ledger.Due(ctx, s.now(), 1)
		if err != nil {
			return err
		}
		idle++ // those that have expired are settled by asking
		for _, n := range list {
			idle = 0
			if err := s.say(ctx, n); err != nil {
				return err
			}
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	return errors.New("something is due that cannot be had")
}
