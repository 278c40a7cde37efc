package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// TestConversations is what a clinician finds in the chart of a conversation, and what the topic says of it.
func TestConversations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{whatsapp: func(c *sandbox.WhatsAppConfig) { c.NotOnWhatsApp = []string{"+15550100253"} }})
	b := w.run()
	for _, part := range []struct {
		name string
		play func(*testing.T, *world)
	}{
		{"a visit", visitInTheChart}, {"a message about nothing", messageInTheChart},
		{"no number", unsentWithoutNumber}, {"not on WhatsApp", undelivered}, {"STOP", unsentAfterStop},
	} {
		t.Run(part.name, func(t *testing.T) { part.play(t, w) })
	}
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	for _, raw := range w.ehr.All("Communication") {
		must(t, validates(raw))
	}
	if again := w.ehr.Duplicates("Communication"); len(again) > 0 {
		t.Errorf("%d Communications were written twice", len(again))
	}
	topicOfConversations(t, w)
}

// chart are the Communications of the attendee, the oldest first.
func (v *attendee) chart() (list []gjson.Result) {
	for _, raw := range v.ehr.All("Communication") {
		if c := gjson.ParseBytes(raw); c.Get("subject.reference").String() == "Patient/"+v.id {
			list = append(list, c)
		}
	}
	return list
}

// conversation waits for a header and n messages in the chart, that are one conversation, and returns them.
func (v *attendee) conversation(n int) (header gjson.Result, messages []gjson.Result) {
	v.t.Helper()
	v.await(fmt.Sprint("a conversation of ", n, " messages"), func() bool { return len(v.chart()) > n })
	list := v.chart()
	header, messages = list[0], list[1:]
	if len(messages) != n || header.Get("payload").Exists() || header.Get("partOf").Exists() || header.Get("status").String() != "in-progress" ||
		header.Get("identifier.0.system").String() != pipeline.SystemThread {
		v.t.Errorf("the chart has %d messages, and a header with the members %v", len(messages), header.Get("@keys"))
	}
	for i, m := range messages {
		v.element(m, fmt.Sprint("message ", i), "partOf.#.reference", `["Communication/`+header.Get("id").String()+`"]`)
		v.element(m, fmt.Sprint("message ", i), "medium.0.text", "WhatsApp")
		v.element(m, fmt.Sprint("message ", i), "topic.text", header.Get("topic.text").String())
	}
	return header, messages
}

// element compares one element.
func (v *attendee) element(c gjson.Result, what, path, want string) {
	v.t.Helper()
	if got := c.Get(path).String(); got != want {
		v.t.Errorf("%s: %s is %q, want %q", what, path, got, want)
	}
}

func visitInTheChart(t *testing.T, w *world) {
	v := w.attendee(t, "c0", "Amara", "+15550100250", "en")
	v.books(ahead(20), "", "")
	booked := v.reads("appointment_booked")
	v.conversation(1) // nobody taps before it is filed
	v.taps(booked, "Confirm")
	v.reads("you have confirmed your appointment")
	v.await("all of it to be delivered", func() bool {
		list := v.chart()
		return len(list) == 4 && list[1].Get("status").String() == "completed" && list[3].Get("status").String() == "completed"
	})
	header, messages := v.conversation(3)
	for path, want := range map[string]string{
		"about.0.reference": "Appointment/of-c0", "topic.text": "Appointment", "recipient.0.reference": "Patient/c0", "sender.display": "Harbour Hospital",
		"category.0.coding.0.code": "notification",
	} {
		v.element(header, "header", path, want)
	}
	sent, reply, answer := messages[0], messages[1], messages[2]
	for _, c := range []struct {
		name, path, want string
		of               gjson.Result
	}{
		{"sent", "about.0.reference", "Appointment/of-c0", sent}, {"sent", "inResponseTo", "", sent},
		{"sent", "instantiatesUri.0", "urn:fhirbridge:template:appointment_booked:en", sent},
		{"sent", "reasonCode.0.coding.0.code", "appointment.booked", sent}, {"sent", "priority", "routine", sent},
		{"sent", "identifier.#.system", `["urn:fhirbridge:attempt","urn:fhirbridge:whatsapp:message"]`, sent},
		{"reply", "inResponseTo.0.reference", "Communication/" + sent.Get("id").String(), reply},
		{"reply", "sender.reference", "Patient/c0", reply}, {"reply", "status", "completed", reply}, {"reply", "payload.0.contentString", "Confirm", reply},
		{"reply", "note.0.text", "Read as: confirm", reply}, {"reply", "note.0.authorReference.display", "Harbour Hospital", reply},
		{"answer", "inResponseTo.0.reference", "Communication/" + reply.Get("id").String(), answer}, {"answer", "recipient.0.reference", "Patient/c0", answer},
	} {
		v.element(c.of, c.name, c.path, c.want)
	}
	if !sent.Get("received").Exists() || !answer.Get("received").Exists() {
		t.Error("what was delivered has no time of that")
	}
}

