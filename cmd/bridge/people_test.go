package main

import (
	"fmt"
	"time"
)

// patient and appointment build resources of invented people.
func patient(id, given, number, language string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"given":[%q],"family":"Example"}],`+
		`"telecom":[{"system":"phone","use":"mobile","value":%q}],`+
		`"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":%q}]},"preferred":true}]}`, id, given, number, language)
}

func appointment(id, patient, status string, start time.Time) string {
	return fmt.Sprintf(`{"resourceType":"Appointment","id":%q,"status":%q,"start":%q,"end":%q,`+
		`"participant":[{"actor":{"reference":"Patient/%s"},"status":"needs-action"}]}`,
		id, status, start.UTC().Format(time.RFC3339), start.Add(time.Hour).UTC().Format(time.RFC3339), patient)
}
