package porttest

import "fhirbridge/pipeline"

// Notifications that another one covers.
var coverTests = map[string]func(*ledgerTest){
	"which one covers it is kept":                  coverKept,
	"where a notification stands, and nobody else": coverState,
}

func coverKept(t *ledgerTest) {
	n := note("1", "preparation", t.now)
	n.CoveredBy = "the key"
	t.apply(version("Appointment", "1", 1), plan(n))
	wantEqual(t, "covered by", t.lease(n.Key).CoveredBy, n.CoveredBy)
	n.CoveredBy = ""
	t.apply(version("Appointment", "1", 2), plan(n))
	known, err := t.l.KnownOf(t.Context(), n.Subject)
	if err != nil || len(known.Open) != 1 || known.Open[0].CoveredBy != "" {
		t.Errorf("got %+v, %v, want it covered no more", known.Open, err)
	}
}

func (t *ledgerTest) wantStateOf(subject, key string, want pipeline.State) {
	t.Helper()
	got, due, ok, err := t.l.StateOf(t.Context(), subject, key)
	if err != nil || ok != (want != "") || got != want {
		t.Errorf("got %q, %v, %v, want %q", got, ok, err, want)
	}
	if ok && !due.Equal(t.now) {
		t.Errorf("due: got %v, want %v", due, t.now)
	}
}

func coverState(t *ledgerTest) {
	n := t.booked("1", t.now)
	t.wantStateOf(n.Subject, n.Key, pipeline.Planned)
	t.begin(t.lease(n.Key))
	t.wantStateOf(n.Subject, n.Key, pipeline.Sending)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Failed, Reason: pipeline.ReasonRefused})
	t.wantStateOf(n.Subject, n.Key, pipeline.Failed)
	t.wantStateOf(n.Subject, "another", "")
	t.wantStateOf("Appointment/2", n.Key, "")
	t.wantStateOf("", n.Key, "")
}
