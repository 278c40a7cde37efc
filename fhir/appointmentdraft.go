package fhir

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// What Appointment.participant.actor may be.
var appointmentActors = []string{"Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Device", "HealthcareService", "Location"}

// AppointmentDraft asks for a visit at a free Slot
// (https://hl7.org/fhir/R4/appointment.html). It books nothing: that is the
// hospital's. It prints without its content.
type AppointmentDraft struct {
	// Identifiers make it findable, and its creation repeatable.
	Identifiers []Identifier
	// Status is proposed or pending; required.
	Status AppointmentStatus
	// Slot is the time that was chosen; with it go Start and End.
	Slot Reference
	// Start and End are written in UTC. Both or none; a pending visit has them (app-3).
	Start, End time.Time
	// ServiceTypes are what the visit is for, those of the slot.
	ServiceTypes []Concept
	// Patient is required. The patient has accepted: it is their wish.
	Patient Reference
	// Actors are those of the slot's schedule. Each has to accept yet.
	Actors []Reference
	// Created is when the patient asked.
	Created time.Time
}

// Format implements fmt.Formatter and hides the content.
func (AppointmentDraft) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[Appointment draft]") }

// LogValue implements slog.LogValuer and hides the content.
func (AppointmentDraft) LogValue() slog.Value { return slog.StringValue("[Appointment draft]") }

type appointmentOut struct {
	ResourceType string `json:"resourceType"`
	fhir.OtherAppointment
	Identifier  []Identifier     `json:"identifier,omitempty"`
	Status      string           `json:"status"`
	Participant []participantOut `json:"participant"`
}

type participantOut struct {
	Actor  *fhir.Reference `json:"actor"`
	Status string          `json:"status"`
}

// draftStatuses are those of a visit that nobody has booked yet.
var draftStatuses = set(AppointmentProposed, AppointmentPending)

// JSON writes the resource, valid R4. The error is *Error and says what the
// draft lacks or holds wrongly.
func (d AppointmentDraft) JSON() ([]byte, error) {
	w := &writer{resource: "Appointment"}
	out := appointmentOut{
		ResourceType: "Appointment",
		Identifier:   w.identifiers(d.Identifiers),
		Status:       required(w, "status", d.Status, draftStatuses),
	}
	d.checkTimes(w)
	out.ServiceType = w.concepts("serviceType", d.ServiceTypes...)
	out.Start, out.End, out.Created = w.time(d.Start), w.time(d.End), w.time(d.Created)
	if slot := w.reference("slot", d.Slot, "Slot"); slot != nil {
		out.Slot = []fhir.Reference{*slot}
	}
	patient := w.reference("participant[0].actor", d.Patient, "Patient")
	if patient == nil {
		w.fail("participant[0].actor", RuleMissing)
	}
	out.Participant = []participantOut{{Actor: patient, Status: ParticipantAccepted}}
	for i, actor := range d.Actors {
		if ref := w.reference("participant["+strconv.Itoa(i+1)+"].actor", actor, appointmentActors...); ref != nil {
			out.Participant = append(out.Participant, participantOut{Actor: ref, Status: ParticipantNeedsAction})
		}
	}
	return w.json(out)
}

func (d AppointmentDraft) checkTimes(w *writer) {
	switch {
	case d.Start.IsZero() && (!d.Slot.IsZero() || d.Status == AppointmentPending || !d.End.IsZero()):
		w.fail("start", RuleMissing)
	case d.Start.IsZero():
	case d.End.IsZero():
		w.fail("end", RuleMissing)
	case !d.End.After(d.Start):
		w.fail("end", RuleBadValue)
	}
}
