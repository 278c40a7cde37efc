package porttest

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

var dueTests = map[string]func(*ledgerTest){
	"in order of priority, then of time":              dueOrder,
	"each is handed out once, until its lease ends":   dueLease,
	"with its subject, its answer and what was told":  dueFacts,
	"what one patient was told, another was not":      dueTold,
	"what is under way may have told":                 dueMayHaveTold,
	"what has expired is handed out to be settled":    dueExpired,
	"next is when the first of the others falls due":  dueNext,
	"Wake tells of what is due before next":           dueWake,
	"Wake tells of what a message did not say":        dueWakeMerged,
	"Wake tells of what nobody heard the outcome of":  dueWakeLapsed,
	"Begin takes what is leased, once":                beginOnce,
	"Begin refuses after a newer version":             beginStale,
	"Begin refuses what was cancelled":                beginCancelled,
	"Begin refuses words made from another version":   beginOtherVersion,
	"Begin refuses what is not leased":                beginUnleased,
	"a newer version may be sent after a refusal":     beginAfterRefusal,
	"Postpone gives back for later, with its reason":  postponed,
	"Postpone does not revive what was cancelled":     postponedCancelled,
	"Settle skips what was leased":                    settledSkipped,
	"Settle does not skip for a version that is gone": settledStale,
	"Settle gives back what was leased":               settledPlanned,
}

func dueOrder(t *ledgerTest) {
	want := []string{}
	wanted := []pipeline.Notification{}
	add := func(step string, priority int, due time.Time) {
		n := note("1", step, due)
		n.Priority = priority
		wanted = append(wanted, n)
		want = append(want, n.Key)
	}
	add("reply", pipeline.PriorityReply, t.now.Add(-time.Minute))
	add("news, older", pipeline.PriorityNews, t.now.Add(-time.Hour))
	add("news", pipeline.PriorityNews, t.now.Add(-time.Minute))
	add("reminder", pipeline.PriorityReminder, t.now.Add(-2*time.Hour))
	add("not yet", pipeline.PriorityReply, t.now.Add(time.Hour))
	slices.Reverse(wanted)
	t.apply(version("Appointment", "1", 1), plan(wanted...))
	if got := t.dueKeys(t.now, 2); !slices.Equal(got, want[:2]) {
		t.Errorf("first two: got %v, want %v", got, want[:2])
	}
	if got := t.dueKeys(t.now, 10); !slices.Equal(got, want[2:4]) {
		t.Errorf("the rest: got %v, want %v", got, want[2:4])
	}
}

func dueLease(t *ledgerTest) {
	n := t.booked("1", t.now)
	wantEqual(t, "first", len(t.due(t.now, 10)), 1)
	wantEqual(t, "leased", len(t.due(t.now.Add(pipeline.LeaseTime-time.Second), 10)), 0)
	again := t.due(t.now.Add(pipeline.LeaseTime+time.Second), 10)
	wantEqual(t, "after the lease", len(again), 1)
	t.begin(again[0])
	wantEqual(t, "begun", len(t.due(t.now.Add(3*pipeline.LeaseTime), 10)), 0)
	t.wantState(n, pipeline.Sending, "")
}

func dueFacts(t *ledgerTest) {
	first := t.sent("1", phone)
	answer := pipeline.Answer{Subject: first.Subject, Patient: first.Patient, Action: "confirm", Occasion: "2027-01-15T09:30:00Z", Was: "needs-action", At: t.now}
	t.hear(reply("r1", "wamid.1"), pipeline.Heard{Outcome: pipeline.Outcome{Answer: &answer}})
	child := answer
	child.Patient, child.Action = "Patient/child", "cancel"
	t.hear(reply("r2", "wamid.1"), pipeline.Heard{Outcome: pipeline.Outcome{Answer: &child}})
	second := version("Appointment", "1", 2)
	n := note("1", "moved", t.now)
	t.apply(second, plan(n))
	got := t.lease(n.Key)
	if string(got.Subject.Resource) != string(second.Resource) || got.Subject.Version != "2" {
		t.Errorf("subject: got version %q, want 2, byte for byte", got.Subject.Version)
	}
	if !slices.Equal(got.Known.Told, []string{n.Patient}) || len(got.Known.Answers) != 1 {
		t.Fatalf("known: got told %v, answers %v; want told, and the patient's own answer", got.Known.Told, got.Known.Answers)
	}
	wantEqual(t, "answer", got.Known.Answers[0], answer)
	if !got.Facts.Equal(n.Facts) || got.State != pipeline.Planned || !got.Edge || !got.Resend || got.Recipient != n.Recipient {
		t.Error("the notification is not what was planned")
	}
	other := t.booked("2", t.now)
	if fresh := t.lease(other.Key); len(fresh.Known.Told) != 0 || len(fresh.Known.Answers) != 0 {
		t.Error("another subject: something is known of it")
	}
}

