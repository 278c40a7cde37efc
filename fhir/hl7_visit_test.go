package fhir_test

import (
	"testing"

	"fhirbridge/fhir"
)

func (n node) texts() []string {
	var out []string
	for _, v := range n.list() {
		out = append(out, v.text())
	}
	return out
}

// telephone is the first phone: in the examples none is old or ranked.
func (n node) telephone() string {
	for _, c := range n.at("telecom").list() {
		if c.at("system").text() == "phone" {
			return c.at("value").text()
		}
	}
	return ""
}

// date is a date or a moment as the views give it, in the words of the fixture.
func date(d fhir.DateTime) string {
	layout := map[fhir.Precision]string{fhir.Year: "2006", fhir.Month: "2006-01", fhir.Day: "2006-01-02", fhir.Second: "2006-01-02T15:04:05Z07:00"}[d.Precision]
	if layout == "" {
		return ""
	}
	return d.Time.Format(layout)
}

func compareService(t *testing.T, h *fhir.HealthcareService, n node) {
	same(t, "Name", h.Name(), n.at("name").text())
	same(t, "Comment", h.Comment(), n.at("comment").text())
	same(t, "Types", h.Types(), n.at("type").concepts())
	same(t, "Locations", tails(h.Locations()), n.at("location").tails())
	same(t, "Telephone", h.Telephone(noon), n.telephone())
	same(t, "Active", h.Active(), n.at("active").v != false)
}

func compareSlot(t *testing.T, l *fhir.Slot, n node) {
	same(t, "Status", string(l.Status()), n.at("status").text())
	same(t, "Schedule", l.Schedule().String(), n.at("schedule").tail())
	same(t, "Start", l.Start(), n.at("start").instant(t))
	same(t, "End", l.End(), n.at("end").instant(t))
	same(t, "Overbooked", l.Overbooked(), n.at("overbooked").v == true)
	same(t, "ServiceCategories", l.ServiceCategories(), n.at("serviceCategory").concepts())
	same(t, "ServiceTypes", l.ServiceTypes(), n.at("serviceType").concepts())
	same(t, "Specialties", l.Specialties(), n.at("specialty").concepts())
}

func compareSchedule(t *testing.T, c *fhir.Schedule, n node) {
	same(t, "Active", c.Active(), n.at("active").v != false)
	same(t, "Actors", tails(c.Actors()), n.at("actor").tails())
	same(t, "ServiceCategories", c.ServiceCategories(), n.at("serviceCategory").concepts())
	same(t, "ServiceTypes", c.ServiceTypes(), n.at("serviceType").concepts())
	same(t, "Specialties", c.Specialties(), n.at("specialty").concepts())
}

func compareEncounter(t *testing.T, e *fhir.Encounter, n node) {
	same(t, "Status", string(e.Status()), n.at("status").text())
	same(t, "Class", e.Class(), n.at("class").coding())
	same(t, "Subject", e.Subject().String(), n.at("subject").tail())
	same(t, "Appointments", tails(e.Appointments()), n.at("appointment").tails())
	same(t, "Start", date(e.Start()), n.at("period", "start").text())
	same(t, "End", date(e.End()), n.at("period", "end").text())
	var places, displays []string
	for _, l := range n.at("location").list() {
		places = append(places, l.at("location").tail())
		displays = append(displays, l.at("location", "display").text())
	}
	same(t, "Locations", tails(e.Locations()), places)
	for i, l := range e.Locations() {
		same(t, "Location.Display", l.Display, displays[i])
	}
	var got, want [][]string
	for _, p := range e.History() {
		got = append(got, []string{string(p.Status), date(p.Start), date(p.End)})
	}
	for _, p := range n.at("statusHistory").list() {
		want = append(want, []string{p.at("status").text(), p.at("period", "start").text(), p.at("period", "end").text()})
	}
	same(t, "History", got, want)
	arrived := ""
	if len(want) > 0 { // in the examples it is the first
		arrived = want[0][1]
	}
	same(t, "Arrived", date(e.Arrived()), arrived)
}

func compareRequest(t *testing.T, c *fhir.CommunicationRequest, n node) {
	same(t, "Status", string(c.Status()), n.at("status").text())
	same(t, "Priority", c.Priority(), n.at("priority").text())
	same(t, "Subject", c.Subject().String(), n.at("subject").tail())
	same(t, "Requester", c.Requester().String(), n.at("requester").tail())
	same(t, "Recipients", tails(c.Recipients()), n.at("recipient").tails())
	same(t, "About", tails(c.About()), n.at("about").tails())
	same(t, "Categories", c.Categories(), n.at("category").concepts())
	same(t, "DoNotPerform", c.DoNotPerform(), n.at("doNotPerform").v == true)
	same(t, "From", date(c.From()), n.at("occurrenceDateTime").text()+n.at("occurrencePeriod", "start").text())
	same(t, "Until", date(c.Until()), n.at("occurrencePeriod", "end").text())
	var texts, values []string
	for _, p := range n.at("payload").list() {
		texts = append(texts, p.at("contentString").text())
	}
	same(t, "Texts", c.Texts(), texts)
	same(t, "Template", c.Template(), "")
	same(t, "Parameters", len(c.Parameters()), 0)
	for _, id := range c.Identifiers() {
		values = append(values, id.System+"|"+id.Value)
	}
	var want []string
	for _, id := range n.at("identifier").list() {
		want = append(want, id.at("system").text()+"|"+id.at("value").text())
	}
	same(t, "Identifiers", values, want)
	compareContained(t, c, n)
}

func compareConsent(t *testing.T, c *fhir.Consent, n node) {
	same(t, "Status", string(c.Status()), n.at("status").text())
	same(t, "Scope", c.Scope(), n.at("scope").concept())
	same(t, "Categories", c.Categories(), n.at("category").concepts())
	same(t, "Patient", c.Patient().String(), n.at("patient").tail())
	same(t, "DateTime", date(c.DateTime()), n.at("dateTime").text())
	same(t, "ForMessaging", c.ForMessaging(), false)
	want := map[string]fhir.Choice{"OPTIN": fhir.ChoicePermit, "OPTOUT": fhir.ChoiceDeny}[n.at("policyRule").concept().Codings[0].Code]
	if n.at("provision", "type").text() == "deny" {
		want = fhir.ChoiceDeny
	}
	same(t, "Choice", c.Choice(), want)
}
