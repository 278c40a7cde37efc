package journey

import (
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// memory is what a notification remembers until it is sent, in Notification.Facts.
type memory struct {
	// language is that of the conversation.
	language string
	// occasion is a start that the subject may lose or change, before the one that it had before the news.
	occasion, before string
}

func (m memory) private() pipeline.Private {
	if m == (memory{}) {
		return pipeline.Private{}
	}
	return pipeline.NewPrivate(m.language + "\n" + m.occasion + "\n" + m.before)
}

func recall(p pipeline.Private) memory {
	language, rest, _ := strings.Cut(p.Reveal(), "\n")
	occasion, before, _ := strings.Cut(rest, "\n")
	return memory{language, occasion, before}
}

// start is the start that is remembered, zero if none is.
func (m memory) start() time.Time { return instant(m.occasion) }

func instant(occasion string) time.Time {
	t, err := time.Parse(time.RFC3339, occasion)
	if err != nil {
		return time.Time{}
	}
	return t
}

// remember keeps a start that the current version has lost, and one that it has changed.
func (s *scene) remember(previous *scene) pipeline.Private {
	if s.visit == nil {
		return pipeline.Private{}
	}
	var m memory
	if !s.start.IsZero() && s.visit.Start().IsZero() {
		m.occasion = s.occasion()
	}
	if previous != nil && !previous.start.Equal(s.start) {
		m.before = previous.occasion()
	}
	return m.private()
}
