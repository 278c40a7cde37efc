package fhir

import (
	"slices"
	"time"
)

// CancellationReasonSystem has pat for the patient, prov for the provider, and
// their kin.
const CancellationReasonSystem = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"

// statusSteps are the changes of status that are made for a patient, by where
// they lead: from the first, and not from the second, which say as much already.
var statusSteps = map[AppointmentStatus]struct{ from, already map[AppointmentStatus]bool }{
	AppointmentCancelled: {
		from:    set(AppointmentProposed, AppointmentPending, AppointmentBooked, AppointmentWaitlist),
		already: set(AppointmentCancelled),
	},
	AppointmentArrived: {
		from:    set(AppointmentPending, AppointmentBooked),
		already: set(AppointmentArrived, AppointmentCheckedIn),
	},
}

// open are the statuses in which a visit can still be moved.
var open = set(AppointmentProposed, AppointmentPending, AppointmentBooked, AppointmentWaitlist)

// StatusPatch returns the JSON Patch (RFC 6902) that sets the status of the
// Appointment raw: cancelled, with the patient as the reason (pat), or arrived. It
// holds for that version only and is sent with its version in If-Match; besides,
// it tests the status. changed is false, and patch nil, if it is so already.
//
// Errors are *Error: those of Decode, unknown_code for another status, and
// wrong_status where the visit is beyond it: nobody cancels a visit that is over.
func StatusPatch(raw []byte, status AppointmentStatus) (patch []byte, changed bool, err error) {
	step, known := statusSteps[status]
	if !known {
		return nil, false, &Error{Path: "Appointment.status", Rule: RuleUnknownCode}
	}
	a, err := decodeAs[*Appointment](raw)
	switch {
	case err != nil:
		return nil, false, err
	case step.already[a.Status()]:
		return nil, false, nil
	case !step.from[a.Status()]:
		return nil, false, &Error{Path: "Appointment.status", Rule: RuleWrongStatus}
	}
	operations := []patchOperation{testThat("/status", a.view.Status), replace("/status", status)}
	if status == AppointmentCancelled {
		reason := map[string]any{"coding": []map[string]string{{"system": CancellationReasonSystem, "code": "pat"}}}
		operations = append(operations, put("/cancelationReason", reason))
	}
	return patchOf("Appointment", operations...)
}

// SlotPatch returns the JSON Patch (RFC 6902) that moves the Appointment raw to
// another slot, with start and end as they are given, offsets included. Who takes
// part stays: the slot is one of the same people's and places' schedules. Where
// the Appointment says for how many minutes it is, that becomes what is between
// start and end. The patch holds for that version only and is sent with its version in
// If-Match; besides, it tests status, start, end and slot. changed is false, and
// patch nil, if it is there already.
//
// Errors are *Error: those of Decode, missing for a time or a slot that is not
// given, bad_reference or wrong_target for a slot that is none, bad_value for an
// end that does not lie behind the start, and wrong_status where the visit is
// over, cancelled or under way.
func SlotPatch(raw []byte, slot Reference, start, end time.Time) (patch []byte, changed bool, err error) {
	target, err := movable(slot, start, end)
	if err != nil {
		return nil, false, err
	}
	a, err := decodeAs[*Appointment](raw)
	if err != nil {
		return nil, false, err
	}
	if !open[a.Status()] {
		return nil, false, &Error{Path: "Appointment.status", Rule: RuleWrongStatus}
	}
	if len(a.view.Slot) == 1 && slices.ContainsFunc(a.Slots(), slot.Same) && a.start.Equal(start) && a.end.Equal(end) {
		return nil, false, nil
	}
	operations := []patchOperation{testThat("/status", a.view.Status)}
	if !a.start.IsZero() {
		operations = append(operations, testThat("/start", a.view.Start), testThat("/end", a.view.End))
	}
	if before := valueOf(a.raw, "slot"); before != nil {
		operations = append(operations, testThat("/slot", before))
	}
	operations = append(operations,
		put("/slot", []map[string]string{{"reference": target}}),
		put("/start", start.Format(time.RFC3339)), put("/end", end.Format(time.RFC3339)))
	if a.Minutes() > 0 {
		operations = append(operations, put("/minutesDuration", max(1, int(end.Sub(start)/time.Minute))))
	}
	return patchOf("Appointment", operations...)
}

// movable checks where a visit is moved to, and returns the reference to write.
func movable(slot Reference, start, end time.Time) (target string, err error) {
	w := &writer{resource: "Appointment"}
	if written := w.reference("slot", slot, "Slot"); written != nil {
		target = value(written.Reference)
	}
	switch {
	case target == "":
		w.fail("slot", RuleMissing)
	case start.IsZero():
		w.fail("start", RuleMissing)
	case end.IsZero():
		w.fail("end", RuleMissing)
	case !end.After(start):
		w.fail("end", RuleBadValue)
	}
	return target, w.err
}
