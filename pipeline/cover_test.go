package pipeline_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// covering is a desk that knows where the notification "m" stands.
type covering struct {
	*desk
	state pipeline.State
	due   time.Time
	err   error
}

func (c *covering) StateOf(_ context.Context, subject, key string) (pipeline.State, time.Time, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.due, c.state != "" && subject == "Appointment/a1" && key == "m", c.err
}

func TestDispatchMergesWhatAnotherMessageSays(t *testing.T) {
	for state, want := range map[pipeline.State]string{
		"": "n1 accepted", pipeline.Accepted: "n1 skipped merged",
		pipeline.Sent: "n1 skipped merged", pipeline.Delivered: "n1 skipped merged", pipeline.Read: "n1 skipped merged",
		pipeline.Failed: "n1 accepted", pipeline.Skipped: "n1 accepted", pipeline.Cancelled: "n1 accepted", pipeline.Expired: "n1 accepted", pipeline.Held: "n1 accepted",
	} {
		t.Run(string(state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := dueNow("n1")
				n.CoveredBy = "m"
				k := &covering{desk: newDesk(n), state: state}
				d := dispatching(t, k.desk, (&posts{}).failing())
				d.Ledger = k
				stop := start(d.Run)
				pass(time.Minute)
				stop()
				same(t, "settled", k.states(), []string{want})
			})
		})
	}
}

func TestDispatchWaitsForWhatCovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dueNow("n1")
		n.CoveredBy, n.Expires = "m", n.Due.Add(24*time.Hour)
		k := &covering{desk: newDesk(n), err: transient("disk")}
		d := dispatching(t, k.desk, (&posts{}).failing())
		d.Ledger = k
		stop := start(d.Run)
		defer stop()
		stands := func(state pipeline.State, due time.Time, lasts time.Duration) (looked int) {
			before := len(k.given())
			k.mu.Lock()
			k.err, k.state, k.due = nil, state, due
			k.mu.Unlock()
			pass(lasts)
			same(t, "while it is "+string(state), k.states(), []string{})
			return len(k.given()) - before
		}
		pass(20 * time.Second)
		same(t, "while nobody can tell", k.states(), []string{})
		tonight := time.Now().Add(8 * time.Hour)
		if looked := stands(pipeline.Planned, tonight, 8*time.Hour+30*time.Second); looked > 10 {
			t.Errorf("it has looked %d times in a night", looked)
		}
		stands(pipeline.Sending, tonight, time.Minute)
		if looked := stands(pipeline.StateUnknown, tonight, time.Hour); looked < 50 || looked > 70 {
			t.Errorf("it has looked %d times in an hour, want about once a minute", looked)
		}
		k.mu.Lock()
		k.state = pipeline.Failed
		k.mu.Unlock()
		pass(2 * time.Minute)
		same(t, "once that has failed", k.states(), []string{"n1 accepted"})
	})
}
