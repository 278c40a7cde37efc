package fhir_test

import (
	"crypto/sha1"
	"encoding/base64"
	"strconv"
	"testing"

	"fhirbridge/fhir"
)

func decode[T fhir.Resource](t testing.TB, raw string) T {
	t.Helper()
	r, err := fhir.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return r.(T)
}

func TestAppointmentFacts(t *testing.T) {
	a := appointment(t, visit("minutesDuration", "20", "slot", `[{"reference":"Slot/s1"},{"reference":"https://ehr.example.org/fhir/Slot/s2"}]`,
		"serviceCategory", `[{"text":"Outpatients"}]`, "serviceType", `[{"coding":[{"system":"urn:s","code":"124"}]}]`, "specialty", `[{"text":"Cardiology"}]`))
	same(t, "Minutes", a.Minutes(), 20)
	same(t, "Slots", tails(a.Slots()), []string{"Slot/s1", "Slot/s2"})
	same(t, "ServiceCategories", a.ServiceCategories(), []fhir.Concept{{Text: "Outpatients"}})
	same(t, "ServiceTypes", a.ServiceTypes()[0].Has("urn:s", "124"), true)
	same(t, "Specialties", a.Specialties(), []fhir.Concept{{Text: "Cardiology"}})
	same(t, "no Minutes", appointment(t, visit("minutesDuration", "-5")).Minutes(), 0)
}

func TestSamePlacesAndClinicians(t *testing.T) {
	const room4, room5 = `[{"resourceType":"Location","id":"x","name":"Room 4"}]`, `[{"resourceType":"Location","id":"x","name":"Room 5"}]`
	who := func(ref string) string { return `{"actor":{"reference":"` + ref + `"},"status":"accepted"}` }
	with := func(contained string, participants ...string) *fhir.Appointment {
		list := who("Patient/p1")
		for _, p := range participants {
			list += "," + p
		}
		return appointment(t, visit("contained", contained, "participant", "["+list+"]"))
	}
	for _, test := range []struct {
		name               string
		before, now        *fhir.Appointment
		places, clinicians bool
	}{
		{"nobody", with(""), with(""), true, true},
		{"another order", with("", who("Location/1"), who("Practitioner/1"), who("Location/2")), with("", who("Practitioner/1"), who("Location/2"), who("Location/1")), true, true},
		{"the same, absolute, in a version", with("", who("Location/1")), with("", who("https://ehr.example.org/fhir/Location/1/_history/3")), true, true},
		{"twice the same", with("", who("Location/1")), with("", who("Location/1"), who("Location/1")), true, true},
		{"another place", with("", who("Location/1"), who("Practitioner/1")), with("", who("Location/2"), who("Practitioner/1")), false, true},
		{"one place more", with("", who("Location/1")), with("", who("Location/1"), who("Location/2")), false, true},
		{"another doctor", with("", who("Location/1"), who("Practitioner/1")), with("", who("Location/1"), who("Practitioner/2")), true, false},
		{"another role", with("", who("PractitionerRole/1")), with("", who("PractitionerRole/2")), true, false},
		{"another device and patient", with("", who("Device/1")), with("", who("Device/2"), who("Patient/p2")), true, true},
		{"a place by its number", with("", `{"actor":{"type":"Location","identifier":{"system":"urn:x","value":"4"}},"status":"accepted"}`), with("", `{"actor":{"type":"Location","identifier":{"system":"urn:x","value":"5"}},"status":"accepted"}`), false, true},
		{"a place by its name", with("", `{"actor":{"type":"Location","display":"Room 4"},"status":"accepted"}`), with("", `{"actor":{"type":"Location","display":"Room 5"},"status":"accepted"}`), false, true},
		{"a doctor who has declined", with("", who("Practitioner/1")), with("", who("Practitioner/1"), `{"actor":{"reference":"Practitioner/2"},"status":"declined"}`), true, true},
		{"a doctor who declines", with("", who("Practitioner/1")), with("", `{"actor":{"reference":"Practitioner/1"},"status":"declined"}`), true, false},
		{"another contained place of the same id", with(room4, who("#x")), with(room5, who("#x")), false, true},
		{"the same contained place of another id and form", with(room4, who("#x")), with(`[7,{"name": "Room 4","meta":{"versionId":"2"},"text":{"status":"empty"},"id":"y","resourceType":"Location"}]`, who("#y")), true, true},
		{"a contained place that is not there", with("", who("#x")), with("", who("#x")), true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			same(t, "SamePlaces", test.now.SamePlaces(test.before), test.places)
			same(t, "SamePlaces, the other way", test.before.SamePlaces(test.now), test.places)
			same(t, "SameClinicians", test.now.SameClinicians(test.before), test.clinicians)
		})
	}
}

