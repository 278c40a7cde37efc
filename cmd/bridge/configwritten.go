package main

import (
	"regexp"

	"github.com/goccy/go-yaml/ast"
)

// written is a number as it stands in the file. As YAML has it, 05550100100 is the octal form of
// another one, and the plus of +15550100100 means nothing.
type written string

// UnmarshalYAML implements yaml.NodeUnmarshaler. What is no scalar is refused by validate.
func (w *written) UnmarshalYAML(n ast.Node) error { //nolint:unparam // the interface has the error
	switch n := n.(type) {
	case *ast.NullNode:
	case *ast.StringNode: // an environment variable has been put in
		*w = written(n.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		*w = written(n.GetToken().Value)
	default:
		*w = written(n.String())
	}
	return nil
}

// dials reports whether it can be a number that people dial: the short ones of hospitals and services are, too.
func (w written) dials() bool {
	digits := 0
	for _, r := range w {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits >= 3 && digits <= 15 && dialled.MatchString(string(w)) // 15 is the most that E.164 has
}

var dialled = regexp.MustCompile(`^\+?[0-9(][0-9 ()/.-]*[0-9]$`)
