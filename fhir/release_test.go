package fhir_test

import (
	"testing"

	"fhirbridge/fhir"
)

func TestHasType(t *testing.T) {
	for name, want := range map[string]bool{
		"Appointment": true, "Observation": true, "Bundle": true, "Parameters": true, "EffectEvidenceSynthesis": true,
		"SubscriptionStatus": true, "Citation": true, // R4B
		"Appointmnet": false, "appointment": false, "APPOINTMENT": false, `"Patient"`: false, "": false, "Resource": false, "DomainResource": false, "HumanName": false,
		"Transport": false, "GenomicStudy": false, "ImagingSelection": false, // R5
		"ProcedureRequest": false, "ReferralRequest": false, "EligibilityRequest": false, // STU3
	} {
		if got := fhir.HasType(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}
