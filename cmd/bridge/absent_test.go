package main

import (
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// TestNotOnWhatsApp: a number that is not on WhatsApp is tried once, and not for each message; another one at once.
func TestNotOnWhatsApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{whatsapp: func(c *sandbox.WhatsAppConfig) { c.NotOnWhatsApp = []string{"+15550100151"} }})
	b := w.run()
	v := w.attendee(t, "p1", "Amara", "+15550100151", "en")
	start := time.Now().Add(20 * 24 * time.Hour).Truncate(time.Hour)
	counts := func(want string) func() bool {
		return func() bool { return strings.Contains(v.metrics(), want) }
	}
	v.books(start, "", "")
	v.await("the failure to be known", func() bool {
		c, err := b.app.ledger.Census(t.Context())
		must(t, err)
		return c.Notifications["failed"]["not_reachable"] == 1
	})
	v.books(start.Add(24*time.Hour), "", "") // moved
	v.await("the news to be skipped", counts(`reason="not_on_whatsapp",state="skipped"`))
	if got := w.whatsapp.Count(); got != 1 {
		t.Errorf("%d messages were posted, want one", got)
	}
	v.knows(patient("p1", "Amara", "+15550100152", "en"))
	v.phone = w.whatsapp.Phone("+15550100152")
	v.await("the new number to be taken in", counts(`bridge_events_total{outcome="kept",type="Patient"} 2`))
	v.books(start.Add(48*time.Hour), "", "")
	v.reads("appointment_moved")
}
