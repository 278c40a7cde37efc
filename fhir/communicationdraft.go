package fhir

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Code systems of what a Communication is classified by.
const (
	// CommunicationCategorySystem has alert, notification, reminder, instruction.
	CommunicationCategorySystem = "http://terminology.hl7.org/CodeSystem/communication-category"
	// CommunicationTopicSystem has appointment-reminder, report-labs, progress-update …
	CommunicationTopicSystem = "http://terminology.hl7.org/CodeSystem/communication-topic"
	// NotDoneReasonSystem has patient-objection, invalid-phone-number,
	// recipient-unavailable, system-error, unknown …
	NotDoneReasonSystem = "http://terminology.hl7.org/CodeSystem/communication-not-done-reason"
	// ParticipationModeSystem has ONLINEWRIT, the nearest that HL7 has to a chat.
	ParticipationModeSystem = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
)

// What Communication.sender and .recipient may be: no Location, no Endpoint.
var (
	communicationSenders    = []string{"Device", "Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "HealthcareService"}
	communicationRecipients = append([]string{"Group", "CareTeam"}, communicationSenders...)
	communicationReasons    = []string{"Condition", "Observation", "DiagnosticReport", "DocumentReference"}
	priorities              = set("", "routine", "urgent", "asap", "stat")
)

// CommunicationDraft is a Communication to be written: a WhatsApp message that
// was sent or received. Zero fields are left out. It prints without its content.
type CommunicationDraft struct {
	// Identifiers make it findable, and its creation repeatable: our notification
	// id, the provider's message id.
	Identifiers []Identifier
	// Instantiates are URIs of what it was made from: the template, in its language.
	Instantiates []string
	// Status is required.
	Status CommunicationStatus
	// StatusReason says why not-done or stopped: a code of NotDoneReasonSystem.
	StatusReason Concept
	// Categories are codes of CommunicationCategorySystem, or the site's own.
	Categories []Concept
	// Priority is routine, urgent, asap, stat or "".
	Priority string
	// MediumSystem is the operator's own code system, in which WhatsApp is
	// "whatsapp"; with "" the medium has HL7's code and a text only.
	MediumSystem string
	// SMS is set for what went by SMS, which is "sms" there.
	SMS bool
	// Subject is the Patient, also where a proxy writes.
	Subject Reference
	// Topic is a code of CommunicationTopicSystem, or a text.
	Topic Concept
	// About are what the message is about, where FHIR has no better place for it: a
	// report is a reason, a visit that takes place an Encounter.
	About []Reference
	// Encounter is the visit that it belongs to.
	Encounter Reference
	// InResponseTo are the Communications that this one answers; PartOf the thread.
	InResponseTo, PartOf []Reference
	// BasedOn are the requests because of which it was sent.
	BasedOn []Reference
	// ReasonCodes say why it was sent, Reasons because of what: Conditions,
	// Observations, DiagnosticReports, DocumentReferences.
	ReasonCodes []Concept
	Reasons     []Reference
	// Sent and Received are written in UTC, to the millisecond.
	Sent, Received time.Time
	// Recipients and Sender are people, organizations or services.
	Recipients []Reference
	Sender     Reference
	// Payload are the texts as they were sent or received, a part each.
	Payload []string
	// Files are what was sent along: DocumentReferences, a part each.
	Files []Reference
	// Notes are remarks about the message, never its words.
	Notes []Note
}

// Note is a remark (https://hl7.org/fhir/R4/datatypes.html#Annotation).
type Note struct {
	// Text is required; a Note without is left out.
	Text string
	// Time is when it was made.
	Time time.Time
	// Author is who made it, as a Device or an Organization.
	Author Reference
}

// Format implements fmt.Formatter and hides the content.
func (CommunicationDraft) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[Communication draft]") }

// LogValue implements slog.LogValuer and hides the content.
func (CommunicationDraft) LogValue() slog.Value { return slog.StringValue("[Communication draft]") }

// communicationOut puts what samply gets wrong outside of its twin, where it wins.
type communicationOut struct {
	ResourceType string `json:"resourceType"`
	fhir.OtherCommunication
	Identifier []Identifier `json:"identifier,omitempty"`
	Status     string       `json:"status"`
	Priority   string       `json:"priority,omitempty"`
	Payload    []payloadOut `json:"payload,omitempty"`
}

type payloadOut struct {
	ContentString    *string         `json:"contentString,omitempty"`
	ContentReference *fhir.Reference `json:"contentReference,omitempty"`
}

// JSON writes the resource, valid R4. The error is *Error and says what the
// draft lacks or holds wrongly.
func (d CommunicationDraft) JSON() ([]byte, error) {
	w := &writer{resource: "Communication"}
	out := communicationOut{
		ResourceType: "Communication",
		Identifier:   w.identifiers(d.Identifiers),
		Status:       required(w, "status", d.Status, communicationStatuses),
		Priority:     d.Priority,
	}
	if !priorities[d.Priority] {
		w.fail("priority", RuleUnknownCode)
	}
	out.OtherCommunication = fhir.OtherCommunication{
		InstantiatesUri: d.Instantiates,
		BasedOn:         w.references("basedOn", d.BasedOn),
		PartOf:          w.references("partOf", d.PartOf),
		InResponseTo:    w.references("inResponseTo", d.InResponseTo, "Communication"),
		StatusReason:    w.concept("statusReason", d.StatusReason),
		Category:        w.concepts("category", d.Categories...),
		Medium:          w.concepts("medium", medium(d.MediumSystem, d.SMS)),
		Subject:         w.reference("subject", d.Subject, "Patient", "Group"),
		Topic:           w.concept("topic", d.Topic),
		About:           w.references("about", d.About),
		Encounter:       w.reference("encounter", d.Encounter, "Encounter"),
		Sent:            w.time(d.Sent),
		Received:        w.time(d.Received),
		Recipient:       w.references("recipient", d.Recipients, communicationRecipients...),
		Sender:          w.reference("sender", d.Sender, communicationSenders...),
		ReasonCode:      w.concepts("reasonCode", d.ReasonCodes...),
		ReasonReference: w.references("reasonReference", d.Reasons, communicationReasons...),
		Note:            w.notes(d.Notes),
	}
	for i, part := range d.Payload {
		if text := w.text("payload["+strconv.Itoa(i)+"].contentString", part); text != nil {
			out.Payload = append(out.Payload, payloadOut{ContentString: text})
		}
	}
	for _, file := range w.references("payload", d.Files, "DocumentReference", "Binary", "Media") {
		out.Payload = append(out.Payload, payloadOut{ContentReference: &file})
	}
	return w.json(&out)
}

// medium is WhatsApp or SMS. There is no code for either in HL7's system: ONLINEWRIT is
// "submitted by computer network".
func medium(system string, sms bool) Concept {
	name, code := "WhatsApp", "whatsapp"
	if sms {
		name, code = "SMS", "sms"
	}
	c := Concept{Text: name, Codings: []Coding{{System: ParticipationModeSystem, Code: "ONLINEWRIT"}}}
	if system != "" {
		c.Codings = append(c.Codings, Coding{System: system, Code: code, Display: name})
	}
	return c
}

func (w *writer) notes(list []Note) []fhir.Annotation {
	var out []fhir.Annotation
	for i, n := range list {
		element := "note[" + strconv.Itoa(i) + "]"
		text := w.text(element+".text", n.Text)
		if text == nil {
			continue
		}
		author := w.reference(element+".authorReference", n.Author, "Practitioner", "Patient", "RelatedPerson", "Organization")
		a := fhir.Annotation{Text: *text, Time: w.time(n.Time), AuthorReference: author}
		out = append(out, a)
	}
	return out
}
