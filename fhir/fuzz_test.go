package fhir_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"fhirbridge/fhir"
)

// FuzzDecode shows that no input makes Decode or what it returns panic, that
// what is decoded keeps its input, and that Peek and Decode agree on it.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"Appointment-example", "DiagnosticReport-102", "Patient-example", "Location-1", "RelatedPerson-peter", "Communication-fm-attachment", "Practitioner-f001"} {
		f.Add(example(f, name))
	}
	f.Add([]byte(visit("_start", `{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/tz-code","valueCode":"Europe/Berlin"}]}`, "Status", "7")))
	f.Add([]byte(report("contained", `[{"resourceType":"Location","id":"x"},null,7]`, "presentedForm", `[{"data":7}]`)))
	f.Add([]byte(patient("telecom", `[{"system":"phone","value":"+1 555 010 0123"},{"system":"url","value":"https://wa.me/1"}]`, "photo", "7")))
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
			if err == nil && changed != (patch != nil) {
				t.Fatal("changed without a patch")
			}
		}
	case *fhir.DiagnosticReport:
		r.Labels()
		for _, form := range r.Forms() {
			_, _ = form.Bytes()
		}
	case *fhir.Patient:
		r.Name(noon)
		r.Phone(noon, "DE")
		_, _, _ = r.Language(), r.BirthDate(), r.Deceased()
	case *fhir.RelatedPerson:
		r.Name(noon)
		r.Phone(noon, "US")
	case *fhir.Location:
		r.Position()
		_, _ = r.Address(), r.Zone()
	case *fhir.Communication:
		_, _, _ = r.Texts(), r.Attachments(), r.Recipients()
	case *fhir.Practitioner:
		r.Name(noon)
	}
}
