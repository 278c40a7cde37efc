package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// consents puts a Consent about messages to the attendee on the feed.
func (v *attendee) consents(id, status, rule string, at time.Time) {
	v.t.Helper()
	before := v.handled("Consent")
	v.knows(fmt.Sprintf(`{"resourceType":"Consent","id":%q,"status":%q,"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},`+
		`"category":[{"coding":[{"system":"https://fhirbridge.dev/consent","code":"messaging"}]}],"patient":{"reference":"Patient/%s"},"dateTime":%q,`+
		`"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":%q}]}}`, id, status, v.id, at.UTC().Format(time.RFC3339), rule))
	v.await("the Consent to be kept", func() bool { return v.handled("Consent") > before })
}

// visits books another visit, and waits until its booking has come to that.
func (v *attendee) visits(b *bridge, id string, want pipeline.State, why pipeline.Reason) {
	v.t.Helper()
	v.knows(appointment(id, v.id, "booked", ahead(20)))
	v.await(fmt.Sprintf("the booking of %s to be %s %s", id, want, why), func() bool {
		entries, err := b.app.ledger.Trace(v.t.Context(), "Appointment/"+id)
		must(v.t, err)
		for _, e := range entries {
			if n := e.Notification; n.Step == "booked" && n.Reason == string(why) {
				return n.State == want || want == pipeline.Accepted && (n.State == pipeline.Sent || n.State == pipeline.Delivered || n.State == pipeline.Read)
			}
		}
		return false
	})
}

// nextSecond waits for another second to begin: words count by it.
func nextSecond() {
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second + time.Millisecond)))
}

// TestConsentEvents is what comes of the Consents that people in the hospital write.
func TestConsentEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	b := w.run()
	v := w.attendee(t, "k1", "Erika", "+15550100190", "de")
	other := w.attendee(t, "k2", "Jonas", "+15550100191", "de")
	now := time.Now()

	v.consents("c1", "active", "OPTOUT", now.Add(-time.Hour))
	v.visits(b, "k1-denied", pipeline.Skipped, pipeline.ReasonDenied)
	other.visits(b, "k2-other", pipeline.Accepted, "")

	v.consents("c2", "active", "OPTIN", now.Add(-50*time.Minute))
	v.visits(b, "k1-permitted", pipeline.Accepted, "")

	v.consents("c2", "inactive", "OPTIN", now.Add(-50*time.Minute))
	v.visits(b, "k1-withdrawn", pipeline.Skipped, pipeline.ReasonDenied)

	nextSecond()
	v.phone.Write("START") // the newer word
	v.await("the bridge's own Consent to be filed", func() bool { return len(w.ehr.All("Consent")) == 3 })
	v.visits(b, "k1-started", pipeline.Accepted, "")

	nextSecond()
	v.phone.Write("STOP")
	v.await("the bridge's own Consents to be filed", func() bool { return len(w.ehr.All("Consent")) == 4 })
	v.visits(b, "k1-stopped", pipeline.Skipped, pipeline.ReasonStopped)
	nextSecond()
	v.phone.Write("START")
	v.await("the bridge's own Consents to be filed", func() bool { return len(w.ehr.All("Consent")) == 5 })
	for _, raw := range w.ehr.All("Consent") { // they come back on the feed, whatever their order
		if gjson.GetBytes(raw, "identifier.0.system").String() == pipeline.SystemDecision {
			w.publish("Consent/"+gjson.GetBytes(raw, "id").String(), raw)
		}
	}
	v.visits(b, "k1-again", pipeline.Accepted, "")
	kept, err := b.app.ledger.Consents(t.Context(), "Patient/k1")
	if err != nil || len(kept) != 2 {
		t.Errorf("%d Consents are kept, %v; want those of people", len(kept), err)
	}
	if again := w.ehr.Duplicates("Consent"); len(again) > 0 {
		t.Errorf("%d Consents were written twice", len(again))
	}
}
