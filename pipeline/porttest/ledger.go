package porttest

import (
	"testing"

	"fhirbridge/pipeline"
)

// Ledger runs the conformance suite of pipeline.Ledger. open returns a new,
// empty ledger and closes it when the test ends. The suite uses the real clock.
func Ledger(t *testing.T, open func(t *testing.T) pipeline.Ledger) {
	suite := map[string]map[string]func(*ledgerTest){
		"Apply": applyTests, "Due": dueTests, "Outcome": outcomeTests, "Receive": receiveTests,
		"Hear": hearTests, "Number": numberTests, "Prefer": preferTests, "Sent": sentTests, "Said": saidTests, "Identity": identityTests,
		"Writes": writeTests, "Follow": followTests, "Wish": wishTests, "Keeping": keepingTests, "Window": windowTests, "Absent": absentTests,
		"Kin": kinTests, "Cover": coverTests, "Consent": consentTests, "Digest": digestTests, "Elsewhere": elsewhereTests,
		"Antecedent": antecedentTests, "Doubt": doubtTests, "GivenUp": givenUpTests, "Visit": visitTests, "Record": recordTests,
	}
	for group, tests := range suite {
		t.Run(group, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(newLedgerTest(t, open(t)))
				})
			}
		})
	}
}

// LedgerReopen checks that what a ledger has said is there after it was closed
// and opened again. open opens the ledger in a folder, and closes nothing.
func LedgerReopen(t *testing.T, open func(t *testing.T, dir string) pipeline.Ledger) {
	dir := t.TempDir()
	first := newLedgerTest(t, open(t, dir))
	planned := first.booked("1", first.now)
	begun := first.booked("2", first.now)
	first.begin(first.lease(begun.Key))
	if err := first.l.Settle(t.Context(), pipeline.Settlement{
		Key: begun.Key, Attempt: first.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.2", At: first.now,
		Writes: []pipeline.Write{write("sent:2", "Patient/2")},
	}); err != nil {
		t.Fatal(err)
	}
	first.hear(reply("r1", "wamid.2"), pipeline.Heard{Outcome: pipeline.Outcome{Stop: new(bool)}})
	tried := first.reported("4", "Patient/4")
	first.tries("r2", "wamid.4", tried, false)
	first.tries("r3", "wamid.4", tried, true)
	if err := first.l.Park(t.Context(), version("Appointment", "3", 1), pipeline.ReasonNoPatient, first.now); err != nil {
		t.Fatal(err)
	}
	if err := first.l.Close(); err != nil {
		t.Fatal(err)
	}
	second := newLedgerTest(t, open(t, dir))
	defer func() {
		if err := second.l.Close(); err != nil {
			t.Error(err)
		}
	}()
	second.wantState(planned, pipeline.Planned, "")
	second.wantState(begun, pipeline.Accepted, "")
	second.wantFresh(version("Appointment", "1", 1), pipeline.Same)
	if got := second.dueKeys(second.now, 10); len(got) != 1 || got[0] != planned.Key {
		t.Errorf("due after reopening: got %v, want only %v", got, planned.Key)
	}
	if got := second.pending(); len(got) != 1 || got[0].Key != "sent:2" || got[0].Body.Reveal() == "" {
		t.Errorf("writes after reopening: got %d, want the one that is owed", len(got))
	}
	if heard, err := second.l.Hear(t.Context(), reply("r1", "wamid.2"), nil); err != nil || heard {
		t.Errorf("reply heard before: got %v, %v; want false", heard, err)
	}
	wantEqual(second, "tries after reopening", second.tries("r4", "wamid.4", tried, false), pipeline.Tries{Subject: 1, Lately: 1})
	wantEqual(second, "identified after reopening", second.identified(tried.Patient, tried.Subject, "r3"), true)
	if list, err := second.l.Parked(t.Context(), second.now, 10); err != nil || len(list) != 1 {
		t.Errorf("parked after reopening: got %d, %v; want 1", len(list), err)
	}
}
