package fhir_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
)

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

func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat(`[`, 1<<20)
	for _, test := range []struct{ name, raw, path, rule string }{
		{"nothing", ``, "", "not_json"},
		{"a word", `hello`, "", "not_json"},
		{"half an object", `{"resourceType":"Patient"`, "", "not_json"},
		{"two objects", `{"resourceType":"Patient"}{}`, "", "not_json"},
		{"malformed inside", patient("name", `[{"family":}]`), "", "not_json"},
		{"malformed in what is not read", patient("photo", `[{"a":]`), "", "not_json"},
		{"depth without end", deep, "", "not_json"},
		{"depth without end inside", `{"resourceType":"Patient","x":` + deep, "", "not_json"},
		{"closed depth beyond the limit", `{"resourceType":"Patient","x":` + deep + strings.Repeat(`]`, 1<<20) + `}`, "", "not_json"},
		{"an array", `[{"resourceType":"Patient"}]`, "", "not_fhir"},
		{"a string", `"Patient"`, "", "not_fhir"},
		{"no type", `{"id":"p1"}`, "resourceType", "not_fhir"},
		{"type is a number", `{"resourceType":7}`, "resourceType", "not_fhir"},
		{"type is words", `{"resourceType":"Jane Doe"}`, "resourceType", "not_fhir"},
		{"type in another case", `{"ResourceType":"Patient"}`, "resourceType", "not_fhir"},
		{"unknown type", `{"resourceType":"Observation"}`, "resourceType", "unknown_type"},
		{"id outside the grammar", patient("id", `"p_1"`), "Resource.id", "bad_id"},
		{"id too long", patient("id", `"`+strings.Repeat("x", 65)+`"`), "Resource.id", "bad_id"},
		{"id empty", patient("id", `""`), "Resource.id", "bad_id"},
		{"id is a number", patient("id", `1`), "Resource.id", "wrong_type"},
		{"meta is a string", patient("meta", `"x"`), "Resource.meta", "wrong_type"},
		{"version is a number", patient("meta", `{"versionId":1}`), "Resource.meta.versionId", "wrong_type"},
		{"lastUpdated is a date", patient("meta", `{"lastUpdated":"2026-03-05"}`), "Resource.meta.lastUpdated", "bad_instant"},

		{"status missing", visit("status", ""), "Appointment.status", "missing"},
		{"status null", visit("status", "null"), "Appointment.status", "missing"},
		{"status in another case", visit("status", "", "Status", `"booked"`), "Appointment.status", "missing"},
		{"status unknown", visit("status", `"confirmed"`), "Appointment.status", "unknown_code"},
		{"status is a number", visit("status", `7`), "Appointment.status", "wrong_type"},
		{"start without offset", visit("start", `"2026-03-05T09:00:00"`), "Appointment.start", "bad_instant"},
		{"start without seconds", visit("start", `"2026-03-05T09:00Z"`), "Appointment.start", "bad_instant"},
		{"start with one digit", visit("start", `"2026-03-05T9:00:00Z"`), "Appointment.start", "bad_instant"},
		{"start with a comma", visit("start", `"2026-03-05T09:00:00,5Z"`), "Appointment.start", "bad_instant"},
		{"start with an offset of 15 hours", visit("start", `"2026-03-05T09:00:00+15:00"`), "Appointment.start", "bad_instant"},
		{"start with an offset of 60 minutes", visit("start", `"2026-03-05T09:00:00+01:60"`), "Appointment.start", "bad_instant"},
		{"start with half an offset", visit("start", `"2026-03-05T09:00:00+1:00"`), "Appointment.start", "bad_instant"},
		{"start without offset but a fraction", visit("start", `"2026-03-05T09:00:00.123"`), "Appointment.start", "bad_instant"},
		{"start on the 31st of February", visit("start", `"2026-02-31T09:00:00Z"`), "Appointment.start", "bad_instant"},
		{"start is a date", visit("start", `"2026-03-05"`), "Appointment.start", "bad_instant"},
		{"start empty", visit("start", `""`), "Appointment.start", "bad_instant"},
		{"start without end", visit("end", ""), "Appointment", "app-2"},
		{"booked without start", visit("start", "", "end", ""), "Appointment", "app-3"},
		{"reason without cancellation", visit("cancelationReason", `{"text":"x"}`), "Appointment.cancelationReason", "app-4"},
		{"no participant", visit("participant", ""), "Appointment.participant", "missing"},
		{"participant null", visit("participant", "null"), "Appointment.participant", "missing"},
		{"participant empty", visit("participant", "[]"), "Appointment.participant", "missing"},
		{"participant is an object", visit("participant", "{}"), "Appointment.participant", "wrong_type"},
		{"participant without status", visit("participant", `[{"actor":{"reference":"Patient/p1"}}]`), "Appointment.participant[0].status", "missing"},
		{"participant of unknown status", visit("participant", `[{"actor":{"reference":"Patient/p1"},"status":"maybe"}]`), "Appointment.participant[0].status", "unknown_code"},
		{"participant of unknown need", visit("participant", `[{"actor":{"reference":"Patient/p1"},"status":"accepted","required":"yes"}]`), "Appointment.participant[0].required", "unknown_code"},
		{"participant that is nobody", visit("participant", `[{"status":"accepted"}]`), "Appointment.participant[0]", "app-1"},
		{"second participant wrong", visit("participant", `[{"actor":{"reference":"Patient/p1"},"status":"accepted"},{"actor":{"display":5},"status":"accepted"}]`), "Appointment.participant[1].actor.display", "wrong_type"},
		{"participant reference malformed", visit("participant", `[{"actor":{"reference":"Jane Doe"},"status":"accepted"}]`), "Appointment.participant[0].actor.reference", "bad_reference"},

		{"report without status", report("status", ""), "DiagnosticReport.status", "missing"},
		{"report of unknown status", report("status", `"done"`), "DiagnosticReport.status", "unknown_code"},
		{"report without code", report("code", ""), "DiagnosticReport.code", "missing"},
		{"report issued on a day", report("issued", `"2026-03-05"`), "DiagnosticReport.issued", "bad_instant"},
		{"report effective never", report("effectiveDateTime", `"soon"`), "DiagnosticReport.effectiveDateTime", "bad_instant"},
		{"report effective in an odd month", report("effectivePeriod", `{"start":"2026-13"}`), "DiagnosticReport.effectivePeriod.start", "bad_instant"},
		{"report subject malformed", report("subject", `{"reference":"patient one"}`), "DiagnosticReport.subject.reference", "bad_reference"},
		{"report labels malformed", report("meta", `{"security":[{"code":7}]}`), "DiagnosticReport.meta.security.code", "wrong_type"},

		{"telecom is a string", patient("telecom", `"+15550100123"`), "Patient.telecom", "wrong_type"},
		{"deceased is a string", patient("deceasedBoolean", `"yes"`), "Patient.deceasedBoolean", "wrong_type"},
		{"replaced by nobody", patient("link", `[{"type":"replaced-by"}]`), "Patient.link[0].other", "missing"},
		{"related to nobody", `{"resourceType":"RelatedPerson"}`, "RelatedPerson.patient", "missing"},
		{"communication without status", `{"resourceType":"Communication"}`, "Communication.status", "missing"},
		{"communication sent never", `{"resourceType":"Communication","status":"completed","sent":"x"}`, "Communication.sent", "bad_instant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := fhir.Decode([]byte(test.raw))
			var e *fhir.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if r != nil {
				t.Errorf("got a resource beside the error")
			}
			if e.Path != test.path || e.Rule != test.rule {
				t.Errorf("got %q at %q, want %q at %q", e.Rule, e.Path, test.rule, test.path)
			}
			if strings.Contains(err.Error(), "Jane") || strings.Contains(err.Error(), "p_1") {
				t.Errorf("the error holds a value")
			}
		})
	}
}

