package journey_test

import (
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// Who is only asked, and cannot be, after STOP or because it is too late, has said something that people read.
func TestUnderstandWhatCannotBeAsked(t *testing.T) {
	book := shipped(t)
	for _, c := range []struct {
		name    string
		stopped bool
		age     time.Duration
		says    int
		hands   string
	}{
		{"asked", false, time.Second, 1, ""}, {"after STOP", true, time.Second, 0, "patient_message"}, {"too late", false, 25 * time.Hour, 0, "patient_message"},
	} {
		th := about(t, book, visit(t, "booked", march9), "cancel")
		th.Now, th.Stopped = moment(t, before), c.stopped
		o, err := book.Understand(pipeline.Reply{ID: "wamid.1", Kind: "button", At: th.Now.Add(-c.age)}, th)
		if err != nil || o.Reading != "cancel" || o.Decision != nil || len(o.Say) != c.says || o.Handoff != c.hands {
			t.Errorf("%s: got %q, %d messages, and people read %q (%v)", c.name, o.Reading, len(o.Say), o.Handoff, err)
		}
	}
}
