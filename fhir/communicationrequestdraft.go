package fhir

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// CommunicationRequestDraft asks for a message by the convention of CommunicationRequest:
// one to each recipient, of a template with parameters. It prints without its content.
type CommunicationRequestDraft struct {
	// ID and Version name it: whoever reads it twice knows that it is the same. Both may be "".
	ID, Version string
	// Updated is when this version was made.
	Updated time.Time
	// Status and Template are required.
	Status   RequestStatus
	Template string
	// Parameters are the values for the template.
	Parameters []Parameter
	// Group is by what the requests of one occasion belong together.
	Group Identifier
	// Subject is the patient whom it is about, Recipients to whom it goes.
	Subject    Reference
	Recipients []Reference
	// From and Until are between when it is to be sent.
	From, Until time.Time
}

// Format implements fmt.Formatter and hides the content.
func (CommunicationRequestDraft) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprint(s, "[CommunicationRequest draft]")
}

// LogValue implements slog.LogValuer and hides the content.
func (CommunicationRequestDraft) LogValue() slog.Value {
	return slog.StringValue("[CommunicationRequest draft]")
}

type communicationRequestOut struct {
	ResourceType     string                 `json:"resourceType"`
	ID               string                 `json:"id,omitempty"`
	Meta             *metaOut               `json:"meta,omitempty"`
	Status           string                 `json:"status"`
	GroupIdentifier  *Identifier            `json:"groupIdentifier,omitempty"`
	Category         []fhir.CodeableConcept `json:"category"`
	Subject          *fhir.Reference        `json:"subject,omitempty"`
	Payload          []payloadOut           `json:"payload,omitempty"`
	OccurrencePeriod *periodOut             `json:"occurrencePeriod,omitempty"`
	Recipient        []fhir.Reference       `json:"recipient,omitempty"`
}

type metaOut struct {
	VersionID   string  `json:"versionId,omitempty"`
	LastUpdated *string `json:"lastUpdated,omitempty"`
}

type periodOut struct {
	Start *string `json:"start,omitempty"`
	End   *string `json:"end,omitempty"`
}

// JSON writes the resource, valid R4. The error is *Error and says what the
// draft lacks or holds wrongly.
func (d CommunicationRequestDraft) JSON() ([]byte, error) {
	w := &writer{resource: "CommunicationRequest"}
	out := communicationRequestOut{
		ResourceType: "CommunicationRequest", ID: d.ID, Status: required(w, "status", d.Status, requestStatuses),
		Category:  w.concepts("category", Concept{Codings: []Coding{{System: TemplateSystem, Code: d.Template}}}),
		Subject:   w.reference("subject", d.Subject, "Patient"),
		Recipient: w.references("recipient", d.Recipients, communicationRecipients...),
	}
	switch {
	case d.Template == "":
		w.fail("category", RuleMissing)
	case !isParameterName(d.Template):
		w.fail("category", RuleBadTemplate)
	case d.ID != "" && !isID(d.ID):
		w.fail("id", RuleBadID)
	}
	if d.Version != "" || !d.Updated.IsZero() {
		out.Meta = &metaOut{VersionID: d.Version, LastUpdated: w.time(d.Updated)}
	}
	if d.Group != (Identifier{}) {
		out.GroupIdentifier = &d.Group
	}
	for _, p := range d.Parameters {
		if !isParameterName(p.Name) {
			w.fail("payload", RuleBadTemplate)
		}
		out.Payload = append(out.Payload, payloadOut{ContentString: w.text("payload", p.Name+"="+p.Value)})
	}
	if !d.From.IsZero() || !d.Until.IsZero() {
		out.OccurrencePeriod = &periodOut{Start: w.time(d.From), End: w.time(d.Until)}
	}
	return w.json(out)
}
