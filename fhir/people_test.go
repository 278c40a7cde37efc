package fhir_test

import (
	"testing"

	"fhirbridge/fhir"
)

func person(t testing.TB, changes ...string) *fhir.Patient {
	t.Helper()
	r, err := fhir.Decode([]byte(patient(changes...)))
	if err != nil {
		t.Fatal(err)
	}
	return r.(*fhir.Patient)
}

func TestName(t *testing.T) {
	for _, test := range []struct{ name, names, given, text string }{
		{"only one", `[{"given":["Jane","Mary"],"family":"Doe"}]`, "Jane", "Jane Mary Doe"},
		{"usual before official", `[{"use":"official","given":["Johanna"],"family":"Doe"},{"use":"usual","given":["Jane"],"family":"Doe"}]`, "Jane", "Jane Doe"},
		{"official before others", `[{"use":"nickname","given":["Jay"]},{"given":["Jo"]},{"use":"official","given":["Jane"]}]`, "Jane", "Jane"},
		{"first of equals", `[{"use":"official","given":["Jane"]},{"use":"official","given":["Joan"]}]`, "Jane", "Jane"},
		{"not old", `[{"use":"old","given":["Joan"]},{"use":"nickname","given":["Jay"]}]`, "Jay", "Jay"},
		{"not maiden", `[{"use":"maiden","family":"Roe"}]`, "", ""},
		{"not ended", `[{"use":"usual","given":["Joan"],"period":{"end":"2020"}},{"use":"official","given":["Jane"]}]`, "Jane", "Jane"},
		{"not yet", `[{"use":"usual","given":["Joan"],"period":{"start":"2027-01-01"}},{"given":["Jane"]}]`, "Jane", "Jane"},
		{"on its last day", `[{"given":["Jane"],"period":{"end":"2026-03-02"}}]`, "Jane", "Jane"},
		{"text first", `[{"text":"Jane  Doe, MD","given":["Jane"],"family":"Doe"}]`, "Jane", "Jane Doe, MD"},
		{"empty ones passed over", `[{"use":"usual"},{"use":"official","given":["","Jane"]}]`, "Jane", "Jane"},
		{"unknown use passed over", `[{"use":"secret","given":["Joan"]},{"use":"temp","given":["Jane"]}]`, "Jane", "Jane"},
		{"none", `[]`, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := person(t, "name", test.names).Name(noon)
			same(t, "Given and Text", []string{got.Given, got.Text}, []string{test.given, test.text})
		})
	}
}

func TestDisplayName(t *testing.T) {
	for _, test := range []struct{ display, informal, formal, text string }{
		{"Jane Doe", "Jane Doe", "Jane Doe", "Jane Doe"},
		{"Doe, Jane Mary", "Jane", "Doe", "Jane Mary Doe"},
		{" Dr.  Adam Careful ", "Dr. Adam Careful", "Dr. Adam Careful", "Dr. Adam Careful"},
		{"Doe, Jane, MD", "Doe, Jane, MD", "Doe, Jane, MD", "Doe, Jane, MD"},
		{"", "", "", ""},
	} {
		n := fhir.DisplayName(test.display)
		same(t, test.display, []string{n.Informal(), n.Formal(), n.Text}, []string{test.informal, test.formal, test.text})
	}
}

