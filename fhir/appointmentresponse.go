package fhir

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// AppointmentResponseDraft is the FHIR-pure way to write a patient's answer
// without touching the Appointment
// (https://hl7.org/fhir/R4/appointmentresponse.html). It prints without its content.
type AppointmentResponseDraft struct {
	Identifiers []Identifier
	// Appointment is required.
	Appointment Reference
	// Actor is who answers; required (apr-1).
	Actor Reference
	// ParticipantStatus is accepted, declined, tentative or needs-action; required.
	ParticipantStatus string
	// Start and End are a proposal of another time; both or none.
	Start, End time.Time
	// Comment may hold the patient's words.
	Comment string
}

// Format implements fmt.Formatter and hides the content.
func (AppointmentResponseDraft) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprint(s, "[AppointmentResponse draft]")
}

// LogValue implements slog.LogValuer and hides the content.
func (AppointmentResponseDraft) LogValue() slog.Value {
	return slog.StringValue("[AppointmentResponse draft]")
}

type appointmentResponseOut struct {
	ResourceType string `json:"resourceType"`
	fhir.OtherAppointmentResponse
	Identifier        []Identifier `json:"identifier,omitempty"`
	ParticipantStatus string       `json:"participantStatus"`
}

// JSON writes the resource, valid R4. The error is *Error and says what the
// draft lacks or holds wrongly.
func (d AppointmentResponseDraft) JSON() ([]byte, error) {
	w := &writer{resource: "AppointmentResponse"}
	out := appointmentResponseOut{
		ResourceType:      "AppointmentResponse",
		Identifier:        w.identifiers(d.Identifiers),
		ParticipantStatus: required(w, "participantStatus", d.ParticipantStatus, participantStatuses),
	}
	out.Actor = w.reference("actor", d.Actor,
		"Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Device", "HealthcareService", "Location")
	if out.Actor == nil {
		w.fail("actor", RuleMissing)
	}
	if appointment := w.reference("appointment", d.Appointment, "Appointment"); appointment != nil {
		out.Appointment = *appointment
	} else {
		w.fail("appointment", RuleMissing)
	}
	if d.Start.IsZero() != d.End.IsZero() {
		w.fail("end", RuleMissing)
	}
	out.Start, out.End = w.time(d.Start), w.time(d.End)
	out.Comment = w.text("comment", d.Comment)
	return w.json(out)
}
