package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/pipeline/exchange"
)

// known reports keys that a type does not have, with the nearest that it has, and values that are not what they must be.
// Those are left out: the rest is looked at all the same. It is false if n itself is to be left out.
func (l *loader) known(n ast.Node, t reflect.Type, path string) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if named, is := n.(*ast.AnchorNode); is {
		return l.known(named.Value, t, path)
	}
	list, isList := n.(*ast.SequenceNode)
	keys, closed := keysAt(n, t)
	switch {
	case isList && t.Kind() == reflect.Slice:
		for i, item := range list.Values {
			if !l.known(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)) {
				list.Values[i] = ast.Null(item.GetToken())
			}
		}
	case isMapping(n) && (t.Kind() == reflect.Map || len(keys) > 0):
		for _, v := range values(n) {
			name := v.Key.GetToken().Value
			inner, ok := keys[name]
			if t.Kind() == reflect.Map {
				inner, ok = t.Elem(), true
			}
			full := strings.TrimPrefix(path+"."+name, ".")
			switch {
			case !ok && closed:
				l.say(v.Key, "%s", unknownKey(full, name, keys))
			case ok && !l.known(v.Value, inner, full):
				v.Value = ast.Null(v.Value.GetToken())
			}
		}
	default:
		return l.fits(n, t, path)
	}
	return true
}

// keysAt are the keys of a struct, and whether there are no others: those of a channel are its provider's, too.
func keysAt(n ast.Node, t reflect.Type) (keys map[string]reflect.Type, closed bool) {
	if t.Kind() != reflect.Struct {
		return nil, false
	}
	keys = fields(t)
	if t != reflect.TypeFor[ChannelConfig]() {
		return keys, true
	}
	if p, ok := providers[providerOf(n)]; ok {
		maps.Copy(keys, fields(p.keys))
		return keys, true
	}
	return keys, false
}

// providerOf is the provider of a channel where it can be read without the rest of the file, else "": then checkProvider finds the
// keys that it does not have.
func providerOf(n ast.Node) (name string) {
	if node := find(n, []string{"provider"}); node == nil || yaml.NodeToValue(node, &name) != nil {
		return ""
	}
	return name
}

// fits says where a value is not what it must be.
func (l *loader) fits(n ast.Node, t reflect.Type, path string) bool {
	word, _ := n.(*ast.StringNode)
	switch {
	case n.Type() == ast.NullType || hasAlias(n): // only the whole file tells what an alias stands for
		return true
	case t == reflect.TypeFor[fhirserver.Auth]() && word != nil && word.Value == "none": // short for {type: none}
		return false
	case yaml.NodeToValue(n, reflect.New(t).Interface()) == nil:
		return true
	}
	l.misread = append(l.misread, path)
	if !l.missing[n] {
		l.say(n, "%s", strings.TrimPrefix(path+": ", ": ")+wanted(t, n))
	}
	return false
}

func unknownKey(full, name string, keys map[string]reflect.Type) string {
	text := full + ": unknown key"
	best, distance := "", 4
	for k := range keys {
		if d := edits(name, k); d < distance || d == distance && k < best {
			best, distance = k, d
		}
	}
	if best != "" {
		text += "; did you mean " + best + "?"
	}
	return text
}

// wanted says what stands in the place of n, which may be nil.
func wanted(t reflect.Type, n ast.Node) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "must be a duration, as in 30s, 5m or 24h"
	case t == reflect.TypeFor[exchange.Secret]():
		return "must be text, in quotes if it looks like something else"
	case t == reflect.TypeFor[fhirserver.Auth]():
		return "must be none, or a mapping, as in {type: bearer, token_file: fhir.token}"
	case t.Kind() == reflect.String && isMapping(n):
		return `must be one value; what has a colon in it is quoted inside […] and {…}, as in ["127.0.0.1:9092"]`
	case t.Kind() == reflect.String:
		return "must be one value"
	case t.Kind() == reflect.Bool:
		return "must be true or false"
	case t.Kind() == reflect.Float64:
		return "must be a number"
	case t.Kind() == reflect.Int:
		return "must be a whole number"
	case t.Kind() == reflect.Slice:
		return "must be a list, as in [a, b]"
	case t.Kind() == reflect.Map:
		return "must be a mapping, as in {name: value}"
	case t.Kind() == reflect.Struct && len(fields(t)) > 0:
		keys := slices.Sorted(maps.Keys(fields(t)))
		return "must be a mapping with keys as " + strings.Join(keys[:min(3, len(keys))], ", ")
	}
	return "not of the right form"
}

// fields returns the YAML keys of a struct with their types.
func fields(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" {
			for k, v := range fields(f.Type) {
				keys[k] = v
			}
		} else if name != "" && name != "-" {
			keys[name] = f.Type
		}
	}
	return keys
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above, left := row[0], i+1
		row[0] = left
		for j := range len(b) {
			cost := above
			if a[i] != b[j] {
				cost = min(above, row[j+1], left) + 1
			}
			above, row[j+1], left = row[j+1], cost, cost
		}
	}
	return row[len(b)]
}
