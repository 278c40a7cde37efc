package pipeline

import (
	"context"
	"slices"
	"time"

	"fhirbridge/fhir"
)

// of reports whether a visit is at the slot already.
func (s Slot) of(a *fhir.Appointment) bool {
	return a.Start().Equal(s.Start) && slices.ContainsFunc(a.Slots(), reference(s.Ref).Same)
}

// move moves a visit to the chosen time, unless that is not free any more. Where the EHR does not let a patient do that, and
// where it would speak for other patients too, people are asked, and the participation says that another time is wanted.
func (l *Ladder) move(ctx context.Context, w Wish, now time.Time) (Carried, error) {
	if !slices.Contains(l.Rungs, RungPatch) && !slices.Contains(l.Rungs, RungStatus) {
		return l.people(ctx, w, reasonForPeople)
	}
	a, _, why, err := l.read(ctx, *w.Decision)
	if err != nil {
		return Carried{}, err
	}
	if why == ReasonNone && !w.Slot.of(a) {
		if slot, err := l.free(ctx, *w.Slot); err != nil {
			return Carried{}, err
		} else if slot == nil {
			return l.show(ctx, w, w.Taken, now)
		}
	}
	_, why, err = l.change(ctx, *w.Decision, edit{
		done: func(a *fhir.Appointment, _ Versioned) bool { return open(a) && w.Slot.of(a) },
		patch: func(a *fhir.Appointment, now Versioned) ([]byte, error) {
			if len(a.Patients()) > 1 {
				return nil, errOfOthers
			}
			patch, _, err := fhir.SlotPatch(now.Resource, reference(w.Slot.Ref), w.Slot.Start, w.Slot.End)
			return patch, err
		},
	})
	switch {
	case err != nil:
		return Carried{}, err
	case why == ReasonNone:
		return moved(w), nil
	case forPeople(why): // the participation would be about another fact
		return Carried{Writes: l.Filing.Wished(w, why), Say: w.Asked}, nil
	}
	return l.people(ctx, w, why)
}

// moved is what comes of a wish by which a visit has been moved.
func moved(w Wish) Carried { return Carried{Say: offering(w.Done, *w.Slot), Answer: w.Answer} }

// search is what is looked for. For a visit it is the schedules of the slots that it has, or those of whom it is with,
// or of its place; why says that there is no telling.
func (l *Ladder) search(ctx context.Context, w Wish) (q SlotSearch, why Reason, err error) {
	q = w.Search
	if w.Visit == "" || q.whose() {
		return q, ReasonNone, nil
	}
	a, _, why, err := l.read(ctx, *w.Decision)
	if err != nil || why != ReasonNone {
		return q, why, err
	}
	for _, ref := range a.Slots() {
		kept, err := l.Server.Lookup(ctx, ref.String())
		if _, final := refusal(err); final {
			continue
		} else if err != nil {
			return q, "", err
		}
		if slot, ok := decoded(kept).(*fhir.Slot); ok {
			q.Schedules = append(q.Schedules, slot.Schedule().String())
		}
	}
	q.Types = codesOf(a.ServiceTypes())
	for _, p := range a.Locations() {
		q.Places = append(q.Places, p.Actor.String())
	}
	if len(q.Schedules) > 0 {
		q.Schedules = slices.Compact(q.Schedules)
		return q, ReasonNone, nil
	}
	for _, list := range [][]fhir.Participant{a.Practitioners(), a.Locations(), a.Services()} {
		if len(list) > 1 {
			break // a time of one of them is no time of the other
		}
		if len(list) == 1 {
			q.Actor = list[0].Actor.String()
			return q, ReasonNone, nil
		}
	}
	return q, reasonNoneFree, nil
}

func decoded(v Versioned) fhir.Resource {
	r, err := fhir.Decode(v.Resource)
	if err != nil {
		return nil
	}
	return r
}

// codesOf are the codings as a search has them.
func codesOf(list []fhir.Concept) []string {
	var codes []string
	for _, concept := range list {
		for _, c := range concept.Codings {
			switch {
			case c.Code == "":
			case c.System == "":
				codes = append(codes, c.Code)
			default:
				codes = append(codes, c.System+"|"+c.Code)
			}
		}
	}
	return codes
}
