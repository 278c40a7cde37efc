package main

import (
	"fmt"
	"strings"
	"time"
)

// badRecord is a record that becomes a dead letter, and why.
type badRecord struct{ name, record, contentType, reason, path string }

func badRecords(start time.Time) []badRecord {
	bookedWith := func(more string) string {
		return strings.Replace(appointment("x", "p1", "booked", start), `"id"`, more+`,"id"`, 1)
	}
	return append([]badRecord{
		{"not JSON", `<html>`, "", "not_json", ""},
		{"cut off", `{"resourceType":"Appointment","id":"x"`, "", "not_json", ""},
		{"not FHIR", `{"hello":"world"}`, "", "not_fhir", "resourceType"},
		{"a mistake in the type", strings.Replace(appointment("x", "p1", "booked", start), "Appointment", "Appointmnet", 1), "", "unknown_type", "resourceType"},
		{"wrong type", `{"resourceType":"Appointment","id":"x","status":"booked","start":17,"participant":[]}`, "", "wrong_type", "Appointment.start"},
		{"no id", `{"resourceType":"Appointment","status":"booked"}`, "", "no_id", "Appointment.id"},
		{"unknown status", appointment("x", "p1", "nonsense", start), "", "unknown_code", "Appointment.status"},
		{"no start", `{"resourceType":"Appointment","id":"x","status":"booked","participant":[{"actor":{"reference":"Patient/p1"},"status":"accepted"}]}`, "", "app-3", "Appointment.start"},
		{"no status", `{"resourceType":"Appointment","id":"x","participant":[{"actor":{"reference":"Patient/p1"},"status":"accepted"}]}`, "", "missing", "Appointment.status"},
		{"no participant", `{"resourceType":"Appointment","id":"x","status":"proposed"}`, "", "missing", "Appointment.participant"},
		{"20 MB", `{"resourceType":"Appointment","id":"huge","status":` + strings.Repeat(" ", 20<<20) + `"nonsense"}`, "", "unknown_code", "Appointment.status"},

		{"said to be R5", appointment("x", "p1", "booked", start), "application/fhir+json; fhirVersion=5.0", "unknown_version", ""},
		{"said to be STU3", appointment("x", "p1", "booked", start), "application/fhir+json; fhirVersion=3.0", "unknown_version", ""},
		{"Appointment of R5, its subject", bookedWith(`"subject":{"reference":"Patient/p1"}`), "", "unknown_version", "Appointment.subject"},
		{"Appointment of R5, its service", bookedWith(`"serviceType":[{"concept":{"text":"Check-up"}}]`), "", "unknown_version", "Appointment.serviceType[0].concept"},
		{"Appointment of R5, who must come", strings.Replace(bookedWith(`"minutesDuration":30`), `"needs-action"`, `"needs-action","required":true`, 1), "", "wrong_type", "Appointment.participant[0].required"},
		{"Appointment of STU3, its category", bookedWith(`"serviceCategory":{"text":"General"}`), "", "wrong_type", "Appointment.serviceCategory"},
	}, badVisits()...)
}

// badVisits are Encounters and DiagnosticReports of other releases.
func badVisits() []badRecord {
	const (
		subject   = `"subject":{"reference":"Patient/p1"}`
		encounter = `{"resourceType":"Encounter","id":"x",` + subject + `,`
		report    = `{"resourceType":"DiagnosticReport","id":"x","code":{"text":"Blood count"},` + subject + `,`
	)
	return []badRecord{
		{"a type of R5", `{"resourceType":"Transport","id":"x","status":"in-progress"}`, "", "unknown_type", "resourceType"},
		{"a type of STU3", `{"resourceType":"ProcedureRequest","id":"x","status":"active"}`, "", "unknown_type", "resourceType"},
		{"a notification of R5", `{"resourceType":"Bundle","type":"subscription-notification","entry":[]}`, "", "unsupported_bundle", "Bundle.type"},
		{"Encounter of R5", encounter + `"status":"in-progress","class":[{"coding":[{"code":"AMB"}]}],"actualPeriod":{"start":"2027-03-09T09:00:00Z"}}`, "", "unknown_version", "Encounter.actualPeriod"},
		{"Encounter of R5, planned", encounter + `"status":"planned","class":[{"coding":[{"code":"AMB"}]}],"plannedStartDate":"2027-03-09T09:00:00Z"}`, "", "wrong_type", "Encounter.class[0]"},
		{"Encounter of R5, over", encounter + `"status":"completed"}`, "", "unknown_code", "Encounter.status"},
		{"Encounter of STU3", encounter + `"status":"arrived","class":{"code":"AMB"},"appointment":{"reference":"Appointment/good"}}`, "", "wrong_type", "Encounter.appointment"},
		{"DiagnosticReport of R5", report + `"status":"modified"}`, "", "unknown_code", "DiagnosticReport.status"},
		{"DiagnosticReport of STU3", report + `"status":"final","performer":[{"actor":{"reference":"Organization/1"}}]}`, "", "unknown_version", "DiagnosticReport.performer[0].actor"},
	}
}

// goodRecord is a record that leads to a message.
type goodRecord struct{ name, patient, number, record string }

// goodRecords are not what most feeds send, and mean what R4 means.
func goodRecords(start time.Time) []goodRecord {
	narrative := `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + strings.Repeat("word ", 4<<20) + `</div>"},"id"`
	return []goodRecord{
		{"as all are", "g1", "+15550100111", appointment("good", "g1", "booked", start)},
		{"20 MB", "g2", "+15550100112", strings.Replace(appointment("large", "g2", "booked", start), `"id"`, narrative, 1)},
		{"Appointment of STU3", "g3", "+15550100113", strings.Replace(appointment("stu3", "g3", "booked", start), `"id"`,
			`"appointmentType":{"text":"Check-up"},"incomingReferral":[{"reference":"ReferralRequest/1"}],"id"`, 1)},
		{"DiagnosticReport of R5", "g4", "+15550100114", fmt.Sprintf(`{"resourceType":"DiagnosticReport","id":"r5","status":"final","code":{"text":"Blood count"},`+
			`"subject":{"reference":"Patient/g4"},"issued":%q,"resultsInterpreter":[{"reference":"Practitioner/1"}],"study":[{"reference":"GenomicStudy/1"}],`+
			`"composition":{"reference":"Composition/1"}}`, time.Now().UTC().Format(time.RFC3339))},
	}
}
