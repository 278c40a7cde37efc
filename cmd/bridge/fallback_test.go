package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// TestFallsBackToSMS: a number that is not on WhatsApp is told by SMS, once; what is written back answers that, and STOP holds for both.
// It is so whether Meta or tyntec says that the number is not there, at once or afterwards.
func TestFallsBackToSMS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		provider string
		atOnce   bool
	}{
		"Meta, at once": {"cloudapi", true}, "Meta, afterwards": {"cloudapi", false}, "tyntec": {"tyntec", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const number = "+15550100151"
			w := newWorld(t, worldOptions{provider: c.provider, sms: true, whatsapp: func(s *sandbox.WhatsAppConfig) { s.NotOnWhatsApp = []string{number} }})
			if c.atOnce {
				w.whatsapp.Fail(func(sandbox.SendRequest) *sandbox.SendFault { return &sandbox.SendFault{Code: 131026} })
			}
			b := w.run()
			v := w.attendee(t, "p1", "Amara", number, "en")
			v.phone = w.sms.Phone(number)
			start := time.Now().Add(20 * 24 * time.Hour).Truncate(time.Hour)
			v.books(start, "", "")
			m := v.reads("we have booked an appointment")
			for _, words := range []string{"Amara", "Confirm / Change / Cancel", "Reply STOP"} {
				if !strings.Contains(m.Text, words) {
					t.Errorf("the SMS does not say %q:\n%s", words, m.Text)
				}
			}
			v.bothAttempts(b, m)

			v.phone.Write("Yes")
			v.awaitEHR(`participant.#(actor.reference=="Patient/p1").status`, "accepted")
			v.reads("Thank you")
			v.awaitFiled("Yes")

			v.books(start.Add(24*time.Hour), "", "") // moved: now it is known where to go
			v.reads("has been moved")
			if got := w.whatsapp.Count(); got > 1 {
				t.Errorf("%d messages were posted to WhatsApp, want one at most", got)
			}

			v.phone.Write("STOP")
			v.reads("will not send you any more messages")
			v.books(start.Add(48*time.Hour), "", "")
			v.await("the news to be skipped", func() bool {
				census, err := b.app.ledger.Census(t.Context())
				must(t, err)
				return census.Notifications[pipeline.Skipped][pipeline.ReasonStopped] == 1
			})
			for _, double := range []*sandbox.WhatsApp{w.whatsapp, w.sms} {
				if again := double.Duplicates(); len(again) > 0 {
					t.Errorf("%d messages were sent twice", len(again))
				}
			}
			if n := len(v.phone.Messages()); n != 4 {
				t.Errorf("the phone has %d SMS, want 4", n)
			}
			if log := b.log.String(); strings.Contains(log, "5550100151") || strings.Contains(log, "Amara") {
				t.Error("the log has something of the patient's")
			}
		})
	}
}

// bothAttempts waits until the trace has the attempt by WhatsApp, which failed, and then the one by SMS, which came.
func (v *attendee) bothAttempts(b *bridge, m sandbox.ReceivedMessage) {
	v.t.Helper()
	v.await("both attempts", func() bool {
		trace, err := b.app.ledger.Trace(v.t.Context(), "Appointment/of-"+v.id)
		must(v.t, err)
		return slices.ContainsFunc(trace, func(e pipeline.TraceEntry) bool {
			return len(e.Attempts) == 2 && e.Attempts[0].Channel == "main" && e.Attempts[1].Channel == "sms" && e.Attempts[1].ID == m.CallbackData &&
				e.Notification.State == pipeline.Delivered
		})
	})
	v.await("the chart", func() bool {
		states := map[string]int{}
		for _, raw := range v.ehr.All("Communication") {
			states[gjson.GetBytes(raw, "status").String()+" "+gjson.GetBytes(raw, "medium.0.text").String()]++
		}
		return states["not-done WhatsApp"] == 1 && states["completed SMS"] == 1
	})
}

// awaitFiled waits for a Communication with those words of the patient's.
func (v *attendee) awaitFiled(words string) {
	v.t.Helper()
	v.await("the chart to have "+words, func() bool {
		return slices.ContainsFunc(v.ehr.All("Communication"), func(raw json.RawMessage) bool {
			return gjson.GetBytes(raw, "payload.0.contentString").String() == words && strings.HasPrefix(gjson.GetBytes(raw, "sender.reference").String(), "Patient/")
		})
	})
}

// TestSMSOutage: an SMS provider that refuses the credentials stops no WhatsApp.
func TestSMSOutage(t *testing.T) {
	t.Parallel()
	const absent, there = "+15550100151", "+15550100152"
	w := newWorld(t, worldOptions{sms: true, whatsapp: func(s *sandbox.WhatsAppConfig) { s.NotOnWhatsApp = []string{absent} }})
	w.sms.Fail(func(sandbox.SendRequest) *sandbox.SendFault {
		return &sandbox.SendFault{Fault: sandbox.Fault{Status: http.StatusUnauthorized}}
	})
	b := w.run()
	start := time.Now().Add(20 * 24 * time.Hour).Truncate(time.Hour)
	v := w.attendee(t, "p1", "Amara", absent, "en")
	v.books(start, "", "")
	v.await("the SMS to be refused", func() bool {
		return strings.Contains(v.metrics(), `bridge_channel_halted{channel="sms"} 1`)
	})
	u := w.attendee(t, "p2", "Bela", there, "en")
	u.books(start, "", "")
	u.reads("appointment_booked")
	if strings.Contains(v.metrics(), `bridge_channel_halted{channel="main"} 1`) {
		t.Error("WhatsApp stands still, too")
	}
	if status, state := b.app.readiness(t); status != http.StatusOK || state["channel_sms"] != depDegraded || state["channel_main"] != depOK {
		t.Errorf("/readyz is HTTP %d and says %v", status, state)
	}
	w.sms.Fail(nil)
	v.phone = w.sms.Phone(absent)
	v.reads("we have booked an appointment")
	if n := len(v.phone.Messages()); n != 1 {
		t.Errorf("the phone has %d SMS, want one", n)
	}
}
