package fhir_test

import (
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/fhir/strict"
)

func asking() fhir.CommunicationRequestDraft {
	return fhir.CommunicationRequestDraft{
		ID: "q1", Version: "2", Updated: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), Status: fhir.RequestActive, Template: "clinic_closed",
		Parameters: []fhir.Parameter{{Name: "date", Value: "2026-12-24"}, {Name: "place", Value: "a=b"}},
		Group:      fhir.Identifier{System: "urn:test", Value: "closed"},
		Subject:    fhir.Ref("Patient", "p1"), Recipients: []fhir.Reference{fhir.Ref("Patient", "p1")},
		From: time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC), Until: time.Date(2026, 12, 3, 9, 0, 0, 0, time.UTC),
	}
}

func TestCommunicationRequestRoundTrip(t *testing.T) {
	d := asking()
	raw := written(t, d)
	if found := strict.Validate(raw); len(found) > 0 {
		t.Errorf("google/fhir finds %v", found)
	}
	c := decode[*fhir.CommunicationRequest](t, string(raw))
	h := c.Header()
	same(t, "header", []any{h.Ref(), h.Version, h.LastUpdated.Equal(d.Updated)}, []any{"CommunicationRequest/q1", "2", true})
	same(t, "what is asked", []any{c.Status(), c.Template(), c.Group()}, []any{d.Status, d.Template, d.Group})
	same(t, "Parameters", []string{c.Parameters()[0].Value, c.Parameters()[1].Name, c.Parameters()[1].Value}, []string{"2026-12-24", "place", "a=b"})
	same(t, "times", []bool{c.From().Time.Equal(d.From), c.Until().Time.Equal(d.Until)}, []bool{true, true})
	same(t, "who", []string{c.Subject().String(), c.Recipients()[0].String()}, []string{"Patient/p1", "Patient/p1"})
}

func TestCommunicationRequestDraftRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*fhir.CommunicationRequestDraft)
		want   string
	}{
		{"no status", func(d *fhir.CommunicationRequestDraft) { d.Status = "" }, "fhir: missing at CommunicationRequest.status"},
		{"no template", func(d *fhir.CommunicationRequestDraft) { d.Template = "" }, "fhir: missing at CommunicationRequest.category"},
		{"no name of a template", func(d *fhir.CommunicationRequestDraft) { d.Template = "Clinic closed" }, "fhir: bad_template at CommunicationRequest.category"},
		{"no name of a parameter", func(d *fhir.CommunicationRequestDraft) { d.Parameters[0].Name = "the date" }, "fhir: bad_template at CommunicationRequest.payload"},
		{"no id", func(d *fhir.CommunicationRequestDraft) { d.ID = "a/b" }, "fhir: bad_id at CommunicationRequest.id"},
		{"about no patient", func(d *fhir.CommunicationRequestDraft) { d.Subject = fhir.Ref("Device", "d1") }, "fhir: wrong_target at CommunicationRequest.subject"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := asking()
			test.change(&d)
			_, err := d.JSON()
			same(t, "error", message(err), test.want)
		})
	}
}
