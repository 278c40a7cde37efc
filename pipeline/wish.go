package pipeline

import (
	"context"
	"slices"
	"time"

	"fhirbridge/fhir"
)

// Wish is what a patient wants of the times that are free: to be shown some, or to have one of them. Either needs the
// FHIR server, so that it is owed to it like any other write, after what the patient wrote.
type Wish struct {
	// Patient is a reference. Visit is that of the appointment that is to be moved, "" where a new one is wanted.
	Patient, Visit string
	// Code is what people are asked to do where nothing else comes of it; Service says what the visit would be for, in the
	// configuration's word.
	Code, Service string
	// Search finds the times. For a Visit that says nothing of whose times they are, it is those of the same people and place.
	Search SlotSearch
	// Slot is the time that the patient has chosen, nil for one who is to be shown some.
	Slot *Slot
	// Status is that of the appointment that is asked for: proposed or pending.
	Status string
	// Origin names the conversation. Out of one comes one appointment at most.
	Origin string
	// Until is when people take over.
	Until time.Time
	// Offer shows what is free, Taken what else is free where Slot is not any more. Done says that it is asked for, or
	// that the visit has been moved; Asked, that people have been asked. They share their keys: what comes of the wish is said in place of Asked,
	// which waits for the case that nothing is heard of it in time.
	Offer, Taken, Done, Asked []Notification
	// Decision is what of a Visit that people are to move is carried into it: the participation.
	Decision *Decision
	// Answer is kept once a Visit has been moved, and not before: until then the patient's last decision about it stands.
	Answer *Answer
	// Reply is the provider's id of the patient's message.
	Reply string
	At    time.Time
}

// each calls do with every list of what may be said.
func (w *Wish) each(do func([]Notification)) {
	for _, list := range [][]Notification{w.Offer, w.Taken, w.Done, w.Asked} {
		do(list)
	}
}

// Reasons why people are asked instead.
const (
	reasonNoneFree Reason = "no_free_time"
	reasonNoSlots  Reason = "server_has_no_slots" // it cannot be searched for them
	reasonOther    Reason = "other_time_chosen"   // out of the same conversation came another appointment already
	reasonUnasked  Reason = "server_not_reached"  // it could not be asked in time
	reasonBlind    Reason = "not_recognisable"    // what it creates could not be recognised after a lost answer
)

// codeRequested is what people are asked to do about an appointment that a patient has asked for.
const codeRequested = "appointment_requested"

// Grant does what a patient wishes, or asks people to. An error is that of the server: Transient or Throttled, and all
// of it is tried again until w.Until.
func (l *Ladder) Grant(ctx context.Context, w Wish, now time.Time) (Carried, error) {
	switch {
	case !now.Before(w.Until):
		return l.late(ctx, w)
	case w.Slot == nil:
		return l.show(ctx, w, w.Offer, now)
	case w.Visit != "":
		return l.move(ctx, w, now)
	}
	return l.request(ctx, w, now)
}

// show finds what is free, and says it.
func (l *Ladder) show(ctx context.Context, w Wish, say []Notification, now time.Time) (Carried, error) {
	q, why, err := l.search(ctx, w)
	if err != nil {
		return Carried{}, err
	}
	if why != ReasonNone {
		return l.people(ctx, w, why)
	}
	if q.From.Before(now) {
		q.From = now
	}
	free, err := l.Server.FreeSlots(ctx, q)
	if _, final := refusal(err); final {
		return l.people(ctx, w, reasonNoSlots)
	} else if err != nil {
		return Carried{}, err
	}
	if w.Slot != nil { // a server may search what it has not brought up to date
		free = slices.DeleteFunc(free, func(s Slot) bool { return s.Ref == w.Slot.Ref })
	}
	if len(free) == 0 {
		return l.people(ctx, w, reasonNoneFree)
	}
	return Carried{Say: offering(say, free...)}, nil
}

// offering returns what is said, with the times of which it speaks.
func offering(say []Notification, times ...Slot) []Notification {
	say = slices.Clone(say)
	for i := range say {
		say[i].Offers = times
	}
	return say
}

// people asks people to find a time.
func (l *Ladder) people(ctx context.Context, w Wish, why Reason) (Carried, error) {
	writes := l.Filing.Wished(w, why)
	if w.Decision != nil {
		more, why, err := l.participation(ctx, *w.Decision)
		if err != nil {
			return Carried{}, err
		}
		if why == ReasonNone { // else it is a Task, and one about the wish is enough
			writes = append(more.Writes, writes...)
		}
	}
	return Carried{Writes: writes, Say: w.Asked}, nil
}

