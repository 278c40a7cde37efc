package fhir_test

import (
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"fhirbridge/fhir"
	"fhirbridge/fhir/strict"
)

// apply does what the server does with a patch, which is what Patched foresees.
func apply(t *testing.T, patch []byte, raw string) (string, error) {
	t.Helper()
	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	after, err := decoded.Apply([]byte(raw))
	foreseen, failed := fhir.Patched([]byte(raw), patch)
	same(t, "foreseen", string(foreseen), string(after))
	same(t, "foreseen to fail", failed != nil, err != nil)
	return string(after), err
}

func TestPatchedTellsNothing(t *testing.T) {
	for _, c := range []struct{ raw, patch string }{
		{`{"name":"Amara"}`, `Amara`},
		{`Amara`, `[{"op":"replace","path":"/name","value":"x"}]`},
		{`{"name":"Amara"}`, `[{"op":"test","path":"/name","value":"Jonas"}]`},
		{`{"name":"Amara"}`, `[{"op":"replace","path":"/Amara","value":"x"}]`},
	} {
		after, err := fhir.Patched([]byte(c.raw), []byte(c.patch))
		if err == nil || after != nil || strings.Contains(err.Error(), "Amara") {
			t.Errorf("%s on %s: got %q, %v", c.patch, c.raw, after, err)
		}
	}
}

// applied is what comes of a patch, valid R4.
func applied(t *testing.T, patch []byte, raw string) string {
	t.Helper()
	after, err := apply(t, patch, raw)
	if err != nil {
		t.Fatal(err)
	}
	if found := strict.Validate([]byte(after)); len(found) > 0 {
		t.Errorf("google/fhir finds %v", found)
	}
	return after
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParticipantPatch(t *testing.T) {
	raw := visit("participant", `[{"actor":{"reference":"Location/l1"},"status":"accepted"},
		{"actor":{"reference":"https://ehr.example.org/fhir/Patient/p1"},"status":"needs-action"}]`)
	patch, changed, err := fhir.ParticipantPatch([]byte(raw), fhir.Ref("Patient", "p1"), fhir.ParticipantAccepted)
	if err != nil || !changed {
		t.Fatalf("got changed %v, %v", changed, err)
	}
	want := `[{"op":"test","path":"/participant/1/actor/reference","value":"https://ehr.example.org/fhir/Patient/p1"},` +
		`{"op":"replace","path":"/participant/1/status","value":"accepted"}]`
	same(t, "patch", string(patch), want)

	after, err := apply(t, patch, raw)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := appointment(t, after).Participant(fhir.Ref("Patient", "p1"))
	same(t, "status after", []any{p.Status, ok}, []any{"accepted", true})

	moved := visit("participant", `[{"actor":{"reference":"Patient/p1"},"status":"needs-action"},{"actor":{"reference":"Patient/p2"},"status":"needs-action"}]`)
	if _, err := apply(t, patch, moved); err == nil {
		t.Errorf("the patch was applied to another participant")
	}
}

func TestParticipantPatchRefuses(t *testing.T) {
	for _, test := range []struct {
		name, raw, status string
		changed           bool
		want              string
	}{
		{"same status", visit(), "needs-action", false, ""},
		{"unknown status", visit(), "yes", false, "fhir: unknown_code at Appointment.participant.status"},
		{"not a participant", visit("participant", `[{"actor":{"reference":"Patient/p2"},"status":"accepted"}]`), "accepted", false, "fhir: missing at Appointment.participant"},
		{"not an Appointment", patient(), "accepted", false, "fhir: wrong_type at resourceType"},
		{"not JSON", `{`, "accepted", false, "fhir: not_json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			patch, changed, err := fhir.ParticipantPatch([]byte(test.raw), fhir.Ref("Patient", "p1"), test.status)
			got := ""
			if err != nil {
				got = err.Error()
			}
			same(t, "error", got, test.want)
			same(t, "patch", []any{len(patch), changed}, []any{0, test.changed})
		})
	}
}

