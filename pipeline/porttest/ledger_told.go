package porttest

import (
	"fmt"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// What is owed to who has asked for a message, or has to say it; the tests are listed in followTests.

// requested plans a notification that somebody has asked for.
func (t *ledgerTest) requested(id string, due, expires time.Time) pipeline.Notification {
	t.Helper()
	n := note(id, "message", due)
	n.Subject, n.Expires = "CommunicationRequest/"+id, expires
	t.apply(version("CommunicationRequest", id, 1), plan(n))
	return n
}

// settlesExpired: what has expired is handed out, to be settled with what is owed to who has asked for it.
func (t *ledgerTest) settlesExpired(n pipeline.Notification, at time.Time) {
	t.Helper()
	if list := t.due(at, 10); len(list) != 1 || list[0].Key != n.Key {
		t.Fatalf("due: got %d, want the one that has expired", len(list))
	}
	t.settle(pipeline.Settlement{
		Key: n.Key, State: pipeline.Expired, Reason: pipeline.ReasonExpired, Writes: []pipeline.Write{write("told", n.Subject)},
	})
	t.wantState(n, pipeline.Expired, pipeline.ReasonExpired)
	t.wantKeys(t.soon(), "told")
}

func requestedExpires(t *ledgerTest) {
	n := t.requested("1", t.now.Add(-2*time.Hour), t.now.Add(-time.Hour))
	t.settlesExpired(n, t.now)
}

func requestedLapses(t *ledgerTest) {
	n := t.requested("1", t.now, t.now.Add(time.Minute))
	t.begin(t.lease(n.Key))
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	then := t.now.Add(time.Minute)
	if again, held, err := t.l.Lapse(t.Context(), t.now.Add(time.Second), then, nil); again != 0 || held != 0 || err != nil {
		t.Errorf("Lapse: got %d planned, %d held, %v; want none", again, held, err)
	}
	t.settlesExpired(n, then)
}

func requestedHeld(t *ledgerTest) {
	writes := t.l.WakeWrites(pipeline.SinkServer)
	n := note("1", "message", t.now)
	n.Subject, n.Resend = "CommunicationRequest/1", false
	t.apply(version("CommunicationRequest", "1", 1), plan(n))
	t.begin(t.lease(n.Key))
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	var told []string
	file := func(m pipeline.SentMessage) []pipeline.Write {
		told = append(told, m.Notification.Key+" "+m.Attempt.ID+" "+string(m.Fate.State)+" "+string(m.Fate.Reason))
		return []pipeline.Write{write("told", n.Subject)}
	}
	for range 2 {
		if _, _, err := t.l.Lapse(t.Context(), t.now.Add(time.Second), t.now, file); err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, "told", strings.Join(told, ", "), n.Key+" "+t.attempt.ID+" held no_answer")
	t.wantState(n, pipeline.Held, pipeline.ReasonNoAnswer)
	t.wantKeys(t.soon(), "told")
	if len(writes) != 1 {
		t.Error("a write was added: no signal")
	}
}

func requestedTold(t *ledgerTest) {
	n := t.requested("1", t.now, t.now.Add(time.Hour))
	skip := pipeline.Settlement{Key: n.Key, State: pipeline.Skipped, Reason: pipeline.ReasonNoNumber, Writes: []pipeline.Write{write("told", n.Subject)}}
	t.lease(n.Key)
	t.apply(version("CommunicationRequest", "1", 2), plan(n))
	t.settle(skip)
	t.wantState(n, pipeline.Planned, "") // it was concluded from an old version
	t.wantKeys(t.soon())
	t.lease(n.Key)
	t.settle(skip)
	t.settle(skip)
	t.wantState(n, pipeline.Skipped, pipeline.ReasonNoNumber)
	t.wantKeys(t.soon(), "told")
}

// lapseTells: of what expires while nobody knows whether it went out, somebody may have to say it.
func lapseTells(t *ledgerTest) {
	n := t.doubtful("1", func(n *pipeline.Notification) { n.Expires = t.now.Add(time.Minute) })
	var told []string
	file := func(m pipeline.SentMessage) []pipeline.Write {
		told = append(told, m.Notification.Key+" "+string(m.Fate.State)+" "+m.Notification.Reason)
		return []pipeline.Write{write("unsaid", n.Subject)}
	}
	if _, _, err := t.l.Lapse(t.Context(), t.now.Add(time.Second), t.now.Add(time.Minute), file); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "told", strings.Join(told, ", "), n.Key+" expired no_answer")
	t.wantState(n, pipeline.Expired, pipeline.ReasonExpired)
	t.wantKeys(t.soon(), "unsaid")
}

// receiptTells: who files a failure hears whether it is tried again.
func receiptTells(t *ledgerTest) {
	for id, wait := range map[string]time.Duration{"1": time.Hour, "2": 0} {
		t.sent(id, phone)
		var again []bool
		file := func(m pipeline.SentMessage) []pipeline.Write {
			again = append(again, m.Fate.Again)
			return nil
		}
		r := pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Failed, Code: "131056", Again: wait, At: t.now}
		if _, err := t.l.Receive(t.Context(), r, file); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "again", fmt.Sprint(again), fmt.Sprint([]bool{wait > 0}))
	}
}

// dueMayHaveTold: the phone may have what is under way, and what nobody knows the outcome of.
func dueMayHaveTold(t *ledgerTest) {
	first := t.begun("1", func(n *pipeline.Notification) { n.Resend = false })
	told := func(when string, want bool) {
		t.Helper()
		known, err := t.l.KnownOf(t.Context(), first.Subject)
		if err != nil || known.ToldOf(first.Patient) != want {
			t.Errorf("%s: got told %v, %v; want it %v", when, known.Told, err, want)
		}
	}
	told("under way", true)
	next := note("1", "next", t.now)
	t.apply(version("Appointment", "1", 2), func(_ pipeline.Versioned, known pipeline.Known) (pipeline.Plan, error) {
		if !known.ToldOf(first.Patient) {
			t.Error("under way: whoever decides takes the patient for one who was told nothing")
		}
		return pipeline.Plan{Wanted: []pipeline.Notification{next}}, nil
	})
	if got := t.lease(next.Key); !got.Known.ToldOf(first.Patient) {
		t.Error("under way: whoever makes the words takes the patient for one who was told nothing")
	}
	t.settle(pipeline.Settlement{Key: first.Key, Attempt: t.attempt.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	told("of unknown outcome", true)
	t.lapse(0, 1)
	told("left to people", true)

	first = t.begun("2", nil)
	t.settle(pipeline.Settlement{Key: first.Key, Attempt: t.attempt.ID, State: pipeline.Failed, Reason: pipeline.ReasonRefused})
	told("refused", false)
}
