package fhir

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// DocumentReferenceDraft puts a document of a patient into the chart: a photo, a
// voice message, a letter (https://hl7.org/fhir/R4/documentreference.html). It is
// written with status current, with the size and the hash of the content. It
// prints without its content.
type DocumentReferenceDraft struct {
	// Identifiers make it findable, and its creation repeatable.
	Identifiers []Identifier
	// Type is what kind of document it is.
	Type Concept
	// Subject is the Patient; Author who sent it: the Patient or a RelatedPerson.
	Subject, Author Reference
	// Date is when it came, Created when it was made. Both are written in UTC.
	Date, Created time.Time
	// Description is what the sender wrote beside it: chart data.
	Description string
	// ContentType is the media type; required.
	ContentType string
	// Data is the content; required. It is written inline, unless URL is set.
	Data []byte
	// URL is where the content lies already, as "Binary/1"; then only its size and
	// hash are written. Whoever reads it there has both to check it by.
	URL string
	// Title is the name of the file, or "".
	Title string
	// Encounter is the visit during which it came; Related what it belongs to: a
	// Communication, an Appointment.
	Encounter Reference
	Related   []Reference
}

// Format implements fmt.Formatter and hides the content.
func (DocumentReferenceDraft) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprint(s, "[DocumentReference draft]")
}

// LogValue implements slog.LogValuer and hides the content.
func (DocumentReferenceDraft) LogValue() slog.Value {
	return slog.StringValue("[DocumentReference draft]")
}

type documentReferenceOut struct {
	ResourceType string `json:"resourceType"`
	fhir.OtherDocumentReference
	Identifier []Identifier  `json:"identifier,omitempty"`
	Status     string        `json:"status"`
	Content    []documentOut `json:"content"`
}

type documentOut struct {
	Attachment fhir.Attachment `json:"attachment"`
}

// JSON writes the resource, valid R4. The error is *Error and says what the
// draft lacks or holds wrongly.
func (d DocumentReferenceDraft) JSON() ([]byte, error) {
	w := &writer{resource: "DocumentReference"}
	out := documentReferenceOut{
		ResourceType: "DocumentReference",
		Identifier:   w.identifiers(d.Identifiers),
		Status:       "current",
		Content:      []documentOut{{Attachment: d.attachment(w)}},
	}
	out.Type = w.concept("type", d.Type)
	out.Subject = w.reference("subject", d.Subject, "Patient", "Practitioner", "Group", "Device")
	out.Author = w.references("author", []Reference{d.Author},
		"Practitioner", "PractitionerRole", "Organization", "Device", "Patient", "RelatedPerson")
	out.Date = w.time(d.Date)
	out.Description = w.text("description", d.Description)
	context := fhir.DocumentReferenceContext{
		Encounter: w.references("context.encounter", []Reference{d.Encounter}, "Encounter", "EpisodeOfCare"),
		Related:   w.references("context.related", d.Related),
	}
	if context.Encounter != nil || context.Related != nil {
		out.Context = &context
	}
	return w.json(out)
}

func (d DocumentReferenceDraft) attachment(w *writer) fhir.Attachment {
	const element = "content[0].attachment"
	size, hash := len(d.Data), digest(d.Data)
	a := fhir.Attachment{
		ContentType: nonEmpty(w.media(element+".contentType", d.ContentType)),
		Url:         nonEmpty(d.URL), Size: &size, Hash: &hash,
		Title: w.text(element+".title", d.Title), Creation: w.time(d.Created),
	}
	if data := w.data(element+".data", d.Data); d.URL == "" {
		a.Data = data
	}
	return a
}

// media checks a media type (https://www.rfc-editor.org/rfc/rfc2046): required,
// without white space around it.
func (w *writer) media(element, mediaType string) string {
	switch kind, name, _ := strings.Cut(mediaType, "/"); {
	case mediaType == "":
		w.fail(element, RuleMissing)
	case kind == "" || name == "" || join(mediaType) != mediaType:
		w.fail(element, RuleBadValue)
	}
	return mediaType
}

// data writes content that is required.
func (w *writer) data(element string, content []byte) *string {
	if len(content) == 0 {
		w.fail(element, RuleMissing)
	}
	encoded := base64.StdEncoding.EncodeToString(content)
	return &encoded
}
