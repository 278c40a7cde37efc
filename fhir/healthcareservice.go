package fhir

import "github.com/samply/golang-fhir-models/fhir-models/fhir"

// HealthcareService is a service at a place, as "Cardiology outpatient clinic"
// (https://hl7.org/fhir/R4/healthcareservice.html).
type HealthcareService struct {
	base
	view healthcareServiceView
}

type healthcareServiceView struct {
	fhir.OtherHealthcareService
	Text      skipped `json:"text"`
	Extension skipped `json:"extension"`
}

var healthcareServiceMembers = []string{"name"}

func decodeHealthcareService(s source) (Resource, error) {
	h := &HealthcareService{base: s.base}
	if err := fill(s, &h.view); err != nil {
		return nil, err
	}
	return h, nil
}

// Name is the name of the service, or "". It may disclose (oncology, psychiatry).
func (h *HealthcareService) Name() string { return join(value(h.view.Name)) }
