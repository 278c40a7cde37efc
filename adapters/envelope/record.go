package envelope

import (
	"bytes"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"fhirbridge/fhir"
)

// maxDepth is how deeply a record may be nested. HL7's examples reach about 20;
// the limit keeps recursive readers behind us from exhausting their stack.
const maxDepth = 128

// record is a value with what the shapes ask about it.
type record struct {
	// null is set for a record without value; then there is nothing else.
	null bool
	// value is without byte order mark and surrounding white space.
	value []byte
	// fault is the reason why value is not one sound JSON value, "" if it is.
	fault string
	// header is that of the resource in value; err says why there is none.
	header fhir.Header
	err    error
}

func newRecord(value []byte) *record {
	if len(value) == 0 {
		return &record{null: true}
	}
	value = bytes.TrimPrefix(value, []byte("\xef\xbb\xbf"))
	r := &record{value: bytes.Trim(value, " \t\r\n")}
	if r.fault = unsound(r.value); r.fault == "" {
		r.header, r.err = fhir.Peek(r.value)
	}
	return r
}

// unsound returns the reason why raw is not one JSON value in UTF-8 of bounded
// depth, or "". Everything that looks into JSON after it may trust its syntax.
func unsound(raw []byte) string {
	switch {
	case !utf8.Valid(raw):
		return reasonNotUTF8
	case depth(raw) > maxDepth: // before gjson, which recurses
		return reasonTooDeep
	case !gjson.ValidBytes(raw): // takes a third of the time of json.Valid
		return reasonNotJSON
	}
	return ""
}

// depth returns how deeply raw is nested. It counts brackets outside of strings;
// if raw is not JSON, the count is at least what a parser would meet before it
// stops.
func depth(raw []byte) int {
	deepest, now := 0, 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = closing(raw, i+1)
		case '{', '[':
			now++
			deepest = max(deepest, now)
		case '}', ']':
			now--
		}
	}
	return deepest
}

// closing returns the index of the quote that ends the string that i lies in, or
// len(raw).
func closing(raw []byte, i int) int {
	for i < len(raw) && raw[i] != '"' {
		if raw[i] == '\\' {
			i++
		}
		i++
	}
	return i
}

// isObject reports whether raw, without surrounding space, is a JSON object.
func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }
