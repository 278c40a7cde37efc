package tyntec

import (
	"unicode/utf8"

	"fhirbridge/pipeline/exchange"
)

// opaque reports whether s looks like an id and not like text.
func opaque(s string) bool { return s != "" && exchange.Opaque(s, 128) }

// attempt returns the context of a message if it can be ours. Other senders on the same account put in what they like.
func attempt(context string) string {
	if len(context) > 64 || !opaque(context) {
		return ""
	}
	return context
}

// clip shortens s to some characters.
func clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
