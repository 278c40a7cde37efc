package pipeline

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
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
	// Profile is the server's. Log is told once what it does not take; it and Now may be nil.
	Profile Profile
	Log     *slog.Logger
	Now     func() time.Time

	ways ways
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
	// By is how it was carried, for metrics: status, patch, update, response or task; unchanged if it was so already.
	By string
}

// Carry makes one decision known. An error is that of the server: Transient or
// Throttled, and all of it is tried again.
//
// What is wanted of the appointment itself is not carried after d.Until: then people decide.
func (l *Ladder) Carry(ctx context.Context, d Decision, now time.Time) (Carried, error) {
	if d.Visit != "" && now.After(d.Until) {
		return Carried{Writes: l.Filing.Unmet(d, reasonLate), Say: d.Asked, By: string(RungTask)}, nil
	}
	if d.Visit == "" {
		c, _, err := l.participation(ctx, d)
		if reason, stuck := stuckBy(err); stuck && now.After(d.Start) { // it will not matter any more, and somebody must know
			return Carried{Writes: l.Filing.Unmet(d, reason), By: string(RungTask)}, nil
		}
		return c, err
	}
	if slices.Contains(l.Rungs, RungStatus) {
		by, reason, err := l.status(ctx, d)
		switch {
		case err != nil:
			return Carried{}, err
		case reason == ReasonNone:
			return Carried{Say: d.Done, By: cmp.Or(by, string(RungStatus))}, nil
		case forPeople(reason):
			return Carried{Writes: l.Filing.Unmet(d, reason), Say: d.Asked, By: string(RungTask)}, nil
		}
	}
	c, reason, err := l.participation(ctx, d)
	if err != nil {
		return Carried{}, err
	}
	if reason == ReasonNone { // the participation says what the patient wants, and a person makes it so
		c.Writes = append(c.Writes, l.Filing.Unmet(d, reasonForPeople)...)
	}
	c.Say = d.Asked
	return c, nil
}

// stuckBy reports whether a change fails for what others do to the appointment, and not for the server.
func stuckBy(err error) (Reason, bool) {
	var e *Error
	if errors.As(err, &e) && e.Reason == reasonConflict {
		return reasonConflict, true
	}
	return ReasonNone, false
}

// participation carries the patient's participant status down the rungs. The reason is why it ended with a
// Task for people, none if it is done.
func (l *Ladder) participation(ctx context.Context, d Decision) (Carried, Reason, error) {
	why := ReasonRefused
	for _, rung := range l.Rungs {
		var try func(context.Context, Decision) (Carried, Reason, error)
		switch rung {
		case RungStatus:
			continue
		case RungPatch:
			try = l.patch
		case RungResponse:
			try = l.respond
		default:
			return l.unmet(d, why), why, nil
		}
		c, reason, err := try(ctx, d)
		if err != nil || reason == ReasonNone {
			return c, ReasonNone, err
		}
		if forPeople(reason) {
			return l.unmet(d, reason), reason, nil // a response would be about another fact
		}
		why = reason
	}
	return l.unmet(d, why), why, nil // nothing configured: people are told all the same
}

func (l *Ladder) unmet(d Decision, why Reason) Carried {
	return Carried{Writes: l.Filing.Unmet(d, why), By: string(RungTask)}
}

// forPeople reports whether a person must decide, whatever else the server would take.
func forPeople(why Reason) bool {
	return why == reasonMoved || why == reasonHumanEdit || why == reasonNotOpen || why == reasonHeld
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
	reasonHeld      Reason = "held_by_the_ehr"     // it says that something else has to be done first
	reasonConflict         = "conflict"            // of an Error: somebody changes the appointment again and again
)

// status sets the status of the appointment itself, unless that would speak for others too.
func (l *Ladder) status(ctx context.Context, d Decision) (by string, why Reason, err error) {
	by, why, err = l.change(ctx, d, edit{
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
	if by == string(byPatch) {
		by = string(RungStatus)
	}
	return by, why, err
}

var errOfOthers = errors.New("the visit is of several patients")

// patch sets the participant status, where the server has it.
func (l *Ladder) patch(ctx context.Context, d Decision) (Carried, Reason, error) {
	by, why, err := l.change(ctx, d, edit{
		foreign: l.Profile.Decision.Path != "",
		done: func(a *fhir.Appointment, _ Versioned) bool {
			who, takesPart := a.Participant(reference(d.Patient))
			return takesPart && open(a) && a.Start().Equal(d.Start) && who.Status == d.Status
		},
		patch: func(_ *fhir.Appointment, now Versioned) ([]byte, error) {
			return l.Profile.Decision.patch(now.Resource, d)
		},
	})
	return Carried{By: by}, why, err
}

// respond creates an AppointmentResponse, if the appointment is still what the patient
// answered, as far as the server lets it be read. No reason means that it is done.
func (l *Ladder) respond(ctx context.Context, d Decision) (Carried, Reason, error) {
	if declared := l.Server.Declared("AppointmentResponse"); declared.Known && !declared.Create {
		return Carried{}, reasonNoAnswers, nil
	}
	a, _, why, err := l.read(ctx, d)
	if err == nil && a != nil {
		why = standing(a, d)
	}
	if err != nil || why != ReasonNone && why != reasonNotTaken {
		return Carried{}, why, err
	}
	c := Carried{By: string(RungResponse)}
	for _, w := range l.Filing.Response(d) {
		if w.Body.Empty() { // no resource can say it; a Task can
			return Carried{}, reasonNoAnswers, nil
		}
		if w.Sink != SinkServer {
			c.Writes = append(c.Writes, w)
			continue
		}
		// Created here and now, so that a server which does not take it leads on to the next rung.
		if _, err := l.create(ctx, []byte(w.Body.Reveal()), w.IfNoneExist); err != nil {
			if _, final := refusal(err); final {
				return Carried{}, reasonNoAnswers, nil
			}
			return Carried{}, "", err
		}
	}
	return c, ReasonNone, nil
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
