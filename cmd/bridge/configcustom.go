package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"fhirbridge/fhir"
	"fhirbridge/fhir/fhirpath"
	"fhirbridge/pipeline/journey"
)

// FieldConfig is an entry of fields: what templates may show beyond the fields that are built in.
type FieldConfig struct {
	// Path is a FHIRPath expression over the resource; the first text that it gives is shown.
	Path string `yaml:"path"`
	// Of is the type of the resource: Appointment or DiagnosticReport.
	Of string `yaml:"of"`
	// Class is the class of data: a template shows it only if it may show that class.
	Class string `yaml:"class"`
}

// ConditionConfig is an entry of conditions: what journeys may ask in a "when" beyond their vocabulary.
type ConditionConfig struct {
	// Path is a FHIRPath expression over the resource that is true, false or empty.
	Path string `yaml:"path"`
	// Of is the type of the resource.
	Of string `yaml:"of"`
}

// custom are the fields and conditions of the configuration, compiled.
type custom struct {
	fields     map[string]journey.Field
	conditions map[string]journey.Condition
}

// parseResource makes of a resource what compiled paths read.
func parseResource(raw []byte) (any, error) { return fhirpath.Parse(raw) }

// expressions compiles the engineer's own fields and conditions, and says what is wrong with them.
func (l *loader) expressions(c *Config) {
	c.custom = custom{fields: map[string]journey.Field{}, conditions: map[string]journey.Condition{}}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		f := c.Fields[name]
		path := l.expression([]string{"fields", name, "path"}, f.Path, f.Of)
		c.custom.fields[name] = journey.Field{Of: f.Of, Class: f.Class, Texts: func(parsed any, now time.Time) ([]string, error) {
			return path.Texts(parsed.(*fhirpath.Resource), now)
		}}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Conditions)) {
		d := c.Conditions[name]
		path := l.expression([]string{"conditions", name, "path"}, d.Path, d.Of)
		c.custom.conditions[name] = journey.Condition{Of: d.Of, Holds: func(parsed any, now time.Time) (bool, error) {
			return path.Holds(parsed.(*fhirpath.Resource), now)
		}}
	}
	if err := (journey.Settings{Fields: c.custom.fields, Conditions: c.custom.conditions}).CheckCustom(); err != nil {
		for _, text := range strings.Split(err.Error(), "\n") {
			l.at(errors.New(text))
		}
	}
}

// expression compiles the expression at a key; nil if it is refused.
func (l *loader) expression(key []string, written, of string) *fhirpath.Path {
	name := strings.Join(key, ".")
	node := find(l.root, key)
	if strings.TrimSpace(written) == "" || node == nil {
		l.at(errors.New(name + ": required, a FHIRPath expression"))
		return nil
	}
	path, err := fhirpath.Compile(written)
	var refusal *fhirpath.Refusal
	if errors.As(err, &refusal) {
		l.refuse(node, name, refusal)
		return nil
	}
	switch unfit := fits(path, of); {
	case err != nil:
		l.at(errors.New(name + ": " + err.Error()))
	case unfit != "":
		l.at(errors.New(name + ": " + unfit))
	}
	return path
}

// refuse notes a refusal at its column of the expression. Where an expression goes on over lines, or has
// escapes, its columns are not those of the file.
func (l *loader) refuse(n ast.Node, name string, r *fhirpath.Refusal) {
	at := n.GetToken()
	p := problem{File: l.file, Line: at.Position.Line, Column: at.Position.Column, Text: name + ": " + r.Problem}
	switch written := strings.TrimSpace(at.Origin); {
	case n.Type() == ast.StringType && quoted(at) && len(written) == len(at.Value)+2:
		p.Column += r.Column
	case n.Type() == ast.StringType && written == at.Value && !strings.Contains(written, "\n"):
		p.Column += r.Column - 1
	default:
		p.Text = fmt.Sprintf("%s: column %d of the expression: %s", name, r.Column, r.Problem)
	}
	l.add(p)
}

func quoted(t *token.Token) bool {
	return t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
}

// fits tries a path on an empty resource of its type: that shows a path of another type, and one that
// begins with an element that the type does not have. "" if it fits.
func fits(path *fhirpath.Path, of string) string {
	empty, err := fhirpath.Parse([]byte(`{"resourceType":"` + of + `"}`))
	if err != nil {
		return "" // of is wrong, and that is said
	}
	_, err = path.Texts(empty, time.Time{})
	var e *fhir.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Rule {
	case fhir.RuleWrongType:
		return "begins with another type than " + of
	case fhirpath.RuleUnknownElement:
		return "begins with an element that " + of + " does not have"
	}
	return ""
}
