package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"fhirbridge/fhir"
)

// Rung is one way of carrying a decision into the EHR.
type Rung string

// The rungs, in the order in which they make sense.
const (
	RungStatus   Rung = "status"   // the status of the Appointment itself, for what a patient may decide there
	RungPatch    Rung = "patch"    // the patient's participant status in the Appointment
	RungResponse Rung = "response" // an AppointmentResponse
	RungTask     Rung = "task"     // a Task for people
)

// Ladder carries patients' decisions into the EHR by the first way that it
// takes. It never overwrites a newer human edit, and never answers for an
// appointment that is not any more what the patient was shown.
type Ladder struct {
	Server FHIRServer
	Rungs  []Rung
	Filing Filing
	// Validate is WriteBack's.
	Validate Validate
}

// conflicts is how often a patch is built anew after somebody else has changed the appointment.
const conflicts = 5

// Carried is what a decision has led to.
type Carried struct {
	// Writes are owed as well: the Task of the last rung, or the topic's copy of an AppointmentResponse, which
	// have retries of their own.
	Writes []Write
	// Say is what the patient is told of it.
	Say []Notification
	// Answer is what the patient has decided by it, nil if that is known already.
	Answer *Answer
}

// Carry makes one decision known. An error is that of the server: Transient or
// Throttled, and all of it is tried again.
//
// What is wanted of the appointment itself is not carried after d.Until: then people decide.
func (l *Ladder) Carry(ctx context.Context, d Decision, now time.Time) (Carried, error) {
	if d.Visit != "" && now.After(d.Until) {
		return Carried{Writes: l.Filing.Unmet(d, reasonLate), Say: d.Asked}, nil
	}
	if d.Visit == "" {
		writes, _, err := l.participation(ctx, d)
		return Carried{Writes: writes}, err
	}
	if slices.Contains(l.Rungs, RungStatus) {
		reason, err := l.status(ctx, d)
		switch {
		case err != nil:
			return Carried{}, err
		case reason == ReasonNone:
			return Carried{Say: d.Done}, nil
		case forPeople(reason):
			return Carried{Writes: l.Filing.Unmet(d, reason), Say: d.Asked}, nil
		}
	}
	writes, reason, err := l.participation(ctx, d)
	if err != nil {
		return Carried{}, err
	}
	if reason == ReasonNone { // the participation says what the patient wants, and a person makes it so
		writes = append(writes, l.Filing.Unmet(d, reasonForPeople)...)
	}
	return Carried{Writes: writes, Say: d.Asked}, nil
}

// participation carries the patient's participant status down the rungs. The reason is why it ended with a
// Task for people, none if it is done.
func (l *Ladder) participation(ctx context.Context, d Decision) ([]Write, Reason, error) {
	why := ReasonRefused
	for _, rung := range l.Rungs {
		var try func(context.Context, Decision) ([]Write, Reason, error)
		switch rung {
		case RungStatus:
			continue
		case RungPatch:
			try = l.patch
		case RungResponse:
			try = l.respond
		default:
			return l.Filing.Unmet(d, why), why, nil
		}
		more, reason, err := try(ctx, d)
		if err != nil || reason == ReasonNone {
			return more, ReasonNone, err
		}
		if forPeople(reason) {
			return l.Filing.Unmet(d, reason), reason, nil // a response would be about another fact
		}
		why = reason
	}
	return l.Filing.Unmet(d, why), why, nil // nothing configured: people are told all the same
}

// forPeople reports whether a person must decide, whatever else the server would take.
func forPeople(why Reason) bool {
	return why == reasonMoved || why == reasonHumanEdit || why == reasonNotOpen
}

// Reasons why a decision was not carried into the appointment.
const (
	reasonMoved     Reason = "appointment_moved"      // it has another start by now
	reasonHumanEdit Reason = "changed_by_a_person"    // the participant status is not what it was at the answer
	reasonNotOpen   Reason = "appointment_not_booked" // cancelled, over, or gone
	reasonNotTaken  Reason = "server_takes_no_patch"
	reasonNoAnswers Reason = "server_takes_no_response"
	reasonForPeople Reason = "wish_of_the_patient" // the EHR does not let a patient decide it
	reasonLate      Reason = "too_late"            // it could not be carried before the visit was over
	reasonConflict         = "conflict"            // of an Error: somebody changes the appointment again and again
)

