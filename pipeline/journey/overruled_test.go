package journey_test

import (
	"testing"

	"fhirbridge/pipeline"
)

// TestAPersonOverrulesAnAnswer: what the front desk enters after a patient's answer counts, and the same
// answer given again is an answer.
func TestAPersonOverrulesAnAnswer(t *testing.T) {
	cases := []struct {
		name, was, now string
		confirmed      bool
		reads          string // of another "confirm"
	}{
		{"the EHR has not taken the answer in yet", "needs-action", "needs-action", true, "again"},
		{"the EHR has taken it in", "needs-action", "accepted", true, "again"},
		{"the EHR has taken in the answer before it", "needs-action declined", "declined", true, "again"},
		{"a person has declined for the patient", "needs-action", "declined", false, "confirm"},
		{"a person wants to be called", "needs-action", "tentative", false, "confirm"},
		{"what it was is not known", "", "declined", true, "again"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			book, v := shipped(t), visit(t, "booked", march9, patients(c.now, "1"))
			th := about(t, book, v, "confirm")
			th.Known.Answers = []pipeline.Answer{{
				Subject: "Appointment/1", Patient: "Patient/1", Action: "confirm", Occasion: shown, Was: c.was, At: moment(t, before).AddDate(0, 0, -1),
			}}
			planned := decide(t, book, pipeline.Change{Previous: v, Current: v, Known: th.Known, Now: moment(t, before)})
			confirmed := false
			for _, n := range planned {
				confirmed = confirmed || n.Step == "reminder_1d_confirmed"
			}
			if confirmed != c.confirmed {
				t.Errorf("confirmed: got %v, want %v", confirmed, c.confirmed)
			}
			if o := understand(t, book, pipeline.Reply{Kind: "button"}, th); o.Reading != c.reads {
				t.Errorf("reads: got %q, want %q", o.Reading, c.reads)
			}
		})
	}
}
