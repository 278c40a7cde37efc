package porttest

import (
	"errors"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// What the end of a write leads to, and what a plan owes; the tests are listed in writeTests.

// told is the result of a write that the patient is told of.
func (t *ledgerTest) told(r pipeline.WriteResult) (pipeline.WriteResult, pipeline.Notification) {
	n := note("1", "told of it", t.now)
	n.Address, n.ReplyTo = pipeline.NewPrivate(phone), "r1"
	r.Say = []pipeline.Notification{n}
	return r, n
}

func writesSay(t *ledgerTest) {
	t.owe("r1", write("a1", "A"))
	t.wantKeys(t.soon(), "a1")
	wake := t.l.Wake()
	for len(wake) > 0 {
		<-wake
	}
	result, n := t.told(done)
	t.settleWrite("a1", result)
	wantEqual(t, "signals of something due", len(wake), 1)
	t.settleWrite("a1", result)
	list := t.due(t.now, 10)
	if len(list) != 1 || list[0].Key != n.Key || list[0].Address.Reveal() != phone || list[0].ReplyTo != "r1" {
		t.Fatalf("due: got %d, want the one that is said of it, to the number it is meant for", len(list))
	}
	t.begin(list[0])
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1"})
	t.settleWrite("a1", result)
	t.wantState(n, pipeline.Accepted, "")
	wantEqual(t, "due after it was sent", len(t.due(t.now.Add(2*pipeline.LeaseTime), 10)), 0)
}

// writesSayInstead: what comes of a write while dispatch is about to say that nothing was heard of it.
func writesSayInstead(t *ledgerTest) {
	for id, end := range map[string]func(pipeline.DueNotification){
		"1": func(d pipeline.DueNotification) {
			began, err := t.l.Begin(t.Context(), pipeline.Attempt{ID: pipeline.NewAttempt(), Notification: d.Key, SubjectVersion: d.Subject.Version, Address: d.Address, Begun: t.now})
			if began || err != nil {
				t.Errorf("Begin of what was leased before: got %v, %v; want it not begun", began, err)
			}
		},
		"2": func(d pipeline.DueNotification) {
			t.settle(pipeline.Settlement{Key: d.Key, State: pipeline.Skipped, Reason: pipeline.ReasonExpired})
		},
	} {
		waits := note(id, "asked", t.now)
		waits.ReplyTo, waits.Address = "r"+id, pipeline.NewPrivate(phone)
		t.hear(reply("r"+id, ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{waits}}, Writes: []pipeline.Write{write("a"+id, id)}})
		t.wantKeys(t.soon(), "a"+id)
		leased := t.lease(waits.Key)
		r := done
		r.Say = []pipeline.Notification{waits}
		r.Say[0].Step = "done"
		t.settleWrite("a"+id, r)
		end(leased)
		if got := t.lease(waits.Key); got.Step != "done" {
			t.Errorf("due: got %s, want what has come of it", got.Step)
		}
	}
}

func writesSayNothing(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("b1", "B"))
	t.wantKeys(t.soon(), "a1", "b1")
	waits, _ := t.told(pipeline.WriteResult{Retry: t.soon(), Reason: pipeline.ReasonTransient})
	t.settleWrite("a1", waits)
	t.settleWrite("b1", givenUp)
	late, n := t.told(done)
	t.settleWrite("b1", late) // of a write that was given up, and of one that nobody owes
	t.settleWrite("never seen", late)
	wantEqual(t, "due", len(t.due(t.now, 10)), 0)
	t.settleWrite("a1", late)
	if got := t.dueKeys(t.now, 10); !slices.Equal(got, []string{n.Key}) {
		t.Errorf("due when it is done: got %v, want %s", got, n.Key)
	}
}

func writesSayGivenUp(t *ledgerTest) {
	t.owe("r1", write("a1", "A"))
	t.wantKeys(t.soon(), "a1")
	ends, n := t.told(givenUp)
	t.settleWrite("a1", ends)
	t.settleWrite("a1", ends)
	if got := t.dueKeys(t.now, 10); !slices.Equal(got, []string{n.Key}) {
		t.Errorf("due: got %v, want %s", got, n.Key)
	}
	t.wantWrites(0, 1)
}

func writesDecide(t *ledgerTest) {
	n := t.sent("1", phone)
	t.owe("r1", write("a1", "A"), write("b1", "B"), write("c1", "C"))
	t.wantKeys(t.soon(), "a1", "b1", "c1")
	counts := func(what, action string) {
		t.Helper()
		known, err := t.l.KnownOf(t.Context(), n.Subject)
		got := ""
		if a := known.AnswerOf(n.Patient); a != nil {
			got = a.Action
		}
		if got != action || err != nil {
			t.Errorf("%s: got %q, %v, want %q", what, got, err, action)
		}
	}
	decided := func(r pipeline.WriteResult, action string, at time.Time) pipeline.WriteResult {
		r.Answer = &pipeline.Answer{Subject: n.Subject, Patient: n.Patient, Action: action, At: at}
		return r
	}
	t.settleWrite("a1", decided(pipeline.WriteResult{Retry: t.soon(), Reason: pipeline.ReasonTransient}, "change", t.now))
	t.settleWrite("b1", decided(pipeline.WriteResult{GiveUp: true, Reason: pipeline.ReasonRefused}, "change", t.now))
	counts("of a write that waits or was given up", "")
	t.settleWrite("a1", decided(done, "change", t.now))
	counts("done", "change")
	t.settleWrite("c1", decided(done, "older", t.now.Add(-time.Second)))
	counts("of an older word", "change")
}

// owing is a Decide that owes writes, and ends with err.
func owing(err error, list ...pipeline.Write) pipeline.Decide {
	return func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
		return pipeline.Plan{Writes: list}, err
	}
}

func writesPlanned(t *ledgerTest) {
	wake := t.l.WakeWrites(pipeline.SinkServer)
	first := version("Appointment", "1", 1)
	t.apply(first, owing(nil, write("a1", "A"), write("a1", "A")))
	wantEqual(t, "signals", len(wake), 1)
	t.apply(first, owing(nil, write("a1", "A"), write("b1", "B")))
	t.wantKeys(t.soon(), "a1")
	t.settleWrite("a1", done)
	t.apply(first, owing(nil, write("a1", "A")))
	t.apply(version("Appointment", "1", 2), owing(nil, write("a1", "A"), write("c1", "C")))
	t.wantKeys(t.soon().Add(2*pipeline.LeaseTime), "c1")
}

func writesNotPlanned(t *ledgerTest) {
	wake := t.l.WakeWrites(pipeline.SinkServer)
	ev := version("Appointment", "1", 1)
	if _, err := t.l.Apply(t.Context(), ev, owing(errDecide, write("a1", "A"))); !errors.Is(err, errDecide) {
		t.Errorf("Apply: got %v, want the error of decide", err)
	}
	foreign := func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
		return pipeline.Plan{Wanted: []pipeline.Notification{note("2", "booked", t.now)}, Writes: []pipeline.Write{write("a1", "A")}}, nil
	}
	if _, err := t.l.Apply(t.Context(), ev, foreign); pipeline.KindOf(err) != pipeline.Malformed {
		t.Errorf("Apply with a plan for another subject: got %v, want it Malformed", err)
	}
	wantEqual(t, "signals", len(wake), 0)
	t.wantKeys(t.soon())
	t.apply(ev, owing(nil, write("a1", "A")))
	t.wantKeys(t.soon(), "a1")
}
