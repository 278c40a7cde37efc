package fhir_test

import (
	"testing"

	"fhirbridge/fhir"
)

type drafted interface{ JSON() ([]byte, error) }

func written(t *testing.T, d drafted) []byte {
	t.Helper()
	raw, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAppointmentRoundTrip(t *testing.T) {
	d := booking()
	a := appointment(t, string(written(t, d)))
	same(t, "Status", a.Status(), d.Status)
	same(t, "times", []bool{a.Start().Equal(d.Start), a.End().Equal(d.End)}, []bool{true, true})
	same(t, "Slots", a.Slots(), []fhir.Reference{d.Slot})
	same(t, "ServiceTypes", a.ServiceTypes(), d.ServiceTypes)
	same(t, "Created", a.Created().Time.Equal(d.Created), true)
	same(t, "Participants", a.Participants(), []fhir.Participant{
		{Index: 0, Actor: d.Patient, Status: fhir.ParticipantAccepted},
		{Index: 1, Actor: d.Actors[0], Status: fhir.ParticipantNeedsAction},
		{Index: 2, Actor: d.Actors[1], Status: fhir.ParticipantNeedsAction},
	})
}

func TestConsentRoundTrip(t *testing.T) {
	for _, choice := range []fhir.Choice{fhir.ChoicePermit, fhir.ChoiceDeny} {
		d := stop()
		d.Choice = choice
		c := decode[*fhir.Consent](t, string(written(t, d)))
		same(t, "Choice", c.Choice(), choice)
		same(t, "ForMessaging and Holds", []bool{c.ForMessaging(), c.Holds(noon)}, []bool{true, true})
		same(t, "Patient", c.Patient(), d.Patient)
		same(t, "DateTime", c.DateTime().Time.Equal(d.At), true)
	}
}

// TestDocumentIsWhatWasSent reads size and hash back by what the EHR has to check the
// content with, wherever it lies.
func TestDocumentIsWhatWasSent(t *testing.T) {
	for url, inline := range map[string]bool{"": true, "Binary/b1": false} {
		d := photo(url)
		content := parse(t, written(t, d)).at("content").list()[0].at("attachment")
		same(t, "url", content.at("url").text(), url)
		same(t, "inline", content.at("data").there(), inline)
		same(t, "size", content.at("size").number(), float64(len(d.Data)))
		form := decode[*fhir.DiagnosticReport](t, report("presentedForm", `[{"size":18,"hash":"`+content.at("hash").text()+`"}]`)).Forms()[0]
		same(t, "content", form.Matches(d.Data), nil)
	}
}