func dueTold(t *ledgerTest) {
	first := t.sent("1", phone) // a visit of two: one has been told
	second, other := note("1", "second", t.now), note("1", "other", t.now)
	other.Patient, other.Recipient = "Patient/2", "Patient/2"
	t.apply(version("Appointment", "1", 2), func(_ pipeline.Versioned, known pipeline.Known) (pipeline.Plan, error) {
		if !known.ToldOf(first.Patient) || known.ToldOf(other.Patient) {
			t.Errorf("decide: got told %v, want only %s", known.Told, first.Patient)
		}
		return pipeline.Plan{Wanted: []pipeline.Notification{second, other}}, nil
	})
	var untold pipeline.DueNotification
	for _, n := range t.due(t.now, 10) {
		want := []string{first.Patient}
		if n.Key == other.Key {
			untold, want = n, nil
		}
		if !slices.Equal(n.Known.Told, want) {
			t.Errorf("%s: got told %v, want %v", n.Step, n.Known.Told, want)
		}
	}
	known, err := t.l.KnownOf(t.Context(), first.Subject)
	if err != nil || !slices.Equal(known.Told, []string{first.Patient}) {
		t.Errorf("known: got told %v, %v; want only %s", known.Told, err, first.Patient)
	}
	t.begin(untold)
	t.settle(pipeline.Settlement{Key: other.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.2"})
	if known, err = t.l.KnownOf(t.Context(), first.Subject); err != nil || len(known.Told) != 2 || !known.ToldOf(other.Patient) {
		t.Errorf("known then: got told %v, %v; want both", known.Told, err)
	}
}

func dueExpired(t *ledgerTest) {
	late, good := note("1", "late", t.now.Add(-2*time.Hour)), note("1", "good", t.now)
	late.Expires = t.now
	t.apply(version("Appointment", "1", 1), plan(late, good))
	if got := t.dueKeys(t.now, 2); len(got) != 2 || got[0] != late.Key || got[1] != good.Key {
		t.Errorf("due: got %v, want %s and %s", got, late.Key, good.Key)
	}
	t.settle(pipeline.Settlement{Key: late.Key, State: pipeline.Expired, Reason: pipeline.ReasonExpired, Writes: []pipeline.Write{write("unsent", late.Patient)}})
	t.wantState(late, pipeline.Expired, pipeline.ReasonExpired)
	t.wantKeys(t.soon(), "unsent")
}

func dueNext(t *ledgerTest) {
	if at := t.nextDue(); !at.IsZero() {
		t.Errorf("empty: next is %v, want none", at)
	}
	now, also, soon := note("1", "now", t.now), note("1", "also", t.now.Add(-time.Minute)), note("1", "soon", t.now.Add(time.Second))
	now.Priority, also.Priority, soon.Priority = pipeline.PriorityReply, pipeline.PriorityReminder, pipeline.PriorityReply
	t.apply(version("Appointment", "1", 1), plan(now, also, soon))
	if at := t.nextDue(); !at.Equal(also.Due) {
		t.Errorf("of none: next is %v, want %v", at, also.Due)
	}
	for _, want := range []struct {
		key  string
		next time.Time
	}{{now.Key, also.Due}, {also.Key, soon.Due}} {
		list, next, err := t.l.Due(t.Context(), t.now, 1)
		if err != nil || len(list) != 1 || list[0].Key != want.key || !next.Equal(want.next) {
			t.Errorf("got %d, next %v, %v; want %s, next %v", len(list), next, err, want.key, want.next)
		}
	}
	if list, next, err := t.l.Due(t.Context(), soon.Due, 10); err != nil || len(list) != 1 || !next.IsZero() {
		t.Errorf("the last: got %d, next %v, %v; want it and none", len(list), next, err)
	}
}

func beginOnce(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	t.begin(n)
	if ok, err := t.l.Begin(t.Context(), t.try(n)); ok || err != nil {
		t.Errorf("second Begin: got %v, %v; want false", ok, err)
	}
	t.wantState(n.Notification, pipeline.Sending, "")
	entry := t.trace(n.Notification)
	wantEqual(t, "tries", entry.Notification.Tries, 1)
	if len(entry.Attempts) != 1 || entry.Attempts[0].ID != t.attempt.ID || entry.Attempts[0].Template != t.attempt.Template {
		t.Errorf("attempts: got %d, want the one that was begun", len(entry.Attempts))
	}
}

func (t *ledgerTest) wantRefused(a pipeline.Attempt) {
	t.Helper()
	if ok, err := t.l.Begin(t.Context(), a); ok || err != nil {
		t.Errorf("Begin: got %v, %v; want false", ok, err)
	}
}

func beginStale(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	t.apply(version("Appointment", "1", 2), plan(n.Notification))
	t.wantRefused(t.try(n))
	t.wantState(n.Notification, pipeline.Planned, "")
}

func beginCancelled(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	t.apply(version("Appointment", "1", 2), plan())
	t.wantRefused(t.try(n))
	t.wantState(n.Notification, pipeline.Cancelled, pipeline.ReasonSuperseded)
}

func beginOtherVersion(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	a := t.try(n)
	a.SubjectVersion = "0"
	t.wantRefused(a)
	t.wantState(n.Notification, pipeline.Planned, "")
}

func beginUnleased(t *ledgerTest) {
	n := t.booked("1", t.now)
	t.wantRefused(t.try(pipeline.DueNotification{Notification: n, Subject: pipeline.Versioned{Version: "1"}}))
	t.wantState(n, pipeline.Planned, "")
}

func beginAfterRefusal(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	t.apply(version("Appointment", "1", 2), plan(n.Notification))
	t.wantRefused(t.try(n))
	again := t.lease(n.Key)
	wantEqual(t, "version", again.Subject.Version, "2")
	t.begin(again)
}

func postponed(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	later := t.now.Add(time.Hour)
	if err := t.l.Postpone(t.Context(), n.Key, later, pipeline.ReasonThrottled); err != nil {
		t.Fatal(err)
	}
	t.wantState(n.Notification, pipeline.Planned, pipeline.ReasonThrottled)
	wantEqual(t, "due before", len(t.due(later.Add(-time.Second), 10)), 0)
	wantEqual(t, "due then", len(t.due(later, 10)), 1)
}

func postponedCancelled(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	t.apply(version("Appointment", "1", 2), plan())
	if err := t.l.Postpone(t.Context(), n.Key, t.now, pipeline.ReasonThrottled); err != nil {
		t.Fatal(err)
	}
	t.wantState(n.Notification, pipeline.Cancelled, pipeline.ReasonSuperseded)
}

func settledSkipped(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	t.settle(pipeline.Settlement{Key: n.Key, State: pipeline.Skipped, Reason: pipeline.ReasonNoNumber})
	t.wantState(n.Notification, pipeline.Skipped, pipeline.ReasonNoNumber)
	wantEqual(t, "due", len(t.due(t.now.Add(2*pipeline.LeaseTime), 10)), 0)
	t.wantRefused(t.try(n))
}

func settledStale(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	t.apply(version("Appointment", "1", 2), plan(n.Notification))
	t.settle(pipeline.Settlement{Key: n.Key, State: pipeline.Skipped, Reason: pipeline.ReasonMissingFact})
	t.wantState(n.Notification, pipeline.Planned, "")
	t.begin(t.lease(n.Key))
}

func settledPlanned(t *ledgerTest) {
	n := t.lease(t.booked("1", t.now).Key)
	t.settle(pipeline.Settlement{Key: n.Key, State: pipeline.Planned, Reason: pipeline.ReasonTransient, Due: t.now.Add(time.Minute)})
	t.wantState(n.Notification, pipeline.Planned, pipeline.ReasonTransient)
	wantEqual(t, "due at once", len(t.due(t.now, 10)), 0)
	wantEqual(t, "due then", len(t.due(t.now.Add(time.Minute), 10)), 1)
}
