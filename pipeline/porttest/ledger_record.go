package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// What is made of a message when its record is written must be what would have been made of it when it was sent.
var recordTests = map[string]func(*ledgerTest){
	"of a message that says several things, to somebody else": recordWhole,
	"of an answer about nothing":                              recordAnswer,
	"of free words to a number alone":                         recordNumber,
	"stays when another attempt goes to somebody else":        recordStays,
	"of an attempt that nobody knows":                         recordUnknown,
}

var recording = pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic}, SMS: "sms"}

// accepted settles the last attempt, at n, as accepted, and returns its record as it is made then.
func (t *ledgerTest) accepted(n pipeline.Notification) []pipeline.Write {
	t.Helper()
	a := t.attempt
	a.MessageID, n.Recipient = "wamid."+a.ID, a.Recipient
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: a.MessageID})
	return recording.Record(pipeline.SentMessage{Notification: n, Attempt: a})
}

// wantRecord checks that the ledger gives what it takes to make that record.
func (t *ledgerTest) wantRecord(attempt string, want []pipeline.Write) {
	t.Helper()
	m, ok, err := t.l.SentMessage(t.Context(), attempt)
	if err != nil || !ok {
		t.Fatalf("SentMessage: got %v, %v; want one", ok, err)
	}
	got := recording.Record(m)
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%d writes, want %d", len(got), len(want))
	}
	for i := range got {
		if !got[i].Body.Equal(want[i].Body) {
			t.Errorf("%s:\n got %s\nwant %s", got[i].Key, got[i].Body.Reveal(), want[i].Body.Reveal())
		}
		got[i].Body = want[i].Body
	}
	wantEqual(t, "writes", got, want)
}

func recordWhole(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	a := t.try(t.lease(n.Key))
	a.Recipient, a.Channel = "RelatedPerson/9", "sms"
	a.Covers = []pipeline.Covered{{Key: other.Key, Step: other.Step, Subject: other.Subject, SubjectVersion: "1"}}
	t.beginAs(a)
	t.wantRecord(a.ID, t.accepted(n))
}

func recordAnswer(t *ledgerTest) {
	say := note("1", "thanks", t.now)
	say.Subject, say.Thread, say.ReplyTo, say.Sole = "", "Appointment/1", "wamid.r1", true
	say.Address, say.Priority = pipeline.NewPrivate(phone), pipeline.PriorityReply
	t.hear(reply("wamid.r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
	a := t.try(t.lease(say.Key))
	a.Recipient, a.Template, a.Choices = say.Recipient, "", []string{"one", "two"}
	t.beginAs(a)
	t.wantRecord(a.ID, t.accepted(say))
}

func recordNumber(t *ledgerTest) {
	say := note("1", "thanks", t.now)
	say.Subject, say.Patient, say.Recipient, say.ReplyTo, say.Address = "", "", "", "wamid.r1", pipeline.NewPrivate(phone)
	t.hear(reply("wamid.r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
	t.begin(t.lease(say.Key))
	t.wantRecord(t.attempt.ID, t.accepted(say))
}

func recordStays(t *ledgerTest) {
	n := t.booked("1", t.now)
	a := t.try(t.lease(n.Key))
	a.Recipient = "RelatedPerson/9"
	t.beginAs(a)
	want := t.accepted(n)
	t.receive(pipeline.Receipt{Attempt: a.ID, State: pipeline.Failed, Elsewhere: true, Code: "131026"})
	again := t.try(t.lease(n.Key))
	again.Recipient, again.Begun = n.Patient, t.now.Add(time.Minute)
	t.beginAs(again)
	t.wantRecord(a.ID, want)
	t.wantRecord(again.ID, t.accepted(n))
}

func recordUnknown(t *ledgerTest) {
	if _, ok, err := t.l.SentMessage(t.Context(), pipeline.NewAttempt()); ok || err != nil {
		t.Errorf("SentMessage: got %v, %v; want none", ok, err)
	}
}
