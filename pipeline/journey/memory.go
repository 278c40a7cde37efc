package journey

import (
	"encoding/json"
	"time"

	"fhirbridge/pipeline"
)

// memory is what a notification remembers until it is sent, in Notification.Facts.
type memory struct {
	// Language is that of the conversation.
	Language string `json:"language,omitempty"`
	// Wrote is the language in which the patient has just written, or which they have just chosen.
	Wrote string `json:"wrote,omitempty"`
	// Occasion is a start that the subject may lose or change, Before the one that it had before the news.
	Occasion string `json:"occasion,omitempty"`
	Before   string `json:"before,omitempty"`
	// Chosen is the start that the patient wants a visit to have.
	Chosen string `json:"chosen,omitempty"`
	// Minutes are those of the delay that is told.
	Minutes int `json:"minutes,omitempty"`
	// Origin names a conversation about a new appointment, Service what it would be for.
	Origin  string `json:"origin,omitempty"`
	Service string `json:"service,omitempty"`
	// Which are what a word could be about.
	Which []option `json:"which,omitempty"`
}

func (m memory) private() pipeline.Private {
	raw, _ := json.Marshal(m) // strings always can be
	if string(raw) == "{}" {
		return pipeline.Private{}
	}
	return pipeline.NewPrivate(string(raw))
}

// recall returns what is remembered; what cannot be read is nothing.
func recall(p pipeline.Private) (m memory) {
	if text := p.Reveal(); text != "" {
		_ = json.Unmarshal([]byte(text), &m)
	}
	return m
}

// start is the start that is remembered, zero if none is.
func (m memory) start() time.Time { return instant(m.Occasion) }

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
		m.Occasion = s.occasion()
	}
	if previous != nil && !previous.start.Equal(s.start) {
		m.Before = previous.occasion()
	}
	return m.private()
}