func TestPractitionerName(t *testing.T) {
	r, err := fhir.Decode([]byte(`{"resourceType":"Practitioner","name":[{"prefix":["Dr.","med."],"given":["Adam"],"family":"Careful","suffix":["MPH"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	n := r.(*fhir.Practitioner).Name(noon)
	same(t, "Formal", n.Formal(), "Dr. med. Careful")
	same(t, "Text", n.Text, "Dr. med. Adam Careful MPH")
}

func TestLanguage(t *testing.T) {
	const bcp = `"system":"urn:ietf:bcp:47",`
	for _, test := range []struct{ name, communication, want string }{
		{"one", `[{"language":{"coding":[{` + bcp + `"code":"de-CH"}]}}]`, "de-CH"},
		{"first of several", `[{"language":{"coding":[{"code":"nl"}]}},{"language":{"coding":[{"code":"en"}]}}]`, "nl"},
		{"preferred", `[{"language":{"coding":[{"code":"nl"}]}},{"language":{"coding":[{"code":"en"}]},"preferred":true}]`, "en"},
		{"first of several preferred", `[{"language":{"coding":[{"code":"nl"}]},"preferred":true},{"language":{"coding":[{"code":"en"}]},"preferred":true}]`, "nl"},
		{"BCP-47 before other systems", `[{"language":{"coding":[{"system":"urn:x","code":"ger"},{` + bcp + `"code":"de"}]}}]`, "de"},
		{"underscore", `[{"language":{"coding":[{"code":"de_DE"}]}}]`, "de-DE"},
		{"words only", `[{"language":{"text":"German"}},{"language":{"coding":[{"code":"German"}]}}]`, ""},
		{"preferred without code", `[{"language":{"coding":[{"code":"nl"}]}},{"language":{"text":"x"},"preferred":true}]`, "nl"},
		{"none", `[]`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			same(t, "Language", person(t, "communication", test.communication).Language(), test.want)
		})
	}
}

func TestPatientState(t *testing.T) {
	for _, test := range []struct {
		name, raw        string
		active, deceased bool
		replaced         bool
		replacedBy       string
	}{
		{"nothing said", patient(), true, false, false, ""},
		{"inactive", patient("active", "false"), false, false, false, ""},
		{"alive", patient("deceasedBoolean", "false"), true, false, false, ""},
		{"dead", patient("deceasedBoolean", "true"), true, true, false, ""},
		{"died on a day", patient("deceasedDateTime", `"2025-12-01"`), true, true, false, ""},
		{"merged", patient("active", "false", "link", `[{"type":"seealso","other":{"reference":"Patient/p0"}},{"type":"replaced-by","other":{"reference":"Patient/p2"}}]`), false, false, true, "Patient/p2"},
		{"merged, still in use it says", patient("link", `[{"type":"replaced-by","other":{"reference":"Patient/p2"}}]`), true, false, true, "Patient/p2"},
		{"merged into one known by an identifier", patient("link", `[{"type":"replaced-by","other":{"identifier":{"system":"urn:mrn","value":"2"}}}]`), true, false, true, ""},
		{"merged into one of whom there is a name", patient("link", `[{"type":"replaced-by","other":{"display":"Jane Doe"}}]`), true, false, true, ""},
		{"merged into nobody", patient("link", `[{"type":"replaced-by","other":{}}]`), true, false, true, ""},
		{"merged into", patient("link", `[{"type":"replaces","other":{"reference":"Patient/p2"}},{"other":{"reference":"Patient/p3"}}]`), true, false, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := fhir.Decode([]byte(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			p := r.(*fhir.Patient)
			by, replaced := p.ReplacedBy()
			same(t, "state", []any{p.Active(), p.Deceased(), by.String(), replaced}, []any{test.active, test.deceased, test.replacedBy, test.replaced})
		})
	}
	same(t, "BirthDate", person(t, "birthDate", `"1990-02"`).BirthDate(), "1990-02")
	same(t, "BirthDate malformed", person(t, "birthDate", `"2.3.1990"`).BirthDate(), "")
}

func TestRelatedPersonActive(t *testing.T) {
	for _, test := range []struct {
		name, members string
		want          bool
	}{
		{"nothing said", ``, true},
		{"inactive", `,"active":false`, false},
		{"ended", `,"active":true,"period":{"end":"2026-02-28"}`, false},
		{"now", `,"period":{"start":"2026-01","end":"2026-03"}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := fhir.Decode([]byte(`{"resourceType":"RelatedPerson","patient":{"reference":"Patient/p1"}` + test.members + `}`))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "Active", r.(*fhir.RelatedPerson).Active(noon), test.want)
		})
	}
}
