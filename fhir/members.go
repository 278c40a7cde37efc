package fhir

import (
	"bytes"
	"encoding/json"
	"slices"
)

// member is one name and value of a JSON object, both as spans of the input.
type member struct {
	name  []byte // without quotes, escapes resolved
	value []byte // without surrounding white space
}

// members appends the members of the object in raw to into. It finds the limits
// of values without looking inside, so that looking for four of them costs a
// twentieth of decoding; a value may still be malformed inside. It does not
// recurse: depth of nesting costs nothing. ok is false if raw is not an object.
func members(raw []byte, into []member) (list []member, ok bool) {
	i := space(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return into, false
	}
	if i = space(raw, i+1); i < len(raw) && raw[i] == '}' {
		return into, space(raw, i+1) == len(raw)
	}
	for {
		end := stringEnd(raw, i)
		if end < 0 {
			return into, false
		}
		name, valid := unescaped(raw[i:end])
		colon := space(raw, end)
		if !valid || colon >= len(raw) || raw[colon] != ':' {
			return into, false
		}
		start := space(raw, colon+1)
		if end = valueEnd(raw, start); end < 0 {
			return into, false
		}
		into = append(into, member{name: name, value: raw[start:end]})
		next, closed := separator(raw, end, '}')
		if next < 0 || closed {
			return into, closed && space(raw, next) == len(raw)
		}
		i = next
	}
}

// valueOf returns the value of a member of the object in raw, or nil.
func valueOf(raw []byte, name string) json.RawMessage {
	var buf [48]member
	list, _ := members(raw, buf[:0])
	return find(list, name)
}

// elements returns the elements of the array in raw, or nil if it is none.
func elements(raw []byte) []json.RawMessage {
	i := space(raw, 0)
	if i >= len(raw) || raw[i] != '[' {
		return nil
	}
	var list []json.RawMessage
	for i = space(raw, i+1); i < len(raw) && raw[i] != ']'; {
		end := valueEnd(raw, i)
		if end < 0 {
			return nil
		}
		list = append(list, raw[i:end])
		next, closed := separator(raw, end, ']')
		if next < 0 || closed {
			break
		}
		i = next
	}
	return list
}

// find returns the value of the last member of that name, as encoding/json takes
// the last, or nil if there is none or it is null.
func find(list []member, name string) []byte {
	for _, m := range slices.Backward(list) {
		if string(m.name) == name {
			if string(m.value) == "null" {
				return nil
			}
			return m.value
		}
	}
	return nil
}

// text returns the JSON string in value; ok is false if it is not a string.
func text(value []byte) (s string, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	b, ok := unescaped(value)
	return string(b), ok
}

// unescaped returns the text of a quoted JSON string, without a copy where it
// holds no escape.
func unescaped(quoted []byte) ([]byte, bool) {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return nil, false
	}
	return []byte(s), true
}

// space returns the index of the first byte from i on that is not white space.
func space(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r') {
		i++
	}
	return i
}

// separator returns the start of what follows the comma behind a value, or, if
// the closing bracket follows, closed and the index behind it; -1 for neither.
func separator(raw []byte, i int, closing byte) (next int, closed bool) {
	i = space(raw, i)
	switch {
	case i >= len(raw):
		return -1, false
	case raw[i] == closing:
		return i + 1, true
	case raw[i] == ',':
		return space(raw, i+1), false
	}
	return -1, false
}

// stringEnd returns the index behind the string that starts at i, or -1.
func stringEnd(raw []byte, i int) int {
	if i >= len(raw) || raw[i] != '"' {
		return -1
	}
	for j := i + 1; ; j++ {
		quote := bytes.IndexByte(raw[j:], '"')
		if quote < 0 {
			return -1
		}
		j += quote
		escapes := 0
		for raw[j-1-escapes] == '\\' { // stops at the opening quote at the latest
			escapes++
		}
		if escapes%2 == 0 {
			return j + 1
		}
	}
}

// valueEnd returns the index behind the value that starts at i, or -1.
func valueEnd(raw []byte, i int) int {
	if i >= len(raw) {
		return -1
	}
	if raw[i] == '"' {
		return stringEnd(raw, i)
	}
	if raw[i] != '{' && raw[i] != '[' {
		end := i
		for end < len(raw) && bytes.IndexByte([]byte(",]}: \t\r\n\"[{"), raw[end]) < 0 {
			end++
		}
		if end == i {
			return -1
		}
		return end
	}
	for depth := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			if i = stringEnd(raw, i) - 1; i < 0 {
				return -1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}
