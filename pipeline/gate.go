package pipeline

import (
	"context"
	"time"

	"fhirbridge/fhir"
)

// Gate is one reason not to send, or not yet. Gates are asked in order, at the
// moment of sending; the first that objects decides.
type Gate interface {
	// Admit returns the zero Verdict to let c pass. An error is Transient: the notification is put off.
	Admit(ctx context.Context, c Candidate) (Verdict, error)
}

// Candidate is a notification that is about to be sent.
type Candidate struct {
	Notification Notification
	// Patient is whom it concerns; nil for an answer to somebody nobody knows.
	Patient *fhir.Patient
	// Proxy is who gets it in the patient's stead; nil for the patient.
	Proxy *fhir.RelatedPerson
	// Address is where it would go; empty with a Problem.
	Address Private
	// Problem says why there is no address.
	Problem Reason
	// Stopped reports whether Address is on the STOP list.
	Stopped bool
	// Denied reports whether a Consent of the patient is against messages.
	Denied bool
	// Disowned reports whether the owner of Address has said that it is not this patient's.
	Disowned bool
	// Unverified is since when Address may be somebody else's; zero if there is no doubt.
	Unverified time.Time
	// Neutral tells whether it says nothing of the patient. It makes the words for that, so it is asked last. nil counts as no.
	Neutral func() (bool, error)
	// Absent is when the provider said that Address is not on WhatsApp; zero if it did not, or it was wrong.
	Absent time.Time
	// Elsewhere reports whether it goes by the channel for numbers that are not on WhatsApp.
	Elsewhere bool
	// Template tells by which template, in which language, it would be sent; name is "" if by none. It
	// makes the words for that, so it is asked last. nil counts as none.
	Template func() (name, language string, err error)
	Now      time.Time
}

// Verdict is a gate's word. The zero Verdict lets pass.
type Verdict struct {
	// Skip ends the notification with this reason.
	Skip Reason
	// Hold puts the notification off for this reason: it is looked at again at Until, or in some minutes
	// without one. At its expiry it is settled as expired, whatever holds it.
	Hold Reason
	// Until is when a held notification is looked at again; zero if nobody can tell.
	Until time.Time
}

// DefaultGates are the gates in the order in which they are asked.
func DefaultGates() []Gate {
	return []Gate{
		GateExpired{},
		GatePatient{},
		GateNumber{},
		GateConsent{},
		GateOwner{},
		GateVerified{},
	}
}
