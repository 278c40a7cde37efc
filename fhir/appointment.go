package fhir

import (
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

var (
	appointmentStatuses = set(AppointmentProposed, AppointmentPending, AppointmentBooked, AppointmentArrived, AppointmentCheckedIn, AppointmentFulfilled, AppointmentCancelled, AppointmentNoShow, AppointmentWaitlist, AppointmentEnteredInError)
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

type appointmentView struct {
	fhir.OtherAppointment
	Status       string            `json:"status"` // samply reads a missing one as proposed
	Participant  []participantView `json:"participant"`
	StartElement zoneElement       `json:"_start"` // samply drops it
	Slot         []reference       `json:"slot"`
	Text         skipped           `json:"text"`
	Extension    skipped           `json:"extension"`
	Identifier   skipped           `json:"identifier"`
	ReasonCode   skipped           `json:"reasonCode"`
}

var appointmentMembers = []string{"status", "start", "end", "participant", "cancelationReason",
	"serviceCategory", "serviceType", "specialty", "patientInstruction", "minutesDuration", "slot"}

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
	switch { // both rules are about the whole Appointment; the path names what is missing
	case a.end.IsZero() && !a.start.IsZero():
		return s.at("end", "app-2")
	case a.start.IsZero() && !a.end.IsZero():
		return s.at("start", "app-2")
	case a.start.IsZero() && !withoutTime[a.Status()]:
		return s.at("start", "app-3")
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

// Minutes is how long the patient is needed, which may be less than from Start to
// End; 0 if unknown.
func (a *Appointment) Minutes() int { return max(0, value(a.view.MinutesDuration)) }

// Slots are the times that the visit takes up; none if nobody said.
func (a *Appointment) Slots() []Reference { return parsedAll(a.view.Slot, a.base) }

// Zone is the IANA time zone that an extension of start names, unchecked; "" if none does.
func (a *Appointment) Zone() string { return a.view.StartElement.zone() }

// Created is when the booking was made; absent if unknown.
func (a *Appointment) Created() DateTime {
	created, _ := parseDateTime(value(a.view.Created))
	return created
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

// ServiceCategories are what kind of service it is, broadly.
func (a *Appointment) ServiceCategories() []Concept { return concepts(a.view.ServiceCategory) }

// ServiceTypes are what the visit is for. Their words may disclose.
func (a *Appointment) ServiceTypes() []Concept { return concepts(a.view.ServiceType) }

// Specialties are those of the clinicians that the visit needs. They may disclose.
func (a *Appointment) Specialties() []Concept { return concepts(a.view.Specialty) }

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
