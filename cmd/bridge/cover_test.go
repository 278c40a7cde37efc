package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// TestOneMessageCoversAnother: what to bring is said by the booking, which covers it, and by its own message only where
// the booking could not be sent.
func TestOneMessageCoversAnother(t *testing.T) {
	t.Parallel()
	dir := journeysOnTheInstant(t)
	file := filepath.Join(dir, "appointment.yaml")
	raw, err := os.ReadFile(file)
	must(t, err)
	covers := strings.Replace(string(raw), "    when: became booked\n", "    when: became booked\n    covers: [preparation.instructed_3d]\n", 1)
	must(t, os.WriteFile(file, []byte(covers), 0o600))
	w := newWorld(t, worldOptions{journeys: dir})
	w.whatsapp.Fail(func(r sandbox.SendRequest) *sandbox.SendFault {
		if strings.HasSuffix(r.To, "172") && r.Template == "appointment_booked" {
			return &sandbox.SendFault{Code: 132001}
		}
		return nil
	})
	b := w.run()
	one, other := w.attendee(t, "p1", "Amara", "+15550100171", "en"), w.attendee(t, "p2", "Ann", "+15550100172", "en")
	told := other.booksSoon(72*time.Hour, "preparation", `"patientInstruction":"Please bring your papers.",`, "")
	one.books(one.dueSoon().Add(72*time.Hour), `"patientInstruction":"Please bring your papers.",`, "")
	one.reads("appointment_booked")
	w.passes(soon)
	told()
	w.await("the other message to be merged", func() bool {
		c, err := b.app.ledger.Census(t.Context())
		must(t, err)
		return c.Notifications["skipped"]["merged"] == 1
	})
	if _, ok := one.has("preparation"); ok {
		t.Error("what the booking has said is said once more")
	}
	if _, ok := other.has("appointment_booked"); ok {
		t.Error("what was refused has come")
	}
}
