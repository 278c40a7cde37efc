package porttest

import (
	"slices"
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
	"of one that is heard of late, to whom it went":           recordLate,
}

var recording = pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic}, SMS: "sms"}

// accepted settles the last attempt, at n, as accepted, with its record left for later, and returns that as it is made then.
func (t *ledgerTest) accepted(n pipeline.Notification) []pipeline.Write {
	t.Helper()
	a := t.attempt
	a.MessageID, n.Recipient = "wamid."+a.ID, a.Recipient
	m := pipeline.SentMessage{Notification: n, Attempt: a}
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: a.MessageID, Writes: recording.Later(m)})
	return recording.Record(m)
}

// wantRecords checks that writes come with what it takes to make them.
func (t *ledgerTest) wantRecords(lists ...[]pipeline.Write) {
	t.Helper()
	for _, want := range slices.Concat(lists...) {
		w := t.next(want)
		if w.Of == "" || w.Message == nil {
			t.Fatalf("%s: of %q, which is not there", w.Key, w.Of)
		}
		got := recording.Record(*w.Message)
		i := slices.IndexFunc(got, func(g pipeline.Write) bool { return g.Key == w.Key })
		if i < 0 {
			t.Fatalf("%s is no part of what it is the record of", w.Key)
		}
		if !got[i].Body.Equal(want.Body) {
			t.Errorf("%s:\n got %s\nwant %s", w.Key, got[i].Body.Reveal(), want.Body.Reveal())
		}
		t.settleWrite(w.Key, done)
	}
}

// next is a write once it is the first of its queue.
func (t *ledgerTest) next(want pipeline.Write) pipeline.Write {
	t.Helper()
	list, err := t.l.Writes(t.Context(), want.Sink, t.soon(), 100)
	if err != nil {
		t.Fatalf("Writes: %v", err)
	}
	for _, w := range list {
		if w.Key == want.Key {
			return w
		}
	}
	t.Fatalf("%s is not handed out", want.Key)
	return pipeline.Write{}
}

func recordWhole(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	a := t.try(t.lease(n.Key))
	a.Recipient, a.Channel = "RelatedPerson/9", "sms"
	a.Covers = []pipeline.Covered{{Key: other.Key, Step: other.Step, Subject: other.Subject, SubjectVersion: "1"}}
	t.beginAs(a)
	t.wantRecords(t.accepted(n))
}

func recordAnswer(t *ledgerTest) {
	say := note("1", "thanks", t.now)
	say.Subject, say.Thread, say.ReplyTo, say.Sole = "", "Appointment/1", "wamid.r1", true
	say.Address, say.Priority = pipeline.NewPrivate(phone), pipeline.PriorityReply
	t.hear(reply("wamid.r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
	a := t.try(t.lease(say.Key))
	a.Recipient, a.Template, a.Choices = say.Recipient, "", []string{"one", "two"}
	t.beginAs(a)
	t.wantRecords(t.accepted(say))
}

func recordNumber(t *ledgerTest) {
	say := note("1", "thanks", t.now)
	say.Subject, say.Patient, say.Recipient, say.ReplyTo, say.Address = "", "", "", "wamid.r1", pipeline.NewPrivate(phone)
	t.hear(reply("wamid.r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
	t.begin(t.lease(say.Key))
	t.wantRecords(t.accepted(say))
}

func recordStays(t *ledgerTest) {
	n := t.booked("1", t.now)
	a := t.try(t.lease(n.Key))
	a.Recipient = "RelatedPerson/9"
	t.beginAs(a)
	want := t.accepted(n)
	t.receive(pipeline.Receipt{Attempt: a.ID, State: pipeline.Failed, Elsewhere: true, Code: "131026"})
	t.now = time.Now().UTC()
	again := t.try(t.lease(n.Key))
	again.Recipient, again.Begun = n.Patient, t.now.Add(time.Minute)
	t.beginAs(again)
	second := t.accepted(n)
	t.wantRecords(want, second[len(second)-2:]) // the header is there
}

func recordUnknown(t *ledgerTest) {
	w := write("sent:1@server", "Patient/1")
	w.Of = pipeline.NewAttempt()
	t.owe("r1", w)
	if list := t.pending(); len(list) != 1 || list[0].Of != w.Of || list[0].Message != nil {
		t.Errorf("got %v, want the write, and no message", list)
	}
}

func recordLate(t *ledgerTest) {
	n := t.booked("1", t.now)
	first := t.try(t.lease(n.Key))
	first.Recipient = "RelatedPerson/9"
	t.beginAs(first)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: first.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	if planned, _, err := t.l.Lapse(t.Context(), t.now.Add(time.Minute), t.now.Add(time.Minute), nil); planned != 1 || err != nil {
		t.Fatalf("Lapse: %d, %v", planned, err)
	}
	t.now = t.now.Add(time.Minute)
	again := t.try(t.lease(n.Key))
	again.Recipient = n.Patient
	t.beginAs(again)
	t.accepted(n)
	var got []string
	_, err := t.l.Receive(t.Context(), pipeline.Receipt{Attempt: first.ID, MessageID: "wamid.late", State: pipeline.Delivered, At: t.now}, func(m pipeline.SentMessage) []pipeline.Write {
		got = append(got, m.Notification.Recipient)
		return nil
	})
	if err != nil || !slices.Equal(got, []string{"RelatedPerson/9"}) {
		t.Errorf("recorded as sent to %v, %v; want whom it went to", got, err)
	}
}
