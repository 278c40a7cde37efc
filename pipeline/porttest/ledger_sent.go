package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// What was sent to a number, so that nobody is sent too much.
var sentTests = map[string]func(*ledgerTest){
	"nothing to a number of which nobody knows":     sentNothing,
	"what may have gone out counts":                 sentMaybe,
	"what certainly has not gone out does not":      sentNot,
	"an answer to the patient's own does not count": sentAnswer,
	"after since, the oldest first":                 sentSince,
	"all forms of a number are one":                 sentForms,
}

// wantSent checks how long ago, at t.now, was sent what counts for the hour before.
func (t *ledgerTest) wantSent(number string, want ...time.Duration) {
	t.Helper()
	got, err := t.l.SentTo(t.Context(), pipeline.NewPrivate(number), t.now.Add(-time.Hour))
	if err != nil {
		t.Fatalf("SentTo: %v", err)
	}
	if len(got) != len(want) {
		t.Fatalf("got %d messages, want %d", len(got), len(want))
	}
	for i, at := range got {
		wantEqual(t, "sent before", t.now.Sub(at), want[i])
	}
}

// begunAgo begins an attempt at sending n to phone so long ago.
func (t *ledgerTest) begunAgo(n pipeline.Notification, ago time.Duration) {
	t.Helper()
	a := t.try(t.lease(n.Key))
	a.Begun = t.now.Add(-ago)
	t.beginAs(a)
}

func (t *ledgerTest) endAs(n pipeline.Notification, state pipeline.State) {
	t.Helper()
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: state, MessageID: "wamid." + n.Key, Due: t.now.Add(time.Hour)})
}

func sentNothing(t *ledgerTest) {
	t.sent("1", phone)
	t.wantSent(otherPhone)
	t.wantSent("")
}

func sentMaybe(t *ledgerTest) {
	n := t.booked("1", t.now)
	t.wantSent(phone)
	t.begunAgo(n, 0)
	t.wantSent(phone, 0) // being sent
	t.endAs(n, pipeline.StateUnknown)
	t.wantSent(phone, 0)
	t.receive(pipeline.Receipt{Attempt: t.attempt.ID, MessageID: "wamid.1", State: pipeline.Read})
	t.wantSent(phone, 0)
}

func sentNot(t *ledgerTest) {
	for id, state := range map[string]pipeline.State{"1": pipeline.Failed, "2": pipeline.Planned} {
		n := t.booked(id, t.now)
		t.begunAgo(n, 0)
		t.endAs(n, state)
		t.wantSent(phone)
	}
}

func sentAnswer(t *ledgerTest) {
	say := note("1", "thanks", t.now)
	say.ReplyTo, say.Address = "r1", pipeline.NewPrivate(phone)
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
	t.begunAgo(say, 0)
	t.endAs(say, pipeline.Accepted)
	t.wantSent(phone)
}

func sentSince(t *ledgerTest) {
	for id, ago := range map[string]time.Duration{"1": time.Minute, "2": time.Hour - time.Second, "3": time.Hour, "4": 2 * time.Minute} {
		n := t.booked(id, t.now)
		t.begunAgo(n, ago)
		t.endAs(n, pipeline.Accepted)
	}
	t.wantSent(phone, time.Hour-time.Second, 2*time.Minute, time.Minute)
}

func sentForms(t *ledgerTest) {
	for id, number := range map[string]string{"1": dialled, "2": dialledAlso} {
		t.sentAs(id, number, written)
	}
	for _, number := range []string{dialled, dialledAlso, written} {
		t.wantSent(number, 0, 0)
	}
}
