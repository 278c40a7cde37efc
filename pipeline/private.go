package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
)

// Private is text about a patient: a name, a number, words, a resource. It
// cannot print itself: every formatting verb, JSON, slog and text marshalling
// give "[private]". Reveal is the only way to the text, and only adapters that
// must carry it (channel, ledger, FHIR server) and journeys that fill a
// template call it.
//
// The zero value is the empty text.
type Private struct{ text *string } // a pointer: fmt would print a string held in an unexported field

const hidden = "[private]"

// NewPrivate wraps text.
func NewPrivate(text string) Private {
	if text == "" {
		return Private{}
	}
	return Private{text: &text}
}

// Reveal returns the text. Whoever calls it must not log, count, name or
// address anything by what it returns.
func (p Private) Reveal() string {
	if p.text == nil {
		return ""
	}
	return *p.text
}

// Empty reports whether there is no text, without revealing it.
func (p Private) Empty() bool { return p.text == nil }

// Equal compares two texts without revealing them.
func (p Private) Equal(other Private) bool { return p.Reveal() == other.Reveal() }

// Fingerprint is a short keyless digest for use inside the process (map keys,
// order keys). Numbers are few enough to be guessed from it, so it must not be
// logged or stored either.
func (p Private) Fingerprint() string {
	sum := sha256.Sum256([]byte(p.Reveal()))
	return hex.EncodeToString(sum[:8])
}

// Format implements fmt.Formatter and ignores the verb.
func (Private) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, hidden) }

// MarshalText implements encoding.TextMarshaler, and with it JSON and YAML.
func (Private) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue implements slog.LogValuer.
func (Private) LogValue() slog.Value { return slog.StringValue(hidden) }
