package strict

import (
	"errors"
	"strconv"
	"strings"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"

	"fhirbridge/fhir"
)

// maxNesting bounds the depth of a resource. R4's own examples need about 20.
const maxNesting = 64

// RuleInvalid is the rule of a finding for which there is no better word.
const RuleInvalid = "invalid"

// Finding is one thing that is wrong with a resource. It holds no value.
type Finding struct {
	// Path is the element, as in "Appointment.participant[0]"; "" is the whole
	// input. Of an unknown element it is the parent: its name is input.
	Path string
	// Rule is a fixed word: one of the rules of package fhir, or "invalid",
	// "unknown_element", "several_values", "bad_format", "too_deep", "app-1" …
	Rule string
}

// Validate returns what is wrong with raw; nothing if it is valid R4. The order
// of findings is not fixed.
func Validate(raw []byte) (findings []Finding) {
	defer func() {
		if recover() != nil { // what was recovered may quote the input
			findings = []Finding{{Rule: RuleInvalid}}
		}
	}()
	u, err := jsonformat.NewUnmarshaller("UTC", fhirversion.R4)
	if err != nil {
		return []Finding{{Rule: RuleInvalid}}
	}
	u.MaxNestingDepth = maxNesting
	r := &reporter{}
	if _, err := u.UnmarshalWithErrorReporter(raw, r); err != nil {
		r.add(err)
	}
	if len(r.findings) > 0 {
		return r.findings
	}
	return invariants(raw)
}

// invariants returns the invariant of Appointment that raw breaks, if it does.
func invariants(raw []byte) []Finding {
	if h, err := fhir.Peek(raw); err != nil || h.Type != "Appointment" {
		return nil
	}
	var e *fhir.Error
	if _, err := fhir.Decode(raw); errors.As(err, &e) && strings.HasPrefix(e.Rule, "app-") {
		return []Finding{{Path: e.Path, Rule: e.Rule}}
	}
	return nil
}

// reporter collects findings.
type reporter struct{ findings []Finding }

// ReportValidationError implements errorreporter.ErrorReporter.
func (r *reporter) ReportValidationError(_ string, err error) error {
	r.add(err)
	return nil
}

// ReportValidationWarning implements errorreporter.ErrorReporter.
func (r *reporter) ReportValidationWarning(_ string, err error) error {
	r.add(err)
	return nil
}

// add reads the text of an error of google/fhir, which is a line "error at "path":
// details" for each fault. The types are internal, and their other fields quote
// the input.
func (r *reporter) add(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		path, details := "", line
		if behind, ok := strings.CutPrefix(line, "error at "); ok {
			if quoted, err := strconv.QuotedPrefix(behind); err == nil {
				path, _ = strconv.Unquote(quoted)
				details = strings.TrimPrefix(behind[len(quoted):], ": ")
			}
		}
		rule, field := ruleOf(details)
		if rule == fhir.RuleUnknownType { // the path ends in what resourceType holds
			path = path[:max(0, strings.LastIndexByte(path, '.'))]
		}
		if !isPath(path) {
			path = ""
		}
		if field != "" {
			path = strings.TrimPrefix(path+"."+field, ".")
		}
		f := Finding{Path: path, Rule: rule}
		r.findings = append(r.findings, f)
	}
}

// rules are the beginnings of google/fhir's details and our words for them.
var rules = []struct{ details, rule string }{
	{"invalid JSON", fhir.RuleNotJSON},
	{"unknown field", "unknown_element"},
	{"missing required field", fhir.RuleMissing},
	{"unknown resource type", fhir.RuleUnknownType},
	{"invalid resource type", fhir.RuleNotFHIR},
	{"code type mismatch", fhir.RuleUnknownCode},
	{"cannot accept multiple values", "several_values"},
	{"field exceeded the maximum nesting depth", "too_deep"},
	{"invalid reference to a", fhir.RuleWrongTarget},
	{"invalid reference", fhir.RuleBadReference},
	{"expected array", fhir.RuleWrongType},
	{"expected boolean", fhir.RuleWrongType},
	{"expected instant", fhir.RuleBadInstant},
	{"expected datetime", fhir.RuleBadInstant},
	{"expected ID", fhir.RuleBadID},
	{"invalid Id format", fhir.RuleBadID},
	{"expected binary data", fhir.RuleBadBase64},
	{"expected ", "bad_format"},
	{"string exceeds", fhir.RuleTooLong},
	{"string contains invalid", "bad_format"},
	{"invalid ", "bad_format"},
	{"non-negative integer", "bad_format"},
	{"array length mismatch", fhir.RuleWrongType},
}

// ruleOf returns the word for details, and the name of the field that is missing.
func ruleOf(details string) (rule, field string) {
	for _, r := range rules {
		behind, ok := strings.CutPrefix(details, r.details)
		if !ok {
			continue
		}
		if r.rule == fhir.RuleMissing { // the name comes from the specification
			field, _ = strconv.Unquote(strings.TrimSpace(behind))
		}
		return r.rule, field
	}
	return RuleInvalid, ""
}

// isPath reports whether path consists of element names and indexes.
func isPath(path string) bool {
	for _, c := range []byte(path) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("._[]", rune(c)) {
			return false
		}
	}
	return true
}
