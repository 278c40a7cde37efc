package main

import (
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// begin is where a node begins: the library has a block begin at its first colon.
func begin(n ast.Node) *token.Token {
	if pairs := values(n); len(pairs) > 0 && pairs[0].Start == n.GetToken() {
		return pairs[0].Key.GetToken()
	}
	return n.GetToken()
}

type visitor func(ast.Node)

// Visit implements ast.Visitor.
func (v visitor) Visit(n ast.Node) ast.Visitor { v(n); return v }

func isMapping(n ast.Node) bool {
	_, is := n.(ast.MapNode)
	return is
}

// hasAlias reports whether something in n stands for what is elsewhere in the file.
func hasAlias(n ast.Node) (has bool) {
	ast.Walk(visitor(func(n ast.Node) { has = has || n.Type() == ast.AliasType }), n)
	return has
}

// values are the keys of a mapping with what they stand for.
func values(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.AnchorNode:
		return values(n.Value)
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// find returns the node at a path of keys and list positions, nil if there is none.
func find(n ast.Node, path []string) ast.Node {
	for _, step := range path {
		if list, ok := n.(*ast.SequenceNode); ok {
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(list.Values) {
				return nil
			}
			n = list.Values[i]
			continue
		}
		var next ast.Node
		for _, v := range values(n) {
			if v.Key.GetToken().Value == step {
				next = v.Value
			}
		}
		if next == nil {
			return nil
		}
		n = next
	}
	return n
}
