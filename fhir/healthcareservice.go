package fhir

import (
	"strings"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// HealthcareService is a service at a place, as "Cardiology outpatient clinic"
// (https://hl7.org/fhir/R4/healthcareservice.html).
type HealthcareService struct {
	base
	view healthcareServiceView
}

type healthcareServiceView struct {
	fhir.OtherHealthcareService
	Location      []reference    `json:"location"`
	Telecom       []contactPoint `json:"telecom"`
	AvailableTime skipped        `json:"availableTime"`
	NotAvailable  skipped        `json:"notAvailable"`
	Photo         skipped        `json:"photo"`
	Text          skipped        `json:"text"`
	Extension     skipped        `json:"extension"`
	Identifier    skipped        `json:"identifier"`
}

var healthcareServiceMembers = []string{"active", "name", "comment", "type", "location", "telecom"}

func decodeHealthcareService(s source) (Resource, error) {
	h := &HealthcareService{base: s.base}
	if err := fill(s, &h.view); err != nil {
		return nil, err
	}
	return h, nil
}

// Active reports whether it can be had; one that does not say so can.
func (h *HealthcareService) Active() bool { return h.view.Active == nil || *h.view.Active }

// Name is the name of the service, or "". It may disclose (oncology, psychiatry).
func (h *HealthcareService) Name() string { return join(value(h.view.Name)) }

// Comment is what the public is told under the name, or "".
func (h *HealthcareService) Comment() string { return strings.TrimSpace(value(h.view.Comment)) }

// Types are what it offers: the codes by which its Slots are found.
func (h *HealthcareService) Types() []Concept { return concepts(h.view.Type) }

// Locations are where it is.
func (h *HealthcareService) Locations() []Reference { return parsedAll(h.view.Location, h.base) }

// Telephone is the number to call the service at now, as it was written; "" if
// there is none. It is to be read, not to be written to.
func (h *HealthcareService) Telephone(now time.Time) string { return telephone(h.view.Telecom, now) }
