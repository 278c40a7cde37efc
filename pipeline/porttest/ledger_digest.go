package porttest

import (
	"errors"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// What one message says together with others.
var digestTests = map[string]func(*ledgerTest){
	"companions of the step, the patient and the time":             digestCompanions,
	"merged when the attempt begins":                               digestMerged,
	"nothing begins where one has changed":                         digestChanged,
	"nothing begins where one has begun":                           digestBegun,
	"planned again where it was not sent":                          digestNotSent,
	"by themselves where it was refused":                           digestRefused,
	"failed with it where it was refused for good":                 digestRefusedForGood,
	"by themselves where its words could not be delivered":         digestUnfit,
	"failed with it where it could not be delivered":               digestUndelivered,
	"failed with it where it may have gone out before":             digestGone,
	"failed where newer news have overtaken it":                    digestOvertaken,
	"failed where it is too late, and the others are said":         digestTooLate,
	"planned again with it where the window was closed":            digestShut,
	"by another channel, each by itself":                           digestElsewhere,
	"what may pass is tried again with it":                         digestAgain,
	"what may have gone out by itself is not said with others":     digestApart,
	"planned again where nobody knows, and settled by a late word": digestLate,
	"held with it": digestHeld,
	"what is not wanted any more is not planned again": digestUnwanted,
	"what is wanted again meanwhile is":                digestWantedAgain,
	"a reply tells of all":                             digestReply,
	"a word may be about each of them":                 digestAntecedents,
}

// reminded applies an appointment of one patient, which plans a reminder that may be said with others.
func (t *ledgerTest) reminded(id string, due time.Time) pipeline.Notification {
	t.Helper()
	n := note(id, "reminder", due)
	n.Patient, n.Recipient, n.Digest, n.Edge = "Patient/1", "Patient/1", true, false
	t.apply(version("Appointment", id, 1), plan(n))
	return n
}

func (t *ledgerTest) companions(n pipeline.Notification, until time.Time) []pipeline.DueNotification {
	t.Helper()
	list, err := t.l.Companions(t.Context(), n, until, 8)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// together begins an attempt at n that says those, too.
func (t *ledgerTest) together(n pipeline.Notification, others ...pipeline.Notification) (bool, error) {
	t.Helper()
	a := t.try(t.lease(n.Key))
	for _, o := range others {
		a.Covers = append(a.Covers, pipeline.Covered{Key: o.Key, Step: o.Step, Subject: o.Subject, SubjectVersion: "1"})
	}
	t.attempt = a
	return t.l.Begin(t.Context(), a)
}

func (t *ledgerTest) begunTogether(n pipeline.Notification, others ...pipeline.Notification) {
	t.Helper()
	if ok, err := t.together(n, others...); !ok || err != nil {
		t.Fatalf("Begin: got %v, %v; want true", ok, err)
	}
}

func (t *ledgerTest) ends(n pipeline.Notification, s pipeline.Settlement) {
	t.Helper()
	s.Key, s.Attempt, s.At = n.Key, t.attempt.ID, t.now
	t.settle(s)
}

func digestCompanions(t *ledgerTest) {
	n := t.reminded("1", t.now)
	second, third := t.reminded("2", t.now.Add(time.Minute)), t.reminded("3", t.now)
	t.reminded("4", t.now.Add(time.Hour))
	plain := note("5", "reminder", t.now)
	plain.Patient = "Patient/1"
	t.apply(version("Appointment", "5", 1), plan(plain))
	other := note("6", "another", t.now)
	other.Patient, other.Digest = "Patient/1", true
	t.apply(version("Appointment", "6", 1), plan(other))
	stranger := note("7", "reminder", t.now)
	stranger.Digest = true
	t.apply(version("Appointment", "7", 1), plan(stranger))
	var got []string
	for _, c := range t.companions(n, t.now.Add(10*time.Minute)) {
		got = append(got, c.Key+" "+c.Subject.Version)
	}
	wantEqual(t, "companions", strings.Join(got, ", "), third.Key+" 1, "+second.Key+" 1")
}

func digestMerged(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.begunTogether(n, other)
	t.wantState(n, pipeline.Sending, "")
	t.wantState(other, pipeline.Skipped, pipeline.ReasonMerged)
	e := t.trace(other)
	wantEqual(t, "attempts", len(e.Attempts), 1)
	wantEqual(t, "by", e.Attempts[0].Notification, n.Key)
	wantEqual(t, "due", len(t.due(t.now.Add(2*pipeline.LeaseTime), 10)), 0)
	wantEqual(t, "companions", len(t.companions(n, t.now)), 0)
	t.ends(n, pipeline.Settlement{State: pipeline.Accepted, MessageID: "wamid.1"})
	t.wantState(other, pipeline.Skipped, pipeline.ReasonMerged)
	known, err := t.l.KnownOf(t.Context(), other.Subject)
	if err != nil || !known.ToldOf("Patient/1") {
		t.Errorf("told: got %v, %v; want the patient", known.Told, err)
	}
}

func digestChanged(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.apply(version("Appointment", "2", 2), plan(other))
	if ok, err := t.together(n, other); ok || err != nil {
		t.Errorf("Begin: got %v, %v; want false", ok, err)
	}
	t.wantState(n, pipeline.Planned, "")
	t.wantState(other, pipeline.Planned, "")
	wantEqual(t, "tries", t.lease(n.Key).Tries, 0)
}

func digestBegun(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	list := t.due(t.now, 10)
	for _, d := range list {
		if d.Key == other.Key {
			t.begin(d)
		}
	}
	a := t.try(list[0])
	a.Notification, a.SubjectVersion = n.Key, "1"
	a.Covers = []pipeline.Covered{{Key: other.Key, Step: other.Step, Subject: other.Subject, SubjectVersion: "1"}}
	if ok, err := t.l.Begin(t.Context(), a); ok || err != nil {
		t.Errorf("Begin: got %v, %v; want false", ok, err)
	}
	t.wantState(n, pipeline.Planned, "")
	t.wantState(other, pipeline.Sending, "")
}

func digestNotSent(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.begunTogether(n, other)
	t.ends(n, pipeline.Settlement{State: pipeline.Planned, Reason: pipeline.ReasonThrottled, Due: t.now.Add(time.Minute)})
	t.wantState(n, pipeline.Planned, pipeline.ReasonThrottled)
	t.wantState(other, pipeline.Planned, "")
	wantEqual(t, "due before", len(t.due(t.now, 10)), 0)
	list := t.due(t.now.Add(time.Minute), 10)
	wantEqual(t, "due then", len(list), 2)
	wantEqual(t, "may be said together", len(t.companions(n, t.now.Add(time.Minute))), 1)
	known, err := t.l.KnownOf(t.Context(), other.Subject)
	if err != nil || known.ToldOf("Patient/1") {
		t.Errorf("told: got %v, %v; want nobody", known.Told, err)
	}
}

func digestRefused(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.begunTogether(n, other)
	t.ends(n, pipeline.Settlement{State: pipeline.Planned, Reason: pipeline.ReasonRefused, Due: t.now, Alone: true})
	for _, d := range t.due(t.now, 10) {
		wantEqual(t, "alone", d.Alone, true)
	}
	t.wantState(other, pipeline.Planned, "")
	wantEqual(t, "companions", len(t.companions(n, t.now)), 0)
}

func digestRefusedForGood(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.begunTogether(n, other)
	t.ends(n, pipeline.Settlement{State: pipeline.Failed, Reason: pipeline.ReasonRefused, Code: "131050"})
	t.wantState(n, pipeline.Failed, pipeline.ReasonRefused)
	t.wantState(other, pipeline.Failed, pipeline.ReasonRefused)
	wantEqual(t, "due", len(t.due(t.now.Add(time.Hour), 10)), 0)
}

func digestLate(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.begunTogether(n, other)
	t.ends(n, pipeline.Settlement{State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
	t.wantState(other, pipeline.Skipped, pipeline.ReasonMerged)
	first := t.attempt
	t.lapse(1, 0)
	t.wantState(n, pipeline.Planned, pipeline.ReasonNoAnswer)
	t.wantState(other, pipeline.Planned, "")
	if _, err := t.l.Receive(t.Context(), pipeline.Receipt{Attempt: first.ID, MessageID: "wamid.1", State: pipeline.Delivered, At: t.now}, nil); err != nil {
		t.Fatal(err)
	}
	t.wantState(n, pipeline.Delivered, "")
	t.wantState(other, pipeline.Skipped, pipeline.ReasonMerged)
	wantEqual(t, "due", len(t.due(t.now, 10)), 0)
}

func digestHeld(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	for range 2 { // of unknown outcome twice: each
		t.begunTogether(n, other)
		t.ends(n, pipeline.Settlement{State: pipeline.StateUnknown, Reason: pipeline.ReasonNoAnswer})
		if _, _, err := t.l.Lapse(t.Context(), t.now.Add(time.Second), t.now, nil); err != nil {
			t.Fatal(err)
		}
	}
	t.wantState(n, pipeline.Held, pipeline.ReasonNoAnswer)
	t.wantState(other, pipeline.Skipped, pipeline.ReasonMerged)
}

func digestUnwanted(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.begunTogether(n, other)
	t.apply(version("Appointment", "2", 2), plan())
	t.wantState(other, pipeline.Skipped, pipeline.ReasonMerged)
	t.ends(n, pipeline.Settlement{State: pipeline.Planned, Reason: pipeline.ReasonThrottled, Due: t.now})
	t.wantState(n, pipeline.Planned, pipeline.ReasonThrottled)
	t.wantState(other, pipeline.Cancelled, pipeline.ReasonSuperseded)
	t.apply(version("Appointment", "2", 3), plan(other)) // it has moved back
	t.wantState(other, pipeline.Planned, "")
}

func digestWantedAgain(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	t.begunTogether(n, other)
	t.apply(version("Appointment", "2", 2), plan())
	t.apply(version("Appointment", "2", 3), plan(other))
	t.wantState(other, pipeline.Skipped, pipeline.ReasonMerged)
	t.ends(n, pipeline.Settlement{State: pipeline.Planned, Reason: pipeline.ReasonThrottled, Due: t.now})
	t.wantState(other, pipeline.Planned, "")
}

func digestReply(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	a := t.try(t.lease(n.Key))
	a.Actions, a.Choices = []string{"each"}, []string{`{"visits":["Appointment/1","Appointment/2"]}`}
	a.Covers = []pipeline.Covered{{Key: other.Key, Step: other.Step, Subject: other.Subject, SubjectVersion: "1"}}
	t.beginAs(a)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: "wamid.1", At: t.now})
	r := reply("r1", "")
	r.Payload = pipeline.Token(a.ID, 1)
	thread := t.hear(r, pipeline.Heard{})
	if thread.Sent == nil {
		t.Fatal(errors.New("no message is found"))
	}
	wantEqual(t, "action", thread.Sent.Action, "each")
	wantEqual(t, "choice", thread.Sent.Choice, a.Choices[0])
	wantEqual(t, "covers", len(thread.Sent.Attempt.Covers), 1)
	wantEqual(t, "covered", thread.Sent.Attempt.Covers[0], a.Covers[0])
}

// digestAntecedents: newer news of the message's own subject leave the others to be asked about.
func digestAntecedents(t *ledgerTest) {
	n, other := t.reminded("1", t.now), t.reminded("2", t.now)
	a := t.try(t.lease(n.Key))
	a.Begun = t.now.Add(-3 * time.Minute)
	a.Actions, a.Choices, a.Shown = []string{"each"}, []string{`{"visits":["Appointment/1","Appointment/2"]}`}, "2027-01-15T09:30:00Z"
	a.Covers = []pipeline.Covered{{Key: other.Key, Step: other.Step, Subject: other.Subject, SubjectVersion: "1"}}
	t.beginAs(a)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: "wamid.1", At: t.now})
	thread := t.hear(reply("r1", ""), pipeline.Heard{})
	t.wantThread(thread, "only", &n)
	t.wantAntecedents(thread, n, other)
	if part := thread.Antecedents[1].Sent.Attempt; part.ID != a.ID || part.Shown != "" || part.SubjectVersion != "1" {
		t.Errorf("the second: got a message of %s that showed %q, version %q", part.ID, part.Shown, part.SubjectVersion)
	}
	t.version, t.said = 1, map[string][]pipeline.Notification{"1": {n}}
	moved := t.tells("appointment", "moved", "1", "Patient/1", -2*time.Minute)
	thread = t.hear(reply("r2", ""), pipeline.Heard{})
	t.wantThread(thread, "several", nil)
	t.wantAntecedents(thread, moved, other)
	t.tells("appointment", "moved", "2", "Patient/1", -time.Minute)
	thread = t.hear(reply("r3", ""), pipeline.Heard{})
	t.wantThread(thread, "several", nil)
	wantEqual(t, "antecedents after news of both", len(thread.Antecedents), 2)
}
