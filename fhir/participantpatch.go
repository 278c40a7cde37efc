package fhir

import (
	"encoding/json"
	"strconv"
)

// patchOperation is an operation of RFC 6902.
type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

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
	resource, err := Decode(raw)
	if err != nil {
		return nil, false, err
	}
	a, ok := resource.(*Appointment)
	if !ok {
		return nil, false, &Error{Path: "resourceType", Rule: RuleWrongType}
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
	patch, err = json.Marshal([]patchOperation{
		{Op: "test", Path: place + "/actor/reference", Value: written},
		{Op: "replace", Path: place + "/status", Value: status},
	})
	if err != nil {
		return nil, false, &Error{Path: "Appointment.participant", Rule: RuleNotJSON}
	}
	return patch, true, nil
}
