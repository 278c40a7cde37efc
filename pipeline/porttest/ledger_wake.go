package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// unsignalled asks when the next is due, and takes the signal that stands.
func (t *ledgerTest) unsignalled() {
	t.Helper()
	t.nextDue()
	for due := t.l.Wake(); len(due) > 0; {
		<-due
	}
}

func dueWake(t *ledgerTest) {
	due := t.l.Wake()
	t.booked("1", t.now.Add(2*time.Hour))
	t.unsignalled()
	t.booked("2", t.now.Add(time.Hour))
	if len(due) != 1 {
		t.Error("earlier than what Due called next: no signal")
	}
	t.unsignalled()
	t.booked("3", t.now.Add(3*time.Hour))
	if len(due) != 0 {
		t.Error("later than what Due called next: signalled")
	}
	n := t.lease(t.booked("4", t.now).Key)
	t.apply(version("Appointment", "4", 2), plan(note("4", "booked", t.now)))
	t.unsignalled()
	if ok, err := t.l.Begin(t.Context(), t.try(n)); ok || err != nil {
		t.Errorf("Begin of another version: got %v, %v; want false", ok, err)
	}
	if len(due) != 1 {
		t.Error("in nobody's hands any more and due: no signal")
	}
	skipped := t.lease(n.Key)
	t.apply(version("Appointment", "4", 3), plan(note("4", "booked", t.now)))
	t.unsignalled()
	t.settle(pipeline.Settlement{Key: skipped.Key, State: pipeline.Skipped, Reason: pipeline.ReasonNoNumber})
	if len(due) != 1 {
		t.Error("skipped in another version, and due: no signal")
	}
	t.wantState(skipped.Notification, pipeline.Planned, "")
}

// dueWakeMerged: the message itself ends for good, and what it would have said besides is due.
func dueWakeMerged(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.begunTogether(n, other)
	t.unsignalled()
	t.ends(n, pipeline.Settlement{State: pipeline.Expired, Reason: pipeline.ReasonExpired, Due: t.now})
	t.wantState(other, pipeline.Planned, "")
	if len(t.l.Wake()) != 1 {
		t.Error("planned again and due: no signal")
	}
}

func dueWakeLapsed(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	t.begin(n)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	t.unsignalled()
	if again, _, err := t.l.Lapse(t.Context(), t.now.Add(time.Minute), t.now, nil); again != 1 || err != nil {
		t.Fatalf("Lapse: %d, %v", again, err)
	}
	if len(t.l.Wake()) != 1 {
		t.Error("planned again and due: no signal")
	}
}
