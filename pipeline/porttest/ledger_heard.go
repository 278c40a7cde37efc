package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// What comes of a reply; the tests are listed in hearTests.

func hearSay(t *ledgerTest) {
	t.sent("1", phone)
	due := t.l.Wake()
	for len(due) > 0 {
		<-due
	}
	say := note("1", "confirmed", t.now)
	say.Priority = pipeline.PriorityReply
	o := pipeline.Outcome{Reading: "confirm", Say: []pipeline.Notification{say, say}}
	t.hear(reply("r1", "wamid.1"), pipeline.Heard{Outcome: o, Patient: "Patient/1"})
	if len(due) != 1 {
		t.Error("something is due at once: no signal")
	}
	t.hear(reply("r2", "wamid.1"), pipeline.Heard{Outcome: o})
	got := t.due(t.now, 10)
	if len(got) != 1 || got[0].ReplyTo != "r1" || got[0].Address.Reveal() != phone || got[0].Subject.Version != "1" {
		t.Errorf("due: got %d, want the one answer to r1, to the sender's number", len(got))
	}
}

func hearAnswer(t *ledgerTest) {
	stays, goes := note("1", "day before", t.now.Add(time.Hour)), note("1", "please confirm", t.now.Add(time.Hour))
	n := t.sent("1", phone)
	t.apply(version("Appointment", "1", 2), plan(n, stays, goes))
	answer := &pipeline.Answer{Subject: n.Subject, Patient: n.Patient, Action: "confirm", Occasion: "2027-01-15T09:30:00Z", Was: "needs-action declined", At: t.now}
	t.hear(reply("r1", "wamid.1"), pipeline.Heard{Outcome: pipeline.Outcome{
		Answer: answer, Plan: &pipeline.Plan{Wanted: []pipeline.Notification{stays}},
	}})
	t.wantState(goes, pipeline.Cancelled, pipeline.ReasonAnswered)
	t.wantState(stays, pipeline.Planned, "")
	known, err := t.l.KnownOf(t.Context(), n.Subject)
	if err != nil || len(known.Answers) != 1 || len(known.Open) != 1 {
		t.Fatalf("known: got answers %v, %d open, %v; want one of each", known.Answers, len(known.Open), err)
	}
	wantEqual(t, "answer", known.Answers[0], *answer)
	other := *answer
	other.Action = "cancel"
	t.hear(reply("r2", "wamid.1"), pipeline.Heard{Outcome: pipeline.Outcome{Answer: &other}})
	t.wantState(stays, pipeline.Planned, "")
	if known, err = t.l.KnownOf(t.Context(), n.Subject); err != nil || len(known.Answers) != 1 || known.Answers[0].Action != "cancel" {
		t.Errorf("answer after another: got %v, %v; want cancel", known.Answers, err)
	}
}

func hearAnswers(t *ledgerTest) {
	n := t.sent("1", phone)
	for i, a := range []pipeline.Answer{
		{Patient: "Patient/child", Action: "cancel"}, {Patient: n.Patient, Action: "confirm"}, {Patient: "Patient/child", Action: "confirm"},
	} {
		a.Subject, a.At = n.Subject, t.now.Add(time.Duration(i)*time.Second)
		t.hear(reply("r"+keyed(i), "wamid.1"), pipeline.Heard{Outcome: pipeline.Outcome{Answer: &a}})
	}
	known, err := t.l.KnownOf(t.Context(), n.Subject)
	if err != nil || len(known.Answers) != 2 {
		t.Fatalf("known: got %d answers, %v; want one of each patient", len(known.Answers), err)
	}
	for patient, second := range map[string]time.Duration{n.Patient: 1, "Patient/child": 2} {
		a := known.AnswerOf(patient)
		if a == nil || a.Action != "confirm" || !a.At.Equal(t.now.Add(second*time.Second)) {
			t.Errorf("%s: got %v, want the last answer of that patient", patient, a)
		}
	}
}

