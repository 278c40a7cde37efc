package main

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidwall/gjson"
	"github.com/twmb/franz-go/pkg/kgo"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// TestSinks plays one conversation with each choice of where it is written, and reads it there: a booking that is delivered and
// read, a tap on Confirm, a question that goes to people, and STOP.
func TestSinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		writeTo       string
		server, topic bool
	}{{"[server]", true, false}, {"[topic]", false, true}, {"[server, topic]", true, true}} {
		t.Run(c.writeTo, func(t *testing.T) {
			t.Parallel()
			var written atomic.Int64
			w := newWorld(t, worldOptions{
				partitions: 2, writeTo: c.writeTo, whatsapp: func(cfg *sandbox.WhatsAppConfig) { cfg.ReadReceipts = true },
				fhir: func(cfg *sandbox.FHIRConfig) { cfg.OnWrite = func(string, string, []byte) { written.Add(1) } },
			})
			b := w.run()
			v := w.attendee(t, "s1", "Amara", "+15550100181", "en")
			v.books(ahead(20), "", "")
			booked := v.reads("appointment_booked")
			w.await("the message to be delivered and read", func() bool { return w.settled(b) && w.isRead(b, "Appointment/of-s1") })
			v.taps(booked, "Confirm")
			v.await("the confirmation to be answered", func() bool { return len(v.phone.Messages()) == 2 })
			v.phone.Write("May I bring my dog?")
			v.reads("We have passed it on")
			v.phone.Write("STOP")
			w.await("everything to be said and written", func() bool { return len(v.phone.Messages()) >= 4 && w.settled(b) })
			if c.server {
				v.onServer()
			} else if n := written.Load(); n > 0 {
				t.Errorf("the FHIR server was written to %d times", n)
			}
			if c.topic {
				followed(t, w)
			} else if n := w.ends(w.topics.Communications); n > 0 {
				t.Errorf("the topic has %d records", n)
			}
		})
	}
}

// isRead reports whether the first message about a subject was read.
func (w *world) isRead(b *bridge, subject string) bool {
	trace, err := b.app.ledger.Trace(w.t.Context(), subject)
	must(w.t, err)
	return slices.ContainsFunc(trace, func(e pipeline.TraceEntry) bool { return e.Notification.State == pipeline.Read })
}

// delivered waits until a status of the message about a subject is taken in.
func (w *world) delivered(subject string) {
	w.t.Helper()
	w.await("the status of what was said about "+subject, func() bool {
		trace, err := w.bridge.app.ledger.Trace(w.t.Context(), subject)
		must(w.t, err)
		return slices.ContainsFunc(trace, func(e pipeline.TraceEntry) bool {
			return e.Notification.State == pipeline.Delivered || e.Notification.State == pipeline.Read
		})
	})
}

// onServer checks what the FHIR server has of the conversation.
func (v *attendee) onServer() {
	v.t.Helper()
	if got := v.visit("participant.0.status"); got != "accepted" {
		v.t.Errorf("the participation is %q, want accepted", got)
	}
	var all []string
	for _, kind := range []string{"Communication", "Task", "Consent"} {
		for _, raw := range v.ehr.All(kind) {
			all = append(all, told(gjson.ParseBytes(raw)))
		}
		if again := v.ehr.Duplicates(kind); len(again) > 0 {
			v.t.Errorf("%d of %s were written twice", len(again), kind)
		}
	}
	holds(v.t, "the server", all, conversation)
}

// conversation is what is written of it, wherever it is: type, status, and who or what it is of.
var conversation = []string{
	"Communication completed to Patient/s1", // the booking
	"Communication completed from Patient/s1 Confirm", "Communication completed from Patient/s1 May I bring my dog?", "Communication completed from Patient/s1 STOP",
	"Task requested for Patient/s1", "Consent active of Patient/s1",
}

// told is a resource in a few words.
func told(r gjson.Result) string {
	text := r.Get("resourceType").String() + " " + r.Get("status").String()
	switch {
	case strings.HasPrefix(r.Get("sender.reference").String(), "Patient/"):
		return text + " from " + r.Get("sender.reference").String() + " " + r.Get("payload.0.contentString").String()
	case r.Get("recipient").Exists():
		return text + " to " + r.Get("recipient.0.reference").String()
	case r.Get("for").Exists():
		return text + " for " + r.Get("for.reference").String()
	case r.Get("patient").Exists():
		return text + " of " + r.Get("patient.reference").String()
	}
	return text
}

func holds(t testing.TB, where string, got, want []string) {
	t.Helper()
	for _, one := range want {
		if !slices.Contains(got, one) {
			t.Errorf("%s lacks %q:\n%s", where, one, strings.Join(got, "\n"))
		}
	}
}

// followed reads the topic as docs/topic.md tells a consumer to: each record once by its key, the newest of each resource by its
// identifier. What it knows in the end is the whole conversation and what has become of it.
func followed(t *testing.T, w *world) {
	t.Helper()
	records := w.records(w.topics.Communications, w.ends(w.topics.Communications))
	seen, newest, order := map[string]bool{}, map[string]gjson.Result{}, []string(nil)
	for _, r := range records {
		h := headersOf(r)
		key, kind, resource := h[pipeline.HeaderKey], h[pipeline.HeaderType], gjson.ParseBytes(r.Value)
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if string(r.Key) != "Patient/s1" || kind != resource.Get("resourceType").String() || h["content-type"] != "application/fhir+json" {
			t.Errorf("%s has the key %q and says that it is a %s", key, r.Key, kind)
		}
		by := kind + " " + resource.Get("identifier.0.value").String() + resource.Get("identifier.value").String()
		follows := h[pipeline.HeaderFollows]
		if _, known := newest[by]; known != (follows != "") || follows != "" && !seen[follows] {
			t.Errorf("%s, which follows %q, is of a resource that was there: %v", key, follows, known)
		}
		newest[by] = resource
		order = append(order, by)
	}
	var all []string
	read := false
	for _, r := range newest {
		all = append(all, told(r))
		read = read || strings.HasPrefix(told(r), "Communication completed to") && r.Get("received").Exists() && r.Get("note.0.text").String() == "Read"
		if r.Get("resourceType").String() == "AppointmentResponse" {
			if got := r.Get("participantStatus").String() + " " + r.Get("appointment.reference").String(); got != "accepted Appointment/of-s1" {
				t.Errorf("the AppointmentResponse is %q", got)
			}
		}
	}
	if !read {
		t.Error("the topic does not tell that the message was read")
	}
	holds(t, "the topic", all, append([]string{"AppointmentResponse "}, conversation...))
	if len(order) < 8 {
		t.Errorf("the topic has only %d records", len(order))
	}
}

func headersOf(r *kgo.Record) map[string]string {
	headers := map[string]string{}
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	return headers
}

// ends is how many records are on a topic by now.
func (w *world) ends(topic string) (n int) {
	w.t.Helper()
	for partition := range w.options.partitions {
		n += w.endOf(topic, partition)
	}
	return n
}
