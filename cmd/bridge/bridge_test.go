package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/fhir/strict"
)

// TestInteropConversation is the whole way, both directions: an event on Kafka, words on
// the phone, a tap, and what the chart says of it. It runs over Apache Kafka too.
func TestInteropConversation(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.run()
	start := time.Now().Add(10 * 24 * time.Hour).Truncate(time.Hour)
	w.knows(patient("p1", "Amara", "+15550100101", "en"))
	w.knows(appointment("a1", "p1", "booked", start))
	phone := w.whatsapp.Phone("+15550100101")
	w.await("the booking message", func() bool { return len(phone.Messages()) == 1 })
	booked, _ := phone.Last()
	if booked.Template != "appointment_booked" || booked.Language != "en" {
		t.Errorf("sent %s in %s, want appointment_booked in en", booked.Template, booked.Language)
	}
	if !strings.Contains(booked.Text, "Amara") || !strings.Contains(booked.Text, "Harbour Hospital") {
		t.Error("the message lacks the patient's name or the facility's")
	}

	w.await("the booking in the chart", func() bool { return len(w.said()) == 1 }) // nobody taps before it is filed
	_, err := phone.Tap(booked.ID, 0)
	must(t, err)
	w.await("the confirmation", func() bool { return len(phone.Messages()) == 2 })
	w.await("three Communications", func() bool { return len(w.said()) == 3 })
	w.await("the participant status", func() bool {
		a, _ := w.ehr.Resource("Appointment/a1")
		return gjson.GetBytes(a, "participant.0.status").String() == "accepted"
	})
	checkConversation(t, w)

	records := w.records(w.topics.Communications, 4) // with the header of the conversation
	for _, r := range records {
		if string(r.Key) != "Patient/p1" {
			t.Errorf("a record's key is not the patient")
		}
		if found := strict.Validate(r.Value); len(found) > 0 {
			t.Errorf("published %v", found)
		}
	}
}

