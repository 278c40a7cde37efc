package journey

import (
	"slices"

	"fhirbridge/pipeline"
)

// answers reports whether a reply may be one to that message: words to any that asks something, a tap to one with the button.
func (m *moment) answers(s pipeline.SentMessage) bool {
	if m.tap == "" {
		return len(s.Attempt.Actions) > 0
	}
	return (m.of == "" || m.of == s.Notification.Step) && slices.Contains(s.Attempt.Actions, m.tap)
}