// messageInTheChart is what a patient writes without being asked: it is part of the only conversation that there is, and so is
// the answer, which is about nothing.
func messageInTheChart(t *testing.T, w *world) {
	v := w.attendee(t, "c1", "Jonas", "+15550100251", "de")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	header, _ := v.conversation(1)
	v.phone.Write("Wo kann ich parken?")
	v.reads("weitergegeben")
	task := v.task("patient_message")
	v.await("both in the chart", func() bool { return len(v.chart()) == 4 })
	list := v.chart()
	reply, answer := list[2], list[3]
	v.element(reply, "reply", "partOf.0.reference", "Communication/"+header.Get("id").String()) // it can mean nothing else
	v.element(answer, "answer", "inResponseTo.0.reference", "Communication/"+reply.Get("id").String())
	v.element(task, "Task", "focus.reference", "Appointment/of-c1")
}

func unsentWithoutNumber(t *testing.T, w *world) {
	own := *w
	own.t = t
	v := &attendee{world: &own, id: "c2"}
	v.knows(strings.Replace(patient("c2", "Lucía", "", "es"), `"telecom":[{"system":"phone","use":"mobile","value":""}],`, "", 1))
	v.books(ahead(20), "", "")
	_, messages := v.conversation(1)
	v.isNotDone(messages[0], "invalid-phone-number", "Not sent: no number")
	v.element(messages[0], "not sent", "identifier.#.system", `["urn:fhirbridge:notification"]`)
	v.element(messages[0], "not sent", "payload", "")
}

func undelivered(t *testing.T, w *world) {
	v := w.attendee(t, "c3", "Soraya", "+15550100253", "fr")
	v.books(ahead(20), "", "")
	v.await("the failure in the chart", func() bool {
		list := v.chart()
		return len(list) == 2 && list[1].Get("status").String() == "not-done"
	})
	_, messages := v.conversation(1)
	v.isNotDone(messages[0], "recipient-unavailable", "Not delivered: 131026")
	v.books(ahead(21), "", "") // not tried any more
	v.await("the next in the chart", func() bool { return len(v.chart()) == 3 })
	_, messages = v.conversation(2)
	v.isNotDone(messages[1], "recipient-unavailable", "Not sent: not on whatsapp")
}

func unsentAfterStop(t *testing.T, w *world) {
	v := w.attendee(t, "c4", "Amara", "+15550100254", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.Write("STOP")
	v.await("the answer to it in the chart", func() bool { return len(v.chart()) >= 4 })
	before := len(v.chart())
	v.books(ahead(21), "", "")
	v.await("what is not said any more", func() bool { return len(v.chart()) > before })
	list := v.chart()
	v.isNotDone(list[len(list)-1], "patient-objection", "Not sent: stopped")
}

func (v *attendee) isNotDone(c gjson.Result, code, words string) {
	v.t.Helper()
	for path, want := range map[string]string{
		"status": "not-done", "statusReason.coding.0.code": code, "statusReason.text": words, "sent": "", "about.0.reference": "Appointment/of-" + v.id,
	} {
		if path == "sent" && strings.HasPrefix(words, "Not delivered") {
			continue // it was
		}
		v.element(c, words, path, want)
	}
}

// topicOfConversations reads the copies: each under the patient's key, in order, with identifiers in the place of references
// that only the server knows.
func topicOfConversations(t *testing.T, w *world) {
	t.Helper()
	byKey := map[string]string{} // identifiers of the server's, by their own
	for _, raw := range w.ehr.All("Communication") {
		byKey[gjson.GetBytes(raw, "identifier.0.value").String()] = string(raw)
	}
	seen := map[string]bool{}
	for _, r := range w.records(w.topics.Communications, len(byKey)) {
		c := gjson.ParseBytes(r.Value)
		if c.Get("resourceType").String() != "Communication" {
			continue
		}
		if byKey[c.Get("identifier.0.value").String()] == "" {
			t.Error("the topic has a message that the server has not")
		}
		if got := c.Get("subject.reference").String(); got != string(r.Key) {
			t.Errorf("the key is %q, and the subject %q", r.Key, got)
		}
		for _, path := range []string{"partOf.0", "inResponseTo.0"} {
			of := c.Get(path)
			if of.Get("reference").Exists() || of.Exists() && !of.Get("identifier.value").Exists() {
				t.Errorf("%s of the topic refers to what the server has named", path)
			}
			if value := of.Get("identifier.value").String(); value != "" && !seen[value] {
				t.Errorf("%s names what has not come before", path)
			}
		}
		var ids []struct{ Value string }
		must(t, json.Unmarshal([]byte(c.Get("identifier").Raw), &ids))
		for _, id := range ids {
			seen[id.Value] = true
		}
	}
}