func TestParticipantPatchToTentative(t *testing.T) {
	patch, changed, err := fhir.ParticipantPatch([]byte(visit()), fhir.Ref("Patient", "p1"), fhir.ParticipantTentative)
	same(t, "result", []any{changed, err}, []any{true, nil})
	who, _ := appointment(t, applied(t, patch, visit())).Participant(fhir.Ref("Patient", "p1"))
	same(t, "Status", who.Status, fhir.ParticipantTentative)
}

func TestStatusPatch(t *testing.T) {
	const reason = `{"op":"add","path":"/cancelationReason","value":{"coding":[{"code":"pat","system":"http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"}]}}`
	for _, test := range []struct {
		name, raw string
		status    fhir.AppointmentStatus
		want      string
	}{
		{"cancelled", visit(), fhir.AppointmentCancelled, `[{"op":"test","path":"/status","value":"booked"},{"op":"replace","path":"/status","value":"cancelled"},` + reason + `]`},
		{"request taken back", visit("status", `"proposed"`, "start", "", "end", ""), fhir.AppointmentCancelled, `[{"op":"test","path":"/status","value":"proposed"},{"op":"replace","path":"/status","value":"cancelled"},` + reason + `]`},
		{"arrived", visit(), fhir.AppointmentArrived, `[{"op":"test","path":"/status","value":"booked"},{"op":"replace","path":"/status","value":"arrived"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			patch, changed, err := fhir.StatusPatch([]byte(test.raw), test.status)
			same(t, "result", []any{string(patch), changed, err}, []any{test.want, true, nil})
			a := appointment(t, applied(t, patch, test.raw))
			same(t, "Status", a.Status(), test.status)
			same(t, "CancelledByPatient", a.CancelledByPatient(), test.status == fhir.AppointmentCancelled)
			if _, err := apply(t, patch, visit("status", `"fulfilled"`)); err == nil {
				t.Errorf("the patch was applied to a visit that is over")
			}
			_, changed, err = fhir.StatusPatch(a.Raw(), test.status)
			same(t, "again", []any{changed, err}, []any{false, nil})
		})
	}
}

// TestStatusPatchFrom shows from which status a visit is cancelled or arrives: every other is refused.
func TestStatusPatchFrom(t *testing.T) {
	outcomes := map[fhir.AppointmentStatus]map[string]string{
		fhir.AppointmentCancelled: {"proposed": "changed", "pending": "changed", "booked": "changed", "waitlist": "changed", "cancelled": "same"},
		fhir.AppointmentArrived:   {"pending": "changed", "booked": "changed", "arrived": "same", "checked-in": "same"},
	}
	for target, want := range outcomes {
		for _, status := range []string{"proposed", "pending", "booked", "arrived", "checked-in", "fulfilled", "cancelled", "noshow", "waitlist", "entered-in-error"} {
			_, changed, err := fhir.StatusPatch([]byte(visit("status", `"`+status+`"`)), target)
			got := map[bool]string{true: "changed", false: "same"}[changed]
			if err != nil {
				got = ""
				same(t, "error", err.Error(), "fhir: wrong_status at Appointment.status")
			}
			same(t, status+" to "+string(target), got, want[status])
		}
	}
}

func TestSlotPatch(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	start, end := time.Date(2026, 3, 9, 14, 0, 0, 0, berlin), time.Date(2026, 3, 9, 14, 20, 0, 0, berlin)
	const moved = `{"op":"add","path":"/slot","value":[{"reference":"Slot/s2"}]},{"op":"add","path":"/start","value":"2026-03-09T14:00:00+01:00"},{"op":"add","path":"/end","value":"2026-03-09T14:20:00+01:00"}`
	const was = `{"op":"test","path":"/start","value":"2026-03-05T09:00:00+01:00"},{"op":"test","path":"/end","value":"2026-03-05T09:30:00+01:00"}`
	for _, test := range []struct{ name, raw, want string }{
		{"with slots and minutes", visit("slot", `[ {"reference":"Slot/s1"}, {"reference":"Slot/s9"} ]`, "minutesDuration", "30"),
			`[{"op":"test","path":"/status","value":"booked"},` + was + `,{"op":"test","path":"/slot","value":[{"reference":"Slot/s1"},{"reference":"Slot/s9"}]},` + moved + `,{"op":"add","path":"/minutesDuration","value":20}]`},
		{"without a slot", visit(), `[{"op":"test","path":"/status","value":"booked"},` + was + `,` + moved + `]`},
		{"without a time", visit("status", `"proposed"`, "start", "", "end", ""), `[{"op":"test","path":"/status","value":"proposed"},` + moved + `]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			patch, changed, err := fhir.SlotPatch([]byte(test.raw), fhir.Ref("Slot", "s2"), start, end)
			same(t, "result", []any{string(patch), changed, err}, []any{test.want, true, nil})
			a := appointment(t, applied(t, patch, test.raw))
			same(t, "visit", []any{a.Slots(), a.Start().Equal(start), a.End().Equal(end)}, []any{[]fhir.Reference{fhir.Ref("Slot", "s2")}, true, true})
			_, changed, err = fhir.SlotPatch(a.Raw(), fhir.Ref("Slot", "s2"), start.UTC(), end)
			same(t, "again", []any{changed, err}, []any{false, nil})
			if _, err := apply(t, patch, visit("status", `"cancelled"`)); err == nil {
				t.Errorf("the patch was applied to a cancelled visit")
			}
		})
	}
	other := visit("start", `"2026-03-05T10:00:00+01:00"`, "end", `"2026-03-05T10:30:00+01:00"`)
	patch, _, _ := fhir.SlotPatch([]byte(visit()), fhir.Ref("Slot", "s2"), start, end)
	if _, err := apply(t, patch, other); err == nil {
		t.Errorf("the patch was applied to a visit that somebody has moved")
	}
}

