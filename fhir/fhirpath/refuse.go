package fhirpath

import (
	"slices"
	"strconv"
	"strings"

	bcrpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
)

// maxExpression bounds an expression: the parser below recurses.
const maxExpression = 4096

// Refusal says why an expression is not taken. It quotes the expression, which
// is the engineer's, and knows of no resource.
type Refusal struct {
	// Column is where, counted in runes from 1.
	Column int
	// Problem is what is wrong, and where that is known what to write instead.
	Problem string
}

// Error implements error.
func (r *Refusal) Error() string {
	return "fhirpath: column " + strconv.Itoa(r.Column) + ": " + r.Problem
}

// broken are the functions that compile and do not work, or do not compile
// without a word that helps.
var broken = map[string]string{
	"aggregate":          "is not implemented",
	"conformsTo":         "is not implemented",
	"convertToDateTime":  "is no function of FHIRPath",
	"convertsToDateTime": "is not implemented: write toDateTime().exists()",
	"hasValue":           "is false for every date: write exists()",
	"join":               "is not implemented: what it would join comes as several texts",
	"memberOf":           "needs a terminology server: write code = 'x' or code = 'y'",
	"repeat":             "may never end: write each level, or descendants()",
	"resolve":            "has nothing to resolve references with: write reference",
	"single":             "is not implemented: write first()",
	"split":              "is not implemented",
	"toQuantity":         "gives a number without its unit: write the quantity, as 4 'mg'",
	"trace":              "would write patient data into a log",
	"trim":               "is not implemented",
	"union":              "is not implemented: write a | b",
}

// constants are those that have a value here.
var constants = []string{"context", "rootResource", "ucum"}

// The JSON names of choices ("effectiveDateTime") are not their names in FHIRPath
// ("effective"). These are the choices of what journeys are about.
var (
	choices = []string{"abatement", "content", "deceased", "effective", "medication", "multipleBirth", "occurrence",
		"onset", "performed", "product", "timing", "value"}
	choiceTypes = []string{"Address", "Age", "Annotation", "Attachment", "Base64Binary", "Boolean", "Canonical", "Code",
		"CodeableConcept", "Coding", "ContactPoint", "Count", "Date", "DateTime", "Decimal", "Distance", "Duration",
		"Expression", "HumanName", "Id", "Identifier", "Instant", "Integer", "Markdown", "Meta", "Money", "Oid", "Period",
		"PositiveInt", "Quantity", "Range", "Ratio", "Reference", "SampledData", "Signature", "String", "Time", "Timing",
		"UnsignedInt", "Uri", "Url", "Uuid"}
)

// wrapped are the choices that are choices wherever they stand, but for value,
// with which the library deals.
var wrapped = []string{"abatement", "deceased", "effective", "medication", "multipleBirth", "occurrence", "onset", "performed"}

// onChoices are the functions that work on a choice of which the type is not said.
var onChoices = []string{"as", "is", "exists", "empty"}

// typeFunctions take the name of a type.
var typeFunctions = []string{"as", "is", "ofType"}

// refuse returns why an expression is not taken, or nil.
func refuse(tokens []token) *Refusal {
	for i, t := range tokens {
		if problem := problemAt(tokens, i); problem != "" {
			return &Refusal{Column: t.column, Problem: problem}
		}
	}
	return nil
}

func problemAt(tokens []token, i int) string {
	t := tokens[i]
	switch {
	case t.text == "~" || t.text == "!~":
		return t.text + " panics: write = or !="
	case strings.HasPrefix(t.text, "$") && t.text != "$this":
		return t.text + " is not implemented"
	case strings.HasPrefix(t.text, "%") && !slices.Contains(constants, t.text[1:]):
		return t.text + " is not known here: write %context for the resource"
	case t.text == "-":
		return subtraction(tokens, i)
	case t.kind != word:
		return ""
	case at(tokens, i+1).text == "(":
		if why := broken[t.text]; why != "" {
			return t.text + "() " + why
		}
	case isRoot(tokens, i) && !isResource(t.text):
		return t.text + " is no resource of R4: write the path without it, or the right name"
	case t.inside && isRoot(tokens, i):
		return t.text + " in the argument of a function is taken for an element: write the path without it, or %context"
	case jsonName(t.text) != "":
		return t.text + " is the name in JSON: write " + jsonName(t.text)
	case untyped(tokens, i):
		return t.text + " is of several types: write (" + t.text + " as dateTime), or the type that it has"
	}
	return ""
}

// untyped reports whether a choice is used without saying of what type it is.
// The library leaves it wrapped then: deceased and true is true of the living, and
// no effective equals any date. A path that is nothing else is fine, and unwrapped.
func untyped(tokens []token, i int) bool {
	name, behind := tokens[i].text, at(tokens, i+1).text
	switch {
	case name == "value" || !slices.Contains(choices, name):
		return false
	case behind == "as" || behind == "is":
		return false
	case behind == ".":
		return slices.Contains(wrapped, name) && !slices.Contains(onChoices, at(tokens, i+2).text)
	}
	return slices.ContainsFunc(tokens, func(t token) bool { return t.kind != word && t.text != "." || operators[t.text] })
}

// subtraction refuses the difference of two times: only a stretch, as 2 days, is
// taken off a time.
func subtraction(tokens []token, i int) string {
	const problem = "the difference of two times is not defined: write start < now() + 2 days"
	next := at(tokens, i+1)
	if isNow(next.text) && at(tokens, i+2).text == "(" {
		return problem
	}
	if at(tokens, i-1).text == ")" && at(tokens, i-2).text == "(" && isNow(at(tokens, i-3).text) && next.kind == word {
		return problem
	}
	return ""
}

func isNow(function string) bool {
	return function == "now" || function == "today" || function == "timeOfDay"
}

// jsonName returns the element that is a choice with that name in JSON, or "".
func jsonName(name string) string {
	for _, element := range choices {
		if kind, ok := strings.CutPrefix(name, element); ok && slices.Contains(choiceTypes, kind) {
			return element
		}
	}
	return ""
}

// isRoot reports whether the token at i is the type that a path begins with.
func isRoot(tokens []token, i int) bool {
	t, before := tokens[i], at(tokens, i-1).text
	if t.kind != word || t.text[0] < 'A' || t.text[0] > 'Z' || before == "." || before == "is" || before == "as" {
		return false
	}
	return before != "(" || !slices.Contains(typeFunctions, at(tokens, i-2).text)
}

// isResource reports whether R4 has a resource of that name.
func isResource(name string) bool {
	held := (*bcrpb.ContainedResource)(nil).ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	for i := range held.Len() {
		if string(held.Get(i).Message().Name()) == name {
			return true
		}
	}
	return false
}

// roots returns the types that the paths of an expression begin with.
func roots(tokens []token) []string {
	var types []string
	for i, t := range tokens {
		if isRoot(tokens, i) {
			types = append(types, t.text)
		}
	}
	return types
}

// at returns the token at i, or none.
func at(tokens []token, i int) token {
	if i < 0 || i >= len(tokens) {
		return token{}
	}
	return tokens[i]
}
