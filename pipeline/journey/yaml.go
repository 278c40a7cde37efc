package journey

import (
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFile bounds a file, and with it the depth to which a parser must go.
const maxFile = 256 << 10

// source is one YAML file being read. What is wrong is noted, and reading goes
// on, so that all problems are found at once.
type source struct {
	fsys fs.FS
	name string
	// file is the name as problems give it, with its directory.
	file     string
	problems *[]Problem
}

func (s *source) note(node ast.Node, path, text string) {
	p := Problem{File: s.file, Path: path, Text: text}
	if t := first(node); t != nil && t.Position != nil {
		p.Line, p.Column = t.Position.Line, t.Position.Column
	}
	*s.problems = append(*s.problems, p)
}

// first returns the token at which a node begins: the parser gives the first colon of a mapping.
func first(node ast.Node) *token.Token {
	switch n := node.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 && n.Values[0].Key != nil {
			return n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		if n.Key != nil {
			return n.Key.GetToken()
		}
	}
	return node.GetToken()
}

// parse reads the one document of a file.
func (s *source) parse() (value, bool) {
	raw, err := fs.ReadFile(s.fsys, s.name)
	switch {
	case err != nil:
		s.note(nil, "", unread(err))
		return value{}, false
	case len(raw) > maxFile:
		s.note(nil, "", "is larger than 256 KB")
		return value{}, false
	case !utf8.Valid(raw):
		s.note(nil, "", "is not UTF-8")
		return value{}, false
	case deep(raw):
		s.note(nil, "", "is nested too deeply")
		return value{}, false
	}
	doc, err := parse(raw)
	var located yaml.Error
	switch {
	case errors.As(err, &located) && located.GetToken() != nil:
		at := located.GetToken().Position
		*s.problems = append(*s.problems, Problem{
			File: s.file, Line: at.Line, Column: at.Column, Text: "is not YAML: " + located.GetMessage(),
		})
		return value{}, false
	case err != nil:
		s.note(nil, "", "is not YAML")
		return value{}, false
	case len(doc.Docs) != 1 || doc.Docs[0].Body == nil:
		s.note(nil, "", fmt.Sprintf("must hold one document, and holds %d", len(doc.Docs)))
		return value{}, false
	}
	return value{source: s, node: doc.Docs[0].Body}, true
}

// maxDepth bounds how many brackets may be open, and how many marks may follow each other. The
// parser's time grows with the square of it, and its stack with it.
const maxDepth = 100

// deep reports whether a file nests more than any sensible one does. It does not
// know quotes: brackets in texts are few, or closed.
func deep(raw []byte) bool {
	open, marks := 0, 0
	for i, c := range raw {
		switch {
		case c == '[' || c == '{':
			open++
		case c == ']' || c == '}':
			open = max(0, open-1)
		case (c == '-' || c == '?') && i+1 < len(raw) && raw[i+1] == ' ':
			marks++
		case c != ' ':
			marks = 0
		}
		if open > maxDepth || marks > maxDepth {
			return true
		}
	}
	return false
}

var errParser = errors.New("the parser gave up")

// parse keeps a panic of the parser, of which fuzzing finds some, from ending the program.
func parse(raw []byte) (f *ast.File, err error) {
	defer func() {
		if recover() != nil {
			f, err = nil, errParser
		}
	}()
	return parser.ParseBytes(raw, 0)
}
