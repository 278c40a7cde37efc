package fhir

import (
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Practitioner is someone who gives care (https://hl7.org/fhir/R4/practitioner.html).
type Practitioner struct {
	base
	view practitionerView
}

type practitionerView struct {
	fhir.OtherPractitioner
	Name      []nameView `json:"name"`
	Text      skipped    `json:"text"`
	Extension skipped    `json:"extension"`
	Photo     skipped    `json:"photo"`
}

var practitionerMembers = []string{"name"}

func decodePractitioner(s source) (Resource, error) {
	p := &Practitioner{base: s.base}
	if err := fill(s, &p.view); err != nil {
		return nil, err
	}
	return p, nil
}

// Name is what the practitioner is called at now. Its Formal gives "Dr. Careful".
func (p *Practitioner) Name(now time.Time) Name { return bestName(p.view.Name, now) }
