package porttest

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

var outcomeTests = map[string]func(*ledgerTest){
	"accepted, with the writes that record it":         outcomeAccepted,
	"failed, with its reason":                          outcomeFailed,
	"certainly not sent: planned again":                outcomeNotSent,
	"unknown: not sent again by itself":                outcomeUnknown,
	"abandoned attempts become unknown":                outcomeAbandoned,
	"unknown lapses to planned, held or expired":       outcomeLapsed,
	"of unknown outcome twice: no third, but a person": outcomeTries,
	"what was not taken is no try of unknown outcome":  outcomeNotTaken,
	"a message that was accepted late is not resent":   outcomeLate,
	"what is settled twice is settled once":            outcomeTwice,
	"the trace tells the states in order":              outcomeTrace,
	"an attempt that nobody began settles nothing":     outcomeStranger,
	"Lapse leaves alone what is younger":               outcomeYoung,
	"an accepted attempt is found by its message id":   outcomeFound,
	"after a resend both attempts are in the history":  outcomeResent,
}

// begun brings a new appointment's notification to Sending.
func (t *ledgerTest) begun(id string, change func(*pipeline.Notification)) pipeline.Notification {
	t.Helper()
	n := note(id, "booked", t.now)
	if change != nil {
		change(&n)
	}
	t.apply(version("Appointment", id, 1), plan(n))
	t.begin(t.lease(n.Key))
	return n
}

// doubtful brings one to StateUnknown.
func (t *ledgerTest) doubtful(id string, change func(*pipeline.Notification)) pipeline.Notification {
	t.Helper()
	n := t.begun(id, change)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	return n
}

func (t *ledgerTest) lapse(wantPlanned, wantHeld int) {
	t.Helper()
	planned, held, err := t.l.Lapse(t.Context(), t.now.Add(time.Second), t.now, nil)
	if err != nil || planned != wantPlanned || held != wantHeld {
		t.Errorf("Lapse: got %d planned, %d held, %v; want %d and %d", planned, held, err, wantPlanned, wantHeld)
	}
}

func outcomeAccepted(t *ledgerTest) {
	writes := t.l.WakeWrites(pipeline.SinkServer)
	n := t.begun("1", nil)
	t.settle(pipeline.Settlement{
		Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1", Writes: []pipeline.Write{write("sent:1", "Patient/1")},
	})
	t.wantState(n, pipeline.Accepted, "")
	wantEqual(t, "message id", t.trace(n).Attempts[0].MessageID, "wamid.1")
	if len(writes) != 1 {
		t.Error("a write was added: no signal")
	}
	wantEqual(t, "writes", len(t.pending()), 1)
	known, err := t.l.KnownOf(t.Context(), n.Subject)
	if err != nil || !slices.Equal(known.Told, []string{n.Patient}) || len(known.Open) != 0 {
		t.Errorf("known: got told %v, %d open, %v; want its patient and none open", known.Told, len(known.Open), err)
	}
}

func outcomeFailed(t *ledgerTest) {
	n := t.begun("1", nil)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Failed, Reason: pipeline.ReasonNotReachable, Code: "131026"})
	t.wantState(n, pipeline.Failed, pipeline.ReasonNotReachable)
	wantEqual(t, "due", len(t.due(t.now.Add(2*pipeline.LeaseTime), 10)), 0)
}

func outcomeNotSent(t *ledgerTest) {
	n := t.begun("1", nil)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Planned, Reason: pipeline.ReasonThrottled, Due: t.now.Add(time.Minute)})
	t.wantState(n, pipeline.Planned, pipeline.ReasonThrottled)
	wantEqual(t, "due before", len(t.due(t.now, 10)), 0)
	again := t.due(t.now.Add(time.Minute), 10)
	if len(again) != 1 || again[0].Tries != 1 {
		t.Fatalf("due then: got %d, want the one, tried once", len(again))
	}
	t.begin(again[0])
}

func outcomeUnknown(t *ledgerTest) {
	n := t.doubtful("1", nil)
	t.wantState(n, pipeline.StateUnknown, pipeline.ReasonNoAnswer)
	wantEqual(t, "due", len(t.due(t.now.Add(2*pipeline.LeaseTime), 10)), 0)
}

func outcomeAbandoned(t *ledgerTest) {
	n := t.begun("1", nil)
	for _, step := range []struct {
		before time.Time
		want   int
	}{{t.now, 0}, {t.now.Add(time.Second), 1}, {t.now.Add(time.Second), 0}} {
		if got, err := t.l.Abandon(t.Context(), step.before, t.now); err != nil || got != step.want {
			t.Errorf("Abandon: got %d, %v; want %d", got, err, step.want)
		}
	}
	t.wantState(n, pipeline.StateUnknown, pipeline.ReasonNoAnswer)
}

