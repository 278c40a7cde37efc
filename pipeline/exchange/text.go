package exchange

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible reports whether s consists of printable ASCII without spaces, as
// header values, tokens and ids do.
func Visible(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Opaque reports whether s looks like an id, of at most so many bytes, and not like text.
func Opaque(s string, most int) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) <= most
}

// PlainID reports whether id can be kept and logged as a provider's id of something.
func PlainID(id string) bool { return id != "" && len(id) <= 256 && Visible(id) }

// Plain returns id if it is a plain one, else "".
func Plain(id string) string {
	if !PlainID(id) {
		return ""
	}
	return id
}

// Token makes a word of a provider's vocabulary fit for a metric. What does not look
// like such a word is "other": it could be text, or a number.
func Token(s string) string {
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

// Dialable reports whether s is E.164 with its "+". Without it a provider would put the country code of
// the business number in front, and the message could reach a stranger.
func Dialable(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	return strings.Trim(s[1:], "0123456789") == ""
}

// Clean drops what no phone shows and some databases reject.
func Clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// Flatten makes s fit for a parameter of a WhatsApp template, which may have no line breaks, no tabs and no
// more than four spaces in a row. A run that has one of these becomes one space.
func Flatten(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	spaces := 0
	for _, r := range Clean(s) {
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

// Matches reports whether data has a SHA-256 that was announced in hex or in base64. What is neither says nothing.
func Matches(data []byte, announced string) bool {
	sum := sha256.Sum256(data)
	switch len(announced) {
	case hex.EncodedLen(sha256.Size):
		return strings.EqualFold(announced, hex.EncodeToString(sum[:]))
	case base64.StdEncoding.EncodedLen(sha256.Size):
		return announced == base64.StdEncoding.EncodeToString(sum[:])
	}
	return true
}
