package main

import (
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// TestNumberThatWhatsAppWritesOtherwise is a patient whom WhatsApp calls by another number than the
// hospital dials: a digit is missing, as in parts of Brazil.
func TestNumberThatWhatsAppWritesOtherwise(t *testing.T) {
	t.Parallel()
	const dialled, written = "+15550109103", "1555010103"
	w := newWorld(t, worldOptions{whatsapp: func(c *sandbox.WhatsAppConfig) {
		c.WrittenAs = map[string]string{dialled: written}
	}})
	b := w.run()
	start := time.Now().Add(10 * 24 * time.Hour).Truncate(time.Hour)
	w.knows(patient("p1", "Amara", dialled, "en"))
	w.knows(appointment("a1", "p1", "booked", start))
	phone := w.whatsapp.Phone(dialled)
	if phone.Number() != written {
		t.Fatal("the phone answers with the number that is dialled: this shows nothing")
	}
	w.await("the booking", func() bool { return len(phone.Messages()) == 1 })
	phone.Write("Yes")
	w.await("the confirmation", func() bool { return len(phone.Messages()) == 2 })
	w.await("the participant status", func() bool {
		a, _ := w.ehr.Resource("Appointment/a1")
		return strings.Contains(string(a), `"status":"accepted"`)
	})
	phone.Write("STOP")
	w.await("the last message", func() bool { return len(phone.Messages()) == 3 })
	for _, number := range []string{dialled, "+" + written} {
		if known, err := b.app.ledger.Sender(t.Context(), pipeline.NewPrivate(number)); err != nil || !known.Stopped {
			t.Errorf("a form of the number: got stopped %v, %v; want true", known.Stopped, err)
		}
	}
	w.knows(appointment("a1", "p1", "booked", start.Add(26*time.Hour)))
	w.await("the news to be held back", func() bool { return strings.Contains(w.metrics(), `reason="stopped"`) })
	w.await("everything to be filed", func() bool { return len(w.said()) >= 5 && w.settled(b) })
	for _, raw := range w.ehr.All("Communication") {
		if !strings.Contains(string(raw), "Patient/p1") {
			t.Error("a Communication is not the patient's")
		}
	}
	if got := len(phone.Messages()); got != 3 {
		t.Errorf("%d messages, want none after STOP", got)
	}
}
