package porttest

import (
	"fhirbridge/pipeline"
)

// What was cancelled and is wanted again; the tests are listed in applyTests.

func applyAgain(t *ledgerTest) {
	n := t.booked("1", t.now)
	t.apply(version("Appointment", "1", 2), plan())
	t.wantState(n, pipeline.Cancelled, pipeline.ReasonSuperseded)
	wantEqual(t, "again", t.apply(version("Appointment", "1", 3), plan(n)).Planned, 1)
	t.wantState(n, pipeline.Planned, "")
	wantEqual(t, "due", len(t.due(t.now, 10)), 1)
}

// refused brings a new appointment's notification back to Planned: the provider has not taken it.
func (t *ledgerTest) refused(id string) pipeline.Notification {
	t.Helper()
	n := t.begun(id, nil)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Planned, Reason: pipeline.ReasonThrottled, Due: t.now})
	return n
}

// cancelledAndWanted tells how many are planned when n is no longer wanted, then something happens, and it is wanted again.
func (t *ledgerTest) cancelledAndWanted(n pipeline.Notification, id string, between func()) int {
	t.Helper()
	t.apply(version("Appointment", id, 2), plan())
	t.wantState(n, pipeline.Cancelled, pipeline.ReasonSuperseded)
	between()
	return t.apply(version("Appointment", id, 3), plan(n)).Planned
}

func applyNotGone(t *ledgerTest) {
	once := t.refused("1")
	wantEqual(t, "tried once", t.cancelledAndWanted(once, "1", func() {}), 1)
	t.wantState(once, pipeline.Planned, "")
	t.begin(t.lease(once.Key))

	failed := t.doubtful("2", nil)
	t.lapse(1, 0)
	got := t.cancelledAndWanted(failed, "2", func() { // the status came after all
		t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Failed, Code: "131026"})
	})
	wantEqual(t, "could not be delivered", got, 1)
}

func applyGone(t *ledgerTest) {
	sent := t.sent("1", phone)
	wantEqual(t, "wanted again", t.apply(version("Appointment", "1", 2), plan(sent)).Planned, 0)
	t.wantState(sent, pipeline.Accepted, "")
	t.apply(version("Appointment", "1", 3), plan())
	t.wantState(sent, pipeline.Accepted, "")

	doubtful := t.doubtful("2", nil)
	t.lapse(1, 0)
	wantEqual(t, "of unknown outcome", t.cancelledAndWanted(doubtful, "2", func() {}), 0)
	t.wantState(doubtful, pipeline.Cancelled, pipeline.ReasonSuperseded)

	before := t.doubtful("3", nil)
	t.lapse(1, 0)
	t.begin(t.lease(before.Key))
	t.settle(pipeline.Settlement{Key: before.Key, Attempt: t.attempt.ID, State: pipeline.Planned, Reason: pipeline.ReasonThrottled, Due: t.now})
	wantEqual(t, "of unknown outcome, and then not taken", t.cancelledAndWanted(before, "3", func() {}), 0)

	late := t.refused("4")
	got := t.cancelledAndWanted(late, "4", func() { // what was taken for certain was not so
		t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Delivered})
	})
	wantEqual(t, "delivered after all", got, 0)
	t.wantState(late, pipeline.Cancelled, pipeline.ReasonSuperseded)
}
