package pipeline

import (
	"context"
	"errors"

	"fhirbridge/fhir"
)

// Rung is one way of carrying a decision into the EHR.
type Rung string

// The rungs, in the order in which they make sense.
const (
	RungPatch    Rung = "patch"    // the patient's participant status in the Appointment
	RungResponse Rung = "response" // an AppointmentResponse
	RungTask     Rung = "task"     // a Task for people
)

// Ladder carries patients' decisions into the EHR by the first way that it
// takes. It never overwrites a newer human edit.
type Ladder struct {
	Server FHIRServer
	Rungs  []Rung
	Filing Filing
}

// conflicts is how often a patch is built anew after somebody else has changed the appointment.
const conflicts = 5

// Carry makes one decision known. What it returns besides is owed as well: the
// AppointmentResponse or Task of a lower rung, which has retries of its own. An error is that of
// the server: Transient and Throttled are tried again.
func (l *Ladder) Carry(ctx context.Context, d Decision) ([]Write, error) {
	why := ReasonRefused
	for _, rung := range l.Rungs {
		switch rung {
		case RungPatch:
			done, reason, err := l.patch(ctx, d)
			if err != nil || done {
				return nil, err
			}
			why = reason
			if reason == reasonMoved || reason == reasonHumanEdit || reason == reasonNotOpen {
				return l.Filing.Unmet(d, reason), nil // a person decides; a response would be about another fact
			}
		case RungResponse:
			return l.response(d)
		case RungTask:
			return l.Filing.Unmet(d, why), nil
		}
	}
	return l.Filing.Unmet(d, why), nil // nothing configured: people are told all the same
}

// Reasons why a decision was not carried into the appointment.
const (
	reasonMoved     Reason = "appointment_moved"      // it has another start by now
	reasonHumanEdit Reason = "changed_by_a_person"    // the participant status is not what it was at the answer
	reasonNotOpen   Reason = "appointment_not_booked" // cancelled, over, or gone
	reasonNotTaken  Reason = "server_takes_no_patch"
)

// patch sets the participant status with If-Match. On a conflict it reads again
// and decides again from what is there.
func (l *Ladder) patch(ctx context.Context, d Decision) (done bool, why Reason, err error) {
	for range conflicts {
		now, err := l.Server.Read(ctx, d.Appointment)
		if code := refusal(err); code == "404" || code == "410" {
			return false, reasonNotOpen, nil
		} else if code != "" {
			return false, reasonNotTaken, nil
		} else if err != nil {
			return false, "", err
		}
		patch, why := patchFor(now, d)
		if why != ReasonNone {
			return false, why, nil
		}
		if patch == nil {
			return true, "", nil // it says so already
		}
		err = l.Server.Patch(ctx, d.Appointment, now.Version, patch)
		switch code := refusal(err); {
		case err == nil:
			return true, "", nil
		case code == "409" || code == "412":
			continue
		case code != "":
			return false, reasonNotTaken, nil
		default:
			return false, "", err
		}
	}
	return false, "", &Error{Op: "ladder.patch", Kind: Transient, Reason: "conflict"}
}

// patchFor returns the patch that makes the decision true in this version, nil
// if it is true already, or why it must not be made.
func patchFor(now Versioned, d Decision) ([]byte, Reason) {
	res, err := fhir.Decode(now.Resource)
	a, ok := res.(*fhir.Appointment)
	if err != nil || !ok {
		return nil, reasonNotTaken
	}
	switch a.Status() {
	case fhir.AppointmentBooked, fhir.AppointmentPending, fhir.AppointmentProposed:
	default:
		return nil, reasonNotOpen
	}
	if !a.Start().Equal(d.Start) {
		return nil, reasonMoved
	}
	who, ok := a.Participant(reference(d.Patient))
	if !ok {
		return nil, reasonNotOpen
	}
	if who.Status == d.Status {
		return nil, ReasonNone
	}
	if d.Was != "" && who.Status != d.Was {
		return nil, reasonHumanEdit
	}
	patch, _, err := fhir.ParticipantPatch(now.Resource, reference(d.Patient), d.Status)
	if err != nil {
		return nil, reasonNotTaken
	}
	return patch, ReasonNone
}

func (l *Ladder) response(d Decision) ([]Write, error) {
	body, err := fhir.AppointmentResponseDraft{
		Identifiers:       []fhir.Identifier{{System: SystemDecision, Value: "response:" + d.Reply}},
		Appointment:       reference(d.Appointment),
		Actor:             reference(d.Patient),
		ParticipantStatus: d.Status,
	}.JSON()
	return l.Filing.writes("response", d.Reply, "AppointmentResponse", SystemDecision, "response:"+d.Reply, d.Patient, body, err, nil), nil
}

// refusal returns the code of a Refused error, "" for any other.
func refusal(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Kind == Refused {
		return e.Code
	}
	return ""
}
