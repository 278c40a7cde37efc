package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// asks puts a request on the feed, with further elements: JSON that begins with a comma, or nothing.
func (w *world) asks(id, status, template string, patients []string, elements string) {
	w.t.Helper()
	var recipients []string
	for _, p := range patients {
		recipients = append(recipients, fmt.Sprintf(`{"reference":"Patient/%s"}`, p))
	}
	w.knows(fmt.Sprintf(`{"resourceType":"CommunicationRequest","id":%q,"status":%q,"subject":{"reference":"Patient/%s"},"recipient":[%s],`+
		`"category":[{"coding":[{"system":"https://fhirbridge.dev/template","code":%q}]}],"payload":[{"contentString":"date=2026-12-24"}]%s}`,
		id, status, patients[0], strings.Join(recipients, ","), template, elements))
}

// request is an element of a request, as the EHR has it.
func (w *world) request(id, path string) string {
	raw, _ := w.ehr.Resource("CommunicationRequest/" + id)
	return gjson.GetBytes(raw, path).String()
}

func (w *world) awaitRequest(id, path, want string) {
	w.t.Helper()
	w.await("the request to be "+want, func() bool { return w.request(id, path) == want })
}

// record is what the chart has of the only message to a patient about something, by the path of the reference to that.
func (w *world) record(patient, path, ref string) (found gjson.Result) {
	for _, c := range w.said() {
		if c.Get("recipient.0.reference").String() == "Patient/"+patient && c.Get(path).String() == ref {
			found = c
		}
	}
	return found
}

// TestRequests is what comes of what other systems ask for, and what they hear of it.
func TestRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{whatsapp: func(c *sandbox.WhatsAppConfig) {
		c.ReadReceipts, c.NotOnWhatsApp = true, []string{"+15550100182", "+15550100189"}
	}})
	b := w.run()
	for _, part := range []struct {
		name string
		play func(*testing.T, *world)
	}{
		{"sent, delivered, read", requestSent}, {"two patients", requestForTwo}, {"not on WhatsApp", requestFailed},
		{"revoked in time", requestRevoked}, {"a template that is not theirs", requestRefused}, {"to somebody who said STOP", requestStopped},
	} {
		t.Run(part.name, func(t *testing.T) { part.play(t, w) })
	}
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	for _, kind := range []string{"Communication", "Task"} {
		if again := w.ehr.Duplicates(kind); len(again) > 0 {
			t.Errorf("%d of %s were written twice", len(again), kind)
		}
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
}

func requestSent(t *testing.T, w *world) {
	v := w.attendee(t, "q0", "Jonas", "+15550100180", "de")
	v.asks("sent", "active", "clinic_closed", []string{"q0"}, "")
	v.shows(v.reads("clinic_closed"), "Guten Tag Jonas", "Datum: Donnerstag, 24. Dezember 2026", "Ort: Harbour Hospital")
	v.awaitRequest("sent", "status", "completed")
	var c gjson.Result
	v.await("the record of the message to say that it was read", func() bool {
		c = v.record("q0", "basedOn.0.reference", "CommunicationRequest/sent")
		return c.Get("note.0.text").String() == "Read"
	})
	for path, want := range map[string]string{"status": "completed", "about": "", "category.0.coding.0.code": "notification"} {
		if got := c.Get(path).String(); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"sent", "received", "note.0.time"} {
		if _, err := time.Parse(time.RFC3339, c.Get(path).String()); err != nil {
			t.Errorf("%s is no time: %v", path, err)
		}
	}
	o, err := askPlan(t.Context(), w.admin, "CommunicationRequest/sent")
	must(t, err)
	if len(o.Steps) != 1 || o.Steps[0].Step != "message" || o.Steps[0].Template != "clinic_closed" || o.Steps[0].State != pipeline.Read {
		t.Errorf("the plan shows %+v, want the message, read", o.Steps)
	}
	v.asks("sent", "active", "clinic_closed", []string{"q0"}, `,"priority":"urgent"`) // a person asks for the same again: it was said
	v.asks("marker", "active", "clinic_closed", []string{"q0"}, "")
	v.awaitRequest("marker", "status", "completed")
	if got := len(v.phone.Messages()); got != 2 {
		t.Errorf("%d messages, want one for each request", got)
	}
	if got := v.request("sent", "status"); got != "active" {
		t.Errorf("the request is %q, want it left as people have set it", got)
	}
}

