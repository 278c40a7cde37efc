package pipeline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

var filing = pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic}}

// TestKeysHoldNoMessageID: a provider's message id has the person's number in it, and keys are logged; a condition stands
// in a header and in a URL.
func TestKeysHoldNoMessageID(t *testing.T) {
	r := reply("wamid.HBgLMTU1NTAxMDAxMjMVAgA")
	d := pipeline.Decision{Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "accepted", Reply: r.ID}
	writes := append(filing.Reply(r, pipeline.Thread{}, "", "text"), filing.Handoff(r, pipeline.Thread{}, "", pipeline.Outcome{Handoff: "patient_message"})...)
	writes = append(append(append(writes, filing.Decision(d)...), filing.Unmet(d, "refused")...), filing.Response(d)...)
	for _, w := range writes {
		if strings.Contains(w.Key+w.Order+w.Answers+w.IfNoneExist, "wamid") {
			t.Errorf("%s in the queue of %s, if not %s", w.Key, w.Order, w.IfNoneExist)
		}
	}
}

// conversation draws a message that was sent, and a reply: of patients known, unknown and
// contained, about visits, reports and nothing, in any words.
func conversation(r *rapid.T) (pipeline.SentMessage, pipeline.Reply, pipeline.Thread) {
	text := rapid.OneOf(rapid.String(), rapid.Just(""), rapid.Just(" \t\n"), rapid.Just("\x00\u0007 \u2028 👍\uFFFD\uFEFF"),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	ref := rapid.SampledFrom[[]string]
	when := rapid.Custom(func(r *rapid.T) time.Time {
		return recordTime.Add(time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(r, "nanoseconds")))
	})
	n := pipeline.Notification{
		Key: "n1", Journey: "appointment", Step: "booked",
		Subject:   ref([]string{"Appointment/a1", "DiagnosticReport/r1", ""}).Draw(r, "subject"),
		Patient:   ref([]string{"Patient/p1", "#p1", "", "urn:uuid:6f1c4f0a-0000-4000-8000-000000000001"}).Draw(r, "patient"),
		Recipient: ref([]string{"Patient/p1", "RelatedPerson/m1", "#p1", ""}).Draw(r, "recipient"),
		ReplyTo:   ref([]string{"", "wamid.HBgL=="}).Draw(r, "reply to"),
		Priority:  rapid.SampledFrom([]int{pipeline.PriorityReply, pipeline.PriorityNews, pipeline.PriorityReminder}).Draw(r, "priority"),
		Edge:      rapid.Bool().Draw(r, "edge"),
	}
	sent := pipeline.SentMessage{Notification: n, Attempt: pipeline.Attempt{
		ID: pipeline.NewAttempt(), MessageID: ref([]string{"", "wamid.HBgM=="}).Draw(r, "message"), Address: pipeline.NewPrivate(number),
		Seen: pipeline.NewPrivate(text.Draw(r, "seen")), Begun: when.Draw(r, "begun"),
	}}
	reply := pipeline.Reply{
		ID: "wamid.HBgN==", Kind: ref([]string{"text", "image", "button", "unsupported"}).Draw(r, "kind"), Text: pipeline.NewPrivate(text.Draw(r, "text")),
		From: pipeline.NewPrivate(ref([]string{number, ""}).Draw(r, "from")), UserID: ref([]string{"US.1", ""}).Draw(r, "user"),
		At: when.Draw(r, "at"), Received: when.Draw(r, "received"),
	}
	thread := pipeline.Thread{}
	if rapid.Bool().Draw(r, "answers") {
		thread.Sent = &sent
	}
	return sent, reply, thread
}

