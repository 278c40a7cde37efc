package porttest

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

var saidTests = map[string]func(*ledgerTest){
	"what has gone out is known to who decides":      saidKnown,
	"what is said once is said about the first":      saidOnce,
	"who has spoken for it may try again":            saidAgain,
	"what was not begun has not spoken for anything": saidUnbegun,
}

func saidKnown(t *ledgerTest) {
	first, later := note("1", "first", t.now), note("1", "later", t.now.Add(time.Hour))
	t.apply(version("Appointment", "1", 1), plan(first, later))
	a := t.try(t.lease(first.Key))
	a.Recipient = "RelatedPerson/a" // it is said to the patient all the same
	t.beginAs(a)
	known, err := t.l.KnownOf(t.Context(), first.Subject)
	if err != nil {
		t.Fatal(err)
	}
	want := []pipeline.Said{{Journey: first.Journey, Step: first.Step, Patient: first.Patient, Occasion: first.Occasion}}
	if !slices.Equal(known.Said, want) || len(known.Open) != 1 {
		t.Errorf("got %v, and %d are open; want %v, and one", known.Said, len(known.Open), want)
	}
	t.settle(pipeline.Settlement{Key: first.Key, Attempt: t.attempt.ID, State: pipeline.Failed, Reason: pipeline.ReasonRefused})
	if known, err = t.l.KnownOf(t.Context(), first.Subject); err != nil || len(known.Said) != 0 {
		t.Errorf("after it was refused: got %v, %v; want nothing", known.Said, err)
	}
}

// twoOfOne are two notifications about two resources that say the same, and attempts at them.
func (t *ledgerTest) twoOfOne() (n [2]pipeline.Notification, a [2]pipeline.Attempt) {
	t.Helper()
	n = [2]pipeline.Notification{t.booked("1", t.now), t.booked("2", t.now)}
	for _, due := range t.due(t.now, 10) {
		i := slices.IndexFunc(n[:], func(o pipeline.Notification) bool { return o.Key == due.Key })
		a[i] = t.try(due)
		a[i].Once = []string{"the survey of one visit"}
	}
	return n, a
}

func saidOnce(t *ledgerTest) {
	n, a := t.twoOfOne()
	a[1].Once = append([]string{"something else"}, a[1].Once...)
	t.beginAs(a[0])
	if begun, err := t.l.Begin(t.Context(), a[1]); err != nil || begun {
		t.Errorf("got %v, %v; want false", begun, err)
	}
	t.wantState(n[0], pipeline.Sending, "")
	t.wantState(n[1], pipeline.Skipped, pipeline.ReasonSaid)
	other := t.booked("3", t.now)
	third := t.try(t.lease(other.Key))
	third.Once = []string{"something else"} // for which the second one has not spoken
	t.beginAs(third)
}

func saidAgain(t *ledgerTest) {
	n, a := t.twoOfOne()
	t.beginAs(a[0])
	t.settle(pipeline.Settlement{Key: n[0].Key, Attempt: a[0].ID, State: pipeline.Planned, Reason: pipeline.ReasonTransient, Due: t.now})
	again := t.try(t.lease(n[0].Key))
	again.Once = a[0].Once
	t.beginAs(again)
}

func saidUnbegun(t *ledgerTest) {
	_, a := t.twoOfOne()
	t.apply(version("Appointment", "1", 2), plan()) // cancelled meanwhile
	if begun, err := t.l.Begin(t.Context(), a[0]); err != nil || begun {
		t.Fatalf("got %v, %v; want false", begun, err)
	}
	t.beginAs(a[1])
}
