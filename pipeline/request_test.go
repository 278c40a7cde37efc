package pipeline_test

import (
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
