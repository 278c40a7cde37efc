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
		{"start without end", visit("end", ""), "Appointment.end", "app-2"},
		{"end without start", visit("start", ""), "Appointment.start", "app-2"},
		{"cancelled with half its times", visit("status", `"cancelled"`, "start", "null"), "Appointment.start", "app-2"},
		{"booked without start", visit("start", "", "end", ""), "Appointment.start", "app-3"},
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

		{"visit of R5, of a subject", visit("subject", `{"reference":"Patient/p1"}`), "Appointment.subject", "unknown_version"},
		{"visit of R5, for a service", visit("serviceType", `[{"text":"x"},{"concept":{"text":"x"}}]`), "Appointment.serviceType[1].concept", "unknown_version"},
		{"visit of R5, at a service", visit("serviceType", `[{"reference":{"reference":"HealthcareService/1"}}]`), "Appointment.serviceType[0].reference", "unknown_version"},
		{"visit of R5, need", visit("participant", `[{"actor":{"reference":"Patient/p1"},"status":"accepted","required":true}]`), "Appointment.participant[0].required", "wrong_type"},
		{"visit of R5, instruction", visit("patientInstruction", `[{"concept":{"text":"x"}}]`), "Appointment.patientInstruction[0]", "wrong_type"},
		{"visit of STU3, category", visit("serviceCategory", `{"text":"x"}`), "Appointment.serviceCategory", "wrong_type"},
		{"encounter of R5, times", encounter("actualPeriod", `{"start":"2026-03-05T09:00:00+01:00"}`), "Encounter.actualPeriod", "unknown_version"},
		{"encounter of R5, class", encounter("class", `[{"coding":[{"code":"AMB"}]}]`), "Encounter.class[0]", "wrong_type"},
		{"encounter of R5, without class", encounter("class", ""), "Encounter.class", "missing"},
		{"encounter of R5, status", encounter("status", `"completed"`), "Encounter.status", "unknown_code"},
		{"encounter of R5, for a service", encounter("serviceType", `[{"reference":{"reference":"HealthcareService/1"}}]`), "Encounter.serviceType[0].reference", "unknown_version"},
		{"encounter of STU3, booking", encounter("appointment", `{"reference":"Appointment/a1"}`), "Encounter.appointment", "wrong_type"},
		{"report of R5, status", report("status", `"modified"`), "DiagnosticReport.status", "unknown_code"},
		{"report of STU3, performer", report("performer", `[{"role":{"text":"x"},"actor":{"reference":"Organization/1"}}]`), "DiagnosticReport.performer[0].actor", "unknown_version"},
		{"request of R5, words", request("payload", `[{"contentCodeableConcept":{"text":"name=Jane"}}]`), "CommunicationRequest.payload[0].contentCodeableConcept", "unknown_version"},
		{"request of STU3, requester", request("requester", `{"agent":{"reference":"Practitioner/1"}}`), "CommunicationRequest.requester.agent", "unknown_version"},
		{"consent of R5, subject", consent("patient", "", "subject", `{"reference":"Patient/p1"}`), "Consent.subject", "unknown_version"},
		{"consent of R5, decision", consent("decision", `"deny"`), "Consent.decision", "unknown_version"},
		{"consent of STU3, exception", consent("except", `[{"type":"deny"}]`), "Consent.except", "unknown_version"},

		{"minutes as text", visit("minutesDuration", `"30"`), "Appointment.minutesDuration", "wrong_type"},
		{"slot malformed", visit("slot", `"s1"`), "Appointment.slot", "wrong_type"},
		{"specialty malformed", visit("specialty", `[{"text":"x"},{"coding":"Jane"}]`), "Appointment.specialty[1].coding", "wrong_type"},
		{"interpreter malformed", report("resultsInterpreter", `"Jane"`), "DiagnosticReport.resultsInterpreter", "wrong_type"},

		{"slot without status", slot("status", ""), "Slot.status", "missing"},
		{"slot of unknown status", slot("status", `"open"`), "Slot.status", "unknown_code"},
		{"slot of nobody", slot("schedule", ""), "Slot.schedule", "missing"},
		{"slot of somebody malformed", slot("schedule", `{"reference":"Jane Doe"}`), "Slot.schedule.reference", "bad_reference"},
		{"slot without start", slot("start", ""), "Slot.start", "missing"},
		{"slot without end", slot("end", "null"), "Slot.end", "missing"},
		{"slot on a day", slot("start", `"2026-03-05"`), "Slot.start", "bad_instant"},
		{"slot to a day", slot("end", `"2026-03-05"`), "Slot.end", "bad_instant"},
		{"slot overbooked in words", slot("overbooked", `"yes"`), "Slot.overbooked", "wrong_type"},
		{"schedule of nobody", `{"resourceType":"Schedule"}`, "Schedule.actor", "missing"},
		{"schedule active in words", `{"resourceType":"Schedule","active":"yes","actor":[{"reference":"Location/1"}]}`, "Schedule.active", "wrong_type"},

		{"encounter without status", encounter("status", ""), "Encounter.status", "missing"},
		{"encounter of unknown status", encounter("status", `"discharged"`), "Encounter.status", "unknown_code"},
		{"encounter without class", encounter("class", ""), "Encounter.class", "missing"},
		{"encounter subject malformed", encounter("subject", `{"reference":"Jane Doe"}`), "Encounter.subject.reference", "bad_reference"},
		{"encounter begun never", encounter("period", `{"start":"soon"}`), "Encounter.period.start", "bad_instant"},
		{"encounter ended never", encounter("period", `{"end":"soon"}`), "Encounter.period.end", "bad_instant"},
		{"encounter with an odd past", encounter("statusHistory", `[{"status":"arrived"},{"status":"late"}]`), "Encounter.statusHistory[1].status", "unknown_code"},
		{"encounter with an odd time past", encounter("statusHistory", `[{"status":"arrived","period":{"start":"x"}}]`), "Encounter.statusHistory[0].period.start", "bad_instant"},

		{"request without status", request("status", ""), "CommunicationRequest.status", "missing"},
		{"request of unknown status", request("status", `"sent"`), "CommunicationRequest.status", "unknown_code"},
		{"request of unknown priority", request("priority", `"high"`), "CommunicationRequest.priority", "unknown_code"},
		{"request subject malformed", request("subject", `{"reference":"Jane Doe"}`), "CommunicationRequest.subject.reference", "bad_reference"},
		{"request by somebody malformed", request("requester", `{"reference":"Jane Doe"}`), "CommunicationRequest.requester.reference", "bad_reference"},
		{"request for never", request("occurrenceDateTime", `"soon"`), "CommunicationRequest.occurrenceDateTime", "bad_instant"},
		{"request until never", request("occurrencePeriod", `{"end":"soon"}`), "CommunicationRequest.occurrencePeriod.end", "bad_instant"},
		{"request against itself in words", request("doNotPerform", `"no"`), "CommunicationRequest.doNotPerform", "wrong_type"},
		{"request of two templates", request("category", `[{"coding":[{"system":"https://fhirbridge.dev/template","code":"a"}]},{"coding":[{"system":"https://fhirbridge.dev/template","code":"b"}]}]`), "CommunicationRequest.category[1]", "bad_template"},
		{"request of a template without name", request("category", `[{"coding":[{"system":"https://fhirbridge.dev/template"}]}]`), "CommunicationRequest.category[0]", "bad_template"},
		{"request with words for a parameter", request("payload", `[{"contentString":"name=Jane"},{"contentString":"Jane Doe"}]`), "CommunicationRequest.payload[1].contentString", "bad_template"},
		{"request with an odd parameter", request("payload", `[{"contentString":"Jane Doe=1"}]`), "CommunicationRequest.payload[0].contentString", "bad_template"},
		{"request with a parameter twice", request("payload", `[{"contentString":"name=Jane"},{"contentString":"name=Jane"}]`), "CommunicationRequest.payload[1].contentString", "bad_template"},

		{"consent without status", consent("status", ""), "Consent.status", "missing"},
		{"consent of unknown status", consent("status", `"given"`), "Consent.status", "unknown_code"},
		{"consent to nothing", consent("category", "[]"), "Consent.category", "missing"},
		{"consent by somebody malformed", consent("patient", `{"reference":"Jane Doe"}`), "Consent.patient.reference", "bad_reference"},
		{"consent given never", consent("dateTime", `"soon"`), "Consent.dateTime", "bad_instant"},
		{"consent of an odd choice", consent("provision", `{"type":"maybe"}`), "Consent.provision.type", "unknown_code"},

		{"place with a telephone of words", `{"resourceType":"Location","telecom":"Jane"}`, "Location.telecom", "wrong_type"},
		{"service at no list of places", `{"resourceType":"HealthcareService","location":"Jane"}`, "HealthcareService.location", "wrong_type"},

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
		{"priority as text", visit("priority", `"1"`)},
		{"order malformed", visit("basedOn", `"s1"`)},
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
		_, err := fhir.Decode([]byte(visit("status", `"`+status+`"`, "start", "", "end", "")))
		if free := status == "proposed" || status == "cancelled" || status == "waitlist"; (err == nil) != free {
			t.Errorf("Appointment %s without start: got %v", status, err)
		}
	}
	for _, test := range []struct {
		name  string
		build func(...string) string
		codes string
	}{
		{"Appointment", visit, "proposed pending booked arrived checked-in fulfilled cancelled noshow waitlist entered-in-error"},
		{"DiagnosticReport", report, "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown"},
		{"Slot", slot, "free busy busy-unavailable busy-tentative entered-in-error"},
		{"Encounter", encounter, "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"},
		{"CommunicationRequest", request, "draft active on-hold revoked completed entered-in-error unknown"},
		{"Consent", consent, "draft proposed active rejected inactive entered-in-error"},
	} {
		for _, status := range strings.Fields(test.codes) {
			if _, err := fhir.Decode([]byte(test.build("status", `"`+status+`"`))); err != nil {
				t.Errorf("%s %s: %v", test.name, status, err)
			}
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
	survey := fhir.QuestionnaireResponseDraft{Answers: []fhir.SurveyAnswer{{Words: "Secretname"}}}
	photo := fhir.DocumentReferenceDraft{Description: "Secretname", Data: []byte("Secretname")}
	booking := fhir.AppointmentDraft{Patient: fhir.Reference{Display: "Secretname"}}
	stop := fhir.ConsentDraft{Patient: fhir.Reference{Display: "Secretname"}}
	parameter := fhir.Parameter{Name: "name", Value: "Secretname"}
	var out bytes.Buffer
	for _, v := range []any{p, *p, r, p.Name(noon), draft, &draft, answer, task, survey, survey.Answers, photo, booking, stop, parameter, []fhir.Parameter{parameter}} {
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
