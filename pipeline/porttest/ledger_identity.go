package porttest

import (
	"strconv"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

var identityTests = map[string]func(*ledgerTest){
	"wrong answers to who somebody is are counted":        triesCounted,
	"right ones are not, and are known by their reply":    triesPassed,
	"a reply that comes again is counted once":            triesOnce,
	"what is skipped is told, and asked of people":        skipSays,
	"what was skipped because of an old version says not": skipSaysNot,
}

// reported sends a message about a report of a patient; a try is an answer to that.
func (t *ledgerTest) reported(id, patient string) pipeline.Notification {
	t.Helper()
	n := note(id, "ready", t.now)
	n.Subject, n.Patient, n.Recipient = "DiagnosticReport/"+id, patient, patient
	n.Key = pipeline.NotificationKey("report", "ready", n.Subject, "1", patient)
	t.apply(version("DiagnosticReport", id, 1), plan(n))
	t.begin(t.lease(n.Key))
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid." + id, At: t.now})
	return n
}

// tries hears an answer to a message about a report, and returns what was known of tries before it.
func (t *ledgerTest) tries(id, quotes string, n pipeline.Notification, passed bool) pipeline.Tries {
	t.Helper()
	before := t.hear(reply(id, quotes), pipeline.Heard{Outcome: pipeline.Outcome{Try: &pipeline.Try{Subject: n.Subject, Patient: n.Patient, Passed: passed}}}).Tries
	t.passed, before.Passed = before.Passed, time.Time{}
	return before
}

func triesCounted(t *ledgerTest) {
	one, other := t.reported("1", "Patient/1"), t.reported("2", "Patient/1")
	somebody := t.reported("3", "Patient/3")
	for i := range 3 {
		wantEqual(t, "before", t.tries("r"+strconv.Itoa(i), "wamid.1", one, false), pipeline.Tries{Subject: i, Lately: i})
	}
	wantEqual(t, "about another report", t.tries("r4", "wamid.2", other, false), pipeline.Tries{Subject: 0, Lately: 3})
	wantEqual(t, "about the first again", t.tries("r5", "wamid.1", one, true), pipeline.Tries{Subject: 3, Lately: 4})
	wantEqual(t, "passed before that", t.passed.IsZero(), true)
	t.apply(version("DiagnosticReport", "1", 2), plan())
	wantEqual(t, "after a right one, and a new version", t.tries("r6", "wamid.1", one, false), pipeline.Tries{Subject: 3, Lately: 4})
	if age := time.Since(t.passed); age < 0 || age > time.Minute {
		t.Errorf("passed %v ago", age)
	}
	t.tries("r8", "wamid.2", other, false)
	wantEqual(t, "passed about another report", t.passed.IsZero(), true)
	wantEqual(t, "of somebody else", t.tries("r7", "wamid.3", somebody, false), pipeline.Tries{})
}

func (t *ledgerTest) identified(patient, subject, reply string) bool {
	t.Helper()
	at, ok, err := t.l.Identified(t.Context(), patient, subject, reply)
	if err != nil {
		t.Fatal(err)
	}
	if age := time.Since(at); ok && (age < 0 || age > time.Minute) {
		t.Errorf("identified %v ago", age)
	}
	return ok
}

func triesPassed(t *ledgerTest) {
	one, other := t.reported("1", "Patient/1"), t.reported("2", "Patient/1")
	t.tries("r1", "wamid.1", one, false)
	t.tries("r2", "wamid.1", one, true)
	for _, c := range []struct {
		name, patient, subject, reply string
		want                          bool
	}{
		{"by the right answer", "Patient/1", one.Subject, "r2", true},
		{"by the wrong one", "Patient/1", one.Subject, "r1", false},
		{"by no reply", "Patient/1", one.Subject, "", false},
		{"by one that was not heard", "Patient/1", one.Subject, "r3", false},
		{"about another report", "Patient/1", other.Subject, "r2", false},
		{"about a report that is not known", "Patient/1", "DiagnosticReport/9", "r2", false},
		{"somebody else", "Patient/2", one.Subject, "r2", false},
	} {
		wantEqual(t, c.name, t.identified(c.patient, c.subject, c.reply), c.want)
	}
}

func triesOnce(t *ledgerTest) {
	one := t.reported("1", "Patient/1")
	t.tries("r1", "wamid.1", one, false)
	again, err := t.l.Hear(t.Context(), reply("r1", "wamid.1"), func(pipeline.Thread) (pipeline.Heard, error) {
		return pipeline.Heard{Outcome: pipeline.Outcome{Try: &pipeline.Try{Subject: one.Subject, Patient: one.Patient}}}, nil
	})
	if err != nil || again {
		t.Errorf("heard again: %v, %v", again, err)
	}
	wantEqual(t, "tries", t.tries("r2", "wamid.1", one, false), pipeline.Tries{Subject: 1, Lately: 1})
}

// instead is what is said when n is not sent.
func (t *ledgerTest) instead(n pipeline.Notification) pipeline.Notification {
	n.Key, n.Step, n.ReplyTo, n.Address = n.Key+"-instead", "answer:instead", "r1", pipeline.NewPrivate(phone)
	return n
}

func skipSays(t *ledgerTest) {
	n := t.booked("1", t.now)
	t.lease(n.Key)
	say := t.instead(n)
	t.settle(pipeline.Settlement{
		Key: n.Key, State: pipeline.Skipped, Reason: pipeline.ReasonDocumentGone, At: t.now,
		Say: []pipeline.Notification{say}, Writes: []pipeline.Write{write("errand:1", "Patient/1")},
	})
	t.wantState(n, pipeline.Skipped, pipeline.ReasonDocumentGone)
	wantEqual(t, "due", strings.Join(t.dueKeys(t.now, 10), " "), say.Key)
	if got := t.pending(); len(got) != 1 || got[0].Key != "errand:1" {
		t.Errorf("owed: got %d, want the errand", len(got))
	}
}

func skipSaysNot(t *ledgerTest) {
	n := t.booked("1", t.now)
	t.lease(n.Key)
	t.apply(version("Appointment", "1", 2), plan(n))
	t.settle(pipeline.Settlement{
		Key: n.Key, State: pipeline.Skipped, Reason: pipeline.ReasonDocumentGone, At: t.now,
		Say: []pipeline.Notification{t.instead(n)}, Writes: []pipeline.Write{write("errand:1", "Patient/1")},
	})
	wantEqual(t, "due", strings.Join(t.dueKeys(t.now, 10), " "), n.Key)
	wantEqual(t, "owed", len(t.pending()), 0)
}
