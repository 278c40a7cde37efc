package pipeline

import (
	"context"
	"maps"
	"slices"
	"time"

	"fhirbridge/fhir"
)

// A visit that takes place is planned from what it was booked as: delays count from there. The two come on topics and partitions of
// their own, in any order; so whenever a booking changes, the visits that go back to it are decided about anew, from the newest of both.

// bookings are the appointments that a visit which is not over goes back to.
type bookings struct {
	list []Booking
	// along is what came along with the visit, in a record of that time.
	along    map[string]fhir.Resource
	recorded time.Time
	// newest are the versions that were so when they were looked at: what is kept, or came along.
	newest []string
}

func newBookings(subject fhir.Resource, along map[string]fhir.Resource, recorded time.Time) (b bookings) {
	e, ok := subject.(*fhir.Encounter)
	if !ok || over(e) {
		return b
	}
	for _, ref := range e.Appointments() {
		if one := ref.String(); one != "" {
			b.list = append(b.list, Booking{Ref: one})
		}
	}
	b.along, b.recorded = along, recorded
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

// look looks at the versions that are kept, and takes out of what came along those that are no newer.
func (b *bookings) look(ctx context.Context, d Directory) error {
	b.newest = make([]string, len(b.list))
	for i := range b.list {
		one := &b.list[i]
		v, ok, err := d.Resource(ctx, one.Ref)
		if err != nil {
			return err
		}
		if came := b.along[one.Ref]; came != nil {
			h := came.Header()
			one.From = Stamp{Version: h.Version, LastUpdated: h.LastUpdated, Recorded: b.recorded}
			if !ok || Compare(v.Stamp, one.From) == Newer {
				b.newest[i] = h.Version
				continue
			}
			delete(b.along, one.Ref)
		}
		one.From, b.newest[i] = Stamp{}, v.Version
	}
	return nil
}

// changed reports whether others are the newest since.
func (b *bookings) changed(ctx context.Context, d Directory) (bool, error) {
	if len(b.list) == 0 {
		return false, nil
	}
	now := bookings{list: slices.Clone(b.list), along: b.along, recorded: b.recorded}
	err := now.look(ctx, d)
	return !slices.Equal(now.newest, b.newest), err
}

// visits decides anew about the visits whose plan the event changes: those of a booking that has changed, also when it comes again,
// for it may not have got that far before; and the visit itself, if a booking has changed while it was decided about, or if it comes
// again: nobody else looks whether one had changed then.
func (in *Intake) visits(ctx context.Context, ev Event, applied Applied, booked bookings) error {
	for _, ref := range applied.Visits {
		err := in.revise(ctx, ref, bookings{})
		if KindOf(err) == Malformed { // that is no fault of the booking, nor of the visits behind it
			in.Log.Warn("a visit is not decided anew", "visit", ref, "reason", ReasonOf(err))
			in.Metrics.event("Encounter", "unrevised")
		} else if err != nil {
			return err
		}
	}
	again := applied.Fresh == Same && len(booked.list) > 0
	if changed, err := booked.changed(ctx, in.Ledger); err != nil || !changed && !again {
		return err
	}
	// Of what else came along the newest is kept by now.
	maps.DeleteFunc(booked.along, func(_ string, r fhir.Resource) bool { return r.Header().Type != "Appointment" })
	return in.revise(ctx, ev.Ref(), booked)
}

// revise decides anew about a visit that is not over, from what is kept of it and of its bookings, or came along with it.
func (in *Intake) revise(ctx context.Context, ref string, came bookings) error {
	for changed := true; changed; {
		kept, ok, err := in.Ledger.Resource(ctx, ref)
		if err != nil || !ok {
			return err
		}
		e, ok := previous(kept).(*fhir.Encounter)
		if !ok || over(e) {
			return nil
		}
		booked := newBookings(e, came.along, came.recorded)
		if err := booked.look(ctx, in.Ledger); err != nil {
			return err
		}
		lookup, err := in.Resolver.Lookup(ctx, e, booked.along)
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
