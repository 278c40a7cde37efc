package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// aboutOne is a message to a patient about something.
func aboutOne(patient, subject string) pipeline.SentMessage {
	m := told(subject, pipeline.Fate{})
	m.Notification.Patient, m.Notification.Recipient = patient, patient
	return m
}

// TestThread: all that is said to and by a patient about a subject is part of one header, which is owed before it.
func TestThread(t *testing.T) {
	m := aboutOne("Patient/p1", "Appointment/a1")
	header := filing.Thread(m)
	same(t, "one to each sink", len(header), 2)
	r := reply("m1")
	of := pipeline.Thread{Sent: &m}
	for name, again := range map[string][]pipeline.Write{
		"another message":  filing.Thread(aboutOne("Patient/p1", "Appointment/a1")),
		"the reply":        filing.ReplyThread(r, of, "Patient/p1"),
		"in the recording": filing.Record(m),
	} {
		for i, w := range again[:2] {
			same(t, name, []string{w.Key, w.IfNoneExist, w.Order}, []string{header[i].Key, header[i].IfNoneExist, "Patient/p1"})
		}
	}
	body := header[0].Body.Reveal()
	same(t, "header", []any{gjson.Get(body, "payload").Exists(), gjson.Get(body, "partOf").Exists(), gjson.Get(body, "about.0.reference").String(), explain([]byte(body))},
		[]any{false, false, "Appointment/a1", []string(nil)})
	id := gjson.Get(body, "identifier.0").Raw
	for name, w := range map[string]pipeline.Write{
		"sent": filing.Sent(m)[1], "reply": filing.Reply(r, of, "Patient/p1", "text")[1], "not sent": filing.Sent(docsFate(m, docsSkipped))[1],
	} {
		same(t, name, []string{w.Thread, gjson.Get(w.Body.Reveal(), "partOf.0.identifier").Raw}, []string{header[1].Key, id})
	}
	if leaks(header[0].Key+header[0].IfNoneExist) != "" || strings.Contains(header[0].Key+header[0].IfNoneExist, "p1") {
		t.Error("key or condition say who it is")
	}
}

// TestThreadsApart: another subject and another patient have another header; somebody unknown, and what is not recorded, has none.
func TestThreadsApart(t *testing.T) {
	seen := map[string]string{}
	for _, subject := range []string{"Appointment/a1", "Appointment/a2", "DiagnosticReport/r1", "Encounter/e1", "CommunicationRequest/q1", ""} {
		for _, patient := range []string{"Patient/p1", "Patient/p2"} {
			w := filing.Thread(aboutOne(patient, subject))[0]
			if other := seen[w.Key]; other != "" {
				t.Errorf("%s %s is part of what %s is part of", patient, subject, other)
			}
			seen[w.Key] = patient + " " + subject
			same(t, "findings", explain([]byte(w.Body.Reveal())), []string(nil))
		}
	}
	for name, m := range map[string]pipeline.SentMessage{
		"nobody known": aboutOne("", "Appointment/a1"), "a patient that is no resource": aboutOne("#p", "Appointment/a1"),
		"recorded already":        docsFate(aboutOne("Patient/p1", "Appointment/a1"), docsRead),
		"not sent and not missed": docsFate(aboutOne("Patient/p1", "Appointment/a1"), pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonSaid}),
	} {
		same(t, name, len(filing.Thread(m)), 0)
	}
	same(t, "a stranger's", []any{len(filing.ReplyThread(reply("m1"), pipeline.Thread{}, "")), filing.Reply(reply("m1"), pipeline.Thread{}, "", "text")[0].Thread}, []any{0, ""})
}

// TestPlaceOfTheSubject: FHIR has a place of its own for a report, a visit that takes place and a request.
func TestPlaceOfTheSubject(t *testing.T) {
	for _, c := range []struct{ subject, sent, reply string }{
		{"Appointment/a1", "about.0.reference", "about.0.reference"},
		{"DiagnosticReport/r1", "reasonReference.0.reference", "about.0.reference"},
		{"Encounter/e1", "encounter.reference", "encounter.reference"},
		{"CommunicationRequest/q1", "basedOn.0.reference", "about.0.reference"},
	} {
		m := aboutOne("Patient/p1", c.subject)
		for path, w := range map[string]pipeline.Write{
			c.sent: filing.Sent(m)[0], "header " + c.sent: filing.Thread(m)[0], "reply " + c.reply: filing.Reply(reply("m1"), pipeline.Thread{Sent: &m}, "Patient/p1", "text")[0],
		} {
			body := w.Body.Reveal()
			same(t, c.subject+" "+path, []any{gjson.Get(body, path[strings.LastIndex(path, " ")+1:]).String(), strings.Count(body, `"`+c.subject+`"`), explain([]byte(body))},
				[]any{c.subject, 1, []string(nil)})
		}
	}
}

