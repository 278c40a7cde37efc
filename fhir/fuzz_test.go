package fhir_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"fhirbridge/fhir"
)

// FuzzDecode shows that no input makes Decode or what it returns panic, that
// what is decoded keeps its input, and that Peek and Decode agree on it.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"Appointment-example", "DiagnosticReport-102", "Patient-example", "Location-1", "RelatedPerson-peter", "Communication-fm-attachment", "Practitioner-f001",
		"Slot-example", "Schedule-example", "Encounter-emerg", "CommunicationRequest-fm-solicit", "Consent-consent-example-notOrg", "HealthcareService-example"} {
		f.Add(example(f, name))
	}
	f.Add([]byte(visit("_start", `{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/tz-code","valueCode":"Europe/Berlin"}]}`, "Status", "7")))
	f.Add([]byte(report("contained", `[{"resourceType":"Location","id":"x"},null,7]`, "presentedForm", `[{"data":7}]`)))
	f.Add([]byte(patient("telecom", `[{"system":"phone","value":"+1 555 010 0123"},{"system":"url","value":"https://wa.me/1"}]`, "photo", "7")))
	f.Add([]byte(visit("contained", `[{"resourceType":"Location","id":"x","position":{"latitude":1e999}}]`, "slot", `[{"reference":"Slot/1"}]`, "minutesDuration", "20", "participant", `[{"actor":{"reference":"#x"},"status":"accepted"}]`)))
	f.Add([]byte(request("payload", `[{"contentString":"date=March 9"},{"contentReference":{}}]`, "occurrencePeriod", `{"start":"2026"}`)))
	f.Add([]byte(consent("policyRule", `{"coding":[{"code":"OPTIN"}]}`, "provision", `{"type":"deny","period":{"end":"2026"}}`)))
	f.Add([]byte(`{"resourceType":"Patient","\u0069d":"a","id":"b"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		r, err := fhir.Decode(raw)
		if !bytes.Equal(raw, before) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			if r != nil {
				t.Fatal("a resource beside an error")
			}
			return
		}
		var all map[string]json.RawMessage // numbers as they are: JSON has no limit to them
		if json.Unmarshal(raw, &all) != nil {
			t.Fatal("decoded what is not JSON")
		}
		var kind, id string
		_, _ = json.Unmarshal(all["resourceType"], &kind), json.Unmarshal(all["id"], &id)
		if kind != r.Header().Type || id != r.Header().ID {
			t.Fatal("the header is not that of the JSON")
		}
		if !bytes.Equal(r.Raw(), raw) {
			t.Fatal("raw is not the input")
		}
		h, err := fhir.Peek(raw)
		if err != nil || h != r.Header() {
			t.Fatal("Peek and Decode do not agree")
		}
		useAll(t, r, raw)
	})
}

// whole checks that a patch is there if something changes, and only then.
func whole(t *testing.T, patch []byte, changed bool, err error) {
	if changed != (patch != nil) || changed && (err != nil || !json.Valid(patch)) {
		t.Fatal("changed without a patch, or a patch that is none")
	}
}

// useAll calls what the views offer.
func useAll(t *testing.T, r fhir.Resource, raw []byte) {
	fhir.Contained(r, fhir.Reference{Local: "x"})
	switch r := r.(type) {
	case *fhir.Appointment:
		if r.Status() == "" || len(r.Participants()) == 0 {
			t.Fatal("an Appointment without status or participants")
		}
		_, _, _ = r.Zone(), r.Service(), r.CancelledByPatient()
		_, _, _ = r.Patients(), r.Locations(), r.Created()
		for _, p := range r.Participants() {
			patch, changed, err := fhir.ParticipantPatch(raw, p.Actor, fhir.ParticipantAccepted)
			whole(t, patch, changed, err)
		}
		same(t, "SamePlaces, SameClinicians", []bool{r.SamePlaces(r), r.SameClinicians(r)}, []bool{true, true})
		_, _, _ = r.Minutes(), r.Slots(), r.ServiceTypes()
		patch, changed, err := fhir.StatusPatch(raw, fhir.AppointmentCancelled)
		whole(t, patch, changed, err)
		patch, changed, err = fhir.SlotPatch(raw, fhir.Ref("Slot", "s2"), noon, noon.Add(time.Hour))
		whole(t, patch, changed, err)
	case *fhir.DiagnosticReport:
		r.Labels()
		for _, form := range r.Forms() {
			_, _ = form.Bytes()
		}
	case *fhir.Slot:
		if r.Status() == "" || r.Schedule().IsZero() || r.Start().IsZero() || r.End().IsZero() {
			t.Fatal("a Slot without what it must have")
		}
	case *fhir.Schedule:
		_, _ = r.Active(), r.Actors()
	case *fhir.Encounter:
		_, _, _, _ = r.Class(), r.Arrived(), r.Locations(), r.Appointments()
	case *fhir.CommunicationRequest:
		_, _, _ = r.Parameters(), r.Texts(), r.Recipients()
		patch, changed, err := fhir.CommunicationRequestPatch(raw, fhir.RequestCompleted, fhir.Concept{})
		whole(t, patch, changed, err)
	case *fhir.Consent:
		_, _, _, _ = r.Choice(), r.Holds(noon), r.ForMessaging(), r.Scope()
	case *fhir.HealthcareService:
		_, _, _, _ = r.Telephone(noon), r.Locations(), r.Types(), r.Active()
	case *fhir.Patient:
		r.Name(noon)
		r.Phone(noon, "DE")
		_, _, _ = r.Language(), r.BirthDate(), r.Deceased()
	case *fhir.RelatedPerson:
		r.Name(noon)
		r.Phone(noon, "US")
	case *fhir.Location:
		r.Position()
		_, _, _, _ = r.Address(), r.Zone(), r.Telephone(noon), r.PhysicalType()
	case *fhir.Communication:
		_, _, _ = r.Texts(), r.Attachments(), r.Recipients()
		patch, changed, err := fhir.CommunicationPatch(raw, []byte(delivered))
		whole(t, patch, changed, err)
	case *fhir.Practitioner:
		r.Name(noon)
	}
}
