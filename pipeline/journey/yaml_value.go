package journey

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

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

// isObject reports whether v is a mapping.
func (v value) isObject() bool {
	switch v.node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// member is one key of a mapping and what it holds.
type member struct {
	key   string
	value value
	at    ast.Node // of the key
}

// problem notes what is wrong with the key.
func (m member) problem(text string) { m.value.note(m.at, m.value.path, text) }

func (m member) problemf(format string, args ...any) { m.problem(fmt.Sprintf(format, args...)) }

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
