package fhir_test

import (
	"testing"

	"fhirbridge/fhir"
)

func appointment(t testing.TB, raw string) *fhir.Appointment {
	t.Helper()
	r, err := fhir.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return r.(*fhir.Appointment)
}

func TestAppointmentZone(t *testing.T) {
	const current, old = `{"url":"http://hl7.org/fhir/StructureDefinition/timezone","valueCode":"Europe/Berlin"}`,
		`{"url":"http://hl7.org/fhir/StructureDefinition/tz-code","valueCode":"Europe/Paris"}`
	for _, test := range []struct{ name, element, want string }{
		{"current extension", `{"extension":[` + current + `]}`, "Europe/Berlin"},
		{"extension of R4", `{"extension":[` + old + `]}`, "Europe/Paris"},
		{"both", `{"extension":[` + old + `,` + current + `]}`, "Europe/Berlin"},
		{"another extension", `{"extension":[{"url":"http://example.org/x","valueString":"y"}]}`, ""},
		{"none", `{"id":"x"}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			same(t, "Zone", appointment(t, visit("_start", test.element)).Zone(), test.want)
		})
	}
}

func TestAppointmentPatients(t *testing.T) {
	a := appointment(t, visit("contained", `[{"resourceType":"Patient","id":"c1"},{"resourceType":"Location","id":"l1","name":"Room 4"}]`, "participant", `[
		{"actor":{"reference":"Practitioner/d1"},"status":"accepted","type":[{"coding":[{"code":"ATND"},{"code":"PPRF"}]}]},
		{"actor":{"reference":"Patient/p1","display":"Doe, Jane"},"status":"needs-action","required":"required"},
		{"actor":{"reference":"Patient/p2"},"status":"accepted","required":"information-only"},
		{"actor":{"reference":"https://ehr.example.org/fhir/Patient/p3/_history/4"},"status":"tentative"},
		{"actor":{"reference":"#c1"},"status":"accepted"},
		{"actor":{"reference":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0","type":"Patient"},"status":"accepted"},
		{"actor":{"type":"Patient","identifier":{"system":"urn:x","value":"7"}},"status":"accepted"},
		{"actor":{"reference":"#l1"},"status":"accepted"},
		{"actor":{"reference":"HealthcareService/h1"},"status":"accepted"},
		{"type":[{"text":"nurse"}],"status":"accepted"}]`))
	var got []string
	for _, p := range a.Patients() {
		got = append(got, p.Actor.String())
	}
	same(t, "Patients", got, []string{"Patient/p1", "Patient/p3", "#c1", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", ""})
	same(t, "Index", a.Patients()[1].Index, 3)
	same(t, "Identifier", a.Patients()[4].Actor.Identifier, fhir.Identifier{System: "urn:x", Value: "7"})
	same(t, "Types", a.Practitioners()[0].Types, []string{"ATND", "PPRF"})
	same(t, "Locations", a.Locations()[0].Actor, fhir.Reference{Type: "Location", Local: "l1"})
	same(t, "Services", a.Services()[0].Actor.ID, "h1")
	inner, ok := fhir.Contained(a, a.Locations()[0].Actor)
	if !ok || inner.(*fhir.Location).Name() != "Room 4" {
		t.Errorf("the contained Location was not found")
	}
	if _, ok := fhir.Contained(a, fhir.Reference{Local: "nobody"}); ok {
		t.Errorf("found a contained resource that is not there")
	}
	same(t, "participants", len(a.Participants()), 10)
}

func TestCancelledByPatient(t *testing.T) {
	for _, test := range []struct {
		name, status, reason string
		want                 bool
	}{
		{"the patient", "cancelled", `{"coding":[{"code":"pat"}]}`, true},
		{"by chat", "cancelled", `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason","code":"pat-crs"}]}`, true},
		{"a code that begins alike", "cancelled", `{"coding":[{"code":"patched"}]}`, false},
		{"the hospital", "cancelled", `{"coding":[{"code":"prov"}]}`, false},
		{"words", "cancelled", `{"text":"pat"}`, false},
		{"nobody said", "cancelled", "", false},
		{"did not come", "noshow", `{"coding":[{"code":"pat"}]}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := appointment(t, visit("status", `"`+test.status+`"`, "cancelationReason", test.reason))
			same(t, "CancelledByPatient", a.CancelledByPatient(), test.want)
		})
	}
}

func TestService(t *testing.T) {
	for _, test := range []struct{ name, types, want string }{
		{"text", `[{"text":"Check-up","coding":[{"display":"General"}]}]`, "Check-up"},
		{"display", `[{"coding":[{"code":"1"},{"code":"2","display":"General"}]}]`, "General"},
		{"second type", `[{"coding":[{"code":"1"}]},{"text":"Check-up"}]`, "Check-up"},
		{"none", `[{"coding":[{"code":"1"}]}]`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			same(t, "Service", appointment(t, visit("serviceType", test.types)).Service(), test.want)
		})
	}
}
