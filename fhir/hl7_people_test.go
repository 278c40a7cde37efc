package fhir_test

import (
	"slices"
	"strings"
	"testing"

	"fhirbridge/fhir"
)

func comparePatient(t *testing.T, p *fhir.Patient, n node) {
	compareNames(t, p.Name(noon), n)
	same(t, "Active", p.Active(), n.at("active").v != false)
	same(t, "Deceased", p.Deceased(), n.at("deceasedBoolean").v == true || n.at("deceasedDateTime").there())
	same(t, "BirthDate", p.BirthDate(), n.at("birthDate").text())
	compareLanguage(t, p.Language(), n)
	comparePhone(t, n, p.Phone)
	want := ""
	for _, l := range n.at("link").list() {
		if l.at("type").text() == "replaced-by" {
			want = l.at("other").tail()
		}
	}
	other, replaced := p.ReplacedBy()
	same(t, "ReplacedBy", []any{other.String(), replaced}, []any{want, want != ""})
	compareContained(t, p, n)
}

func compareRelated(t *testing.T, p *fhir.RelatedPerson, n node) {
	compareNames(t, p.Name(noon), n)
	same(t, "Patient", p.Patient().String(), n.at("patient").tail())
	same(t, "Relationships", p.Relationships(), n.at("relationship").concepts())
	compareLanguage(t, p.Language(), n)
	comparePhone(t, n, p.Phone)
}

// compareNames checks that the chosen name is one of the record, whole.
func compareNames(t *testing.T, got fhir.Name, n node) {
	t.Helper()
	if len(n.at("name").list()) == 0 {
		same(t, "Name.Text", got.Text, "")
		return
	}
	for _, name := range n.at("name").list() {
		var parts []string
		for _, element := range []string{"prefix", "given", "family", "suffix"} {
			parts = append(parts, name.at(element).text())
			for _, part := range name.at(element).list() {
				parts = append(parts, part.text())
			}
		}
		whole := name.at("text").text()
		if whole == "" {
			whole = strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
		}
		if got.Text == whole && got.Family == name.at("family").text() {
			given := name.at("given").list()
			if len(given) > 0 {
				same(t, "Name.Given", got.Given, given[0].text())
			}
			return
		}
	}
	t.Errorf("the name is none of the record's")
}

func compareLanguage(t *testing.T, got string, n node) {
	t.Helper()
	want := ""
	for _, c := range slices.Backward(n.at("communication").list()) {
		code := c.at("language", "coding").list()[0].at("code").text()
		if c.at("preferred").v == true || !slices.ContainsFunc(n.at("communication").list(), func(o node) bool { return o.at("preferred").v == true }) {
			want = code
		}
	}
	same(t, "Language", got, want)
}

func compareLocation(t *testing.T, l *fhir.Location, n node) {
	same(t, "Name", l.Name(), n.at("name").text())
	same(t, "Description", l.Description(), n.at("description").text())
	same(t, "Aliases", l.Aliases(), n.at("alias").texts())
	same(t, "PhysicalType", l.PhysicalType(), n.at("physicalType").concept())
	same(t, "Telephone", l.Telephone(noon), n.telephone())
	same(t, "City", l.City(), n.at("address", "city").text())
	var lines []string
	for _, line := range n.at("address", "line").list() {
		lines = append(lines, line.text())
	}
	same(t, "Lines", l.Lines(), lines)
	for _, part := range append(lines, n.at("address", "city").text(), n.at("address", "postalCode").text()) {
		if !strings.Contains(l.Address(), part) {
			t.Errorf("Address lacks a part of the address")
		}
	}
	same(t, "PartOf", l.PartOf().String(), n.at("partOf").tail())
	latitude, longitude, ok := l.Position()
	if ok {
		same(t, "Position", []any{latitude, longitude}, []any{n.at("position", "latitude").v, n.at("position", "longitude").v})
	}
	same(t, "has Position", ok, n.at("position").there())
}

func compareCommunication(t *testing.T, c *fhir.Communication, n node) {
	same(t, "Status", string(c.Status()), n.at("status").text())
	same(t, "Subject", c.Subject().String(), n.at("subject").tail())
	same(t, "Sender", c.Sender().String(), n.at("sender").tail())
	same(t, "Categories", c.Categories(), n.at("category").concepts())
	for element, got := range map[string][]fhir.Reference{
		"recipient": c.Recipients(), "about": c.About(), "inResponseTo": c.InResponseTo(), "reasonReference": c.Reasons(),
	} {
		same(t, element, tails(got), n.at(element).tails())
	}
	same(t, "Sent", c.Sent().Time, n.at("sent").instant(t))
	same(t, "Received", c.Received().Time, n.at("received").instant(t))
	var texts, ids []string
	attachments := 0
	for _, p := range n.at("payload").list() {
		if p.at("contentString").there() {
			texts = append(texts, p.at("contentString").text())
		}
		if p.at("contentAttachment").there() {
			compareAttachment(t, c.Attachments()[attachments], p.at("contentAttachment"))
			attachments++
		}
	}
	same(t, "Texts", c.Texts(), texts)
	same(t, "Attachments", len(c.Attachments()), attachments)
	for _, id := range n.at("identifier").list() {
		ids = append(ids, id.at("system").text()+"|"+id.at("value").text())
	}
	var got []string
	for _, id := range c.Identifiers() {
		got = append(got, id.System+"|"+id.Value)
	}
	same(t, "Identifiers", got, ids)
	compareContained(t, c, n)
}