func outcomeLapsed(t *ledgerTest) {
	again := t.doubtful("1", nil)
	hold := t.doubtful("2", func(n *pipeline.Notification) { n.Resend = false })
	late := t.doubtful("3", func(n *pipeline.Notification) { n.Expires = t.now.Add(time.Minute) })
	planned, held, err := t.l.Lapse(t.Context(), t.now.Add(time.Second), t.now.Add(time.Minute), nil)
	if err != nil || planned != 1 || held != 1 {
		t.Errorf("Lapse: got %d planned, %d held, %v; want 1 and 1", planned, held, err)
	}
	t.wantState(again, pipeline.Planned, pipeline.ReasonNoAnswer)
	t.wantState(hold, pipeline.Held, pipeline.ReasonNoAnswer)
	t.wantState(late, pipeline.Expired, pipeline.ReasonExpired)
	if got := t.dueKeys(t.now.Add(time.Minute), 10); !slices.Equal(got, []string{again.Key}) {
		t.Errorf("due: got %v, want %s", got, again.Key)
	}
	t.lapse(0, 0)
}

func outcomeTries(t *ledgerTest) {
	n := t.doubtful("1", nil)
	t.lapse(1, 0)
	t.begin(t.lease(n.Key))
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	t.lapse(0, 1)
	t.wantState(n, pipeline.Held, pipeline.ReasonNoAnswer)
	wantEqual(t, "due", len(t.due(t.now.Add(2*pipeline.LeaseTime), 10)), 0)
	t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Delivered})
	t.wantState(n, pipeline.Delivered, "")
}

func outcomeNotTaken(t *ledgerTest) {
	n := t.refused("1")
	for _, want := range []struct{ planned, held int }{{1, 0}, {0, 1}} {
		t.begin(t.lease(n.Key))
		t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
		t.lapse(want.planned, want.held)
	}
	t.wantState(n, pipeline.Held, pipeline.ReasonNoAnswer)
}

func outcomeLate(t *ledgerTest) {
	n := t.doubtful("1", nil)
	first := t.attempt.ID
	t.lapse(1, 0)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: first, State: pipeline.Accepted, MessageID: "wamid.1"})
	t.wantState(n, pipeline.Accepted, "")
	wantEqual(t, "due", len(t.due(t.now, 10)), 0)
}

func outcomeTwice(t *ledgerTest) {
	n := t.begun("1", nil)
	s := pipeline.Settlement{
		Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1", Writes: []pipeline.Write{write("sent:1", "Patient/1")},
	}
	t.settle(s)
	t.settle(s)
	s.State = pipeline.StateUnknown
	t.settle(s)
	t.wantState(n, pipeline.Accepted, "")
	wantEqual(t, "writes", len(t.pending()), 1)
}

func outcomeTrace(t *ledgerTest) {
	n := t.sent("1", phone)
	t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Read, At: t.now.Add(2 * time.Minute)})
	t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered, At: t.now.Add(time.Minute)})
	entry := t.trace(n)
	got := []pipeline.State{}
	for _, s := range entry.States {
		if s.State != pipeline.Planned { // planned when the ledger's clock said so
			got = append(got, s.State)
		}
	}
	want := []pipeline.State{pipeline.Sending, pipeline.Accepted, pipeline.Delivered, pipeline.Read}
	if !slices.Equal(got, want) || len(entry.States) != len(want)+1 {
		t.Errorf("states: got %v of %d, want %v and planned", got, len(entry.States), want)
	}
	if !entry.Notification.Facts.Empty() || !entry.Attempts[0].Seen.Empty() || !entry.Attempts[0].Address.Empty() {
		t.Error("the trace holds words")
	}
	byPatient, err := t.l.Trace(t.Context(), n.Patient)
	if err != nil || len(byPatient) != 1 || byPatient[0].Notification.Subject != n.Subject {
		t.Errorf("trace of the patient: got %d, %v; want the same one", len(byPatient), err)
	}
}

func outcomeStranger(t *ledgerTest) {
	n := t.booked("1", t.now)
	t.settle(pipeline.Settlement{
		Key: n.Key, Attempt: pipeline.NewAttempt(), State: pipeline.Accepted, Writes: []pipeline.Write{write("sent:1", "Patient/1")},
	})
	t.wantState(n, pipeline.Planned, "")
	wantEqual(t, "writes", len(t.pending()), 0)
}

func outcomeYoung(t *ledgerTest) {
	n := t.doubtful("1", nil)
	if planned, held, err := t.l.Lapse(t.Context(), t.now, t.now, nil); planned != 0 || held != 0 || err != nil {
		t.Errorf("Lapse: got %d, %d, %v; want nothing", planned, held, err)
	}
	t.wantState(n, pipeline.StateUnknown, pipeline.ReasonNoAnswer)
}

func outcomeFound(t *ledgerTest) {
	n := t.sent("1", phone)
	got := t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Sent})
	if !got.Known || !got.Changed || got.To != pipeline.Sent || got.Notification.Key != n.Key {
		t.Errorf("receipt by message id: got %+v, want it sent", got)
	}
}

func outcomeResent(t *ledgerTest) {
	n := t.doubtful("1", nil)
	first := t.attempt.ID
	t.lapse(1, 0)
	t.begin(t.lease(n.Key))
	entry := t.trace(n)
	wantEqual(t, "tries", entry.Notification.Tries, 2)
	if len(entry.Attempts) != 2 || entry.Attempts[0].ID != first || entry.Attempts[1].ID != t.attempt.ID {
		t.Errorf("attempts: got %d, want both, oldest first", len(entry.Attempts))
	}
}