// TestFilingIsValid shows that whatever is said and whoever says it, what is
// written about it is valid FHIR; that its keys are the same each time, and that
// nothing stands in the keys and searches that is not meant to.
func TestFilingIsValid(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sent, reply, thread := conversation(r)
		patient := sent.Notification.Patient
		d := pipeline.Decision{
			Appointment: "Appointment/a1", Patient: "Patient/p1", Status: rapid.SampledFrom([]string{"accepted", "declined", "tentative"}).Draw(r, "status"), Reply: reply.ID, At: reply.At,
		}
		build := func() []pipeline.Write {
			var all []pipeline.Write
			for _, list := range [][]pipeline.Write{
				filing.Sent(sent), filing.Reply(reply, thread, patient, "confirm"), filing.Handoff(reply, thread, patient, pipeline.Outcome{Handoff: "patient_message"}),
				filing.Unmet(d, "appointment_moved"), filing.Decision(d),
			} {
				all = append(all, list...)
			}
			return all
		}
		first, second := build(), build()
		if len(first) != 10 {
			r.Fatalf("%d writes, want two of each", len(first))
		}
		seen := map[string]bool{}
		for i, w := range first {
			if other := second[i]; w.Key != other.Key || w.IfNoneExist != other.IfNoneExist || !w.Body.Equal(other.Body) {
				r.Errorf("%s is not the same each time", w.Key)
			}
			if seen[w.Key] {
				r.Errorf("%s stands for two writes", w.Key)
			}
			seen[w.Key] = true
			if m := leaks(w.Key + w.IfNoneExist + w.Order + w.Type + w.Answers); m != "" {
				r.Errorf("%s holds %q", w.Key, m)
			}
			if w.Order == "" {
				r.Errorf("%s stands in no queue", w.Key)
			}
			if found := explain([]byte(w.Body.Reveal())); w.Kind == pipeline.WriteCreate && len(found) > 0 {
				r.Errorf("%s: %v", w.Key, found)
			}
		}
	})
}

