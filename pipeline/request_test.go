package pipeline_test

import (
	"strings"
	"testing"

	"fhirbridge/pipeline"
)

// TestFilingTellsWhoAskedOfEachAttempt: a failure of the first attempt may be heard when the second is under way, and says
// nothing of how that ends.
func TestFilingTellsWhoAskedOfEachAttempt(t *testing.T) {
	key := func(attempt string, state pipeline.State) string {
		m := told("CommunicationRequest/q1", pipeline.Fate{Filed: true, State: state})
		m.Attempt.ID = attempt
		for _, w := range filing.Sent(m) {
			if w.Kind == pipeline.WriteRequest {
				return w.Key
			}
		}
		t.Fatalf("%s: nothing is owed to who asked", state)
		return ""
	}
	first := key("attempt1", pipeline.Failed)
	same(t, "the second attempt is another", key("attempt2", pipeline.Failed) == first, false)
	same(t, "the same attempt, told again", key("attempt1", pipeline.Failed), first)
	same(t, "read is no other than sent", key("attempt1", pipeline.Read), key("attempt1", pipeline.Sent))
	same(t, "without an attempt", key("", pipeline.Skipped) == "", false)
}

func TestStatusOfARequest(t *testing.T) {
	const request = `{"resourceType":"CommunicationRequest","id":"q1","status":"active"}`
	w := pipeline.Write{
		Key: "w1", Kind: pipeline.WriteRequest, Order: "CommunicationRequest/q1", Type: "CommunicationRequest",
		Body: pipeline.NewPrivate(`{"Ref":"CommunicationRequest/q1","Version":"3","Reason":"no_number"}`),
	}
	for _, c := range []struct {
		name   string
		states []pipeline.State
		want   string // "" while it is open
	}{
		{"nothing was planned", nil, "revoked"},
		{"one was skipped, one is planned", []pipeline.State{pipeline.Skipped, pipeline.Planned}, ""},
		{"one was skipped, of one nobody knows", []pipeline.State{pipeline.Skipped, pipeline.StateUnknown}, ""},
		{"one has gone out, one is taken", []pipeline.State{pipeline.Sent, pipeline.Accepted}, ""},
		{"one was skipped, one has gone out", []pipeline.State{pipeline.Skipped, pipeline.Sent}, "completed"},
		{"one was read, one has failed", []pipeline.State{pipeline.Read, pipeline.Failed}, "completed"},
		{"one has gone out, of one nobody will know", []pipeline.State{pipeline.Sent, pipeline.Held}, "on-hold"},
		{"one is planned, of one nobody will know", []pipeline.State{pipeline.Planned, pipeline.Held}, ""},
		{"one was skipped, one has expired", []pipeline.State{pipeline.Skipped, pipeline.Expired}, "revoked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, ends := followedWith(t, w, c.states, []string{request})
			same(t, "ends", ends, []string{"w1 done"})
			if c.want == "" {
				same(t, "calls", calls, []string(nil))
				return
			}
			same(t, "status", strings.Contains(strings.Join(calls, " "), `"value":"`+c.want+`"`), true)
			same(t, "why", strings.Contains(strings.Join(calls, " "), `{"text":"no number"}`), c.want == "revoked")
		})
	}
}
