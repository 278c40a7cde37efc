package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"fhirbridge/fhir"
)

// Intake is the lane from FHIR events on Kafka to the ledger.
type Intake struct {
	Decoder     Decoder
	Ledger      Ledger
	Journeys    Journeys
	Resolver    *Resolver
	Filing      Filing
	DeadLetters *DeadLetters
	Metrics     *Metrics
	Log         *slog.Logger
	Now         func() time.Time
	// MaxAge is the age from which an event is history: it updates state and
	// plans what lies ahead, and is no news.
	MaxAge time.Duration
}

// Handle takes one record in. When it returns nil every event of the record is
// durable in the ledger, parked there, or a dead letter; the offset may be
// committed. An error means that nothing is lost if the record comes again.
func (in *Intake) Handle(ctx context.Context, rec Record) error {
	_ = roomy(0)
	events, err := in.Decoder.Decode(rec.Value, rec.Headers, rec.Source)
	faults := faultsOf(err)
	for range faults {
		in.Metrics.event("", "dead")
	}
	for _, ev := range events {
		outcome, err := in.Take(ctx, ev)
		switch {
		case err == nil:
			in.Metrics.event(ev.Type, outcome)
		case KindOf(err) == Malformed:
			in.Metrics.event(ev.Type, "dead")
			faults = append(faults, err)
		default:
			return err
		}
	}
	if len(faults) == 0 {
		return nil
	}
	in.Log.Warn("dead letter", "source", rec.Source.String(), "reason", ReasonOf(faults[0]), "faults", len(faults))
	return in.DeadLetters.Write(ctx, rec, laneIntake, faults)
}

// Take takes one event in and names what became of it: planned, applied, kept,
// repeated, stale, parked or ignored.
func (in *Intake) Take(ctx context.Context, ev Event) (string, error) {
	if !startsJourney(ev.Type) && !inDirectory(ev.Type) {
		return "ignored", nil
	}
	ev.Resource = localised(ev)
	if spared, err := in.spared(ctx, ev); err != nil || spared {
		return "ignored", err
	}
	current, along, err := in.read(ev)
	if err != nil {
		return "", err
	}
	missing, err := in.missing(ctx, current, along)
	if err != nil {
		return "", err
	}
	if missing != "" {
		return "parked", in.Ledger.Park(ctx, ev, ReasonNoPatient, in.Now())
	}
	return in.apply(ctx, ev, current, along)
}

// localised returns the event's resource with the names that hold only inside its
// Bundle ("urn:uuid:…") replaced by those that hold everywhere ("Patient/1"), as a server
// does that takes the Bundle in: later on nobody else knows them.
// https://hl7.org/fhir/R4/bundle.html#references
func localised(ev Event) json.RawMessage {
	raw := []byte(ev.Resource)
	if len(ev.Context) == 0 || !bytes.Contains(raw, []byte(`"urn:`)) {
		return ev.Resource
	}
	for name, other := range ev.Context {
		if !strings.HasPrefix(name, "urn:") {
			continue
		}
		if h, err := fhir.Peek(other); err == nil && h.ID != "" {
			raw = bytes.ReplaceAll(raw, []byte(`"`+name+`"`), []byte(`"`+h.Ref()+`"`))
		}
	}
	return raw
}

// read decodes the event's resource, nil for a deleted one. What came along is decoded as
// needed, and what of it is faulty is not this event's fault.
func (in *Intake) read(ev Event) (fhir.Resource, map[string]fhir.Resource, error) {
	if ev.Operation == Delete {
		return nil, nil, nil
	}
	if len(ev.Resource) == 0 { // it says that something is there, and not what: that is no deletion
		return nil, nil, &Error{Op: "intake.decode", Kind: Malformed, Reason: "no_resource", Path: ev.Type}
	}
	current, err := fhir.Decode(ev.Resource)
	if err != nil {
		return nil, nil, malformed("intake.decode", err)
	}
	if len(ev.Context) == 0 {
		return current, nil, nil
	}
	along := make(map[string]fhir.Resource, 4)
	for _, ref := range references(current) {
		if raw, ok := ev.Context[ref.String()]; ok {
			if res, err := fhir.Decode(raw); err == nil {
				along[ref.String()] = res
			}
		}
	}
	return current, along, nil
}

// missing returns a reference without which nothing can be planned, "" if all is known.
func (in *Intake) missing(ctx context.Context, current fhir.Resource, along map[string]fhir.Resource) (string, error) {
	if current == nil {
		return "", nil
	}
	var needs []string
	if err := pure("intake.needs", func() error { needs = in.Journeys.Needs(current); return nil }); err != nil {
		return "", err
	}
	for _, ref := range needs {
		if along[ref] != nil {
			continue
		}
		res, err := in.Resolver.Resource(ctx, ref)
		if err != nil {
			return "", err
		}
		if res == nil {
			return ref, nil
		}
	}
	return "", nil
}

// keep puts what came along into the directory, unless the same is there: words are made
// from it when the record is long gone.
func (in *Intake) keep(ctx context.Context, ev Event, along map[string]fhir.Resource) error {
	for ref, res := range along {
		h := res.Header()
		if ref != h.Ref() || startsJourney(h.Type) { // what starts a journey is kept by its own event
			continue
		}
		known, err := in.Resolver.Resource(ctx, ref)
		if err != nil {
			return err
		}
		if known != nil && bytes.Equal(known.Raw(), res.Raw()) {
			continue
		}
		with := Event{Type: h.Type, ID: h.ID, Version: h.Version, LastUpdated: h.LastUpdated, Resource: res.Raw(), Source: ev.Source}
		if _, err := in.Ledger.Apply(ctx, with, nil); err != nil {
			return err
		}
		in.Resolver.Forget(ref)
	}
	return nil
}

func (in *Intake) apply(ctx context.Context, ev Event, current fhir.Resource, along map[string]fhir.Resource) (string, error) {
	if err := in.keep(ctx, ev, along); err != nil {
		return "", err
	}
	booked := newBookings(current, along, ev.Source.Time)
	if err := booked.look(ctx, in.Ledger); err != nil {
		return "", err
	}
	lookup, err := in.Resolver.Lookup(ctx, current, along)
	if err != nil {
		return "", err
	}
	now := in.Now()
	change := Change{
		Current: current, Version: versionOf(ev), Lookup: lookup, Now: now, Historic: in.historic(ev, now),
	}
	decide := in.decide(change, booked)
	if !startsJourney(ev.Type) {
		decide = nil
	}
	applied, err := in.Ledger.Apply(ctx, ev, decide)
	if err != nil {
		return "", err
	}
	if err := in.visits(ctx, ev, applied, booked); err != nil {
		return "", err
	}
	if decide == nil { // nothing is said from what starts a journey through the resolver
		in.Resolver.Forget(ev.Ref())
	}
	if applied.DueNow && current != nil {
		in.Resolver.Remember(current)
	}
	in.Metrics.planned(applied)
	switch {
	case applied.Fresh == Same:
		return "repeated", nil
	case applied.Fresh == Older:
		return "stale", nil
	case decide == nil:
		return "kept", nil
	case applied.Planned > 0:
		return "planned", nil
	}
	return "applied", nil
}

// decide is Decide of a change of which the ledger knows the rest.
func (in *Intake) decide(change Change, booked bookings) Decide {
	return func(kept Versioned, known Known) (plan Plan, err error) {
		err = pure("intake.decide", func() (err error) {
			change.Previous, change.Known = previous(kept), known
			if plan, err = in.Journeys.Decide(change); err != nil {
				return err
			}
			plan.Writes, plan.Bookings = in.Filing.Errands(plan.Errands, change.Now), booked.list
			return expiring("intake.decide", plan.Wanted)
		})
		return plan, err
	}
}

// historic reports whether the event is too old to be news, by the resource's
// own time, else by the record's.
func (in *Intake) historic(ev Event, now time.Time) bool {
	if ev.Operation == Snapshot {
		return true
	}
	at := ev.LastUpdated
	if at.IsZero() {
		at = ev.Source.Time
	}
	return !at.IsZero() && now.Sub(at) > in.MaxAge
}

// startsJourney lists the types whose changes are decided about.
func startsJourney(resourceType string) bool {
	switch resourceType {
	case "Appointment", "Encounter", "DiagnosticReport", requestType:
		return true
	}
	return false
}

// inDirectory lists the types that words are made from besides. Of what a hospital puts on its topics
// nothing else is kept: what is not needed is not there to be lost.
func inDirectory(resourceType string) bool {
	switch resourceType {
	case "Patient", "RelatedPerson", "Practitioner", "Organization", "Location", "HealthcareService", consentType:
		return true
	}
	return false
}

// previous decodes the kept version. A kept version that does not decode counts as none.
func previous(kept Versioned) fhir.Resource {
	if len(kept.Resource) == 0 {
		return nil
	}
	res, err := fhir.Decode(kept.Resource)
	if err != nil {
		return nil
	}
	return res
}