func requestForTwo(t *testing.T, w *world) {
	v := w.attendee(t, "q1", "María", "+15550100181", "es")
	other := w.attendee(t, "q3", "Łucja", "+15550100183", "pl")
	v.asks("two", "active", "clinic_closed", []string{"q1", "q3"}, "")
	v.shows(v.reads("clinic_closed"), "Hola, María:")
	other.shows(other.reads("clinic_closed"), "Dzień dobry, Łucja!")
	v.awaitRequest("two", "status", "completed")
	other.phone.Write("Czy mogę przyjść dzień później?")
	if got := other.task("patient_message").Get("for.reference").String(); got != "Patient/q3" {
		t.Errorf("the answer is filed for %q", got)
	}
}

func requestFailed(t *testing.T, w *world) {
	v := w.attendee(t, "q2", "Ann", "+15550100182", "en")
	v.asks("failed", "active", "clinic_closed", []string{"q2"}, "")
	v.awaitRequest("failed", "status", "revoked")
	v.awaitRequest("failed", "statusReason.text", "recipient-unavailable")
	v.await("the record to say so", func() bool {
		c := v.record("q2", "basedOn.0.reference", "CommunicationRequest/failed")
		return c.Get("status").String() == "not-done" && c.Get("statusReason.coding.0.code").String() == "recipient-unavailable"
	})
	other := w.attendee(t, "q9", "Ann", "+15550100189", "en") // what goes to q2 now is not even tried
	other.books(ahead(20), "", "")
	other.await("the record of the booking to say so", func() bool {
		return other.record("q9", "about.0.reference", "Appointment/of-q9").Get("status").String() == "not-done"
	})
}

func requestRevoked(t *testing.T, w *world) {
	v := w.attendee(t, "q4", "Giulia", "+15550100184", "it")
	due := w.dueSoon()
	occurrence := fmt.Sprintf(`,"occurrenceDateTime":%q`, due.UTC().Format(time.RFC3339))
	for _, id := range []string{"revoked", "kept"} {
		v.asks(id, "active", "clinic_closed", []string{"q4"}, occurrence)
		w.planned("CommunicationRequest/"+id, due)
	}
	v.asks("revoked", "revoked", "clinic_closed", []string{"q4"}, occurrence)
	w.stands("CommunicationRequest/revoked", due, pipeline.Cancelled)
	w.passes(soon)
	v.reads("clinic_closed")
	v.awaitRequest("kept", "status", "completed")
	if got := len(v.phone.Messages()); got != 1 {
		t.Errorf("%d messages, want only the one that was not revoked", got)
	}
}

func requestRefused(t *testing.T, w *world) {
	v := w.attendee(t, "q5", "Amélie", "+15550100185", "fr")
	for _, c := range [][2]string{{"appointment_booked", "request_template"}, {"clinic_closed", "request_parameter"}} {
		elements := ""
		if c[1] == "request_parameter" {
			elements = `,"payload":[{"contentString":"day=2026-12-24"}]`
		}
		id := strings.ReplaceAll(c[1], "_", "-")
		v.knows(fmt.Sprintf(`{"resourceType":"CommunicationRequest","id":%q,"status":"active","subject":{"reference":"Patient/q5"},`+
			`"category":[{"coding":[{"system":"https://fhirbridge.dev/template","code":%q}]}]%s}`, id, c[0], elements))
		if got := v.task(c[1]).Get("focus.reference").String(); got != "CommunicationRequest/"+id {
			t.Errorf("the Task is about %q", got)
		}
		v.awaitRequest(id, "status", "revoked")
		v.awaitRequest(id, "statusReason.text", strings.ReplaceAll(c[1], "_", " "))
	}
	if got := len(v.phone.Messages()); got != 0 {
		t.Errorf("%d messages, want none", got)
	}
}

func requestStopped(t *testing.T, w *world) {
	v := w.attendee(t, "q6", "Işıl", "+15550100186", "tr")
	v.phone.Write("DURDUR")
	v.await("the farewell", func() bool { return len(v.phone.Messages()) == 1 })
	v.asks("stopped", "active", "clinic_closed", []string{"q6"}, "")
	v.awaitRequest("stopped", "status", "revoked")
	v.awaitRequest("stopped", "statusReason.text", "stopped")
	if got := len(v.phone.Messages()); got != 1 {
		t.Errorf("%d messages, want none but the farewell", got)
	}
}
