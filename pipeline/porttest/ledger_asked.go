package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// awaiting sends a message that asks for words, after some time.
func (t *ledgerTest) awaiting(id string, after time.Duration) pipeline.Notification {
	t.Helper()
	n := t.booked(id, t.now)
	a := t.try(t.lease(n.Key))
	a.Begun, a.Awaits, a.Address = t.now.Add(after), true, pipeline.NewPrivate(phone)
	t.beginAs(a)
	return n
}

// says hears a text without token and quote, some time after the test's now.
func (t *ledgerTest) says(id string, after time.Duration) pipeline.Thread {
	t.Helper()
	r := reply(id, "")
	r.At = t.now.Add(after)
	return t.hear(r, pipeline.Heard{})
}

func hearAsked(t *ledgerTest) {
	t.sent("1", phone)
	t.sent("2", phone)
	t.wantThread(t.says("r1", time.Minute), "several", nil)
	n := t.awaiting("3", 2*time.Minute)
	thread := t.says("r2", 3*time.Minute)
	t.wantThread(thread, "asked", &n)
	if !thread.Sent.Attempt.Awaits {
		t.Error("the attempt does not say that it awaits words")
	}
	t.wantThread(t.says("r3", time.Minute), "several", nil) // written before it was asked
}

func hearAskedNoMore(t *ledgerTest) {
	n := t.awaiting("1", 0)
	t.wantThread(t.says("r1", 23*time.Hour), "asked", &n)
	t.wantThread(t.says("r2", 25*time.Hour), "none", nil)
	other := t.booked("2", t.now)
	a := t.try(t.lease(other.Key))
	a.Begun, a.Address = t.now.Add(time.Minute), pipeline.NewPrivate(phone)
	t.beginAs(a)
	t.wantThread(t.says("r3", 2*time.Minute), "only", &other)
}

// What awaits words of its own does not make it doubtful what later words are about.
func hearAskedBeside(t *ledgerTest) {
	t.awaiting("1", -time.Hour)
	n := t.sent("2", phone)
	r := reply("r1", "")
	r.At = t.now.Add(time.Minute)
	t.wantThread(t.hear(r, pipeline.Heard{}), "only", &n)
}
