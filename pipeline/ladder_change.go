package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"fhirbridge/fhir"
)

// edit is a change of an appointment: whether it is there already, and the patch that makes it.
type edit struct {
	// foreign is set for a patch of a place that R4 does not have, of which nothing can be told beforehand.
	foreign bool
	done    func(*fhir.Appointment, Versioned) bool
	patch   func(*fhir.Appointment, Versioned) ([]byte, error)
}

// change changes the appointment with If-Match, unless it says so already: our own change may have
// come through without an answer. On a conflict it reads again and decides again from what is there. No
// reason means that it is done.
func (l *Ladder) change(ctx context.Context, d Decision, e edit) (by string, why Reason, err error) {
	if len(l.ways.of(appointmentType, l.Server.Declared(appointmentType), l.now())) == 0 {
		return "", reasonNotTaken, nil
	}
	for range conflicts {
		a, now, why, err := l.read(ctx, d)
		switch {
		case err != nil || why != ReasonNone:
			return "", why, err
		case e.done(a, now):
			return byNobody, ReasonNone, nil
		}
		if why := standing(a, d); why != ReasonNone {
			return "", why, nil
		}
		patch, err := e.patch(a, now)
		if err == nil && !e.foreign {
			err = l.Validate.patch("ladder.validate", now, patch)
		}
		if err == nil && l.Profile.Decision.Untested {
			patch, err = fhir.Untested(patch)
		}
		if err != nil {
			return "", reasonNotTaken, nil
		}
		made, err := l.ways.make(ctx, l.Server, change{d.Appointment, now, patch}, l.now(), l.Log)
		if err == nil {
			return string(made), ReasonNone, nil
		}
		switch l.Profile.reading(err) {
		case ReadConflict:
			continue
		case ReadWait:
			return "", "", &Error{Op: "ladder.patch", Kind: Transient, Reason: reasonConflict}
		case ReadPeople:
			return "", reasonHeld, nil
		case ReadRefused:
			return "", reasonNotTaken, nil
		}
		return "", "", err
	}
	return "", "", &Error{Op: "ladder.patch", Kind: Transient, Reason: reasonConflict}
}

const (
	appointmentType = "Appointment"
	// byNobody is Carried.By of what was so already.
	byNobody = "unchanged"
)

func (l *Ladder) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

// patch is how a patient's participation is patched: in its place among the participants, unless the server has another.
func (p DecisionProfile) patch(raw []byte, d Decision) ([]byte, error) {
	if len(p.Values) > 0 && !slices.Contains(p.Values, d.Status) {
		return nil, errNoPlace
	}
	if p.Path == "" {
		patch, _, err := fhir.ParticipantPatch(raw, reference(d.Patient), d.Status)
		return patch, err
	}
	return fhir.ReplaceValue(p.Path, d.Status)
}

var errNoPlace = errors.New("the server has no place for this decision")

// read reads the appointment as it is now, or says why it cannot be changed.
func (l *Ladder) read(ctx context.Context, d Decision) (*fhir.Appointment, Versioned, Reason, error) {
	now, err := l.Server.Read(ctx, d.Appointment)
	if code, final := refusal(err); code == "404" || code == "410" {
		return nil, now, reasonNotOpen, nil
	} else if final {
		return nil, now, reasonNotTaken, nil
	} else if err != nil {
		return nil, now, "", err
	}
	res, err := fhir.Decode(now.Resource)
	a, ok := res.(*fhir.Appointment)
	if err != nil || !ok {
		return nil, now, reasonNotTaken, nil
	}
	return a, now, ReasonNone, nil
}

// open reports whether a patient's word on the appointment still counts.
func open(a *fhir.Appointment) bool {
	switch a.Status() {
	case fhir.AppointmentBooked, fhir.AppointmentPending, fhir.AppointmentProposed, fhir.AppointmentWaitlist:
		return true
	}
	return false
}

// standing says why the decision must not be carried into the appointment, none if it may be.
func standing(a *fhir.Appointment, d Decision) Reason {
	who, takesPart := a.Participant(reference(d.Patient))
	switch {
	case !open(a) || !takesPart:
		return reasonNotOpen
	case !a.Start().Equal(d.Start):
		return reasonMoved
	case who.Status != d.Status && d.Was != "" && who.Status != d.Was && who.Status != d.Ours:
		return reasonHumanEdit
	}
	return ReasonNone
}