func TestUnknownTypeIsAnErrorOfItsOwn(t *testing.T) {
	_, err := fhir.Decode([]byte(`{"resourceType":"Observation","id":"o1"}`))
	if !errors.Is(err, fhir.ErrUnknownType) {
		t.Errorf("got %v, want ErrUnknownType", err)
	}
	if fhir.Known("Observation") || !fhir.Known("Appointment") {
		t.Errorf("Known does not agree with Decode")
	}
	h, err := fhir.Peek([]byte(`{"resourceType":"Observation","id":"o1","meta":{"versionId":"2","lastUpdated":"2026-03-05T10:00:00.5Z"}}`))
	want := fhir.Header{Type: "Observation", ID: "o1", Version: "2", LastUpdated: time.Date(2026, 3, 5, 10, 0, 0, 5e8, time.UTC)}
	same(t, "header", h, want)
	same(t, "error", err, nil)
}

// TestDecodePassesOver shows that what is not read may be anything.
func TestDecodePassesOver(t *testing.T) {
	for _, test := range []struct{ name, raw string }{
		{"unknown member", visit("somethingNew", `{"a":[1,2]}`)},
		{"identifier use of a later release", visit("identifier", `[{"use":"future","value":"1"}]`)},
		{"minutes as text", visit("minutesDuration", `"30"`)},
		{"slot malformed", visit("slot", `"s1"`)},
		{"extension of a new type", visit("extension", `[{"url":"x","valueInteger64":"9","valueInteger":"nine"}]`)},
		{"narrative status unknown", visit("text", `{"status":"fine","div":5}`)},
		{"read member in another case", visit("Status", `"cancelled"`, "PARTICIPANT", `7`)},
		{"identifier of an actor", visit("participant", `[{"actor":{"reference":"Patient/p1","identifier":{"use":"future","value":"1"}},"status":"needs-action"}]`)},
		{"escaped names", strings.Replace(visit(), `"status":"booked"`, `"\u0073tatus":"booked"`, 1)},
		{"white space", " \n" + strings.NewReplacer(",", " ,\t", ":{", " : {").Replace(visit()) + "\n"},
		{"not fixed time zone element", visit("_start", `7`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := fhir.Decode([]byte(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			a := r.(*fhir.Appointment)
			same(t, "Status", a.Status(), fhir.AppointmentBooked)
			same(t, "patients", len(a.Patients()), 1)
			same(t, "participant status", a.Patients()[0].Status, fhir.ParticipantNeedsAction)
			same(t, "start", a.Start().UTC(), time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC))
			same(t, "raw", string(a.Raw()), test.raw)
		})
	}
}

func TestAllStatusesAreKnown(t *testing.T) {
	for _, status := range strings.Fields("proposed pending booked arrived checked-in fulfilled cancelled noshow waitlist entered-in-error") {
		if _, err := fhir.Decode([]byte(visit("status", `"`+status+`"`))); err != nil {
			t.Errorf("Appointment %s: %v", status, err)
		}
		_, err := fhir.Decode([]byte(visit("status", `"`+status+`"`, "start", "", "end", "")))
		if free := status == "proposed" || status == "cancelled" || status == "waitlist"; (err == nil) != free {
			t.Errorf("Appointment %s without start: got %v", status, err)
		}
	}
	for _, status := range strings.Fields("registered partial preliminary final amended corrected appended cancelled entered-in-error unknown") {
		if _, err := fhir.Decode([]byte(report("status", `"`+status+`"`))); err != nil {
			t.Errorf("DiagnosticReport %s: %v", status, err)
		}
	}
}

func TestNothingPrintsItself(t *testing.T) {
	raw := patient("name", `[{"family":"Secretname"}]`)
	r, err := fhir.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	p := r.(*fhir.Patient)
	ref := fhir.Reference{Type: "Patient", ID: "p1", Display: "Secretname"}
	draft := fhir.CommunicationDraft{Payload: []string{"Secretname"}}
	answer := fhir.AppointmentResponseDraft{Comment: "Secretname"}
	task := fhir.TaskDraft{Description: "Secretname"}
	var out bytes.Buffer
	for _, v := range []any{p, *p, r, p.Name(noon), draft, &draft, answer, task} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			fmt.Fprintf(&out, verb, v)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	}
	fmt.Fprintf(&out, "%v %s %+v", ref, ref, ref)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "ref", ref)
	for _, secret := range []string{"Secretname", fmt.Sprintf("%x", "Secretname"), "83 101 99"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("a name was printed")
		}
	}
	if !strings.Contains(out.String(), "Patient/p1") {
		t.Errorf("a resource does not print its reference")
	}
}
