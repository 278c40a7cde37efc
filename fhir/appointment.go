package fhir

import (
	"strconv"
	"strings"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// AppointmentStatus is the one status that all participants share
// (https://hl7.org/fhir/R4/valueset-appointmentstatus.html).
type AppointmentStatus string

// The codes of AppointmentStatus. Servers enforce no order between them.
const (
	AppointmentProposed       AppointmentStatus = "proposed"
	AppointmentPending        AppointmentStatus = "pending"
	AppointmentBooked         AppointmentStatus = "booked"
	AppointmentArrived        AppointmentStatus = "arrived"
	AppointmentCheckedIn      AppointmentStatus = "checked-in"
	AppointmentFulfilled      AppointmentStatus = "fulfilled"
	AppointmentCancelled      AppointmentStatus = "cancelled"
	AppointmentNoShow         AppointmentStatus = "noshow"
	AppointmentWaitlist       AppointmentStatus = "waitlist"
	AppointmentEnteredInError AppointmentStatus = "entered-in-error"
)

// The codes of Participant.Status
// (https://hl7.org/fhir/R4/valueset-participationstatus.html).
const (
	ParticipantAccepted    = "accepted"
	ParticipantDeclined    = "declined"
	ParticipantTentative   = "tentative"
	ParticipantNeedsAction = "needs-action"
)

// InformationOnly is the code of Participant.Required for someone whom the
// appointment is about and who does not come.
const InformationOnly = "information-only"

var (
	appointmentStatuses = set(AppointmentProposed, AppointmentPending, AppointmentBooked, AppointmentArrived, AppointmentCheckedIn, AppointmentFulfilled, AppointmentCancelled, AppointmentNoShow, AppointmentWaitlist, AppointmentEnteredInError)
	participantStatuses = set(ParticipantAccepted, ParticipantDeclined, ParticipantTentative, ParticipantNeedsAction)
	participantRequired = set("", "required", "optional", InformationOnly)
	// withoutTime are the statuses in which start and end may be missing (app-3).
	withoutTime = set(AppointmentProposed, AppointmentCancelled, AppointmentWaitlist)
)

// Appointment is a visit (https://hl7.org/fhir/R4/appointment.html).
type Appointment struct {
	base
	view         appointmentView
	start, end   time.Time
	participants []Participant
}

// Participant is one of those who take part in an Appointment.
type Participant struct {
	// Index is the place in Appointment.participant of the raw JSON.
	Index int
	// Actor is who takes part; zero if only Types says so.
	Actor Reference
	// Status is accepted, declined, tentative or needs-action.
	Status string
	// Required is required, optional, information-only or "".
	Required string
	// Types are the codes of what the participant does: ATND, PPRF …
	Types []string
}

type appointmentView struct {
	fhir.OtherAppointment
	Status       string            `json:"status"` // samply reads a missing one as proposed
	Participant  []participantView `json:"participant"`
	StartElement zoneElement       `json:"_start"` // samply drops it
	Text         skipped           `json:"text"`
	Extension    skipped           `json:"extension"`
	Identifier   skipped           `json:"identifier"`
	ReasonCode   skipped           `json:"reasonCode"`
}

type participantView struct {
	fhir.AppointmentParticipant
	Actor     *reference `json:"actor"`
	Status    string     `json:"status"` // samply reads a missing one as accepted
	Required  string     `json:"required"`
	Extension skipped    `json:"extension"`
}

var appointmentMembers = []string{"status", "start", "end", "participant", "cancelationReason", "serviceType", "patientInstruction"}

func decodeAppointment(s source) (Resource, error) {
	a := &Appointment{base: s.base}
	if err := fill(s, &a.view); err != nil {
		return nil, err
	}
	for _, check := range []func(source) error{a.readStatus, a.readTimes, a.readParticipants} {
		if err := check(s); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *Appointment) readStatus(s source) error {
	if err := code(s, "status", a.Status(), appointmentStatuses); err != nil {
		return err
	}
	if a.view.CancelationReason != nil && a.Status() != AppointmentCancelled && a.Status() != AppointmentNoShow {
		return &Error{Path: "Appointment.cancelationReason", Rule: "app-4"}
	}
	return nil
}

func (a *Appointment) readTimes(s source) error {
	var err error
	if a.start, err = instant(s, "start", a.view.Start); err != nil {
		return err
	}
	if a.end, err = instant(s, "end", a.view.End); err != nil {
		return err
	}
	switch {
	case a.start.IsZero() != a.end.IsZero():
		return &Error{Path: "Appointment", Rule: "app-2"}
	case a.start.IsZero() && !withoutTime[a.Status()]:
		return &Error{Path: "Appointment", Rule: "app-3"}
	}
	return nil
}

func (a *Appointment) readParticipants(s source) error {
	if len(a.view.Participant) == 0 {
		return s.at("participant", RuleMissing)
	}
	a.participants = make([]Participant, len(a.view.Participant))
	for i := range a.view.Participant {
		v := &a.view.Participant[i]
		element := "participant[" + strconv.Itoa(i) + "]"
		if v.Actor == nil && len(v.Type) == 0 {
			return s.at(element, "app-1")
		}
		if err := code(s, element+".status", v.Status, participantStatuses); err != nil {
			return err
		}
		if !participantRequired[v.Required] {
			return s.at(element+".required", RuleUnknownCode)
		}
		actor, ok := v.Actor.parsed(a.base)
		if !ok {
			return s.at(element+".actor.reference", RuleBadReference)
		}
		a.participants[i] = Participant{Index: i, Actor: actor, Status: v.Status, Required: v.Required, Types: codesOf(v.Type)}
	}
	return nil
}

// Status is never empty.
func (a *Appointment) Status() AppointmentStatus { return AppointmentStatus(a.view.Status) }

// Start is when the visit begins, with the offset that was written; zero if that
// is not fixed yet. An offset is no time zone: see Zone.
func (a *Appointment) Start() time.Time { return a.start }

// End is when the visit ends; zero if and only if Start is.
func (a *Appointment) End() time.Time { return a.end }

// Zone is the IANA time zone that an extension of start names, unchecked; "" if none does.
func (a *Appointment) Zone() string { return a.view.StartElement.zone() }

// Created is when the booking was made; absent if unknown.
func (a *Appointment) Created() DateTime {
	created, _ := parseDateTime(value(a.view.Created))
	return created
}

// Participants are all of them, at least one.
func (a *Appointment) Participants() []Participant { return a.participants }

// Patients are the participants who are patients and come: none that is
// information-only. Several are a group: each may know of no other.
func (a *Appointment) Patients() []Participant {
	var patients []Participant
	for _, p := range a.participants {
		if p.Actor.Type == "Patient" && p.Required != InformationOnly {
			patients = append(patients, p)
		}
	}
	return patients
}

// Locations are the participants that are places.
func (a *Appointment) Locations() []Participant { return a.actors("Location") }

// Practitioners are the participants that are Practitioners.
func (a *Appointment) Practitioners() []Participant { return a.actors("Practitioner") }

// Services are the participants that are HealthcareServices.
func (a *Appointment) Services() []Participant { return a.actors("HealthcareService") }

func (a *Appointment) actors(resourceType string) []Participant {
	var list []Participant
	for _, p := range a.participants {
		if p.Actor.Type == resourceType {
			list = append(list, p)
		}
	}
	return list
}

// Participant returns the participant whose actor is that resource.
func (a *Appointment) Participant(actor Reference) (Participant, bool) {
	for _, p := range a.participants {
		if p.Actor.Same(actor) {
			return p, true
		}
	}
	return Participant{}, false
}

// CancelationReason says why; without codings and text if nobody said.
func (a *Appointment) CancelationReason() Concept { return concept(a.view.CancelationReason) }

// CancelledByPatient reports whether the visit is cancelled for a reason on the
// patient's side: pat and its children
// (https://hl7.org/fhir/R4/codesystem-appointment-cancellation-reason.html).
func (a *Appointment) CancelledByPatient() bool {
	if a.Status() != AppointmentCancelled {
		return false
	}
	for _, c := range a.CancelationReason().Codings {
		if c.Code == "pat" || strings.HasPrefix(c.Code, "pat-") {
			return true
		}
	}
	return false
}

// Service is what the visit is for, in words: the first serviceType that has a
// text or a display; "" if none has. It may disclose (oncology, psychiatry).
func (a *Appointment) Service() string {
	for _, c := range concepts(a.view.ServiceType) {
		if label := c.Label(); label != "" {
			return label
		}
	}
	return ""
}

// PatientInstruction is the text that is meant for the patient, or "". The
// comment is internal and not offered.
func (a *Appointment) PatientInstruction() string { return value(a.view.PatientInstruction) }
