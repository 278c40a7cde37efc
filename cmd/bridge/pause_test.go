package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// TestAStoppedTemplateHoldsItsMessages: the provider's webhook holds what it says by one template, and nothing else, and over
// a restart.
func TestAStoppedTemplateHoldsItsMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	first := w.run()
	must(t, w.whatsapp.SetTemplate(t.Context(), "appointment_booked", "en", "PAUSED", "FIRST_PAUSE"))
	stopped := `bridge_template_stopped{language="en",template="appointment_booked"} 1`
	w.await("the webhook", func() bool { return strings.Contains(w.metrics(), stopped) })
	first.end(t)

	again := w.run()
	for id, language := range map[string]string{"p1": "en", "p2": "de"} {
		w.knows(patient(id, "Amara", map[string]string{"p1": "+15550100123", "p2": "+15550100124"}[id], language))
		w.knows(appointment("a-"+id, id, "booked", time.Now().Add(240*time.Hour)))
	}
	w.await("one message that goes out and one that is held", func() bool {
		trace, err := again.app.ledger.Trace(t.Context(), "Appointment/a-p1")
		must(t, err)
		return w.whatsapp.Count() == 1 && slices.ContainsFunc(trace, func(e pipeline.TraceEntry) bool {
			return e.Notification.Step == "booked" && e.Notification.State == pipeline.Planned && e.Notification.Reason == string(pipeline.ReasonPaused)
		})
	})
}
