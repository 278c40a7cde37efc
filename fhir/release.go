package fhir

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// addedByR4B are the types that R4B has beyond R4. A feed of R4B can be read: what is read
// is the same in both (https://hl7.org/fhir/R4B/r4b-explanation.html).
var addedByR4B = set("AdministrableProductDefinition", "Citation", "ClinicalUseDefinition", "EvidenceReport", "Ingredient",
	"ManufacturedItemDefinition", "MedicinalProductDefinition", "NutritionProduct", "PackagedProductDefinition",
	"RegulatedAuthorization", "SubscriptionStatus", "SubscriptionTopic", "SubstanceDefinition")

// HasType reports whether R4 or R4B has resources of that type, whether Decode reads them or not. The
// abstract ones are none (https://hl7.org/fhir/R4/resourcelist.html).
func HasType(name string) bool {
	if !isTypeName(name) || name == "Resource" || name == "DomainResource" { // samply has a code for these two
		return false
	}
	return new(fhir.ResourceType).UnmarshalJSON([]byte(name)) == nil || addedByR4B[name]
}

// elsewhere are elements of STU3 and R5 that R4 does not have, and that hold what is read here
// from another one. Passed over like other unknown elements they would change what a message
// says, or whom it goes to, without anybody being told. Where the other releases break a rule of R4 (the class
// of an R5 Encounter is a list), nothing need be said of them.
// https://hl7.org/fhir/R5/appointment.html, https://hl7.org/fhir/STU3/diagnosticreport.html and so on.
var elsewhere = map[string][]string{
	"Appointment":          {"subject", "serviceType.concept", "serviceType.reference"},      // R5
	"CommunicationRequest": {"payload.contentCodeableConcept", "requester.agent"},            // R5, STU3
	"Consent":              {"subject", "decision", "except"},                                // R5, R5, STU3
	"DiagnosticReport":     {"performer.actor"},                                              // STU3
	"Encounter":            {"actualPeriod", "serviceType.concept", "serviceType.reference"}, // R5
}

// over are the statuses by which something takes place no more. It is heard whoever says it: what was planned about it must not
// be said.
var over = set("cancelled", "noshow", "entered-in-error", "revoked", "inactive", "rejected")

// ofAnotherRelease returns where the resource has an element that only another release has; "" if nowhere.
func ofAnotherRelease(resourceType string, list []member) string {
	var status string
	if json.Unmarshal(find(list, "status"), &status) == nil && over[status] {
		return ""
	}
	for _, path := range elsewhere[resourceType] {
		name, inner, nested := strings.Cut(path, ".")
		value := find(list, name)
		switch {
		case value == nil:
		case !nested:
			return resourceType + "." + name
		case valueOf(value, inner) != nil:
			return resourceType + "." + path
		default:
			has := func(element json.RawMessage) bool { return valueOf(element, inner) != nil }
			if i := slices.IndexFunc(elements(value), has); i >= 0 {
				return resourceType + "." + name + "[" + strconv.Itoa(i) + "]." + inner
			}
		}
	}
	return ""
}
