package fhir

import (
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// set makes a set of codes.
func set[T comparable](codes ...T) map[T]bool {
	m := make(map[T]bool, len(codes))
	for _, c := range codes {
		m[c] = true
	}
	return m
}

// code checks a required code.
func code[T ~string](s source, element string, c T, known map[T]bool) error {
	switch {
	case c == "":
		return s.at(element, RuleMissing)
	case !known[c]:
		return s.at(element, RuleUnknownCode)
	}
	return nil
}

// instant checks an optional instant; zero if it is absent.
func instant(s source, element string, written *string) (time.Time, error) {
	if written == nil {
		return time.Time{}, nil
	}
	t, ok := parseInstant(*written)
	if !ok || t.IsZero() {
		return time.Time{}, s.at(element, RuleBadInstant)
	}
	return t, nil
}

// dateTime checks an optional dateTime.
func dateTime(s source, element string, written *string) (DateTime, error) {
	if written == nil {
		return DateTime{}, nil
	}
	d, ok := parseDateTime(*written)
	if !ok {
		return DateTime{}, s.at(element, RuleBadInstant)
	}
	return d, nil
}

// periodView is as much of a Period as is read.
type periodView struct {
	Start *string `json:"start"`
	End   *string `json:"end"`
}

// period checks an optional Period.
func period(s source, element string, p *periodView) (start, end DateTime, err error) {
	if p == nil {
		return start, end, nil
	}
	if start, err = dateTime(s, element+".start", p.Start); err != nil {
		return start, end, err
	}
	end, err = dateTime(s, element+".end", p.End)
	return start, end, err
}

// target checks a reference that is read.
func target(s source, element string, r *reference) (Reference, error) {
	ref, ok := r.parsed(s.base)
	if !ok {
		return Reference{}, s.at(element+".reference", RuleBadReference)
	}
	return ref, nil
}

// codesOf returns the codes of all codings.
func codesOf(list []fhir.CodeableConcept) []string {
	var codes []string
	for _, c := range list {
		for _, coding := range c.Coding {
			if coding.Code != nil {
				codes = append(codes, *coding.Code)
			}
		}
	}
	return codes
}
