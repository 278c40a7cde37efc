package fhir_test

import "strings"

// visit is an Appointment with members replaced or added; nil removes one.
func visit(changes ...string) string {
	members := [][2]string{
		{"resourceType", `"Appointment"`}, {"id", `"a1"`}, {"status", `"booked"`},
		{"start", `"2026-03-05T09:00:00+01:00"`}, {"end", `"2026-03-05T09:30:00+01:00"`},
		{"participant", `[{"actor":{"reference":"Patient/p1"},"status":"needs-action"}]`},
	}
	return object(members, changes)
}

// report is a DiagnosticReport, likewise.
func report(changes ...string) string {
	members := [][2]string{
		{"resourceType", `"DiagnosticReport"`}, {"id", `"r1"`}, {"status", `"final"`},
		{"code", `{"text":"Blood count"}`}, {"subject", `{"reference":"Patient/p1"}`},
	}
	return object(members, changes)
}

// patient is a Patient, likewise.
func patient(changes ...string) string {
	return object([][2]string{{"resourceType", `"Patient"`}, {"id", `"p1"`}}, changes)
}

// slot is a Slot, likewise.
func slot(changes ...string) string {
	return object([][2]string{
		{"resourceType", `"Slot"`}, {"id", `"s1"`}, {"status", `"free"`}, {"schedule", `{"reference":"Schedule/c1"}`},
		{"start", `"2026-03-05T09:00:00+01:00"`}, {"end", `"2026-03-05T09:30:00+01:00"`},
	}, changes)
}

// encounter is an Encounter, likewise.
func encounter(changes ...string) string {
	return object([][2]string{
		{"resourceType", `"Encounter"`}, {"id", `"e1"`}, {"status", `"arrived"`},
		{"class", `{"code":"AMB"}`}, {"subject", `{"reference":"Patient/p1"}`},
	}, changes)
}

// request is a CommunicationRequest that names a template, likewise.
func request(changes ...string) string {
	return object([][2]string{
		{"resourceType", `"CommunicationRequest"`}, {"id", `"q1"`}, {"status", `"active"`}, {"subject", `{"reference":"Patient/p1"}`},
		{"category", `[{"coding":[{"system":"https://fhirbridge.dev/template","code":"clinic_closed"}]}]`},
	}, changes)
}

// consent is a Consent, likewise.
func consent(changes ...string) string {
	return object([][2]string{
		{"resourceType", `"Consent"`}, {"id", `"n1"`}, {"status", `"active"`}, {"scope", `{"text":"privacy"}`},
		{"category", `[{"coding":[{"system":"https://fhirbridge.dev/consent","code":"messaging"}]}]`}, {"patient", `{"reference":"Patient/p1"}`},
	}, changes)
}

func object(members [][2]string, changes []string) string {
	for i := 0; i < len(changes); i += 2 {
		found := false
		for j := range members {
			if members[j][0] == changes[i] {
				members[j][1], found = changes[i+1], true
			}
		}
		if !found {
			members = append(members, [2]string{changes[i], changes[i+1]})
		}
	}
	var parts []string
	for _, m := range members {
		if m[1] != "" {
			parts = append(parts, `"`+m[0]+`":`+m[1])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}
