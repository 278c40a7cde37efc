package fhir

import "strconv"

// ParticipantPatch returns the JSON Patch (RFC 6902) that sets the status of
// participant who in the Appointment raw: accepted, declined, tentative or
// needs-action. It holds for that version of the Appointment only and is sent
// with its version in If-Match; besides, it tests that who still stands at that
// place. changed is false, and patch nil, if the status is that already.
//
// Errors are *Error: those of Decode, unknown_code for the status, and missing at
// Appointment.participant if who does not take part. What a person has changed
// meanwhile is read with Appointment.Participant.
func ParticipantPatch(raw []byte, who Reference, status string) (patch []byte, changed bool, err error) {
	if !participantStatuses[status] {
		return nil, false, &Error{Path: "Appointment.participant.status", Rule: RuleUnknownCode}
	}
	a, err := decodeAs[*Appointment](raw)
	if err != nil {
		return nil, false, err
	}
	p, ok := a.Participant(who)
	if !ok {
		return nil, false, &Error{Path: "Appointment.participant", Rule: RuleMissing}
	}
	if p.Status == status {
		return nil, false, nil
	}
	place := "/participant/" + strconv.Itoa(p.Index)
	written := value(a.view.Participant[p.Index].Actor.Reference.Reference)
	return patchOf("Appointment", testThat(place+"/actor/reference", written), replace(place+"/status", status))
}
