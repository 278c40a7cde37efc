package journey

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
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
		s.note(nil, "", "cannot be read")
		return value{}, false
	case len(raw) > maxFile:
		s.note(nil, "", "is larger than 256 KB")
		return value{}, false
	case !utf8.Valid(raw):
		s.note(nil, "", "is not UTF-8")
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

// value is a part of a file and the path to it. A value without a node is absent.
type value struct {
	*source
	node ast.Node
	path string
}

func (v value) exists() bool { return v.node != nil }

func (v value) problem(text string) { v.note(v.node, v.path, text) }

func (v value) problemf(format string, args ...any) { v.problem(fmt.Sprintf(format, args...)) }

// text returns a scalar as it is written; "" with a problem if it is none, or empty.
func (v value) text() string {
	var text string
	switch n := v.node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		text = n.GetToken().Value
	default:
		if v.exists() {
			v.problem("must be a text")
		}
		return ""
	}
	if strings.TrimSpace(text) == "" {
		v.problem("is empty")
	}
	return text
}

// list returns the items of a list.
func (v value) list() []value {
	seq, ok := v.node.(*ast.SequenceNode)
	if !ok {
		if v.exists() {
			v.problem("must be a list")
		}
		return nil
	}
	items := make([]value, len(seq.Values))
	for i, node := range seq.Values {
		items[i] = value{v.source, node, v.path + "[" + strconv.Itoa(i) + "]"}
	}
	return items
}

// texts returns the items of a list of texts.
func (v value) texts() []string {
	var texts []string
	for _, item := range v.list() {
		texts = append(texts, item.text())
	}
	return texts
}

// member is one key of a mapping and what it holds.
type member struct {
	key   string
	value value
	at    ast.Node // of the key
}

// problem notes what is wrong with the key.
func (m member) problem(text string) { m.value.note(m.at, m.value.path, text) }

// members returns the keys of a mapping in their order.
func (v value) members() []member {
	var nodes []*ast.MappingValueNode
	switch n := v.node.(type) {
	case *ast.MappingNode:
		nodes = n.Values
	case *ast.MappingValueNode:
		nodes = []*ast.MappingValueNode{n}
	default:
		if v.exists() {
			v.problem("must be a mapping of keys")
		}
		return nil
	}
	var list []member
	for _, n := range nodes {
		if n.Key == nil || n.Key.IsMergeKey() {
			v.problem("must have plain keys")
			continue
		}
		key := value{v.source, n.Key, v.path}
		if _, scalar := n.Key.(ast.ScalarNode); !scalar {
			key.problem("must have plain keys")
			continue
		}
		name := key.text()
		path := name
		if v.path != "" {
			path = v.path + "." + name
		}
		m := member{name, value{v.source, n.Value, path}, n.Key}
		if _, null := n.Value.(*ast.NullNode); null || n.Value == nil {
			value{v.source, n.Key, path}.problem("is empty")
			continue
		}
		list = append(list, m)
	}
	return list
}

// object is a mapping whose keys are known.
type object struct {
	value
	byKey map[string]value
}

// object reads a mapping that may have these keys and no others.
func (v value) object(keys ...string) object {
	o := object{v, make(map[string]value, len(keys))}
	for _, m := range v.members() {
		valid := false
		for _, k := range keys {
			valid = valid || k == m.key
		}
		if !valid {
			m.problem(unknown("key", m.key, keys))
			continue
		}
		o.byKey[m.key] = m.value
	}
	return o
}

// get returns the value of a key; it is absent if the key is.
func (o object) get(key string) value { return o.byKey[key] }

// need returns the value of a key that must be there.
func (o object) need(key string) value {
	v := o.byKey[key]
	if !v.exists() && o.exists() {
		o.note(o.node, strings.TrimPrefix(o.path+"."+key, "."), "is missing")
	}
	return v
}

// oneOf returns the text of v if it is one of names; "" with a problem if it is not.
func (v value) oneOf(what string, names ...string) string {
	name := v.text()
	for _, n := range names {
		if n == name {
			return name
		}
	}
	if name != "" {
		v.problem(unknown(what, name, names))
	}
	return ""
}

// plain returns v as maps, lists and scalars, to be written as JSON.
func (v value) plain() any {
	switch n := v.node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		m := make(map[string]any)
		for _, e := range v.members() {
			m[e.key] = e.value.plain()
		}
		return m
	case *ast.SequenceNode:
		list := make([]any, 0, len(n.Values))
		for _, item := range v.list() {
			list = append(list, item.plain())
		}
		return list
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode:
		return n.Value
	case *ast.FloatNode:
		return n.Value
	}
	return v.text()
}