func TestSlotPatchRefuses(t *testing.T) {
	start, s2 := sentAt, fhir.Ref("Slot", "s2")
	for _, test := range []struct {
		name, raw  string
		slot       fhir.Reference
		start, end time.Time
		want       string
	}{
		{"no slot", visit(), fhir.Reference{}, start, start.Add(time.Hour), "fhir: missing at Appointment.slot"},
		{"a slot by its name", visit(), fhir.Reference{Type: "Slot", Display: "tomorrow"}, start, start.Add(time.Hour), "fhir: missing at Appointment.slot"},
		{"a schedule", visit(), fhir.Ref("Schedule", "c1"), start, start.Add(time.Hour), "fhir: wrong_target at Appointment.slot"},
		{"an odd slot", visit(), fhir.Ref("Slot", "s_2"), start, start.Add(time.Hour), "fhir: bad_reference at Appointment.slot.reference"},
		{"no start", visit(), s2, time.Time{}, start, "fhir: missing at Appointment.start"},
		{"no end", visit(), s2, start, time.Time{}, "fhir: missing at Appointment.end"},
		{"no time between", visit(), s2, start, start, "fhir: bad_value at Appointment.end"},
		{"cancelled", visit("status", `"cancelled"`), s2, start, start.Add(time.Hour), "fhir: wrong_status at Appointment.status"},
		{"under way", visit("status", `"arrived"`), s2, start, start.Add(time.Hour), "fhir: wrong_status at Appointment.status"},
		{"not an Appointment", slot(), s2, start, start.Add(time.Hour), "fhir: wrong_type at resourceType"},
		{"not JSON", `{`, s2, start, start.Add(time.Hour), "fhir: not_json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			patch, changed, err := fhir.SlotPatch([]byte(test.raw), test.slot, test.start, test.end)
			same(t, "result", []any{len(patch), changed, message(err)}, []any{0, false, test.want})
		})
	}
}

