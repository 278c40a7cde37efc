package fhir

import (
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// RelatedPerson is someone who acts for a patient, as a parent for a child
// (https://hl7.org/fhir/R4/relatedperson.html).
type RelatedPerson struct {
	base
	view    relatedView
	patient Reference
}

type relatedView struct {
	fhir.OtherRelatedPerson
	Patient       *reference     `json:"patient"`
	Name          []nameView     `json:"name"`
	Telecom       []contactPoint `json:"telecom"`
	Communication []languageView `json:"communication"`
	Text          skipped        `json:"text"`
	Extension     skipped        `json:"extension"`
	Photo         skipped        `json:"photo"`
	Identifier    skipped        `json:"identifier"`
	Address       skipped        `json:"address"`
}

var relatedPersonMembers = []string{"active", "patient", "relationship", "name", "telecom", "communication", "period"}

func decodeRelatedPerson(s source) (Resource, error) {
	p := &RelatedPerson{base: s.base}
	err := fill(s, &p.view)
	if err == nil {
		p.patient, err = target(s, "patient", p.view.Patient)
	}
	if err == nil && p.patient.IsZero() {
		err = s.at("patient", RuleMissing)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Patient is whom this person acts for; never zero.
func (p *RelatedPerson) Patient() Reference { return p.patient }

// Relationships say what the person is to the patient: MTH, FTH, GUARD …
func (p *RelatedPerson) Relationships() []Concept { return concepts(p.view.Relationship) }

// Active reports whether the relationship holds at now; one that does not say so does.
func (p *RelatedPerson) Active(now time.Time) bool {
	return (p.view.Active == nil || *p.view.Active) && within(p.view.Period, now)
}

// Name is what to call the person at now, as Patient.Name.
func (p *RelatedPerson) Name(now time.Time) Name { return bestName(p.view.Name, now) }

// Language is the language to write in, as Patient.Language.
func (p *RelatedPerson) Language() string { return bestLanguage(p.view.Communication) }

// Phone chooses the number to write to, as Patient.Phone.
func (p *RelatedPerson) Phone(now time.Time, country string) (e164 string, problem PhoneProblem) {
	return choosePhone(p.view.Telecom, now, country)
}
