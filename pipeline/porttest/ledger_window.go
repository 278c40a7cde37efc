package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// Free words that met a closed window.
var windowTests = map[string]func(*ledgerTest){
	"not taken: planned again, and known to be shut":   windowRefused,
	"it stays shut when the plan is made anew":         windowReplanned,
	"not delivered: planned again, once":               windowLost,
	"not delivered, and useless by now":                windowLate,
	"not delivered, and one before may have gone out":  windowGone,
	"not delivered, and something newer has been said": windowOvertaken,
	"not delivered, and something newer will be said":  windowOvertaking,
	"not delivered, and another journey has spoken":    windowElsewhere,
	"an answer that was not delivered is told of":      windowAnswer,
}

// freely brings a new appointment's notification to Accepted, in free words.
func (t *ledgerTest) freely(id string) pipeline.Notification {
	t.Helper()
	n := t.booked(id, t.now)
	t.beginFreely(n.Key)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid." + id})
	return n
}

func (t *ledgerTest) beginFreely(key string) {
	t.Helper()
	a := t.try(t.lease(key))
	a.Template = ""
	t.beginAs(a)
}

// shutOut is the receipt of the last attempt: the window was closed.
func (t *ledgerTest) shutOut() pipeline.Received {
	t.Helper()
	return t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Failed, Code: "131047"})
}

// wantShut leases what is planned again because the window is closed.
func (t *ledgerTest) wantShut(n pipeline.Notification) pipeline.DueNotification {
	t.Helper()
	t.wantState(n, pipeline.Planned, pipeline.ReasonWindow)
	t.now = time.Now().UTC() // it is due since the ledger has taken the receipt
	again := t.lease(n.Key)
	if !again.Shut {
		t.Error("nothing says that the window is closed")
	}
	return again
}

func windowRefused(t *ledgerTest) {
	n := t.booked("1", t.now)
	t.beginFreely(n.Key)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Planned, Reason: pipeline.ReasonWindow, Due: t.now, Shut: true})
	t.wantShut(n)
}

func windowReplanned(t *ledgerTest) {
	n := t.freely("1")
	t.shutOut()
	n.Due = time.Now()
	t.apply(version("Appointment", "1", 2), plan(n))
	t.now = n.Due
	if again := t.lease(n.Key); !again.Shut {
		t.Error("the newer version has opened the window")
	}
}

func windowLost(t *ledgerTest) {
	n := t.freely("1")
	wake := t.l.Wake()
	select { // what was planned before
	case <-wake:
	default:
	}
	if got := t.shutOut(); !got.Changed || got.To != pipeline.Planned {
		t.Errorf("receipt: got %+v, want it planned again", got)
	}
	if len(wake) != 1 {
		t.Error("it is due at once: no signal")
	}
	t.shutOut() // the same once more
	again := t.try(t.wantShut(n))
	again.Template = "" // which nobody should
	t.beginAs(again)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.again"})
	t.shutOut()
	t.wantState(n, pipeline.Failed, pipeline.ReasonWindow)
}

func windowLate(t *ledgerTest) {
	n := note("1", "booked", t.now.Add(-time.Hour))
	n.Expires = time.Now().Add(100 * time.Millisecond)
	t.apply(version("Appointment", "1", 1), plan(n))
	t.beginFreely(n.Key)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1"})
	time.Sleep(time.Until(n.Expires) + time.Millisecond)
	t.shutOut()
	t.wantState(n, pipeline.Failed, pipeline.ReasonWindow)
}

func windowGone(t *ledgerTest) {
	n := t.booked("1", t.now)
	t.beginFreely(n.Key)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	t.lapse(1, 0)
	t.beginFreely(n.Key)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.2"})
	t.shutOut()
	t.wantState(n, pipeline.Failed, pipeline.ReasonWindow)
}

func windowOvertaken(t *ledgerTest) {
	n := t.freely("1")
	lost := t.attempt
	moved := note("1", "moved", t.now)
	t.apply(version("Appointment", "1", 2), plan(moved))
	t.begin(t.lease(moved.Key))
	t.now = t.now.Add(time.Second)
	t.settle(pipeline.Settlement{Key: moved.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.moved"})
	t.attempt = lost
	t.shutOut()
	t.wantState(n, pipeline.Failed, pipeline.ReasonWindow)
}

// windowElsewhere: the way there, and a reminder, were told since; neither says that the visit was moved.
func windowElsewhere(t *ledgerTest) {
	n := t.freely("1")
	lost := t.attempt
	way, reminder := note("1", "way", t.now), note("1", "reminder", t.now)
	way.Journey, reminder.Edge = "directions", false
	t.apply(version("Appointment", "1", 2), plan(way, reminder))
	for _, other := range t.due(t.now, 10) {
		t.begin(other)
		s := pipeline.Settlement{Key: other.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid." + other.Step}
		t.now = t.now.Add(time.Second)
		t.settle(s)
	}
	later := note("1", "way later", t.now.Add(time.Hour))
	later.Journey = "directions"
	t.apply(version("Appointment", "1", 3), plan(later))
	t.attempt = lost
	t.shutOut()
	t.wantShut(n)
}

func windowOvertaking(t *ledgerTest) {
	n := t.freely("1")
	reminder := note("1", "reminder", t.now.Add(time.Hour))
	reminder.Edge = false
	t.apply(version("Appointment", "1", 2), plan(reminder, note("1", "moved", t.now.Add(time.Hour))))
	t.shutOut()
	t.wantState(n, pipeline.Failed, pipeline.ReasonWindow)

	other := t.freely("2") // a reminder alone says something else
	reminder = note("2", "reminder", t.now.Add(time.Hour))
	reminder.Edge = false
	t.apply(version("Appointment", "2", 2), plan(reminder))
	t.shutOut()
	t.wantShut(other)
}

func windowAnswer(t *ledgerTest) {
	say := note("1", "answer:confirm", t.now)
	say.ReplyTo, say.Address = "r1", pipeline.NewPrivate(phone)
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
	t.beginFreely(say.Key)
	t.settle(pipeline.Settlement{Key: say.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1"})
	for range 2 {
		_, err := t.l.Receive(t.Context(), pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Failed, Code: "131047", At: t.now}, func(m pipeline.SentMessage) []pipeline.Write {
			wantEqual(t, "failed", m.Fate.State, pipeline.Failed)
			wantEqual(t, "the words", m.Attempt.Seen.Reveal(), "what the patient reads")
			return []pipeline.Write{write("unsaid:"+m.Attempt.ID, m.Notification.Patient)}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.wantState(say, pipeline.Failed, pipeline.ReasonWindow)
	wantEqual(t, "writes", len(t.pending()), 1)
}
