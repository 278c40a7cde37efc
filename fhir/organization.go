package fhir

import "github.com/samply/golang-fhir-models/fhir-models/fhir"

// Organization is a hospital, a practice or a part of one
// (https://hl7.org/fhir/R4/organization.html).
type Organization struct {
	base
	view organizationView
}

type organizationView struct {
	fhir.OtherOrganization
	Text      skipped `json:"text"`
	Extension skipped `json:"extension"`
}

var organizationMembers = []string{"name"}

func decodeOrganization(s source) (Resource, error) {
	o := &Organization{base: s.base}
	if err := fill(s, &o.view); err != nil {
		return nil, err
	}
	return o, nil
}

// Name is the name of the organization, or "".
func (o *Organization) Name() string { return join(value(o.view.Name)) }
