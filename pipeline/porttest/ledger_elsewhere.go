package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// What fails after the provider took it, and may be said later or by another channel; and what no status came of.
var elsewhereTests = map[string]func(*ledgerTest){
	"not on WhatsApp, and another channel: planned again": elsewherePlanned,
	"not taken at all: planned again":                     elsewhereRefused,
	"nothing after an attempt that may have gone out":     elsewhereUnknown,
	"nothing that would come too late":                    elsewhereLate,
	"nothing that newer news have overtaken":              elsewhereOvertaken,
	"an answer stays where it was asked for":              elsewhereAnswer,
	"what may pass is tried again after its wait":         laterPlanned,
	"and not for ever":                                    laterEnds,
	"a reply by SMS opens no window":                      smsReply,
	"a STOP by SMS holds":                                 smsStop,
	"silent are those taken and not delivered":            silentOnes,
}

func (t *ledgerTest) notHere() pipeline.Received {
	t.Helper()
	return t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Failed, Code: "131026", Elsewhere: true})
}

func elsewherePlanned(t *ledgerTest) {
	n := t.sent("1", phone)
	first := t.attempt
	if got := t.notHere(); !got.Changed || got.To != pipeline.Planned {
		t.Errorf("receipt: got %+v, want it planned again", got)
	}
	t.wantState(n, pipeline.Planned, pipeline.ReasonNotReachable)
	t.wantAbsent(phone, t.now)
	t.now = time.Now().UTC()
	due := t.lease(n.Key)
	if due.Gone {
		t.Error("the attempt that failed counts as one that may have gone out")
	}
	again := t.try(due)
	again.Channel, again.Template = "sms", ""
	t.beginAs(again)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: again.ID, State: pipeline.Accepted, MessageID: "sms-1"})
	t.attempt = first
	t.notHere() // the same once more
	t.wantState(n, pipeline.Accepted, "")
	trace, err := t.l.Trace(t.Context(), n.Subject)
	if err != nil || len(trace) != 1 || len(trace[0].Attempts) != 2 || trace[0].Attempts[0].Channel != "main" || trace[0].Attempts[1].Channel != "sms" {
		t.Errorf("trace: got %+v, %v; want both attempts", trace, err)
	}
}

func elsewhereRefused(t *ledgerTest) {
	n := t.begun("1", nil)
	t.settle(pipeline.Settlement{
		Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Planned, Reason: pipeline.ReasonNotReachable, Code: "131026", Due: t.now,
		Writes: []pipeline.Write{write("sent:1", n.Patient)},
	})
	t.wantAbsent(phone, t.now)
	if due := t.lease(n.Key); due.Gone {
		t.Error("what was refused counts as what may have gone out")
	}
	wantEqual(t, "writes", len(t.pending()), 1)
}

func elsewhereUnknown(t *ledgerTest) {
	n := t.begun("1", nil)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	if planned, _, err := t.l.Lapse(t.Context(), t.now.Add(time.Minute), t.now.Add(time.Minute), nil); planned != 1 || err != nil {
		t.Fatalf("Lapse: %d, %v", planned, err)
	}
	t.now = t.now.Add(time.Minute)
	due := t.lease(n.Key)
	if !due.Gone {
		t.Error("nothing says that an attempt may have gone out")
	}
	t.begin(due)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.2"})
	t.notHere()
	t.wantState(n, pipeline.Failed, pipeline.ReasonNotReachable)
}

func elsewhereLate(t *ledgerTest) {
	n := note("1", "booked", t.now.Add(-time.Hour))
	n.Expires = time.Now().Add(100 * time.Millisecond)
	t.apply(version("Appointment", "1", 1), plan(n))
	t.begin(t.lease(n.Key))
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1"})
	time.Sleep(time.Until(n.Expires) + time.Millisecond)
	t.notHere()
	t.wantState(n, pipeline.Failed, pipeline.ReasonNotReachable)
}

func elsewhereOvertaken(t *ledgerTest) {
	n := t.sent("1", phone)
	t.apply(version("Appointment", "1", 2), plan(note("1", "moved", t.now.Add(time.Hour))))
	t.notHere()
	t.wantState(n, pipeline.Failed, pipeline.ReasonNotReachable)
}

