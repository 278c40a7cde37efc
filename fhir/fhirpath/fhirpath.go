package fhirpath

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
	verily "github.com/verily-src/fhirpath-go/fhirpath"
	"github.com/verily-src/fhirpath-go/fhirpath/evalopts"
	"github.com/verily-src/fhirpath-go/fhirpath/system"
	"google.golang.org/protobuf/proto"

	"fhirbridge/fhir"
	"fhirbridge/fhir/strict"
)

// The rules of errors of evaluation, beside those of package fhir: wrong_type is a
// path that is rooted at another type of resource.
const (
	// RuleUnknownElement is an element that the resource's type does not have.
	RuleUnknownElement = "unknown_element"
	// RuleFailed is a path that does not work on this resource: a function for one
	// text on several, a sum of what has none.
	RuleFailed = "path_failed"
	// RuleNoText is a result that has parts and is no text: name instead of name.family.
	RuleNoText = "no_text"
	// RuleNoCondition is a result that is neither true nor false, or several.
	RuleNoCondition = "no_condition"
)

// maxNesting bounds the depth of a resource. R4's own examples need about 20.
const maxNesting = 64

// Resource is a resource that paths can be evaluated on. It is parsed once for
// all of them and prints as "Type/id".
type Resource struct {
	header  fhir.Header
	message verily.Resource
}

// String returns "Type/id".
func (r *Resource) String() string { return r.header.Ref() }

// Parse reads a resource of R4, of any type. What it does not know of it, unknown
// elements and codes included, is an error: *fhir.Error with the element and a
// rule, as package strict has them. Required elements may be missing. Dates without
// a time count as days in UTC.
func Parse(raw []byte) (r *Resource, err error) {
	defer func() {
		if recover() != nil { // what was recovered may quote the input
			r, err = nil, &fhir.Error{Rule: strict.RuleInvalid}
		}
	}()
	h, err := fhir.Peek(raw)
	if err != nil {
		return nil, err
	}
	u, err := jsonformat.NewUnmarshallerWithoutValidation("UTC", fhirversion.R4)
	if err != nil {
		return nil, &fhir.Error{Rule: strict.RuleInvalid}
	}
	u.MaxNestingDepth = maxNesting
	parsed, err := u.UnmarshalR4(raw)
	if err != nil { // its text may quote the input
		return nil, explain(raw)
	}
	m := parsed.ProtoReflect()
	held := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	message, ok := m.Get(held).Message().Interface().(verily.Resource)
	if !ok {
		return nil, &fhir.Error{Path: "resourceType", Rule: fhir.RuleUnknownType}
	}
	return &Resource{header: h, message: message}, nil
}

// explain says what is wrong with a resource that does not parse.
func explain(raw []byte) error {
	for _, f := range strict.Validate(raw) {
		if f.Rule != fhir.RuleMissing && f.Rule != fhir.RuleWrongTarget { // those alone do not keep it from parsing
			return &fhir.Error{Path: f.Path, Rule: f.Rule}
		}
	}
	return &fhir.Error{Rule: strict.RuleInvalid}
}

// Path is a compiled expression.
type Path struct {
	written string
	roots   []string // the types of resources that it begins with
	expr    *verily.Expression
}

// Compile compiles an expression of at most 4096 bytes. The error is *Refusal.
// The caller does it once, at start.
func Compile(expression string) (p *Path, err error) {
	defer func() {
		if recover() != nil {
			p, err = nil, &Refusal{Column: 1, Problem: "this does not compile"}
		}
	}()
	if len(expression) > maxExpression {
		return nil, &Refusal{Column: 1, Problem: "this is longer than 4096 bytes"}
	}
	tokens := scan(expression)
	if refusal := refuse(tokens); refusal != nil {
		return nil, refusal
	}
	compiled, err := verily.Compile(expression)
	if err != nil {
		return nil, &Refusal{Column: 1, Problem: "this does not compile: " + err.Error()} // of the expression, for there is no resource yet
	}
	return &Path{written: expression, roots: roots(tokens), expr: compiled}, nil
}

// String returns the expression as it was written.
func (p *Path) String() string { return p.written }

// Texts returns the results as texts: strings and codes as they are, numbers,
// dates and truth values as FHIR writes them. None if there is no result. Errors
// are *fhir.Error with one of the rules above; trying again gives the same.
func (p *Path) Texts(r *Resource, now time.Time) ([]string, error) {
	results, err := p.evaluate(r, now)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, result := range results {
		text, ok := textOf(result)
		if !ok {
			return nil, &fhir.Error{Rule: RuleNoText}
		}
		if text != "" { // an element of which only an extension is there
			texts = append(texts, text)
		}
	}
	return texts, nil
}

// Holds reports whether the condition is true of r at now. Empty is false. Errors
// are *fhir.Error with one of the rules above; trying again gives the same.
func (p *Path) Holds(r *Resource, now time.Time) (bool, error) {
	results, err := p.evaluate(r, now)
	if err != nil || len(results) == 0 {
		return false, err
	}
	if len(results) == 1 {
		if known, err := system.From(chosen(results[0])); err == nil {
			if truth, ok := known.(system.Boolean); ok {
				return bool(truth), nil
			}
		}
	}
	return false, &fhir.Error{Rule: RuleNoCondition}
}

func (p *Path) evaluate(r *Resource, now time.Time) (results system.Collection, err error) {
	defer func() {
		if recover() != nil { // what was recovered may quote the resource
			results, err = nil, &fhir.Error{Rule: RuleFailed}
		}
	}()
	if len(p.roots) > 0 && !slices.Contains(p.roots, r.header.Type) {
		return nil, &fhir.Error{Path: "resourceType", Rule: fhir.RuleWrongType}
	}
	results, err = p.expr.Evaluate([]verily.Resource{r.message}, evalopts.OverrideTime(now))
	switch { // the library's own text may quote the resource
	case errors.Is(err, verily.ErrInvalidField):
		return nil, &fhir.Error{Rule: RuleUnknownElement}
	case err != nil:
		return nil, &fhir.Error{Rule: RuleFailed}
	}
	return results, nil
}

// textOf returns a result as a text; ok is false if it has parts.
func textOf(result any) (text string, ok bool) {
	known, err := system.From(chosen(result))
	if err != nil {
		return "", false
	}
	switch v := known.(type) {
	case system.String:
		return string(v), true
	case system.Boolean:
		return strconv.FormatBool(bool(v)), true
	case system.Integer:
		return strconv.Itoa(int(v)), true
	case system.Decimal:
		return v.String(), true
	case system.Date:
		return v.String(), true
	case system.DateTime:
		return strings.TrimSuffix(v.String(), "T"), true // a day is written as the literal @2026-03-05T
	case system.Time:
		return v.String(), true
	}
	return "", false
}

// chosen returns the value that a choice ("effective") holds, where the library
// leaves it wrapped; else what it is given.
func chosen(result any) any {
	wrapped, ok := result.(proto.Message)
	if !ok {
		return result
	}
	m := wrapped.ProtoReflect()
	choice := m.Descriptor().Oneofs().ByName("choice")
	if choice == nil {
		return result
	}
	held := m.WhichOneof(choice)
	if held == nil {
		return result
	}
	return m.Get(held).Message().Interface()
}
