package fhir_test

import (
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
)

// digits keeps the decimal digits of s.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// comparePhone checks that a chosen number ends in the digits of a phone of the
// record that is in use, and that it is missing only where there is none.
func comparePhone(t *testing.T, n node, phone func(time.Time, string) (string, fhir.PhoneProblem)) {
	t.Helper()
	got, problem := phone(noon, "US")
	var current []string
	for _, c := range n.at("telecom").list() {
		system := c.at("system").text()
		ended := c.at("period", "end").there() && c.at("period", "end").text() < "2026-03-02"
		if (system == "phone" || system == "sms") && c.at("use").text() != "old" && c.at("value").there() && !ended {
			current = append(current, digits(c.at("value").text()))
		}
	}
	switch {
	case len(current) == 0:
		same(t, "Phone problem", problem, fhir.PhoneNone)
	case problem == fhir.PhoneOK:
		for _, c := range current {
			if strings.HasSuffix(digits(got), strings.TrimLeft(c, "0")) {
				return
			}
		}
		t.Errorf("the number is none of the record's")
	default:
		same(t, "Phone problem", problem, fhir.PhoneInvalid)
	}
}
