package pipeline_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

const categories = "http://terminology.hl7.org/CodeSystem/communication-category"

// inbox is a profile of a server on which messages stand in clinicians' inboxes.
func inbox() pipeline.Profile {
	return pipeline.Profile{
		Name: "inbox", Tasks: pipeline.TasksMessage,
		Communication: pipeline.CommunicationProfile{
			Record: pipeline.RecordFinal, Wait: time.Hour, Elements: []string{"status", "category", "priority", "subject", "topic", "sender", "recipient", "payload"},
			Statuses: []string{"completed"}, Categories: []pipeline.CodeProfile{{System: categories, Code: "notification"}, {System: categories, Code: "reminder"}},
			Priorities: []string{"routine", "urgent"}, Sender: []string{"Practitioner"}, Recipient: []string{"Group"}, Payload: pipeline.PayloadAttachment, Unidentified: true,
		},
	}
}

func TestProfileProblems(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*pipeline.Profile)
		want  string
	}{
		{"as it is", func(*pipeline.Profile) {}, ""},
		{"no name", func(p *pipeline.Profile) { p.Name = "" }, "profile: required, its name"},
		{"to nowhere", func(p *pipeline.Profile) { p.Writes = "files" }, "writes: must be server or topic"},
		{"another record", func(p *pipeline.Profile) { p.Communication.Record = "once" }, "communication.record: must be follow or final"},
		{"final without a wait", func(p *pipeline.Profile) { p.Communication.Wait = 0 }, "communication.wait: belongs to record: final"},
		{"an attachment of another kind", func(p *pipeline.Profile) { p.Communication.Payload = "pdf" }, "communication.payload: must be attachment"},
		{"tasks as mail", func(p *pipeline.Profile) { p.Tasks = "mail" }, "tasks: must be message"},
		{"elements without status", func(p *pipeline.Profile) { p.Communication.Elements = []string{"topic"} }, "communication.elements: must hold status"},
		{"no place for the key", func(p *pipeline.Profile) { p.Communication.Elements = []string{"status"} }, "communication.elements: must hold topic"},
		{"a search that is not trusted", func(p *pipeline.Profile) { p.Communication.Find = "_id=1" }, "communication.settle: belongs to find"},
		{"a place that is none", func(p *pipeline.Profile) { p.Decision.Path = "status" }, "decision.path: must be a JSON Pointer"},
		{"a status that is none", func(p *pipeline.Profile) { p.Answers = map[string]pipeline.Reading{"200": pipeline.ReadWait} }, "answers.200: must be a status"},
		{"a reading that is none", func(p *pipeline.Profile) { p.Answers = map[string]pipeline.Reading{"409": "maybe"} }, "answers.409: must be conflict"},
	} {
		p := inbox()
		c.spoil(&p)
		got := ""
		if err := p.Validate(); err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// createdIn is what a server is asked to create of the writes, by a lane with that profile, each with its error in turn.
func createdIn(t *testing.T, p pipeline.Profile, fail ...error) (k *outbox, run func(...pipeline.Write) []string) {
	t.Helper()
	k = newOutbox()
	var bodies []string
	s := &server{create: func(body []byte, by string) (string, error) {
		bodies = append(bodies, by+" "+string(body))
		return "Communication/1", next(&fail)
	}}
	s.post = func(body []byte) (string, error) {
		bodies = append(bodies, string(body))
		return "Communication/1", next(&fail)
	}
	b := writingBack(t, k, s)
	b.Validate = explain
	b.Ladder = &pipeline.Ladder{Filing: filing}
	b.Shape = pipeline.Shape{Profile: p, Sender: "Practitioner/9", Recipients: []string{"Group/g"}}
	return k, func(list ...pipeline.Write) []string {
		k.add(list...)
		stop := start(b.Run)
		time.Sleep(time.Minute)
		stop()
		return bodies
	}
}

// toServer are the writes to the FHIR server.
func toServer(list []pipeline.Write) (out []pipeline.Write) {
	for _, w := range list {
		if w.Sink == pipeline.SinkServer {
			out = append(out, w)
		}
	}
	return out
}

func TestShapeOfAReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reply("m1")
		r.At, r.Received = recordTime, recordTime.Add(time.Second)
		w := toServer(filing.Reply(r, pipeline.Thread{}, "Patient/p1", "confirm"))
		_, run := createdIn(t, inbox())
		bodies := run(w...)
		same(t, "created", len(bodies), 1)
		c := gjson.Parse(bodies[0])
		for _, name := range []string{"identifier", "sent", "received", "medium", "note", "about", "partOf", "inResponseTo"} {
			same(t, name, c.Get(name).Exists(), false)
		}
		key, _, _ := strings.Cut(w[0].Key, "@")
		same(t, "elements", []string{
			c.Get("status").String(), c.Get("category.0.coding.0.code").String(), c.Get("sender.reference").String(), c.Get("recipient.0.reference").String(), c.Get("subject.reference").String(), c.Get("topic.text").String(),
		}, []string{"completed", "notification", "Practitioner/9", "Group/g", "Patient/p1", "WhatsApp: message from the patient [" + key + "]"})
		same(t, "type of the content", c.Get("payload.0.contentAttachment.contentType").String(), "text/plain;charset=utf-8")
		text, err := base64.StdEncoding.DecodeString(c.Get("payload.0.contentAttachment.data").String())
		same(t, "the text", []any{string(text), err}, []any{"WhatsApp: message from the patient\nFrom: Patient/p1\nSent: 2026-03-01T12:00:00Z\nReceived: 2026-03-01T12:00:01Z\nRead as: confirm\n\n" + r.Text.Reveal(), nil})
	})
}

func TestShapeOfWhatWasNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := pipeline.Notification{Key: "n", Patient: "Patient/p1", Recipient: "RelatedPerson/m", Subject: "Appointment/a1", Priority: pipeline.PriorityReminder}
		sent := pipeline.SentMessage{
			Notification: n, Attempt: pipeline.Attempt{ID: "attempt1", MessageID: "wamid.1", Seen: pipeline.NewPrivate("Please come."), Begun: recordTime},
			Fate: pipeline.Fate{State: pipeline.Failed, Code: "131026", Filed: true},
		}
		_, run := createdIn(t, inbox())
		f := filing
		f.Final = time.Hour
		bodies := run(toServer(f.Sent(sent))...)
		same(t, "created", len(bodies), 1)
		c := gjson.Parse(bodies[0])
		same(t, "category and topic", []string{c.Get("category.0.coding.0.code").String(), c.Get("topic.text").String()[:32]}, []string{"reminder", "WhatsApp: message to the patient"})
		text, _ := base64.StdEncoding.DecodeString(c.Get("payload.0.contentAttachment.data").String())
		for _, want := range []string{"To: RelatedPerson/m\n", "Status: not-done\n", "Reason: recipient-unavailable\n", "About: Appointment/a1", "\n\nPlease come."} {
			if !strings.Contains(string(text), want) {
				t.Errorf("the text lacks %q: %s", want, text)
			}
		}
	})
}

// What people are asked is a message, too, and a header of a conversation, which has no words, is none.
func TestShapeOfTasksAndHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reply("m1")
		writes := toServer(filing.ReplyThread(r, pipeline.Thread{}, "Patient/p1"))
		same(t, "a header", len(writes), 1)
		writes = append(writes, toServer(filing.Handoff(r, pipeline.Thread{}, "Patient/p1", pipeline.Outcome{Handoff: "patient_message", Urgent: true}))...)
		k, run := createdIn(t, inbox())
		bodies := run(writes...)
		same(t, "created, and left", []int{len(bodies), k.left()}, []int{1, 0})
		c := gjson.Parse(bodies[0])
		text, _ := base64.StdEncoding.DecodeString(c.Get("payload.0.contentAttachment.data").String())
		same(t, "the message", []any{c.Get("resourceType").String(), c.Get("priority").String(), c.Get("subject.reference").String(), strings.Contains(string(text), r.Text.Reveal()), strings.HasPrefix(c.Get("topic.text").String(), "WhatsApp: patient message [handoff:")},
			[]any{"Communication", "urgent", "Patient/p1", true, true})
	})
}

// A server that is as R4 has it gets what was built, byte by byte.
func TestNoShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := toServer(filing.Reply(reply("m1"), pipeline.Thread{}, "Patient/p1", "text"))[0]
		w.Thread = ""
		_, run := createdIn(t, pipeline.Profile{Name: "generic"})
		same(t, "created", run(w), []string{w.IfNoneExist + " " + w.Body.Reveal()})
	})
}

// Where a record is made once, it waits for the outcome of the message.
func TestFilingFinal(t *testing.T) {
	f := filing
	f.Final = time.Hour
	sent := pipeline.SentMessage{
		Notification: pipeline.Notification{Key: "n", Patient: "Patient/p1", Recipient: "Patient/p1", Subject: "Appointment/a1", ReplyTo: "wamid.0"},
		Attempt:      pipeline.Attempt{ID: "attempt1", MessageID: "wamid.1", Seen: pipeline.NewPrivate("Please come."), Begun: recordTime},
	}
	of := func(m pipeline.SentMessage) (atServer, atTopic pipeline.Write) {
		for _, w := range f.Sent(m) {
			if w.Sink == pipeline.SinkServer {
				atServer = w
			} else {
				atTopic = w
			}
		}
		return atServer, atTopic
	}
	first, copied := of(sent)
	same(t, "accepted", []any{first.Kind, first.NotBefore, copied.Kind, copied.NotBefore.IsZero()}, []any{pipeline.WriteFinal, recordTime.Add(time.Hour), pipeline.WriteCreate, true})
	sent.Fate = pipeline.Fate{State: pipeline.Delivered, Delivered: recordTime.Add(time.Minute), Filed: true}
	then, followed := of(sent)
	same(t, "delivered", []any{then.Kind, then.NotBefore.IsZero(), followed.Kind}, []any{pipeline.WriteFinal, true, pipeline.WriteFollow})
	same(t, "it is the same write", []any{then.Key, then.Order, then.IfNoneExist, then.Answers, then.Thread}, []any{first.Key, first.Order, first.IfNoneExist, first.Answers, first.Thread})
	same(t, "and says so", gjson.Get(then.Body.Reveal(), "status").String(), "completed")
	same(t, "it waits for nobody, and nobody for it", first.Order != "Patient/p1", true)
	sent.Fate = pipeline.Fate{State: pipeline.Skipped, Reason: "no_number"}
	for _, w := range toServer(f.Sent(sent)) {
		same(t, "what was never sent waits for nothing", w.Kind, pipeline.WriteCreate)
	}
}
