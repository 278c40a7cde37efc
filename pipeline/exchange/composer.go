package exchange

import (
	"errors"
	"strings"
	"unicode/utf8"

	"fhirbridge/pipeline"
)

// The reasons for which a message is refused before it is posted. Error.Err
// names the part, never what was in it.
const (
	ReasonMessage   = "invalid_message" // Malformed: no message of ours looks like that
	ReasonBadNumber = string(pipeline.ReasonInvalidNumber)
	ReasonEmpty     = "empty_text"
	ReasonLong      = "too_long"
)

// Composer builds a message and keeps the first thing that is wrong with it.
type Composer struct {
	// Op is that of Fault.
	Op    string
	Fault *pipeline.Error
}

// Words checks a text of any content, of at most so many characters.
func (c *Composer) Words(what, text string, limit int) string {
	text = Clean(text)
	if strings.TrimSpace(text) == "" {
		c.Refuse(pipeline.Refused, ReasonEmpty, what)
	}
	if utf8.RuneCountInString(text) > limit {
		c.Refuse(pipeline.Refused, ReasonLong, what)
	}
	return text
}

// ID checks an identifier of ours or the provider's: printable, without spaces.
func (c *Composer) ID(what, id string, limit int) {
	if id == "" || len(id) > limit || !Visible(id) {
		c.Malformed(what)
	}
}

// Malformed refuses what no message of ours looks like.
func (c *Composer) Malformed(what string) { c.Refuse(pipeline.Malformed, ReasonMessage, what) }

// Refuse keeps a fault, if it is the first.
func (c *Composer) Refuse(kind pipeline.Kind, reason, what string) {
	if c.Fault == nil {
		c.Fault = &pipeline.Error{Op: c.Op, Kind: kind, Reason: reason, Err: errors.New(what)}
	}
}

// Distinct is a set.
type Distinct map[string]struct{}

// Add reports whether s was not in the set.
func (d Distinct) Add(s string) bool {
	_, seen := d[s]
	d[s] = struct{}{}
	return !seen
}
