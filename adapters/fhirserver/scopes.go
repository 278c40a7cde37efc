package fhirserver

import (
	"regexp"
	"slices"
	"strings"
)

// DefaultScopes are those of all that the program may do with a server, and no more
// (https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources). A conditional create
// needs to search, and a PATCH to update.
func DefaultScopes() []string {
	return []string{
		"system/Appointment.crus",         // is read before it is changed, and created where patients book
		"system/AppointmentResponse.cs",   // what patients answer
		"system/Binary.r",                 // the PDF of a result
		"system/Communication.crus",       // every message and reply; then what has become of it
		"system/CommunicationRequest.rus", // what somebody asks us to say, and that it is said
		"system/Consent.crs",
		"system/DiagnosticReport.r",
		"system/DocumentReference.crs", // what patients send
		"system/Encounter.r",
		"system/HealthcareService.r",
		"system/Location.r",
		"system/Organization.r",
		"system/Patient.rs", // whose number is it
		"system/Practitioner.r",
		"system/PractitionerRole.r",
		"system/QuestionnaireResponse.cs",
		"system/RelatedPerson.rs",
		"system/Schedule.rs",
		"system/Slot.rs",
		"system/Task.cs", // what people must do
	}
}

// scopeParts takes a scope of SMART apart: context, type, and what may be done.
var scopeParts = regexp.MustCompile(`^(system|user|patient)/(\*|[A-Z][A-Za-z]*)\.([a-z*]+)(\?.*)?$`)

// isScope reports whether s is one scope (https://www.rfc-editor.org/rfc/rfc6749#section-3.3).
func isScope(s string) bool { return isToken(s) && !strings.ContainsAny(s, `"\`) }

// interactions are the letters of what may be done, also of the words of SMART 1.
func interactions(may string) string {
	switch may {
	case "read":
		return "rs"
	case "write":
		return "cud"
	case "*":
		return "cruds"
	}
	return may
}

// missing returns what was asked for and is not granted, in our own words. A server that says nothing has granted
// everything (https://www.rfc-editor.org/rfc/rfc6749#section-5.1).
func missing(asked []string, granted string) []string {
	given := strings.Fields(granted)
	if len(given) == 0 {
		return nil
	}
	var lacking []string
	for _, scope := range asked {
		if slices.Contains(given, scope) {
			continue
		}
		parts := scopeParts.FindStringSubmatch(scope)
		if parts == nil {
			lacking = append(lacking, scope)
			continue
		}
		left := interactions(parts[3])
		for _, g := range given {
			has := scopeParts.FindStringSubmatch(g)
			if has != nil && has[1] == parts[1] && (has[2] == "*" || has[2] == parts[2]) && has[4] == "" { // one with conditions is less
				left = strings.Map(func(r rune) rune {
					if strings.ContainsRune(interactions(has[3]), r) {
						return -1
					}
					return r
				}, left)
			}
		}
		if left != "" {
			lacking = append(lacking, parts[1]+"/"+parts[2]+"."+left+parts[4])
		}
	}
	return lacking
}
