package fhir_test

import (
	"testing"

	"fhirbridge/fhir"
)

func place(t *testing.T, members string) *fhir.Location {
	t.Helper()
	r, err := fhir.Decode([]byte(`{"resourceType":"Location","id":"l1","status":"new-code"` + members + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return r.(*fhir.Location)
}

func TestLocationAddress(t *testing.T) {
	for _, test := range []struct{ name, address, want string }{
		{"parts", `{"use":"work","line":["Main Street 5","Floor 2"],"postalCode":"10115","city":"Berlin","country":"DE"}`, "Main Street 5, Floor 2, 10115 Berlin"},
		{"with state", `{"line":["534 Erewhon St"],"city":"PleasantVille","state":"Vic","postalCode":"3999"}`, "534 Erewhon St, PleasantVille, Vic 3999"},
		{"text", `{"text":"Main Street 5\n10115 Berlin","line":["x"]}`, "Main Street 5, 10115 Berlin"},
		{"city only", `{"city":"Berlin"}`, "Berlin"},
		{"unknown codes", `{"use":"future","type":"future","city":"Berlin"}`, "Berlin"},
		{"nothing", `{}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			same(t, "Address", place(t, `,"address":`+test.address).Address(), test.want)
		})
	}
	same(t, "no address", place(t, "").Address(), "")
}

func TestLocationPosition(t *testing.T) {
	for _, test := range []struct {
		name, position string
		ok             bool
	}{
		{"both", `{"latitude":52.52,"longitude":13.405}`, true},
		{"on the equator", `{"latitude":0,"longitude":0.0}`, true},
		{"one", `{"latitude":52.52}`, false},
		{"not on Earth", `{"latitude":152,"longitude":13}`, false},
		{"too far east", `{"latitude":52,"longitude":181}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, ok := place(t, `,"position":`+test.position).Position()
			same(t, "ok", ok, test.ok)
		})
	}
}

func TestLocationZoneAndPartOf(t *testing.T) {
	l := place(t, `,"extension":[{"url":"http://example.org/x","valueBoolean":true},{"url":"http://hl7.org/fhir/StructureDefinition/timezone","valueCode":"Europe/Berlin"}],"partOf":{"reference":"Location/house"}`)
	same(t, "Zone", l.Zone(), "Europe/Berlin")
	same(t, "PartOf", l.PartOf(), fhir.Ref("Location", "house"))
}

func TestReportLabels(t *testing.T) {
	raw := report("meta", `{"security":[{"system":"s","code":"R"}]}`, "contained",
		`[{"resourceType":"Observation","id":"o1","meta":{"security":[{"code":"NOPAT"}]}},{"resourceType":"Observation","id":"o2","meta":{"extension":7,"security":[{"code":"TBOO"}]}}]`)
	r, err := fhir.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	want := []fhir.Coding{{System: "s", Code: "R"}, {Code: "NOPAT"}, {Code: "TBOO"}}
	same(t, "Labels", r.(*fhir.DiagnosticReport).Labels(), want)
}

func TestAttachmentBytes(t *testing.T) {
	for _, test := range []struct{ name, data, want, problem string }{
		{"plain", `"aGVsbG8="`, "hello", ""},
		{"with spaces", `"aGVs bG8="`, "hello", ""},
		{"with escapes", `"aGVs\nbG\u0038="`, "hello", ""},
		{"null", `null`, "", ""},
		{"empty", `""`, "", ""},
		{"no base64", `"%%%"`, "", "fhir: bad_base64 at DiagnosticReport.presentedForm[0].data"},
		{"a number", `12345`, "", "fhir: bad_base64 at DiagnosticReport.presentedForm[0].data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := fhir.Decode([]byte(report("presentedForm", `[{"contentType":"text/plain","data":`+test.data+`}]`)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.(*fhir.DiagnosticReport).Forms()[0].Bytes()
			problem := ""
			if err != nil {
				problem = err.Error()
			}
			same(t, "bytes", string(got), test.want)
			same(t, "error", problem, test.problem)
		})
	}
}
