package tyntec

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// distinct is a set.
type distinct map[string]struct{}

func (d distinct) add(s string) bool {
	_, seen := d[s]
	d[s] = struct{}{}
	return !seen
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// visible reports whether s consists of printable ASCII without spaces, as
// header values, tokens and ids do.
func visible(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// opaque reports whether s looks like an id and not like text.
func opaque(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// plainID reports whether id can be kept as an id of tyntec's or WhatsApp's.
func plainID(id string) bool { return id != "" && len(id) <= 256 && visible(id) }

// plain returns id if it is a plain one, else "".
func plain(id string) string {
	if !plainID(id) {
		return ""
	}
	return id
}

// attempt returns the context of a message if it can be ours. Other senders on the same account put in what they like.
func attempt(context string) string {
	if len(context) > 64 || !opaque(context) {
		return ""
	}
	return context
}

// token makes a word of tyntec's vocabulary fit for a metric. What does not look
// like such a word is "other": it could be text, or a number.
func token(s string) string {
	digits := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			digits++
		case (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_':
			return "other"
		}
	}
	if s == "" || len(s) > 64 || digits > 7 {
		return "other"
	}
	return strings.ToLower(s)
}

// dialable reports whether s is E.164 with its "+".
func dialable(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	return strings.Trim(s[1:], "0123456789") == ""
}

// clean drops what no phone shows and some databases reject.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// flatten makes s fit for a template parameter, which may have no line breaks, no tabs and no
// more than four spaces in a row. A run that has one of these becomes one space.
func flatten(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	spaces := 0
	for _, r := range clean(s) {
		switch {
		case r == ' ':
			spaces++
			continue
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			spaces = 5
			continue
		}
		if spaces > 4 {
			spaces = 1
		}
		if out.Len() > 0 {
			out.WriteString("    "[:spaces])
		}
		spaces = 0
		out.WriteRune(r)
	}
	return out.String()
}

// clip shortens s to some characters.
func clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
