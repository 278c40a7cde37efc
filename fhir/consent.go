package fhir

import (
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// ConsentStatus is whether a consent holds
// (https://hl7.org/fhir/R4/valueset-consent-state-codes.html).
type ConsentStatus string

// The codes of ConsentStatus. Only an active one counts.
const (
	ConsentInDraft        ConsentStatus = "draft"
	ConsentProposed       ConsentStatus = "proposed"
	ConsentActive         ConsentStatus = "active"
	ConsentRejected       ConsentStatus = "rejected"
	ConsentInactive       ConsentStatus = "inactive"
	ConsentEnteredInError ConsentStatus = "entered-in-error"
)

var consentStatuses = set(ConsentInDraft, ConsentProposed, ConsentActive, ConsentRejected, ConsentInactive, ConsentEnteredInError)

// Code systems of Consent.
const (
	// ConsentScopeSystem has patient-privacy, treatment, research, adr.
	ConsentScopeSystem = "http://terminology.hl7.org/CodeSystem/consentscope"
	// ConsentDirectiveSystem has OPTIN, OPTOUT and their kin.
	ConsentDirectiveSystem = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	// ConsentCategorySystem has the one code "messaging", by which the bridge knows
	// a consent to be messaged from others: HL7 has no code for that.
	ConsentCategorySystem = "https://fhirbridge.dev/consent"
)

// messaging is the code of ConsentCategorySystem.
const messaging = "messaging"

// Choice is what a consent says: yes, no, or neither.
type Choice string

// The values of Choice.
const (
	ChoiceUnknown Choice = ""
	ChoicePermit  Choice = "permit"
	ChoiceDeny    Choice = "deny"
)

// Consent is what a patient allows (https://hl7.org/fhir/R4/consent.html).
// ConsentDraft writes one. Nested provisions are not read.
type Consent struct {
	base
	view    consentView
	patient Reference
	at      DateTime
}

type consentView struct {
	fhir.OtherConsent
	Status           string         `json:"status"` // samply reads a missing one as draft
	Patient          *reference     `json:"patient"`
	Provision        *provisionView `json:"provision"`
	Performer        skipped        `json:"performer"`
	Organization     skipped        `json:"organization"`
	SourceAttachment skipped        `json:"sourceAttachment"`
	SourceReference  skipped        `json:"sourceReference"`
	Policy           skipped        `json:"policy"`
	Verification     skipped        `json:"verification"`
	Text             skipped        `json:"text"`
	Extension        skipped        `json:"extension"`
	Identifier       []Identifier   `json:"identifier"`
}

type provisionView struct {
	Type   string       `json:"type"`
	Period *fhir.Period `json:"period"`
}

var consentMembers = []string{"identifier", "status", "scope", "category", "patient", "dateTime", "policyRule", "provision"}

var choices = set(ChoiceUnknown, ChoicePermit, ChoiceDeny)

func decodeConsent(s source) (Resource, error) {
	c := &Consent{base: s.base}
	err := fill(s, &c.view)
	if err == nil {
		err = c.check(s)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Consent) check(s source) error {
	err := code(s, "status", c.Status(), consentStatuses)
	if err != nil {
		return err
	}
	if len(c.view.Category) == 0 {
		return s.at("category", RuleMissing)
	}
	if p := c.view.Provision; p != nil && !choices[Choice(p.Type)] {
		return s.at("provision.type", RuleUnknownCode)
	}
	if c.patient, err = target(s, "patient", c.view.Patient); err != nil {
		return err
	}
	c.at, err = dateTime(s, "dateTime", c.view.DateTime)
	return err
}

// Status is never empty.
func (c *Consent) Status() ConsentStatus { return ConsentStatus(c.view.Status) }

// Identifiers are the business identifiers of the consent.
func (c *Consent) Identifiers() []Identifier { return c.view.Identifier }

// Scope is what kind of consent it is: patient-privacy, treatment …
func (c *Consent) Scope() Concept { return concept(&c.view.Scope) }

// Categories are what it is about.
func (c *Consent) Categories() []Concept { return concepts(c.view.Category) }

// ForMessaging reports whether it is about being messaged, as ConsentDraft says it.
func (c *Consent) ForMessaging() bool {
	for _, category := range c.Categories() {
		if category.Has(ConsentCategorySystem, messaging) {
			return true
		}
	}
	return false
}

// Patient is whose consent it is; zero if absent.
func (c *Consent) Patient() Reference { return c.patient }

// DateTime is when it was given. Of several the newest counts, and of two at the
// same time the one that denies.
func (c *Consent) DateTime() DateTime { return c.at }

// Choice is what it says: by the type of its provision, its policyRule or its
// categories (OPTIN, OPTOUT, OPTOUTE). Where they say both it denies. An opt-in
// with restrictions (OPTINR) says nothing: the restriction may be just this.
func (c *Consent) Choice() Choice {
	said := map[Choice]bool{}
	if p := c.view.Provision; p != nil {
		said[Choice(p.Type)] = true
	}
	for _, rule := range append(c.Categories(), concept(c.view.PolicyRule)) {
		switch {
		case rule.Has(ConsentDirectiveSystem, "OPTOUT"), rule.Has(ConsentDirectiveSystem, "OPTOUTE"):
			said[ChoiceDeny] = true
		case rule.Has(ConsentDirectiveSystem, "OPTIN"):
			said[ChoicePermit] = true
		}
	}
	switch {
	case said[ChoiceDeny]:
		return ChoiceDeny
	case said[ChoicePermit]:
		return ChoicePermit
	}
	return ChoiceUnknown
}

// Holds reports whether it counts at now: it is active, and now lies in the
// period of its provision, if that has one.
func (c *Consent) Holds(now time.Time) bool {
	p := c.view.Provision
	return c.Status() == ConsentActive && (p == nil || within(p.Period, now))
}