func decoded(t *testing.T, w pipeline.Write) *fhir.Communication {
	t.Helper()
	r, err := fhir.Decode([]byte(w.Body.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	return r.(*fhir.Communication)
}

func TestFilingAConversation(t *testing.T) {
	begun, received := at("2026-03-01T12:00:00Z"), at("2026-03-01T12:05:00Z")
	n := pipeline.Notification{Patient: "Patient/p1", Recipient: "Patient/p1", Subject: "Appointment/a1", Edge: true}
	sent := pipeline.SentMessage{Notification: n, Attempt: pipeline.Attempt{ID: "attempt1", MessageID: "wamid.1", Seen: pipeline.NewPrivate("Please come."), Begun: begun}}
	reply := pipeline.Reply{ID: "wamid.2", Kind: "text", Text: pipeline.NewPrivate(words), From: pipeline.NewPrivate(number), At: begun.Add(time.Minute), Received: received}

	out := decoded(t, filing.Sent(sent)[0])
	same(t, "sent", []any{out.Status(), out.Subject().String(), out.Recipients()[0].String(), out.Sender().Display, out.About()[0].String(), out.Texts(), out.Sent().Time.UTC()},
		[]any{"in-progress", "Patient/p1", "Patient/p1", "Clinic", "Appointment/a1", []string{"Please come."}, begun})
	same(t, "sent: identifiers", out.Identifiers(), []fhir.Identifier{{System: pipeline.SystemAttempt, Value: "attempt1"}, {System: pipeline.SystemMessage, Value: "wamid.1"}})

	w := filing.Reply(reply, pipeline.Thread{Sent: &sent}, "Patient/p1", "confirm")
	in := decoded(t, w[0])
	same(t, "reply", []any{in.Status(), in.Subject().String(), in.Sender().String(), in.Recipients()[0].Display, in.About()[0].String(), in.Texts()},
		[]any{"completed", "Patient/p1", "Patient/p1", "Clinic", "Appointment/a1", []string{words}})
	same(t, "reply: times", []time.Time{in.Sent().Time.UTC(), in.Received().Time.UTC()}, []time.Time{begun.Add(time.Minute), received})
	same(t, "reply: what it answers", []any{in.InResponseTo()[0].Identifier, w[0].Answers, w[1].Answers},
		[]any{fhir.Identifier{System: pipeline.SystemAttempt, Value: "attempt1"}, filing.Sent(sent)[0].Key, filing.Sent(sent)[1].Key})
	same(t, "reply: identifiers, one of them without a number", []any{in.Identifiers(), w[0].IfNoneExist}, []any{
		[]fhir.Identifier{{System: pipeline.SystemMessage, Value: "wamid.2"}, {System: pipeline.SystemDigest, Value: "vbmouutntkbra2dwg3twen6xie"}},
		"identifier=urn:fhirbridge:message|vbmouutntkbra2dwg3twen6xie",
	})
	same(t, "reply: how it was read", strings.Contains(w[0].Body.Reveal(), "Read as: confirm"), true)

	n.ReplyTo = reply.ID
	sent.Notification = n
	again := filing.Sent(sent)
	same(t, "answer to the reply", []any{decoded(t, again[0]).InResponseTo()[0].Identifier.Value, again[0].Answers}, []any{"wamid.2", w[0].Key})
}

func TestFilingSomebodyUnknown(t *testing.T) {
	r := pipeline.Reply{ID: "wamid.2", Kind: "image", From: pipeline.NewPrivate(number), Received: recordTime}
	w := filing.Reply(r, pipeline.Thread{}, "", "image")[0]
	c := decoded(t, w)
	same(t, "sender", []any{c.Sender().Identifier.System, c.Sender().Identifier.Value == number, c.Subject().IsZero(), w.Sender.Equal(r.From)}, []any{pipeline.SystemUser, true, true, true})
	same(t, "payload and queue", []any{c.Texts(), w.Order}, []any{[]string{"[image]"}, "message:vbmouutntkbra2dwg3twen6xie"})
	r.From, r.UserID = pipeline.Private{}, "US.1"
	same(t, "sender without a number", decoded(t, filing.Reply(r, pipeline.Thread{}, "", "image")[0]).Sender().Identifier.Value, "US.1")
}

func TestFilingGoesWhereItIsConfigured(t *testing.T) {
	d := pipeline.Decision{Appointment: "Appointment/a1", Patient: "Patient/p1", Reply: "m1"}
	for _, c := range []struct {
		sinks []pipeline.Sink
		want  string
	}{
		{nil, "0 0"}, {[]pipeline.Sink{pipeline.SinkServer}, "1 1"}, {[]pipeline.Sink{pipeline.SinkTopic}, "1 1"},
		{[]pipeline.Sink{pipeline.SinkTopic, pipeline.SinkServer}, "2 1"},
	} {
		sinks, want := c.sinks, c.want
		f := pipeline.Filing{Facility: "Clinic", Sinks: sinks}
		same(t, fmt.Sprint("resources and decisions to ", sinks), fmt.Sprint(len(f.Reply(reply("m1"), pipeline.Thread{}, "", "text")), " ", len(f.Decision(d))), want)
	}
}

func TestFilingKeepsWhatCannotBeBuilt(t *testing.T) {
	r := reply("m1")
	r.Text = pipeline.NewPrivate(strings.Repeat("x", 1<<20+1)) // longer than a FHIR string
	w := filing.Reply(r, pipeline.Thread{}, "Patient/p1", "text")
	same(t, "writes without a body, which are given up and kept", []any{len(w), w[0].Body.Empty()}, []any{2, true})
	var task struct {
		Focus struct{ Identifier fhir.Identifier }
	}
	if err := json.Unmarshal([]byte(filing.Handoff(reply("m1"), pipeline.Thread{}, "", pipeline.Outcome{Handoff: "patient_message"})[0].Body.Reveal()), &task); err != nil {
		t.Fatal(err)
	}
	same(t, "a task about a message that nobody knows", task.Focus.Identifier.Value, "m1")
}

// What is said in a broadcast is about a request that is on no server: whatever comes of it names the request, and points at nothing.
func TestFilingWhatComesOfABroadcast(t *testing.T) {
	id := pipeline.BroadcastID("closed", "Patient/p1")
	n := pipeline.Notification{Patient: "Patient/p1", Recipient: "Patient/p1", Subject: "CommunicationRequest/" + id, ReplyTo: "wamid.1"}
	sent := pipeline.SentMessage{Notification: n, Attempt: pipeline.Attempt{ID: "attempt1", Begun: recordTime, Seen: pipeline.NewPrivate("We are closed.")}}
	thread := pipeline.Thread{Sent: &sent}
	for _, c := range []struct {
		name, path string
		writes     []pipeline.Write
	}{
		{"a reply", "about.0", filing.Reply(reply("m1"), thread, "Patient/p1", "text")},
		{"people are asked", "focus", filing.Handoff(reply("m1"), thread, "Patient/p1", pipeline.Outcome{Handoff: "patient_message", Urgent: true})},
		{"an answer that was not delivered", "focus", filing.Unsaid(sent)},
	} {
		body := c.writes[0].Body.Reveal()
		same(t, c.name, gjson.Get(body, c.path).Raw, `{"type":"CommunicationRequest","identifier":{"system":"`+pipeline.SystemBroadcast+`","value":"`+id+`"}}`)
		if found := explain([]byte(body)); len(found) > 0 {
			t.Errorf("%s: %v", c.name, found)
		}
	}
}
