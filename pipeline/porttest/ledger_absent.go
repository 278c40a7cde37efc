package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// Numbers that are not on WhatsApp.
var absentTests = map[string]func(*ledgerTest){
	"a refusal says so":                     absentRefused,
	"a status says so":                      absentStatus,
	"other failures do not":                 absentOther,
	"whoever writes is there":               absentHeard,
	"all forms of a number are one":         absentForms,
	"it is no word that opens a window":     absentSilent,
	"nor does it take a STOP from a number": absentStopped,
}

// wantAbsent checks when a number was last called one that is not on WhatsApp; the zero time for never.
func (t *ledgerTest) wantAbsent(number string, want time.Time) pipeline.Sender {
	t.Helper()
	got, err := t.l.Sender(t.Context(), pipeline.NewPrivate(number))
	if err != nil || !got.Absent.Equal(want) {
		t.Errorf("absent: got %s, %v; want %s", got.Absent, err, want)
	}
	return got
}

func absentRefused(t *ledgerTest) {
	n := t.begun("1", nil)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Failed, Reason: pipeline.ReasonNotReachable, Code: "131026"})
	t.wantAbsent(phone, t.now)
	t.wantAbsent(otherPhone, time.Time{})
}

func (t *ledgerTest) notThere() {
	t.Helper()
	t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Failed, Code: "131026"})
}

func absentStatus(t *ledgerTest) {
	n := t.sent("1", phone)
	t.notThere()
	t.wantState(n, pipeline.Failed, pipeline.ReasonNotReachable)
	t.wantAbsent(phone, t.now)
}

func absentOther(t *ledgerTest) {
	t.sent("1", phone)
	t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Failed, Code: "131000"})
	n := t.begun("2", nil)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Failed, Reason: pipeline.ReasonRefused, Code: "132001"})
	t.wantAbsent(phone, time.Time{})
}

func absentHeard(t *ledgerTest) {
	t.sent("1", phone)
	t.notThere()
	r := reply("r1", "")
	r.At = t.now.Add(time.Second)
	t.hear(r, pipeline.Heard{})
	t.wantAbsent(phone, time.Time{})
}

func absentForms(t *ledgerTest) {
	t.sentAs("1", dialled, written)
	t.notThere()
	t.wantAbsent(written, t.now)
}

func absentSilent(t *ledgerTest) {
	t.sent("1", phone)
	t.notThere()
	if known := t.wantAbsent(phone, t.now); !known.Heard.IsZero() || known.Stopped {
		t.Errorf("got %+v, want a number that never wrote", known)
	}
}

func absentStopped(t *ledgerTest) {
	t.sent("1", phone)
	stop := true
	r := reply("r1", "")
	r.At = t.now.Add(-time.Minute)
	t.hear(r, pipeline.Heard{Outcome: pipeline.Outcome{Stop: &stop}})
	t.notThere()
	if known := t.wantAbsent(phone, t.now); !known.Stopped {
		t.Error("the STOP is forgotten")
	}
}
