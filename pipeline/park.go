package pipeline

import (
	"context"
	"log/slog"
	"time"
)

const (
	parkBatch = 64
	// parkPoll is how often parked events are looked at.
	parkPoll = 250 * time.Millisecond
	// parkPatience is how long an event waits for its patient before it becomes a dead letter. It is
	// half of the usual intake.max_age: who puts the letter back on the same day still has its news told.
	parkPatience = 12 * time.Hour
)

// Parking retries events whose patient was not known when they came. It asks
// the FHIR server, which intake never does: Kafka waits for nobody. An event that is given up
// becomes a dead letter which can be put on its topic again once its patient is there.
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
		stuck := false
		for _, e := range list {
			if ctx.Err() != nil {
				return nil
			}
			if err := p.retry(ctx, e); err != nil && ctx.Err() == nil {
				stuck = true // it may come again at once
				p.Log.Warn("parked event not settled; it will be tried again", "source", e.Event.Source.String(), "error", err)
			}
		}
		if len(list) < parkBatch || stuck {
			_ = sleep(ctx, parkPoll)
		}
	}
	return nil
}

// retry brings one parked event on: into the plan, to the dead letters, or back for later.
func (p *Parking) retry(ctx context.Context, e ParkedEvent) error {
	outcome, missing, err := p.take(ctx, e.Event)
	now := p.Intake.Now()
	switch {
	case err == nil && missing == "":
		p.Intake.Metrics.event(e.Event.Type, "unparked_"+outcome)
		return p.Intake.Ledger.Unpark(ctx, e.Event.Source, e.Event.Ref())
	case err != nil && KindOf(err) == Malformed:
		return p.dead(ctx, e, err)
	case err == nil && now.Sub(e.Since) > parkPatience:
		return p.dead(ctx, e, &Error{Op: "intake.resolve", Kind: Malformed, Reason: string(ReasonNoPatient), Path: missingPath(e.Event.Type)})
	case err != nil:
		p.Log.Warn("parked event waits on", "source", e.Event.Source.String(), "tries", e.Tries, "error", err)
	}
	return p.Intake.Ledger.Park(ctx, e.Event, ReasonNoPatient, now.Add(backoff(e.Tries)))
}

// take tries the event once more, after asking the FHIR server for what is missing. It
// returns what is missing still, or what became of the event.
func (p *Parking) take(ctx context.Context, ev Event) (outcome, missing string, err error) {
	current, along, err := p.Intake.read(ev)
	if err != nil {
		return "", "", err
	}
	for asked := ""; ; {
		missing, err = p.Intake.missing(ctx, current, along)
		if err != nil || missing != "" && (missing == asked || p.Server == nil) {
			return "", missing, err
		}
		if missing == "" {
			outcome, err = p.Intake.apply(ctx, ev, current, along)
			return outcome, "", err
		}
		asked = missing
		if err := p.fetch(ctx, missing); err != nil {
			return "", missing, err
		}
	}
}

// fetch asks the FHIR server for a resource and keeps it. That the server has none that
// can be kept is no error.
func (p *Parking) fetch(ctx context.Context, ref string) error {
	found, err := p.Server.Lookup(ctx, ref)
	if err == nil {
		err = p.Intake.Ledger.Fetched(ctx, found, p.Intake.Now())
	}
	if _, final := refusal(err); final {
		return nil
	}
	p.Intake.Resolver.Forget(ref)
	return err
}

func (p *Parking) dead(ctx context.Context, e ParkedEvent, fault error) error {
	rec := Record{Value: p.letter(e.Event), Headers: map[string]string{}, Source: e.Event.Source}
	if err := p.Intake.DeadLetters.Write(ctx, rec, laneIntake, []error{fault}); err != nil {
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
	if resourceType == requestType {
		return requestType + ".recipient"
	}
	return resourceType + ".subject"
}
