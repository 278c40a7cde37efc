package pipeline

import (
	"context"
	"log/slog"
	"time"
)

const (
	parkBatch = 64
	// parkPoll is how often parked events are looked at.
	parkPoll = time.Second
	// parkPatience is how long an event waits for its patient before it becomes a dead letter.
	parkPatience = 24 * time.Hour
)

// Parking retries events whose patient was not known when they came. It asks
// the FHIR server, which intake never does: Kafka waits for nobody.
type Parking struct {
	Intake *Intake
	// Server may be nil: then an event waits until its patient comes on a topic.
	Server FHIRServer
	Log    *slog.Logger
}

// Run works off what is parked until ctx ends.
func (p *Parking) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		list, err := p.Intake.Ledger.Parked(ctx, p.Intake.Now(), parkBatch)
		if err != nil && ctx.Err() == nil {
			p.Log.Error("parked events not read", "error", err)
		}
		for _, e := range list {
			if ctx.Err() != nil {
				return nil
			}
			if err := p.retry(ctx, e); err != nil {
				p.Log.Warn("parked event not settled; it will be tried again", "source", e.Event.Source.String(), "error", err)
			}
		}
		if len(list) < parkBatch {
			_ = sleep(ctx, parkPoll)
		}
	}
	return nil
}

func (p *Parking) retry(ctx context.Context, e ParkedEvent) error {
	current, along, err := p.Intake.read(e.Event)
	if err != nil {
		return p.dead(ctx, e, err)
	}
	missing, err := p.Intake.missing(ctx, current, along)
	if err == nil && missing != "" {
		missing, err = p.fetch(ctx, e.Event, missing)
	}
	now := p.Intake.Now()
	switch {
	case err == nil && missing == "":
		outcome, err := p.Intake.apply(ctx, e.Event, current, along)
		if KindOf(err) == Malformed && err != nil {
			return p.dead(ctx, e, err)
		} else if err != nil {
			return err
		}
		p.Intake.Metrics.event(e.Event.Type, "unparked_"+outcome)
		return p.Intake.Ledger.Unpark(ctx, e.Event.Source, e.Event.Ref())
	case now.Sub(e.Since) > parkPatience && err == nil:
		return p.dead(ctx, e, &Error{Op: "intake.resolve", Kind: Malformed, Reason: string(ReasonNoPatient), Path: missingPath(e.Event.Type)})
	}
	return p.Intake.Ledger.Park(ctx, e.Event, ReasonNoPatient, now.Add(backoff(e.Tries)))
}

// fetch asks the FHIR server for what is missing and keeps it. It returns what is missing still.
func (p *Parking) fetch(ctx context.Context, ev Event, missing string) (string, error) {
	for missing != "" {
		if p.Server == nil {
			return missing, nil
		}
		found, err := p.Server.Lookup(ctx, missing)
		if refusal(err) != "" {
			return missing, nil
		}
		if err != nil {
			return missing, err
		}
		if err := p.Intake.Ledger.Fetched(ctx, found, p.Intake.Now()); err != nil {
			return missing, err
		}
		p.Intake.Resolver.Forget(missing)
		current, along, err := p.Intake.read(ev)
		if err != nil {
			return missing, err
		}
		next, err := p.Intake.missing(ctx, current, along)
		if err != nil || next == missing {
			return missing, err
		}
		missing = next
	}
	return "", nil
}

func (p *Parking) dead(ctx context.Context, e ParkedEvent, fault error) error {
	rec := Record{Value: e.Event.Resource, Headers: map[string]string{}, Source: e.Event.Source}
	if err := p.Intake.DeadLetters.Write(ctx, rec, "intake", []error{fault}); err != nil {
		return err
	}
	p.Intake.Metrics.event(e.Event.Type, "dead")
	return p.Intake.Ledger.Unpark(ctx, e.Event.Source, e.Event.Ref())
}

// missingPath is where the reference stands that nobody could resolve.
func missingPath(resourceType string) string {
	if resourceType == "Appointment" {
		return "Appointment.participant.actor"
	}
	return resourceType + ".subject"
}
