package fhir_test

import (
	"errors"
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

// TestOverInAnyRelease: that something does not take place is heard whoever says it, else what was planned about it would be said.
func TestOverInAnyRelease(t *testing.T) {
	for raw, wrong := range map[string]bool{
		`{"resourceType":"Appointment","id":"1","status":"cancelled","subject":{"reference":"Patient/1"},"cancellationReason":{"text":"ill"},"participant":[{"actor":{"reference":"Patient/1"},"status":"accepted"}]}`: false,
		`{"resourceType":"Appointment","id":"1","status":"noshow","subject":{},"start":"2027-01-01T09:00:00Z","end":"2027-01-01T10:00:00Z","participant":[{"actor":{"reference":"Patient/1"},"status":"accepted"}]}`:   false,
		`{"resourceType":"Appointment","id":"1","status":"booked","subject":{},"start":"2027-01-01T09:00:00Z","end":"2027-01-01T10:00:00Z","participant":[{"actor":{"reference":"Patient/1"},"status":"accepted"}]}`:   true,
		`{"resourceType":"DiagnosticReport","id":"1","status":"entered-in-error","code":{"text":"x"},"performer":[{"actor":{"reference":"Practitioner/1"}}]}`:                                                          false,
		`{"resourceType":"DiagnosticReport","id":"1","status":"final","code":{"text":"x"},"performer":[{"actor":{"reference":"Practitioner/1"}}]}`:                                                                     true,
	} {
		var e *fhir.Error
		if _, err := fhir.Decode([]byte(raw)); errors.As(err, &e) != wrong || wrong && e.Rule != fhir.RuleUnknownVersion {
			t.Errorf("%s: got %v", raw, err)
		}
	}
}