// checkConversation looks at every element of the three Communications.
func checkConversation(t *testing.T, w *world) {
	t.Helper()
	var booked, reply, answer gjson.Result
	for _, c := range w.said() {
		switch {
		case c.Get("sender.reference").String() == "Patient/p1":
			reply = c
		case strings.Contains(c.Get("payload.0.contentString").String(), "we have booked"):
			booked = c
		default:
			answer = c
		}
		if found := strict.Validate([]byte(c.Raw)); len(found) > 0 {
			t.Errorf("%s: %v", c.Get("id"), found)
		}
	}
	for _, c := range []struct {
		name, path string
		of         gjson.Result
		want       string
	}{
		{"the reply answers the booking", "inResponseTo.0.reference", reply, "Communication/" + booked.Get("id").String()},
		{"the reply is about the visit", "about.0.reference", reply, "Appointment/a1"},
		{"the reply's subject", "subject.reference", reply, "Patient/p1"},
		{"the reply's words", "payload.0.contentString", reply, "Confirm"},
		{"the reply's status", "status", reply, "completed"},
		{"the reply's medium", "medium.0.coding.0.code", reply, "ONLINEWRIT"},
		{"the reply's identifier", "identifier.0.system", reply, "urn:fhirbridge:whatsapp:message"},
		{"the reply went to", "recipient.0.display", reply, "Harbour Hospital"},
		{"the booking went to", "recipient.0.reference", booked, "Patient/p1"},
		{"the booking is about the visit", "about.0.reference", booked, "Appointment/a1"},
		{"the booking came from", "sender.display", booked, "Harbour Hospital"},
		{"the answer answers the reply", "inResponseTo.0.reference", answer, "Communication/" + reply.Get("id").String()},
	} {
		if got := c.of.Get(c.path).String(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	for _, path := range []string{"sent", "received", "identifier.0.value"} {
		if !reply.Get(path).Exists() {
			t.Errorf("the reply has no %s", path)
		}
	}
	if !booked.Get("sent").Exists() {
		t.Error("the booking has no sent")
	}
}

// TestJourneyOfAMorning moves and cancels, and answers with words, STOP and START.
func TestJourneyOfAMorning(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64 // of the provider's clock
	w := newWorld(t, worldOptions{whatsapp: func(c *sandbox.WhatsAppConfig) {
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}})
	b := w.run()
	start := time.Now().Add(10 * 24 * time.Hour).Truncate(time.Hour)
	w.knows(patient("p1", "Jonas", "+15550100102", "de"))
	phone := w.whatsapp.Phone("+15550100102")
	says := func(n int, want string) sandbox.ReceivedMessage {
		t.Helper()
		w.await("message "+want, func() bool { return len(phone.Messages()) >= n })
		m := phone.Messages()[n-1]
		if got := m.Template + "|" + m.Text; !strings.Contains(got, want) {
			t.Errorf("message %d does not have %q", n, want)
		}
		return m
	}
	w.knows(appointment("a1", "p1", "booked", start))
	first := says(1, "appointment_booked")
	w.knows(appointment("a1", "p1", "booked", start.Add(26*time.Hour)))
	says(2, "appointment_moved")
	_, err := phone.Tap(first.ID, 0) // the old button does not confirm the new time
	must(t, err)
	says(3, "")
	if a, _ := w.ehr.Resource("Appointment/a1"); gjson.GetBytes(a, "participant.0.status").String() != "needs-action" {
		t.Error("an old button confirmed the new time")
	}
	phone.Write("Ja!")
	w.await("the confirmation by words", func() bool {
		a, _ := w.ehr.Resource("Appointment/a1")
		return gjson.GetBytes(a, "participant.0.status").String() == "accepted"
	})
	says(4, "bestätigt")
	phone.Write("STOPP")
	says(5, "")
	w.knows(appointment("a1", "p1", "booked", start.Add(52*time.Hour)))
	w.await("the message to be held back", func() bool { return strings.Contains(w.metrics(), `reason="stopped"`) })
	ahead.Store(int64(time.Minute)) // nobody says START in the second of the STOP
	phone.Write("START")
	says(6, "")
	phone.Write("Wo kann ich parken?")
	says(7, "weitergegeben")
	w.await("a Task for people", func() bool { return w.ehr.Count("Task") >= 1 })
	raw, err := json.Marshal(json.RawMessage(appointment("a1", "p1", "cancelled", start.Add(52*time.Hour))))
	must(t, err)
	w.knows(strings.Replace(string(raw), `"participant"`, `"cancelationReason":{"coding":[{"code":"prov"}]},"participant"`, 1))
	says(8, "appointment_cancelled")
	w.await("everything in the chart", func() bool { return len(w.said()) >= 8+5 })
	b.end(t)
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	if d := w.ehr.Duplicates("Communication"); len(d) > 0 {
		t.Errorf("filed twice: %v", d)
	}
	if got, want := len(w.said()), 8+5; got != want {
		t.Errorf("%d Communications, want %d: 8 sent and 5 received", got, want)
	}
}

// TestReplayFromZeroSendsNothing consumes the whole feed again, with the same ledger.
func TestReplayFromZeroSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	first := w.run()
	start := time.Now().Add(10 * 24 * time.Hour)
	for _, id := range []string{"a", "b", "c", "d"} {
		w.knows(patient("p"+id, "Amara", "+1555010020"+string('0'+id[0]-'a'), "en"))
		w.knows(appointment(id, "p"+id, "booked", start))
		w.knows(appointment(id, "p"+id, "booked", start.Add(time.Hour)))
	}
	// The move follows the booking so closely that both may become one message.
	w.await("all messages", func() bool { return w.handled("Appointment") >= 8 && w.whatsapp.Count() >= 4 && w.settled(first) })
	first.end(t)
	sent := w.whatsapp.Count()

	w.group += "-again" // a new group starts at the beginning
	again := w.run()
	w.await("the feed to be read again", func() bool { return w.handled("Appointment") >= 8 && w.settled(again) })
	again.end(t)
	if got := w.whatsapp.Count(); got != sent {
		t.Errorf("the replay sent %d messages", got-sent)
	}
}

// TestFirstStartOnAnOldTopicTextsNobody is history mode.
func TestFirstStartOnAnOldTopicTextsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	old := time.Now().Add(-72 * time.Hour).UTC().Format(time.RFC3339)
	meta := `"meta":{"versionId":"1","lastUpdated":"` + old + `"},`
	w.publish("Patient/p1", []byte(strings.Replace(patient("p1", "Amara", "+15550100101", "en"), `"id"`, meta+`"id"`, 1)))
	past := appointment("gone", "p1", "booked", time.Now().Add(-24*time.Hour))
	ahead := appointment("ahead", "p1", "booked", time.Now().Add(20*24*time.Hour))
	for id, raw := range map[string]string{"gone": past, "ahead": ahead} {
		w.publish("Appointment/"+id, []byte(strings.Replace(raw, `"id"`, meta+`"id"`, 1)))
	}
	b := w.run()
	w.await("the feed to be read", func() bool { return w.lag(b) == 0 && strings.Contains(w.metrics(), `planned",type="Appointment"`) })
	census, err := b.app.ledger.Census(t.Context())
	must(t, err)
	if got := count(census, "planned"); got != 4 {
		t.Errorf("%d messages planned for the visit ahead, want 4: three reminders and the way", got)
	}
	b.end(t)
	if got := w.whatsapp.Count(); got != 0 {
		t.Errorf("%d messages about the past", got)
	}
}

// handled is how many events of that type the running bridge has taken in, whatever came of them.
func (w *world) handled(resourceType string) int {
	n := 0
	for line := range strings.Lines(w.metrics()) {
		if strings.HasPrefix(line, "bridge_events_total{") && strings.Contains(line, `type="`+resourceType+`"`) &&
			!strings.Contains(line, `outcome="unparked_`) { // they were parked before
			count, err := strconv.Atoi(strings.TrimSpace(line[strings.LastIndex(line, " "):]))
			must(w.t, err)
			n += count
		}
	}
	return n
}

// settled reports whether all is taken in and the ledger has nothing under way. An event that came before its patient is
// parked for a moment.
func (w *world) settled(b *bridge) bool {
	if w.lag(b) != 0 {
		return false
	}
	c, err := b.app.ledger.Census(w.t.Context())
	must(w.t, err)
	return c.OldestDue == 0 && c.Parked == 0 && count(c, "sending")+count(c, "unknown") == 0 &&
		c.Writes["server"]+c.Writes["topic"] == 0
}

// lag is how many records of the feed are not committed yet; -1 while a partition is not assigned, or was not read yet.
func (w *world) lag(b *bridge) (n int64) {
	partitions := b.app.events.Partitions()
	if len(partitions) != w.options.partitions {
		return -1
	}
	for _, p := range partitions {
		if p.HighWater < 0 {
			return -1
		}
		n += max(0, int64(w.endOf(p.Topic, p.Partition))-p.Committed) // there may be more than was read last
	}
	return n
}
