package fhir

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// TaskDraft asks people at the hospital to do something: what a patient wrote and
// nobody understood, a write-back that the EHR refused
// (https://hl7.org/fhir/R4/task.html). It is written with status requested and
// intent order. It prints without its content.
type TaskDraft struct {
	Identifiers []Identifier
	// Code is what is to be done, in words; required. Codings say the same in
	// codes, by which a work list sorts.
	Code    string
	Codings []Coding
	// Reason is why, in fixed words; the patient's own go into Description.
	Reason string
	// Priority is routine, urgent, asap, stat or "".
	Priority string
	// Description may hold the patient's words: it is chart data.
	Description string
	// For is the Patient; Focus is what it is about: a Communication, an Appointment.
	For, Focus Reference
	// AuthoredOn is written in UTC.
	AuthoredOn time.Time
	// Requester is who asks, Owner who is to do it. Both may be zero.
	Requester, Owner Reference
}

// Format implements fmt.Formatter and hides the content.
func (TaskDraft) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[Task draft]") }

// LogValue implements slog.LogValuer and hides the content.
func (TaskDraft) LogValue() slog.Value { return slog.StringValue("[Task draft]") }

type taskOut struct {
	ResourceType string `json:"resourceType"`
	fhir.OtherTask
	Identifier []Identifier `json:"identifier,omitempty"`
	Status     string       `json:"status"`
	Priority   string       `json:"priority,omitempty"`
}

// JSON writes the resource, valid R4. The error is *Error and says what the
// draft lacks or holds wrongly.
func (d TaskDraft) JSON() ([]byte, error) {
	w := &writer{resource: "Task"}
	out := taskOut{ResourceType: "Task", Identifier: w.identifiers(d.Identifiers), Status: "requested", Priority: d.Priority}
	if !priorities[d.Priority] {
		w.fail("priority", RuleUnknownCode)
	}
	out.Intent = "order"
	if out.Code = w.concept("code", Concept{Text: d.Code, Codings: d.Codings}); out.Code == nil || out.Code.Text == nil {
		w.fail("code", RuleMissing)
	}
	out.ReasonCode = w.concept("reasonCode", Concept{Text: d.Reason})
	out.Description = w.text("description", d.Description)
	out.For = w.reference("for", d.For)
	out.Focus = w.reference("focus", d.Focus)
	out.AuthoredOn = w.time(d.AuthoredOn)
	out.Requester = w.reference("requester", d.Requester,
		"Device", "Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson")
	out.Owner = w.reference("owner", d.Owner,
		"Practitioner", "PractitionerRole", "Organization", "CareTeam", "HealthcareService", "Patient", "Device", "RelatedPerson")
	return w.json(out)
}
