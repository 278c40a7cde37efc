package main

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// known reports keys that the type does not have, with the nearest that it has.
func (l *loader) known(n ast.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Slice:
		if list, ok := n.(*ast.SequenceNode); ok {
			for i, item := range list.Values {
				l.known(item, t.Elem(), fmt.Sprintf("%s[%d].", strings.TrimSuffix(path, "."), i))
			}
		}
	case t.Kind() == reflect.Map:
		for _, v := range values(n) {
			l.known(v.Value, t.Elem(), path+v.Key.GetToken().Value+".")
		}
	case t == reflect.TypeFor[time.Duration]():
		if s, ok := n.(*ast.StringNode); ok {
			if _, err := time.ParseDuration(s.Value); err != nil {
				l.say(n, "%s: %s", strings.TrimSuffix(path, "."), wanted(t, nil))
			}
		}
	case t == reflect.TypeFor[ChannelConfig](): // its provider knows its keys
	case t.Kind() == reflect.Struct && len(fields(t)) > 0:
		keys := fields(t)
		for _, v := range values(n) {
			name := v.Key.GetToken().Value
			inner, ok := keys[name]
			if !ok {
				l.say(v.Key, "%s", unknownKey(path+name, name, keys))
				continue
			}
			l.known(v.Value, inner, path+name+".")
		}
	}
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

// wanted says what stands in the place of a value of another type.
func wanted(t, is reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "must be a duration, as in 30s, 5m or 24h"
	case t.Kind() == reflect.String && is != nil && is.Kind() == reflect.Map:
		return `must be one value; what has a colon in it is quoted inside […] and {…}, as in ["127.0.0.1:9092"]`
	case t.Kind() == reflect.String:
		return "must be one value"
	case t.Kind() == reflect.Bool:
		return "must be true or false"
	case t.Kind() == reflect.Float64:
		return "must be a number"
	case t.Kind() == reflect.Int:
		return "must be a whole number"
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
