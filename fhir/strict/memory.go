package strict

import (
	"bytes"
	"crypto/sha256"
	"regexp"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// remembered is how many outlines are kept: there is one for each kind of message, template and language.
	remembered = 4096
	// longestOutlined is the size of a resource up to which its outline is looked at.
	longestOutlined = 64 << 10
)

// Memory validates, and remembers what was valid. Communications that the bridge writes differ in few values, of which google/fhir
// looks at nothing but the form: names of resources, times, identifiers and words. One that is like a valid one in all else is
// valid, and google/fhir is not asked. Whatever has another outline, or none, is validated in full.
//
// It keeps digests, and no value. Safe for concurrent use.
type Memory struct {
	mu    sync.Mutex
	valid map[[sha256.Size]byte]bool
}

// NewMemory returns a Memory of nothing.
func NewMemory() *Memory { return &Memory{valid: map[[sha256.Size]byte]bool{}} }

// Validate returns what the function of that name does.
func (m *Memory) Validate(raw []byte) []Finding {
	line, ok := outline(raw)
	if !ok {
		return Validate(raw)
	}
	digest := sha256.Sum256(line)
	m.mu.Lock()
	known := m.valid[digest]
	m.mu.Unlock()
	if known {
		return nil
	}
	found := Validate(raw)
	if len(found) > 0 {
		return found
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.valid) >= remembered {
		clear(m.valid)
	}
	m.valid[digest] = true
	return nil
}

// outline returns a Communication with the form of each open value in its place: all else is in it to the byte. ok is false for
// what is not written as the bridge writes it: extensions and contained resources hold anything, with white space or an escaped
// name a name could pass for a value.
func outline(raw []byte) (line []byte, ok bool) {
	if len(raw) > longestOutlined || !utf8.Valid(raw) || bytes.Count(raw, []byte(`"resourceType"`)) != 1 ||
		!bytes.Contains(raw, []byte(`"resourceType":"Communication"`)) || bytes.Contains(raw, []byte("xtension")) {
		return nil, false
	}
	line = make([]byte, 0, len(raw))
	var name []byte
	for i := 0; i < len(raw); {
		if raw[i] <= ' ' {
			return nil, false
		}
		if raw[i] != '"' {
			line = append(line, raw[i])
			i++
			continue
		}
		length := textLength(raw[i+1:])
		if length < 0 {
			return nil, false
		}
		text := raw[i+1 : i+1+length]
		i += length + 2
		if i < len(raw) && raw[i] == ':' {
			if name = text; bytes.IndexByte(name, '\\') >= 0 {
				return nil, false
			}
		} else if form := formOf(string(name), text); form != nil {
			line = append(line, form...)
			continue
		}
		line = append(append(append(line, '"'), text...), '"')
	}
	return line, true
}

// textLength is where the JSON string ends of which raw is what stands behind the quote; -1 if it does not end.
func textLength(raw []byte) int {
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// Forms begin with a byte that stands nowhere else outside of quotes.
var (
	formWords  = []byte{1}
	formSecond = []byte{2}
	formMilli  = []byte{3}
)

var relative = regexp.MustCompile(`^[A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64}$`)

// formOf returns the form of the value of a member that is open, nil for any other value. In a Communication a member of such a name has
// one type, wherever it stands: string or markdown, dateTime, the text of a Reference.
func formOf(name string, text []byte) []byte {
	switch name {
	case "value", "contentString", "display", "text":
		if words(text) {
			return formWords
		}
	case "sent", "received", "time":
		if written(text, "2006-01-02T15:04:05Z") {
			return formSecond
		}
		if written(text, "2006-01-02T15:04:05.000Z") {
			return formMilli
		}
	case "reference":
		if relative.Match(text) { // the type is looked at, and stays
			return append([]byte{4}, text[:bytes.IndexByte(text, '/')+1]...) // with its end: what stands behind is no part of it
		}
	}
	return nil
}

// words reports whether text is what a FHIR string may hold, with no escapes but those that every JSON decoder reads alike.
func words(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < ' ' {
			return false
		}
		if text[i] == '\\' {
			if i++; i == len(text) || text[i] != 'n' && text[i] != '"' && text[i] != '\\' {
				return false
			}
		}
	}
	return len(bytes.TrimSpace(text)) > 0
}

// written reports whether text is a time of our days in that layout, and no other.
func written(text []byte, layout string) bool {
	t, err := time.Parse(layout, string(text))
	return err == nil && t.Year() >= 1900 && t.Year() < 2200 && t.Format(layout) == string(text)
}