func TestEncounterArrived(t *testing.T) {
	const arrival = `{"status":"arrived","period":{"start":"2026-03-05T08:50:00+01:00","end":"2026-03-05T09:00:00+01:00"}}`
	for _, test := range []struct{ name, status, history, start, want string }{
		{"just arrived", "arrived", "", "2026-03-05T08:50:00+01:00", "2026-03-05T08:50:00+01:00"},
		{"triaged, without a past", "triaged", "[]", "2026-03-05T08:50:00+01:00", "2026-03-05T08:50:00+01:00"},
		{"in progress since then", "in-progress", "[" + arrival + "]", "2026-03-05T09:20:00+01:00", "2026-03-05T08:50:00+01:00"},
		{"arrived twice", "in-progress", `[{"status":"arrived","period":{"start":"2026-03-05T09:10:00+01:00"}},` + arrival + "]", "", "2026-03-05T08:50:00+01:00"},
		{"arrived, nobody knows when", "in-progress", `[{"status":"arrived"}]`, "2026-03-05T09:20:00+01:00", ""},
		{"in progress, without a past", "in-progress", "", "2026-03-05T09:20:00+01:00", ""},
		{"planned", "planned", "", "2026-03-05T09:20:00+01:00", ""},
		{"arrived on a day", "arrived", "", "2026-03-05", "2026-03-05"},
	} {
		t.Run(test.name, func(t *testing.T) {
			period := ""
			if test.start != "" {
				period = `{"start":"` + test.start + `"}`
			}
			e := decode[*fhir.Encounter](t, encounter("status", `"`+test.status+`"`, "statusHistory", test.history, "period", period))
			same(t, "Arrived", date(e.Arrived()), test.want)
		})
	}
}

func TestEncounterOfAnAppointment(t *testing.T) {
	e := decode[*fhir.Encounter](t, encounter("appointment", `[{"reference":"Appointment/a1"}]`, "location", `[{"location":{"reference":"Location/1"},"status":"completed"},{"status":"active"},{"location":{"reference":"Location/2"}}]`))
	same(t, "Appointments", tails(e.Appointments()), []string{"Appointment/a1"})
	same(t, "Locations", tails(e.Locations()), []string{"Location/1", "Location/2"})
	same(t, "Here", tails(e.Here()), []string{"Location/2"})
	same(t, "Class", e.Class().Code, "AMB")
	same(t, "ServiceType", decode[*fhir.Encounter](t, encounter("serviceType", `{"coding":[{"code":"57"}]}`)).ServiceType().Codings[0].Code, "57")
}

func TestRequestTemplate(t *testing.T) {
	for _, test := range []struct {
		name, category, payload, template string
		parameters                        []fhir.Parameter
	}{
		{"with parameters", `[{"text":"news"},{"coding":[{"code":"x"},{"system":"https://fhirbridge.dev/template","code":"clinic_closed"}]}]`,
			`[{"contentString":"date=Tuesday, March 9"},{"contentReference":{"reference":"Location/1"}},{"contentString":"way_2=a=b "},{"contentString":"empty="}]`, "clinic_closed",
			[]fhir.Parameter{{Name: "date", Value: "Tuesday, March 9"}, {Name: "way_2", Value: "a=b "}, {Name: "empty"}}},
		{"named twice", `[{"coding":[{"system":"https://fhirbridge.dev/template","code":"a"}]},{"coding":[{"system":"https://fhirbridge.dev/template","code":"a"}]}]`, `[]`, "a", nil},
		{"without a template", `[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/communication-category","code":"alert"}]}]`, `[{"contentString":"name=Jane"}]`, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := decode[*fhir.CommunicationRequest](t, request("category", test.category, "payload", test.payload))
			same(t, "Template", c.Template(), test.template)
			if len(c.Parameters()) != len(test.parameters) {
				t.Fatalf("got %d parameters, want %d", len(c.Parameters()), len(test.parameters))
			}
			for i, p := range c.Parameters() { // cmp would print what they print: nothing
				same(t, "parameter "+strconv.Itoa(i), []string{p.Name, p.Value}, []string{test.parameters[i].Name, test.parameters[i].Value})
			}
		})
	}
}

func TestRequestOccurrence(t *testing.T) {
	c := decode[*fhir.CommunicationRequest](t, request("occurrencePeriod", `{"start":"2026-03-05T09:00:00Z","end":"2026-03-06"}`, "doNotPerform", "true"))
	same(t, "period", []string{date(c.From()), date(c.Until())}, []string{"2026-03-05T09:00:00Z", "2026-03-06"})
	same(t, "DoNotPerform", c.DoNotPerform(), true)
	c = decode[*fhir.CommunicationRequest](t, request())
	same(t, "nothing", []string{date(c.From()), date(c.Until())}, []string{"", ""})
	same(t, "DoNotPerform", c.DoNotPerform(), false)
}