// status sets the status of the appointment itself, unless that would speak for others too.
func (l *Ladder) status(ctx context.Context, d Decision) (Reason, error) {
	return l.change(ctx, d, edit{
		done: func(a *fhir.Appointment, now Versioned) bool {
			_, changed, err := fhir.StatusPatch(now.Resource, fhir.AppointmentStatus(d.Visit))
			return err == nil && !changed
		},
		patch: func(a *fhir.Appointment, now Versioned) ([]byte, error) {
			if len(a.Patients()) > 1 {
				return nil, errOfOthers
			}
			patch, _, err := fhir.StatusPatch(now.Resource, fhir.AppointmentStatus(d.Visit))
			return patch, err
		},
	})
}

var errOfOthers = errors.New("the visit is of several patients")

// patch sets the participant status.
func (l *Ladder) patch(ctx context.Context, d Decision) ([]Write, Reason, error) {
	why, err := l.change(ctx, d, edit{
		done: func(a *fhir.Appointment, _ Versioned) bool {
			who, takesPart := a.Participant(reference(d.Patient))
			return takesPart && open(a) && a.Start().Equal(d.Start) && who.Status == d.Status
		},
		patch: func(_ *fhir.Appointment, now Versioned) ([]byte, error) {
			patch, _, err := fhir.ParticipantPatch(now.Resource, reference(d.Patient), d.Status)
			return patch, err
		},
	})
	return nil, why, err
}

// edit is a change of an appointment: whether it is there already, and the patch that makes it.
type edit struct {
	done  func(*fhir.Appointment, Versioned) bool
	patch func(*fhir.Appointment, Versioned) ([]byte, error)
}

// change patches the appointment with If-Match, unless it says so already: our own patch may have
// come through without an answer. On a conflict it reads again and decides again from what is there. No
// reason means that it is done.
func (l *Ladder) change(ctx context.Context, d Decision, e edit) (Reason, error) {
	for range conflicts {
		a, now, why, err := l.read(ctx, d)
		switch {
		case err != nil || why != ReasonNone:
			return why, err
		case e.done(a, now):
			return ReasonNone, nil
		}
		if why := standing(a, d); why != ReasonNone {
			return why, nil
		}
		patch, err := e.patch(a, now)
		if err == nil {
			err = l.Validate.patch("ladder.validate", now, patch)
		}
		if err != nil {
			return reasonNotTaken, nil
		}
		err = l.Server.Patch(ctx, d.Appointment, now.Version, patch)
		switch code, final := refusal(err); {
		case err == nil:
			return ReasonNone, nil
		case code == "409" || code == "412":
			continue
		case final:
			return reasonNotTaken, nil
		default:
			return "", err
		}
	}
	return "", &Error{Op: "ladder.patch", Kind: Transient, Reason: reasonConflict}
}

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

// respond creates an AppointmentResponse, if the appointment is still what the patient
// answered, as far as the server lets it be read. No reason means that it is done.
func (l *Ladder) respond(ctx context.Context, d Decision) ([]Write, Reason, error) {
	a, _, why, err := l.read(ctx, d)
	if err == nil && a != nil {
		why = standing(a, d)
	}
	if err != nil || why != ReasonNone && why != reasonNotTaken {
		return nil, why, err
	}
	var copies []Write
	for _, w := range l.Filing.Response(d) {
		if w.Body.Empty() { // no resource can say it; a Task can
			return nil, reasonNoAnswers, nil
		}
		if w.Sink != SinkServer {
			copies = append(copies, w)
			continue
		}
		// Created here and now, so that a server which does not take it leads on to the next rung.
		if _, err := l.create(ctx, []byte(w.Body.Reveal()), w.IfNoneExist); err != nil {
			if _, final := refusal(err); final {
				return nil, reasonNoAnswers, nil
			}
			return nil, "", err
		}
	}
	return copies, ReasonNone, nil
}

// create creates a resource that is valid; one that is not is Malformed, which is final as a refusal is.
func (l *Ladder) create(ctx context.Context, body []byte, ifNoneExist string) (string, error) {
	if err := l.Validate.body("ladder.validate", body); err != nil {
		return "", err
	}
	return l.Server.Create(ctx, body, ifNoneExist)
}

// refusal reports whether err is final, and the code of it if it has one.
func refusal(err error) (code string, final bool) {
	if kind := KindOf(err); err == nil || kind != Refused && kind != Malformed {
		return "", false
	}
	var e *Error
	_ = errors.As(err, &e) // KindOf has found one
	return e.Code, true
}
