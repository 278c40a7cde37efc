package fhir

import (
	"encoding/json"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Coding is one code of a code system
// (https://hl7.org/fhir/R4/datatypes.html#Coding).
type Coding struct {
	System, Code, Display string
}

// Concept is a CodeableConcept: codes that mean the same, and a text
// (https://hl7.org/fhir/R4/datatypes.html#CodeableConcept).
type Concept struct {
	Codings []Coding
	Text    string
}

// Label returns the text, else the first display, else "".
func (c Concept) Label() string {
	if c.Text != "" {
		return c.Text
	}
	for _, coding := range c.Codings {
		if coding.Display != "" {
			return coding.Display
		}
	}
	return ""
}

// Has reports whether one of the codings is that code. An empty system matches
// any system.
func (c Concept) Has(system, code string) bool {
	for _, coding := range c.Codings {
		if coding.Code == code && (system == "" || coding.System == system) {
			return true
		}
	}
	return false
}

// Precision is how much of a DateTime was written.
type Precision int

const (
	// Absent is no date at all.
	Absent Precision = iota
	// Year is YYYY.
	Year
	// Month is YYYY-MM.
	Month
	// Day is YYYY-MM-DD.
	Day
	// Second is a moment, with an offset.
	Second
)

// DateTime is a date or a moment (https://hl7.org/fhir/R4/datatypes.html#dateTime).
type DateTime struct {
	// Time is the moment with its offset. For Year, Month and Day it is where that
	// begins in UTC: a date of the calendar, not a moment.
	Time      time.Time
	Precision Precision
}

var dateLayouts = map[int]struct {
	layout    string
	precision Precision
}{
	len("2006"):       {"2006", Year},
	len("2006-01"):    {"2006-01", Month},
	len("2006-01-02"): {"2006-01-02", Day},
}

// parseDateTime reads a FHIR date or dateTime.
func parseDateTime(s string) (DateTime, bool) {
	l, ok := dateLayouts[len(s)]
	if !ok {
		t, ok := parseInstant(s)
		if !ok {
			return DateTime{}, false
		}
		return DateTime{Time: t, Precision: Second}, true
	}
	t, err := time.Parse(l.layout, s)
	if err != nil {
		return DateTime{}, false
	}
	return DateTime{Time: t, Precision: l.precision}, true
}

// parseInstant reads a FHIR instant (https://hl7.org/fhir/R4/datatypes.html#instant):
// seconds and offset are mandatory. time.Parse alone lets hours of one digit,
// commas and offsets of 99 hours pass.
func parseInstant(s string) (time.Time, bool) {
	const whole = len("2006-01-02T15:04:05")
	if len(s) <= whole || s[13] != ':' || s[16] != ':' || s[whole] == ',' {
		return time.Time{}, false
	}
	if zone := s[len(s)-len("+14:00"):]; s[len(s)-1] != 'Z' && (zone[1:3] > "14" || zone[4:] > "59") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, false
	}
	return t, true
}

// formatTime writes t as a dateTime in UTC, with milliseconds where it has them.
func formatTime(t time.Time) string {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05Z07:00")
	}
	return t.Format("2006-01-02T15:04:05.000Z07:00")
}

// within reports whether now lies in p. Limits that are missing or unreadable are open.
func within(p *fhir.Period, now time.Time) bool {
	if p == nil {
		return true
	}
	if start, ok := parseDateTime(value(p.Start)); ok && now.Before(start.Time) {
		return false
	}
	end, ok := parseDateTime(value(p.End))
	return !ok || now.Before(end.after())
}

// after returns the first moment behind d: a period that ends on a day includes it.
func (d DateTime) after() time.Time {
	switch d.Precision {
	case Year:
		return d.Time.AddDate(1, 0, 0)
	case Month:
		return d.Time.AddDate(0, 1, 0)
	case Day:
		return d.Time.AddDate(0, 0, 1)
	}
	return d.Time.Add(time.Nanosecond)
}

// span is a value left unread, as a part of the input and not a copy: Decode
// keeps the input anyway.
type span []byte

// UnmarshalJSON implements json.Unmarshaler.
func (s *span) UnmarshalJSON(raw []byte) error {
	if string(raw) != "null" {
		*s = raw
	}
	return nil
}

// skipped shadows a member that is not read, so that it costs nothing and cannot fail.
type skipped struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (skipped) UnmarshalJSON([]byte) error { return nil }

var (
	_ json.Unmarshaler = (*span)(nil)
	_ json.Unmarshaler = skipped{}
)

// value returns what p points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func coding(c fhir.Coding) Coding {
	return Coding{System: value(c.System), Code: value(c.Code), Display: value(c.Display)}
}

func codings(list []fhir.Coding) []Coding {
	var out []Coding
	for _, c := range list {
		out = append(out, coding(c))
	}
	return out
}

func concept(c *fhir.CodeableConcept) Concept {
	if c == nil {
		return Concept{}
	}
	return Concept{Codings: codings(c.Coding), Text: value(c.Text)}
}

func concepts(list []fhir.CodeableConcept) []Concept {
	var out []Concept
	for i := range list {
		out = append(out, concept(&list[i]))
	}
	return out
}
