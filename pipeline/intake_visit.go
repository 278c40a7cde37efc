package pipeline

import (
	"context"
	"slices"

	"fhirbridge/fhir"
)

// A visit that takes place is planned from what it was booked as: delays count from there. The two come on topics and partitions of
// their own, in any order; so whenever a booking changes, the visits that go back to it are decided about anew, from the newest of both.

// bookings are the appointments that a visit which is not over goes back to.
type bookings struct {
	list []Booking
	// kept are the versions that are kept of those that did not come along, as they were looked at.
	kept []string
}

func newBookings(subject fhir.Resource, along map[string]fhir.Resource) (b bookings) {
	e, ok := subject.(*fhir.Encounter)
	if !ok || over(e) {
		return b
	}
	for _, ref := range e.Appointments() {
		one := Booking{Ref: ref.String()}
		if one.Ref == "" {
			continue
		}
		if came, ok := along[one.Ref]; ok {
			one.From = Stamp{Version: came.Header().Version, LastUpdated: came.Header().LastUpdated}
		}
		b.list = append(b.list, one)
	}
	return b
}

// over reports whether nobody waits for a visit any more.
func over(e *fhir.Encounter) bool {
	switch e.Status() {
	case fhir.EncounterFinished, fhir.EncounterCancelled, fhir.EncounterEnteredInError:
		return true
	}
	return false
}

// look looks at the versions that are kept.
func (b *bookings) look(ctx context.Context, d Directory) error {
	b.kept = nil
	for _, one := range b.list {
		if one.From.Version != "" || !one.From.LastUpdated.IsZero() {
			continue
		}
		v, _, err := d.Resource(ctx, one.Ref)
		if err != nil {
			return err
		}
		b.kept = append(b.kept, v.Version)
	}
	return nil
}

// changed reports whether others are kept since.
func (b *bookings) changed(ctx context.Context, d Directory) (bool, error) {
	if len(b.list) == 0 {
		return false, nil
	}
	now := bookings{list: b.list}
	err := now.look(ctx, d)
	return !slices.Equal(now.kept, b.kept), err
}

// visits decides anew about the visits whose plan the event changes: those of a booking that has changed, also when it comes again,
// for it may not have got that far before; and the visit itself, if a booking has changed while it was decided about, or if it comes
// again: nobody else looks whether one had changed then.
func (in *Intake) visits(ctx context.Context, ev Event, applied Applied, booked bookings) error {
	for _, ref := range applied.Visits {
		if err := in.revise(ctx, ref); err != nil {
			return err
		}
	}
	again := applied.Fresh == Same && len(booked.kept) > 0
	if changed, err := booked.changed(ctx, in.Ledger); err != nil || !changed && !again {
		return err
	}
	return in.revise(ctx, ev.Ref())
}

// revise decides anew about a visit that is not over, from what is kept of it and of its bookings.
func (in *Intake) revise(ctx context.Context, ref string) error {
	for changed := true; changed; {
		kept, ok, err := in.Ledger.Resource(ctx, ref)
		if err != nil || !ok {
			return err
		}
		e, ok := previous(kept).(*fhir.Encounter)
		if !ok || over(e) {
			return nil
		}
		booked := newBookings(e, nil)
		if err := booked.look(ctx, in.Ledger); err != nil {
			return err
		}
		lookup, err := in.Resolver.Lookup(ctx, e, nil)
		if err != nil {
			return err
		}
		now, at := in.Now(), e.Header().LastUpdated
		change := Change{
			Current: e, Version: kept.Version, Lookup: lookup, Now: now,
			// How old it is by now is not known of one that has no time of its own.
			Historic: kept.Loaded || at.IsZero() || in.historic(Event{LastUpdated: at}, now),
		}
		applied, err := in.Ledger.Revise(ctx, ref, kept.Version, in.decide(change, booked))
		if err != nil {
			return err
		}
		in.Metrics.planned(applied)
		if changed, err = booked.changed(ctx, in.Ledger); err != nil {
			return err
		}
	}
	return nil
}
