package fhir_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"fhirbridge/fhir"
	"fhirbridge/fhir/strict"
)

func example(tb testing.TB, name string) []byte {
	tb.Helper()
	raw, err := os.ReadFile("testdata/hl7/" + name + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"Appointment-example", "DiagnosticReport-f201", "Patient-example"} {
		raw := example(b, name)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := fhir.Decode(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPeek(b *testing.B) {
	raw := example(b, "Appointment-example")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhir.Peek(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPhone(b *testing.B) {
	p := person(b, "telecom", `[{"system":"phone","use":"home","value":"030 123456"},{"system":"phone","use":"mobile","value":"0170 123 45 67 (mother)"}]`)
	b.ReportAllocs()
	for b.Loop() {
		if _, problem := p.Phone(noon, "DE"); problem != fhir.PhoneOK {
			b.Fatal(problem)
		}
	}
}

func BenchmarkCommunicationJSON(b *testing.B) {
	d := reply()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.JSON(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStrictCommunication(b *testing.B) {
	raw, err := reply().JSON()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if found := strict.Validate(raw); len(found) > 0 {
			b.Fatal(found)
		}
	}
}

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
		if !json.Valid(raw) {
			t.Fatal("decoded what is not JSON")
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
