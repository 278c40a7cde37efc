package fhir_test

import (
	"slices"
	"testing"
	"time"

	"fhirbridge/fhir"
)

func TestPhones(t *testing.T) {
	for _, c := range []struct {
		name, telecom string
		want          []string
	}{
		{"none", `[]`, nil},
		{"one", `[{"system":"phone","use":"mobile","value":"+1 555 0100 101"}]`, nil},
		{"two", `[{"system":"phone","use":"mobile","value":"+1 555 0100 101"},{"system":"sms","value":"+1 555 0100 102"}]`, []string{"+15550100101", "+15550100102"}},
		{"one, twice", `[{"system":"phone","use":"mobile","value":"+1 555 0100 101"},{"system":"url","value":"https://wa.me/15550100101"}]`, nil},
		{"one and an old one", `[{"system":"phone","use":"mobile","value":"+1 555 0100 101"},{"system":"phone","use":"old","value":"+1 555 0100 102"}]`, nil},
		{"one, and mail", `[{"system":"phone","use":"mobile","value":"+1 555 0100 101"},{"system":"email","value":"a@example.org"}]`, nil},
		{"one, and a landline", `[{"system":"phone","use":"mobile","value":"+1 555 0100 101"},{"system":"phone","use":"home","value":"+49 30 1234567"}]`, nil},
	} {
		raw := []byte(`{"resourceType":"Patient","id":"1","telecom":` + c.telecom + `}`)
		r, err := fhir.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.(*fhir.Patient).Phones(time.Now(), "DE"); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %d numbers, want %d", c.name, len(got), len(c.want))
		}
	}
}