func TestStatusPatchRefuses(t *testing.T) {
	for _, test := range []struct {
		name, raw, status, want string
	}{
		{"another status", visit(), "booked", "fhir: unknown_code at Appointment.status"},
		{"not an Appointment", slot(), "cancelled", "fhir: wrong_type at resourceType"},
		{"not JSON", `{`, "arrived", "fhir: not_json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			patch, changed, err := fhir.StatusPatch([]byte(test.raw), fhir.AppointmentStatus(test.status))
			same(t, "result", []any{len(patch), changed, message(err)}, []any{0, false, test.want})
		})
	}
}

func TestCommunicationRequestPatch(t *testing.T) {
	why := fhir.Concept{Text: "no number"}
	for _, test := range []struct {
		name, raw, status, patch, want string
		reason                         fhir.Concept
	}{
		{"sent", request(), "completed", `[{"op":"test","path":"/status","value":"active"},{"op":"replace","path":"/status","value":"completed"}]`, "", fhir.Concept{}},
		{"will not be sent", request("status", `"on-hold"`), "revoked", `[{"op":"test","path":"/status","value":"on-hold"},{"op":"replace","path":"/status","value":"revoked"}]`, "", fhir.Concept{}},
		{
			"for a reason", request(), "revoked",
			`[{"op":"test","path":"/status","value":"active"},{"op":"replace","path":"/status","value":"revoked"},{"op":"add","path":"/statusReason","value":{"text":"no number"}}]`, "", why,
		},
		{
			"for a reason that is there", request("statusReason", `{"text":"by hand"}`), "revoked",
			`[{"op":"test","path":"/status","value":"active"},{"op":"replace","path":"/status","value":"revoked"}]`, "", why,
		},
		{
			"nobody knows", request(), "on-hold",
			`[{"op":"test","path":"/status","value":"active"},{"op":"replace","path":"/status","value":"on-hold"},{"op":"add","path":"/statusReason","value":{"text":"no number"}}]`, "", why,
		},
		{
			"known after all", request("status", `"on-hold"`, "statusReason", `{"text":"no answer"}`), "completed",
			`[{"op":"test","path":"/status","value":"on-hold"},{"op":"replace","path":"/status","value":"completed"},{"op":"remove","path":"/statusReason"}]`, "", fhir.Concept{},
		},
		{
			"refused after all", request("status", `"on-hold"`, "statusReason", `{"text":"no answer"}`), "revoked",
			`[{"op":"test","path":"/status","value":"on-hold"},{"op":"replace","path":"/status","value":"revoked"},{"op":"add","path":"/statusReason","value":{"text":"no number"}}]`, "", why,
		},
		{"is so already", request("status", `"completed"`), "completed", "", "", fhir.Concept{}},
		{"revoked meanwhile", request("status", `"revoked"`), "completed", "", "fhir: wrong_status at CommunicationRequest.status", fhir.Concept{}},
		{"draft", request("status", `"draft"`), "completed", "", "fhir: wrong_status at CommunicationRequest.status", fhir.Concept{}},
		{"active again", request(), "active", "", "fhir: unknown_code at CommunicationRequest.status", fhir.Concept{}},
		{"not a request", visit(), "completed", "", "fhir: wrong_type at resourceType", fhir.Concept{}},
		{"not JSON", `{`, "completed", "", "fhir: not_json", fhir.Concept{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			patch, changed, err := fhir.CommunicationRequestPatch([]byte(test.raw), fhir.RequestStatus(test.status), test.reason)
			same(t, "result", []any{string(patch), changed, message(err)}, []any{test.patch, test.patch != "", test.want})
			if changed {
				c := decode[*fhir.CommunicationRequest](t, applied(t, patch, test.raw))
				same(t, "Status", string(c.Status()), test.status)
			}
		})
	}
}
