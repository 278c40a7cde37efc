package porttest

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// What becomes of what one message said together that the provider took and could not deliver; the tests are listed in digestTests.

// undelivered brings the receipt of an attempt's failure after the provider took it.
func (t *ledgerTest) undelivered(r pipeline.Receipt, to pipeline.State) {
	t.Helper()
	r.Attempt, r.State, r.At = t.attempt.ID, pipeline.Failed, t.now
	got, err := t.l.Receive(t.Context(), r, nil)
	if err != nil || !got.Changed || got.To != to {
		t.Errorf("Receive: got %+v, %v; want it %s", got, err, to)
	}
}

// takenTogether says n with another one, and the provider takes it.
func (t *ledgerTest) takenTogether(n, other pipeline.Notification) {
	t.Helper()
	t.begunTogether(n, other)
	t.ends(n, pipeline.Settlement{State: pipeline.Accepted, MessageID: "wamid." + t.attempt.ID})
}

func digestUnfit(t *ledgerTest) {
	for i, code := range []string{"132000", "132015", "131008", "131009"} {
		n, other := t.reminded(code, t.now), t.reminded(code+"-2", t.now)
		t.takenTogether(n, other)
		t.undelivered(pipeline.Receipt{Code: code, Again: time.Hour}, pipeline.Planned)
		list := t.due(t.now.Add(time.Duration(i+1)*2*pipeline.LeaseTime), 10)
		wantEqual(t, "due", len(list), 2)
		for _, d := range list {
			wantEqual(t, "alone", d.Alone, true)
			t.begin(d)
			t.settle(pipeline.Settlement{Key: d.Key, Attempt: t.attempt.ID, State: pipeline.Failed, Reason: pipeline.ReasonRefused, At: t.now})
		}
		t.wantState(n, pipeline.Failed, pipeline.ReasonRefused)
		t.wantState(other, pipeline.Failed, pipeline.ReasonRefused)
	}
}

func digestUndelivered(t *ledgerTest) {
	for code, why := range map[string]pipeline.Reason{
		"131050": pipeline.ReasonRefused, "131026": pipeline.ReasonNotReachable, "": pipeline.ReasonRefused, "13200": pipeline.ReasonRefused,
	} {
		n, other := t.reminded("1-"+code, t.now), t.reminded("2-"+code, t.now)
		t.takenTogether(n, other)
		t.undelivered(pipeline.Receipt{Code: code}, pipeline.Failed)
		t.wantState(n, pipeline.Failed, why)
		t.wantState(other, pipeline.Failed, why)
		want := pipeline.StateChange{State: pipeline.Failed, Reason: why, At: t.now}
		if got := t.trace(other).States; !slices.ContainsFunc(got, func(s pipeline.StateChange) bool {
			return s.State == want.State && s.Reason == want.Reason && s.At.Equal(want.At)
		}) {
			t.Errorf("trace: got %+v, want it failed", got)
		}
	}
	wantEqual(t, "due", len(t.due(t.now.Add(2*pipeline.LeaseTime), 10)), 0)
}

func digestGone(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.begunTogether(n, other)
	t.ends(n, pipeline.Settlement{State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	t.lapse(1, 0)
	for _, d := range t.due(t.now, 10) {
		wantEqual(t, "it may have gone out", d.Gone, true)
	}
	wantEqual(t, "companions", len(t.companions(n, t.now)), 1)
	t.now = t.now.Add(2 * pipeline.LeaseTime)
	t.takenTogether(n, other)
	t.undelivered(pipeline.Receipt{Code: "132000"}, pipeline.Failed)
	t.wantState(n, pipeline.Failed, pipeline.ReasonRefused)
	t.wantState(other, pipeline.Failed, pipeline.ReasonRefused)
}

func digestOvertaken(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.takenTogether(n, other)
	moved := note("2", "moved", t.now.Add(time.Hour))
	moved.Patient, moved.Recipient = other.Patient, other.Recipient
	t.apply(version("Appointment", "2", 2), plan(other, moved))
	t.undelivered(pipeline.Receipt{Code: "132000"}, pipeline.Planned)
	t.wantState(n, pipeline.Planned, pipeline.ReasonRefused)
	t.wantState(other, pipeline.Failed, pipeline.ReasonRefused)
	t.wantState(moved, pipeline.Planned, "")
}

func digestTooLate(t *ledgerTest) {
	n, other := note("1", "reminder", t.now), t.reminded("2", t.now)
	n.Patient, n.Recipient, n.Digest, n.Edge = "Patient/1", "Patient/1", true, false
	n.Expires = time.Now().Add(100 * time.Millisecond)
	t.apply(version("Appointment", "1", 1), plan(n))
	t.takenTogether(n, other)
	time.Sleep(time.Until(n.Expires))
	t.undelivered(pipeline.Receipt{Code: "132000"}, pipeline.Failed)
	t.wantState(n, pipeline.Failed, pipeline.ReasonRefused)
	t.wantState(other, pipeline.Planned, "")
}

func digestElsewhere(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.takenTogether(n, other)
	t.undelivered(pipeline.Receipt{Code: "131026", Elsewhere: true}, pipeline.Planned)
	t.wantState(n, pipeline.Planned, pipeline.ReasonNotReachable)
	list := t.due(t.now.Add(2*pipeline.LeaseTime), 10)
	wantEqual(t, "due", len(list), 2)
	for _, d := range list {
		wantEqual(t, "alone", d.Alone, true)
		wantEqual(t, "it may have gone out", d.Gone, false)
	}
}

func digestAgain(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.takenTogether(n, other)
	t.undelivered(pipeline.Receipt{Code: "130429", Again: time.Hour}, pipeline.Planned)
	t.wantState(n, pipeline.Planned, pipeline.ReasonThrottled)
	t.wantState(other, pipeline.Planned, "")
	wantEqual(t, "due before", len(t.due(t.now.Add(50*time.Minute), 10)), 0)
	later := t.now.Add(2 * time.Hour)
	wantEqual(t, "due then", len(t.due(later, 10)), 2)
	wantEqual(t, "may be said together", len(t.companions(n, later)), 1)
}

func digestApart(t *ledgerTest) {
	n, other, third := t.reminded("1", t.now), t.reminded("2", t.now), t.reminded("3", t.now)
	t.begin(t.lease(other.Key))
	t.ends(other, pipeline.Settlement{State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	t.lapse(1, 0)
	if list := t.companions(n, t.now); len(list) != 1 || list[0].Key != third.Key {
		t.Errorf("companions of what has not gone out: got %d, want the third alone", len(list))
	}
	wantEqual(t, "companions of what may have", len(t.companions(other, t.now)), 0)
}

func digestShut(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	a := t.try(t.lease(n.Key))
	a.Template = ""
	a.Covers = []pipeline.Covered{{Key: other.Key, Step: other.Step, Subject: other.Subject, SubjectVersion: "1"}}
	t.beginAs(a)
	t.ends(n, pipeline.Settlement{State: pipeline.Accepted, MessageID: "wamid.1"})
	t.undelivered(pipeline.Receipt{Code: "131047"}, pipeline.Planned)
	t.wantState(n, pipeline.Planned, pipeline.ReasonWindow)
	t.wantState(other, pipeline.Planned, "")
	t.now = t.now.Add(2 * pipeline.LeaseTime)
	wantEqual(t, "by a template", t.lease(n.Key).Shut, true)
	wantEqual(t, "may be said together", len(t.companions(n, t.now)), 1)
}