// TestUrgentReply: what people have to see to at once says so in the chart.
func TestUrgentReply(t *testing.T) {
	for urgent, want := range map[bool]string{true: "urgent", false: "routine"} {
		k := newHearing()
		in, _, _ := listening(t, k, nil)
		in.Journeys = &journeys{understand: func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) {
			return pipeline.Outcome{Reading: "emergency", Handoff: "emergency", Urgent: urgent}, nil
		}}
		hears(t, in, reply("m1"))
		same(t, "priority", gjson.Get(k.heard[0].Writes[0].Body.Reveal(), "priority").String(), want)
	}
}

// TestWriteBackRefers puts the server's references in the place of identifiers, where it has created what they mean.
func TestWriteBackRefers(t *testing.T) {
	m := aboutOne("Patient/p1", "Appointment/a1")
	r := reply("m1")
	of := pipeline.Thread{Sent: &m}
	all := append(filing.Record(m)[:4:4], filing.Reply(r, of, "Patient/p1", "text")...)
	all = append(all, filing.Handoff(r, pipeline.Thread{Patients: []string{"Patient/p1"}}, "Patient/p1", pipeline.Outcome{Handoff: "patient_message"})...)
	for _, c := range []struct {
		name    string
		refused string // the part of the key of what the server does not take
		want    string
	}{
		{"all is taken", "none", "[ ] [Communication/0 ] [Communication/0 Communication/1] [ Communication/2]"},
		{"the header is not", "thread", "[thread ] [thread Communication/0] [ Communication/1]"},
		{"the first message is not", "sent", "[ ] [Communication/0 attempt] [ Communication/1]"},
		{"the reply is not", "reply", "[ ] [Communication/0 ] [ m1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox(all...)
				k.list = k.onlyTo(pipeline.SinkServer)
				var got []string
				s := &server{create: func(body []byte, q string) (string, error) {
					if strings.Contains(q, map[string]string{"thread": pipeline.SystemThread, "sent": pipeline.SystemAttempt, "reply": pipeline.SystemDigest}[c.refused]+"|") && c.refused != "none" {
						return "", refused("422")
					}
					got = append(got, references(string(body)))
					return fmt.Sprint("Communication/", len(got)-1), nil
				}}
				b := writingBack(t, k, s)
				b.Validate = explain
				stop := start(b.Run)
				pass(time.Minute)
				stop()
				same(t, "partOf, and what it answers or is about", strings.Join(got, " "), c.want)
			})
		})
	}
}

// references are partOf, and inResponseTo or focus: the reference, or what the identifier stands for.
func references(body string) string {
	name := func(r gjson.Result) string {
		if ref := r.Get("reference").String(); ref != "" {
			return ref
		}
		switch r.Get("identifier.system").String() {
		case pipeline.SystemThread:
			return "thread"
		case pipeline.SystemAttempt:
			return "attempt"
		}
		return r.Get("identifier.value").String()
	}
	answers := gjson.Get(body, "inResponseTo.0")
	if focus := gjson.Get(body, "focus"); focus.Exists() {
		answers = focus
	}
	return "[" + name(gjson.Get(body, "partOf.0")) + " " + name(answers) + "]"
}

// onlyTo are the writes of one sink.
func (k *outbox) onlyTo(sink pipeline.Sink) (list []*owed) {
	for _, w := range k.list {
		if w.Sink == sink {
			list = append(list, w)
		}
	}
	return list
}

// TestMedium: what goes by SMS says so, and so does what comes by it.
func TestMedium(t *testing.T) {
	f := filing
	f.SMS = "text"
	m := aboutOne("Patient/p1", "Appointment/a1")
	for channel, want := range map[string]string{"main": "whatsapp WhatsApp", "text": "sms SMS"} {
		m.Attempt.Channel = channel
		r := reply("m1")
		if channel == f.SMS {
			r.ID = pipeline.SMSReply(r.ID)
		}
		for what, w := range map[string]pipeline.Write{"header": f.Thread(m)[0], "sent": f.Sent(m)[0], "reply": f.Reply(r, pipeline.Thread{Sent: &m}, "Patient/p1", "text")[0]} {
			body := w.Body.Reveal()
			same(t, channel+": "+what, gjson.Get(body, "medium.0.coding.1.code").String()+" "+gjson.Get(body, "medium.0.text").String(), want)
		}
	}
}