func TestConsentChoice(t *testing.T) {
	rule := func(code string) string {
		return `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"` + code + `"}]}`
	}
	for _, test := range []struct {
		name, policyRule, category, provision string
		want                                  fhir.Choice
	}{
		{"opt-in", rule("OPTIN"), "", "", fhir.ChoicePermit},
		{"opt-out", rule("OPTOUT"), "", "", fhir.ChoiceDeny},
		{"opt-out with exceptions", rule("OPTOUTE"), "", "", fhir.ChoiceDeny},
		{"opt-in with restrictions", rule("OPTINR"), "", "", fhir.ChoiceUnknown},
		{"a code of another system", `{"coding":[{"system":"urn:x","code":"OPTIN"}]}`, "", "", fhir.ChoiceUnknown},
		{"by category", "", "[" + rule("OPTOUT") + "]", "", fhir.ChoiceDeny},
		{"by provision", "", "", `{"type":"permit"}`, fhir.ChoicePermit},
		{"both", rule("OPTIN"), "", `{"type":"deny"}`, fhir.ChoiceDeny},
		{"both, the other way", rule("OPTOUT"), "", `{"type":"permit"}`, fhir.ChoiceDeny},
		{"nothing", "", "", "", fhir.ChoiceUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			category := test.category
			if category == "" {
				category = `[{"text":"x"}]`
			}
			c := decode[*fhir.Consent](t, consent("policyRule", test.policyRule, "category", category, "provision", test.provision))
			same(t, "Choice", c.Choice(), test.want)
			same(t, "ForMessaging", c.ForMessaging(), false)
		})
	}
}

func TestConsentHolds(t *testing.T) {
	for _, test := range []struct {
		name, status, provision string
		want                    bool
	}{
		{"active", "active", "", true},
		{"inactive", "inactive", "", false},
		{"rejected", "rejected", "", false},
		{"in its period", "active", `{"period":{"start":"2026-01-01","end":"2026-03-02"}}`, true},
		{"before its period", "active", `{"period":{"start":"2026-04"}}`, false},
		{"after its period", "active", `{"period":{"end":"2026-03-01"}}`, false},
		{"without a period", "active", `{"type":"permit"}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := decode[*fhir.Consent](t, consent("status", `"`+test.status+`"`, "provision", test.provision))
			same(t, "Holds", c.Holds(noon), test.want)
			same(t, "ForMessaging", c.ForMessaging(), true)
		})
	}
}

func TestTelephoneOfAPlace(t *testing.T) {
	for _, test := range []struct{ name, telecom, want string }{
		{"first", `[{"system":"fax","value":"1"},{"system":"phone","value":" +1 555  0100 "},{"system":"phone","value":"2"}]`, "+1 555 0100"},
		{"ranked before others", `[{"system":"phone","value":"1"},{"system":"phone","value":"2","rank":2},{"system":"phone","value":"3","rank":1}]`, "3"},
		{"not the old one", `[{"system":"phone","use":"old","value":"1"},{"system":"phone","value":"2"}]`, "2"},
		{"not one of the past", `[{"system":"phone","period":{"end":"2020"},"value":"1"},{"system":"phone","value":"2"}]`, "2"},
		{"none", `[{"system":"email","value":"desk@hospital.example.org"},{"system":"phone","value":" "}]`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			same(t, "Location", place(t, `,"telecom":`+test.telecom).Telephone(noon), test.want)
			h := decode[*fhir.HealthcareService](t, `{"resourceType":"HealthcareService","telecom":`+test.telecom+`}`)
			same(t, "HealthcareService", h.Telephone(noon), test.want)
		})
	}
}

func TestActiveUnlessSaid(t *testing.T) {
	for said, want := range map[string]bool{"": true, `"active":true,`: true, `"active":false,`: false} {
		same(t, "HealthcareService "+said, decode[*fhir.HealthcareService](t, `{`+said+`"resourceType":"HealthcareService"}`).Active(), want)
		same(t, "Schedule "+said, decode[*fhir.Schedule](t, `{`+said+`"resourceType":"Schedule","actor":[{"reference":"Location/1"}]}`).Active(), want)
	}
}

func TestAttachmentMatches(t *testing.T) {
	sum := sha1.Sum([]byte("hello"))
	hash := base64.StdEncoding.EncodeToString(sum[:])
	for _, test := range []struct{ name, form, content, want string }{
		{"size and hash", `{"size":5,"hash":"` + hash + `"}`, "hello", ""},
		{"neither", `{}`, "hello", ""},
		{"cut", `{"size":5,"hash":"` + hash + `"}`, "hell", "fhir: wrong_size at DiagnosticReport.presentedForm[0].size"},
		{"exchanged", `{"size":5,"hash":"` + hash + `"}`, "jello", "fhir: wrong_hash at DiagnosticReport.presentedForm[0].hash"},
		{"hash alone", `{"hash":"` + hash + `"}`, "hell", "fhir: wrong_hash at DiagnosticReport.presentedForm[0].hash"},
		{"nothing came", `{"size":5}`, "", "fhir: wrong_size at DiagnosticReport.presentedForm[0].size"},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := decode[*fhir.DiagnosticReport](t, report("presentedForm", "["+test.form+"]")).Forms()[0]
			got := ""
			if err := form.Matches([]byte(test.content)); err != nil {
				got = err.Error()
			}
			same(t, "error", got, test.want)
		})
	}
}
