package fhir

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// maxString is the limit of a FHIR string, in bytes
// (https://hl7.org/fhir/R4/datatypes.html#string).
const maxString = 1 << 20

// writer turns the parts of a draft into samply's types and keeps the first
// error. Empty parts become nil, so that nothing empty is written.
type writer struct {
	resource string
	err      error
}

func (w *writer) fail(element, rule string) {
	if w.err == nil {
		w.err = &Error{Path: w.resource + "." + element, Rule: rule}
	}
}

// required checks a code that must be there and be one of known.
func required[T ~string](w *writer, element string, code T, known map[T]bool) string {
	switch {
	case code == "":
		w.fail(element, RuleMissing)
	case !known[code]:
		w.fail(element, RuleUnknownCode)
	}
	return string(code)
}

// text returns s without the control characters that a FHIR string must not hold.
func (w *writer) text(element, s string) *string {
	if len(s) > maxString {
		w.fail(element, RuleTooLong)
	}
	written := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			return -1
		}
		return r
	}, s)
	if strings.TrimSpace(written) == "" {
		return nil
	}
	return &written
}

// time returns t as a dateTime.
func (w *writer) time(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := formatTime(t)
	return &s
}

// reference checks r and that its type is among targets; none means any.
func (w *writer) reference(element string, r Reference, targets ...string) *fhir.Reference {
	if r.IsZero() {
		return nil
	}
	if r.Type != "" && len(targets) > 0 && !slices.Contains(targets, r.Type) {
		w.fail(element, RuleWrongTarget)
	}
	if r.Local != "" || r.ID != "" && (!isTypeName(r.Type) || !isID(r.ID)) {
		w.fail(element+".reference", RuleBadReference)
	}
	out := &fhir.Reference{}
	if r.Display != "" {
		out.Display = w.text(element+".display", r.Display)
	}
	if out.Reference = nonEmpty(cmp.Or(r.URL, r.String())); out.Reference == nil {
		out.Type = nonEmpty(r.Type)
	}
	if r.Identifier != (Identifier{}) {
		out.Identifier = &fhir.Identifier{System: nonEmpty(r.Identifier.System), Value: nonEmpty(r.Identifier.Value)}
	}
	return out
}

// references writes those of list that are not zero.
func (w *writer) references(element string, list []Reference, targets ...string) []fhir.Reference {
	var out []fhir.Reference
	for i, r := range list {
		if ref := w.reference(element+"["+strconv.Itoa(i)+"]", r, targets...); ref != nil {
			out = append(out, *ref)
		}
	}
	return out
}

func (w *writer) concept(element string, c Concept) *fhir.CodeableConcept {
	out := &fhir.CodeableConcept{}
	if c.Text != "" {
		out.Text = w.text(element+".text", c.Text)
	}
	for _, coding := range c.Codings {
		if coding != (Coding{}) {
			out.Coding = append(out.Coding, fhir.Coding{
				System: nonEmpty(coding.System), Code: nonEmpty(coding.Code), Display: nonEmpty(coding.Display),
			})
		}
	}
	if out.Text == nil && out.Coding == nil {
		return nil
	}
	return out
}

func (w *writer) concepts(element string, list ...Concept) []fhir.CodeableConcept {
	var out []fhir.CodeableConcept
	for i, c := range list {
		if written := w.concept(element+"["+strconv.Itoa(i)+"]", c); written != nil {
			out = append(out, *written)
		}
	}
	return out
}

// identifiers writes those of list that have a value.
func (w *writer) identifiers(list []Identifier) []Identifier {
	var out []Identifier
	for _, id := range list {
		if id.Value != "" {
			out = append(out, id)
		}
	}
	return out
}

// json writes the resource, unless something was wrong with it.
func (w *writer) json(resource any) ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it is read by FHIR servers and people, not by browsers
	if err := e.Encode(resource); err != nil {
		return nil, &Error{Path: w.resource, Rule: RuleNotJSON}
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	written := s // a parameter whose address is returned would be put on the heap before the question
	return &written
}