func elsewhereAnswer(t *ledgerTest) {
	say := note("1", "answer:confirm", t.now)
	say.ReplyTo, say.Address = "r1", pipeline.NewPrivate(phone)
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
	t.begin(t.lease(say.Key))
	t.settle(pipeline.Settlement{Key: say.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1"})
	t.notHere()
	t.wantState(say, pipeline.Failed, pipeline.ReasonNotReachable)
}

// fails is the receipt of the last attempt: it may be tried again in a moment.
func (t *ledgerTest) fails(wait time.Duration) {
	t.Helper()
	t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Failed, Code: "131056", Again: wait})
}

func laterPlanned(t *ledgerTest) {
	n := t.sent("1", phone)
	before := time.Now()
	t.fails(time.Hour)
	t.wantState(n, pipeline.Planned, pipeline.ReasonThrottled)
	at := t.nextDue()
	if at.Before(before.Add(time.Hour-time.Second)) || at.After(time.Now().Add(time.Hour)) {
		t.Errorf("it is due at %v; want an hour from now", at)
	}
	t.wantAbsent(phone, time.Time{})
	soon := note("2", "booked", t.now)
	soon.Expires = time.Now().Add(30 * time.Minute)
	t.apply(version("Appointment", "2", 1), plan(soon))
	t.begin(t.lease(soon.Key))
	t.settle(pipeline.Settlement{Key: soon.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.2"})
	t.fails(time.Hour) // by then it is useless
	t.wantState(soon, pipeline.Failed, pipeline.ReasonRefused)
}

func laterEnds(t *ledgerTest) {
	n := t.sent("1", phone)
	for range pipeline.MaxAgain - 1 {
		t.fails(time.Millisecond)
		t.wantState(n, pipeline.Planned, pipeline.ReasonThrottled)
		t.now = time.Now().UTC().Add(time.Second)
		t.begin(t.lease(n.Key))
		t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid." + t.attempt.ID})
	}
	t.fails(time.Millisecond)
	t.wantState(n, pipeline.Failed, pipeline.ReasonRefused)
}

func smsReply(t *ledgerTest) {
	t.sent("1", phone)
	t.notHere()
	r := reply(pipeline.SMSReply("r1"), "")
	r.At = t.now.Add(time.Second)
	t.hear(r, pipeline.Heard{})
	if known := t.wantAbsent(phone, t.now); !known.Heard.IsZero() {
		t.Errorf("heard at %v: the window of WhatsApp is open", known.Heard)
	}
}

func smsStop(t *ledgerTest) {
	stop := true
	r := reply(pipeline.SMSReply("r1"), "")
	t.hear(r, pipeline.Heard{Outcome: pipeline.Outcome{Stop: &stop}})
	known, err := t.l.Sender(t.Context(), pipeline.NewPrivate(phone))
	if err != nil || !known.Stopped {
		t.Errorf("got %+v, %v; want it stopped", known, err)
	}
	stop = false
	r = reply("r2", "") // by WhatsApp
	r.At = r.At.Add(time.Minute)
	t.hear(r, pipeline.Heard{Outcome: pipeline.Outcome{Stop: &stop}})
	if known, err = t.l.Sender(t.Context(), pipeline.NewPrivate(phone)); err != nil || known.Stopped {
		t.Errorf("got %+v, %v; want it started again", known, err)
	}
}

func silentOnes(t *ledgerTest) {
	begun := map[string]string{} // ids of attempts by their state
	for i, state := range []pipeline.State{pipeline.Accepted, pipeline.Sent, pipeline.Delivered, pipeline.Read, pipeline.Failed} {
		t.sent(string(rune('1'+i)), phone)
		begun[t.attempt.ID] = string(state)
		if state != pipeline.Accepted {
			t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: state})
		}
	}
	t.begun("9", nil) // nobody knows yet
	ask := func(channel string, after, before time.Time, limit int) (states []string) {
		list, err := t.l.Silent(t.Context(), channel, after, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			if a.MessageID == "" {
				t.Error("a message without the provider's id")
			}
			states = append(states, begun[a.ID])
		}
		return states
	}
	before, after := t.now.Add(-time.Second), t.now.Add(time.Second)
	wantEqual(t, "silent", len(ask("main", before, after, 10)), 2)
	wantEqual(t, "the first", ask("main", before, after, 1)[0], string(pipeline.Accepted))
	wantEqual(t, "of another channel", len(ask("sms", before, after, 10)), 0)
	wantEqual(t, "begun later", len(ask("main", before, t.now, 10)), 0)
	wantEqual(t, "begun earlier", len(ask("main", after, after.Add(time.Hour), 10)), 0)
}
