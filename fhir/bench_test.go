package fhir_test

import (
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
	for _, test := range []struct{ name, telecom string }{
		{"as people write", `[{"system":"phone","use":"home","value":"030 123456"},{"system":"phone","use":"mobile","value":"0170 123 45 67 (mother)"}]`},
		{"as dialled", `[{"system":"phone","use":"mobile","value":"+491701234567"}]`},
		{"of no range", `[{"system":"phone","use":"mobile","value":"+15550100123"}]`},
	} {
		b.Run(test.name, func(b *testing.B) {
			p := person(b, "telecom", test.telecom)
			b.ReportAllocs()
			for b.Loop() {
				if _, problem := p.Phone(noon, "DE"); problem != fhir.PhoneOK {
					b.Fatal(problem)
				}
			}
		})
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
