package fhir

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// ConsentDraft says that a patient wants to be messaged, or no longer
// (https://hl7.org/fhir/R4/consent.html). It is written active, with scope
// patient-privacy; the rule is OPTIN or OPTOUT, the category that too and
// "messaging" of ConsentCategorySystem. The provision has no type, for that is
// not permitted in a root rule. It prints without its content.
type ConsentDraft struct {
	// Identifiers make it findable, and its creation repeatable.
	Identifiers []Identifier
	// Patient is required.
	Patient Reference
	// Choice is permit or deny; required.
	Choice Choice
	// At is when the patient said so, written in UTC; required, for the newest counts.
	At time.Time
	// Performer is who said so: the Patient, or a RelatedPerson. May be zero.
	Performer Reference
	// Organization is who keeps to it. May be zero.
	Organization Reference
}

// Format implements fmt.Formatter and hides the content.
func (ConsentDraft) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[Consent draft]") }

// LogValue implements slog.LogValuer and hides the content.
func (ConsentDraft) LogValue() slog.Value { return slog.StringValue("[Consent draft]") }

type consentOut struct {
	ResourceType string `json:"resourceType"`
	fhir.OtherConsent
	Identifier []Identifier `json:"identifier,omitempty"`
	Status     string       `json:"status"`
}

// directives are the codes of ConsentDirectiveSystem for what a patient chose.
var directives = map[Choice]string{ChoicePermit: "OPTIN", ChoiceDeny: "OPTOUT"}

// JSON writes the resource, valid R4. The error is *Error and says what the
// draft lacks or holds wrongly.
func (d ConsentDraft) JSON() ([]byte, error) {
	w := &writer{resource: "Consent"}
	rule := Concept{Codings: []Coding{{System: ConsentDirectiveSystem, Code: directives[d.Choice]}}}
	if directives[d.Choice] == "" {
		w.fail("policyRule", RuleMissing)
	}
	out := consentOut{ResourceType: "Consent", Identifier: w.identifiers(d.Identifiers), Status: string(ConsentActive)}
	out.Scope = *w.concept("scope", Concept{Codings: []Coding{{System: ConsentScopeSystem, Code: "patient-privacy"}}})
	out.Category = w.concepts("category", Concept{Codings: []Coding{{System: ConsentCategorySystem, Code: messaging}}}, rule)
	out.PolicyRule = w.concept("policyRule", rule)
	if out.Patient = w.reference("patient", d.Patient, "Patient"); out.Patient == nil {
		w.fail("patient", RuleMissing)
	}
	if out.DateTime = w.time(d.At); out.DateTime == nil {
		w.fail("dateTime", RuleMissing)
	}
	out.Performer = w.references("performer", []Reference{d.Performer}, "Organization", "Patient", "Practitioner", "RelatedPerson", "PractitionerRole")
	out.Organization = w.references("organization", []Reference{d.Organization}, "Organization")
	return w.json(out)
}