// late is for a wish that could not be brought to the server while the patient waited. What has come through without an
// answer is told as it is.
func (l *Ladder) late(ctx context.Context, w Wish) (Carried, error) {
	if w.Slot == nil {
		return l.people(ctx, w, reasonUnasked)
	}
	if w.Visit == "" {
		known, err := l.Server.Find(ctx, "Appointment", condition(requested(w.Origin)))
		if _, final := refusal(err); err != nil && !final {
			return Carried{}, err
		}
		if known != "" {
			return l.known(ctx, w, known)
		}
		return l.people(ctx, w, reasonUnasked)
	}
	a, _, why, err := l.read(ctx, *w.Decision)
	if err != nil {
		return Carried{}, err
	}
	if why == ReasonNone && open(a) && w.Slot.of(a) {
		return moved(w), nil
	}
	return l.people(ctx, w, reasonUnasked)
}

// request asks the hospital for an appointment at the chosen time, unless it is not free any more.
func (l *Ladder) request(ctx context.Context, w Wish, now time.Time) (Carried, error) {
	by := requested(w.Origin)
	known, err := l.Server.Find(ctx, appointmentType, condition(by))
	if _, final := refusal(err); final && !l.Server.Declared(appointmentType).ConditionalCreate {
		return l.people(ctx, w, reasonBlind)
	} else if err != nil && !final {
		return Carried{}, err
	}
	if known != "" {
		return l.known(ctx, w, known)
	}
	slot, err := l.free(ctx, *w.Slot)
	if err != nil {
		return Carried{}, err
	}
	if slot == nil {
		return l.show(ctx, w, w.Taken, now)
	}
	draft := fhir.AppointmentDraft{
		Identifiers: []fhir.Identifier{by}, Status: fhir.AppointmentStatus(w.Status), Slot: reference(w.Slot.Ref),
		Start: slot.Start(), End: slot.End(), ServiceTypes: slot.ServiceTypes(), Patient: reference(w.Patient), Created: w.At,
	}
	if draft.Actors, err = l.actors(ctx, slot.Schedule()); err != nil {
		return Carried{}, err
	}
	body, err := draft.JSON()
	if err != nil {
		return l.people(ctx, w, ReasonRefused)
	}
	ref, err := l.create(ctx, body, condition(by))
	if _, final := refusal(err); final {
		return l.people(ctx, w, ReasonRefused)
	} else if err != nil {
		return Carried{}, err
	}
	return l.requested(w, ref), nil
}

func (l *Ladder) requested(w Wish, ref string) Carried {
	return Carried{Writes: l.Filing.Requested(w, ref), Say: offering(w.Done, *w.Slot)}
}

// known is for a conversation out of which an appointment has come already: this one, by an attempt without an
// answer or by another tap, or one at another time.
func (l *Ladder) known(ctx context.Context, w Wish, ref string) (Carried, error) {
	a, _, why, err := l.read(ctx, Decision{Appointment: ref})
	switch {
	case err != nil:
		return Carried{}, err
	case why == ReasonNone && open(a) && a.Start().Equal(w.Slot.Start):
		return l.requested(w, ref), nil
	}
	return l.people(ctx, w, reasonOther)
}

// free reads a slot as it is now; nil if it cannot be had any more, or is at another time.
func (l *Ladder) free(ctx context.Context, chosen Slot) (*fhir.Slot, error) {
	now, err := l.Server.Read(ctx, chosen.Ref)
	if _, final := refusal(err); final {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	decoded, err := fhir.Decode(now.Resource)
	slot, ok := decoded.(*fhir.Slot)
	if err != nil || !ok || slot.Status() != fhir.SlotFree || !slot.Start().Equal(chosen.Start) || !slot.End().After(slot.Start()) {
		return nil, nil
	}
	return slot, nil
}

// actors are those whose time it is; nobody where the server does not say.
func (l *Ladder) actors(ctx context.Context, schedule fhir.Reference) ([]fhir.Reference, error) {
	kept, err := l.Server.Lookup(ctx, schedule.String())
	if _, final := refusal(err); final {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	decoded, err := fhir.Decode(kept.Resource)
	s, ok := decoded.(*fhir.Schedule)
	if err != nil || !ok {
		return nil, nil
	}
	return slices.DeleteFunc(s.Actors(), func(r fhir.Reference) bool { return r.Type == "Patient" || r.Local != "" }), nil
}