func hearSayStays(t *ledgerTest) {
	t.sent("1", phone)
	say := note("1", "confirmed", t.now)
	t.hear(reply("r1", "wamid.1"), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
	t.apply(version("Appointment", "1", 2), func(_ pipeline.Versioned, known pipeline.Known) (pipeline.Plan, error) {
		wantEqual(t, "open", len(known.Open), 0)
		wantEqual(t, "answers to replies", len(known.Replying), 1)
		return pipeline.Plan{}, nil
	})
	t.wantState(say, pipeline.Planned, "")
}

func hearLast(t *ledgerTest) {
	if at := t.heardAt(phone); !at.IsZero() {
		t.Errorf("before: got %v, want never", at)
	}
	r := reply("r1", "")
	r.At = t.now
	t.hear(r, pipeline.Heard{})
	r.ID, r.At = "r2", t.now.Add(-time.Hour) // came late
	t.hear(r, pipeline.Heard{})
	if at := t.heardAt(phone); !at.Equal(t.now) {
		t.Errorf("got %v, want %v", at, t.now)
	}
}

func hearWrites(t *ledgerTest) {
	writes := t.l.WakeWrites(pipeline.SinkServer)
	t.hear(reply("r1", ""), pipeline.Heard{Writes: []pipeline.Write{write("reply:r1", "Patient/1")}})
	wantEqual(t, "signals", len(writes), 1)
	t.hear(reply("r2", ""), pipeline.Heard{Writes: []pipeline.Write{write("reply:r1", "Patient/1"), write("reply:r2", "Patient/2")}})
	wantEqual(t, "writes", len(t.pending()), 2)
}

func hearNoSubject(t *ledgerTest) {
	say := pipeline.Notification{
		Key: pipeline.NotificationKey("reply", "hello", "", "r1", ""), Journey: "reply", Step: "hello", Patient: "Patient/1",
		Due: t.now, Expires: t.now.Add(time.Hour), ReplyTo: "r1", Thread: "Appointment/1",
	}
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
	n := t.lease(say.Key)
	if n.Notification.Subject != "" || n.Subject.Resource != nil || n.Subject.Version != "" || len(n.Known.Told) != 0 {
		t.Error("something is known of a subject that there is not")
	}
	wantEqual(t, "what the conversation is about", n.Thread, say.Thread)
	t.begin(n)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.hello"})
	t.wantState(say, pipeline.Accepted, "")
	t.wantThread(t.hear(reply("r2", "wamid.hello"), pipeline.Heard{}), "quote", &say)
}

func hearGone(t *ledgerTest) {
	n := t.sent("1", phone)
	gone := version("Appointment", "1", 2)
	gone.Operation, gone.Resource = pipeline.Delete, nil
	t.apply(gone, plan())
	thread := t.hear(reply("r1", "wamid.1"), pipeline.Heard{})
	t.wantThread(thread, "quote", &n)
	if thread.Subject != nil {
		t.Error("the subject is gone, and the thread has one")
	}
}

func hearFailed(t *ledgerTest) {
	t.sent("1", phone)
	t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Failed})
	t.wantThread(t.hear(reply("r1", ""), pipeline.Heard{}), "none", nil)
}

func hearUnkept(t *ledgerTest) {
	answer := &pipeline.Answer{Subject: "Appointment/9", Patient: "Patient/9", Action: "confirm", At: t.now}
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Answer: answer}})
	if known, err := t.l.KnownOf(t.Context(), "Appointment/9"); err != nil || known.AnswerOf("Patient/9") == nil {
		t.Errorf("known: got %v, %v; want the answer", known.Answers, err)
	}
	if _, ok, err := t.l.Resource(t.Context(), "Appointment/9"); ok || err != nil {
		t.Errorf("resource: got %v, %v; want none", ok, err)
	}
	t.wantFresh(version("Appointment", "9", 1), pipeline.Newer)
}
