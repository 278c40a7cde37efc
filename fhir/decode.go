package fhir

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
)

// base is the part of a view that is the same for each resource.
type base struct {
	header    Header
	raw       json.RawMessage
	contained []byte            // the array, unparsed; nil if there is none
	types     map[string]string // of the contained resources, by id
}

// Header implements Resource.
func (b base) Header() Header { return b.header }

// Raw implements Resource.
func (b base) Raw() json.RawMessage { return b.raw }

// Format implements fmt.Formatter: whatever the verb, a resource prints as "Type/id".
func (b base) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, b.header.Ref()) }

// LogValue implements slog.LogValuer: a resource is logged as "Type/id".
func (b base) LogValue() slog.Value { return slog.StringValue(b.header.Ref()) }

// resources returns the raw contained resources.
func (b base) resources() []json.RawMessage { return elements(b.contained) }

// Contained decodes the resource that ref names inside r, as "#id". ok is false
// if ref is not of that kind, if r holds no such resource, or if that one is not
// readable.
func Contained(r Resource, ref Reference) (resource Resource, ok bool) {
	holder, ok := r.(interface{ resources() []json.RawMessage })
	if !ok || ref.Local == "" {
		return nil, false
	}
	for _, raw := range holder.resources() {
		var buf [48]member
		list, _ := members(raw, buf[:0])
		if id, _ := text(find(list, "id")); id == ref.Local {
			resource, err := Decode(raw)
			return resource, err == nil
		}
	}
	return nil, false
}

// typesOf returns the types of contained resources by their ids.
func typesOf(contained []byte) map[string]string {
	if contained == nil {
		return nil
	}
	types := map[string]string{}
	for _, raw := range elements(contained) {
		var buf [48]member
		list, _ := members(raw, buf[:0])
		id, _ := text(find(list, "id"))
		types[id], _ = text(find(list, "resourceType"))
	}
	return types
}

// source is a resource about to be decoded.
type source struct {
	base
	read     []string
	misspelt bool
}

// at returns an error about an element of the resource.
func (s source) at(element, rule string) error {
	return &Error{Path: s.header.Type + "." + element, Rule: rule}
}

// fill decodes the resource into view, once if all is well. When something is
// wrong it decodes member by member, to pass over what is not read and to say
// where the fault is in what is.
func fill[T any](s source, view *T) error {
	if !s.misspelt {
		err := json.Unmarshal(s.raw, view)
		if err == nil {
			return nil
		}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return &Error{Rule: RuleNotJSON}
		}
	}
	// members does not look inside a value, and some values are passed over here.
	if !json.Valid(s.raw) {
		return &Error{Rule: RuleNotJSON}
	}
	*view = *new(T)
	list, _ := members(s.raw, nil)
	for _, m := range list {
		if misspelt(m.name, s.read) {
			continue
		}
		if err := json.Unmarshal(alone(m.name, m.value), view); err != nil && contains(s.read, m.name) {
			return s.at(locate[T](m, err), RuleWrongType)
		}
	}
	return nil
}

// locate says which element of m it was that did not decode.
func locate[T any](m member, err error) string {
	for i, element := range elements(m.value) {
		bracketed := append(append([]byte{'['}, element...), ']')
		if err := json.Unmarshal(alone(m.name, bracketed), new(T)); err != nil {
			return string(m.name) + "[" + strconv.Itoa(i) + "]" + below(err)
		}
	}
	return string(m.name) + below(err)
}

// below returns the path beneath the top-level member: names of our own structs,
// never of the input.
func below(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return ""
	}
	names := slices.DeleteFunc(strings.Split(wrong.Field, "."), func(name string) bool {
		return name == "" || name[0] >= 'A' && name[0] <= 'Z' // an embedded struct
	})
	path := ""
	for _, name := range names[min(1, len(names)):] {
		path += "." + name
	}
	return path
}

// alone returns an object of one member.
func alone(name, value []byte) []byte {
	quoted, _ := json.Marshal(string(name)) // a string always marshals
	return slices.Concat([]byte("{"), quoted, []byte(":"), value, []byte("}"))
}

// misspelt reports whether encoding/json would take name for a member that is
// read, although it differs from it by case.
func misspelt(name []byte, read []string) bool {
	for _, r := range read {
		if string(name) == r {
			return false
		}
	}
	for _, r := range read {
		if len(name) >= len(r) && name[0]|0x20 == r[0]|0x20 && strings.EqualFold(string(name), r) {
			return true
		}
	}
	return false
}

// contains reports whether name is one of read.
func contains(read []string, name []byte) bool { return slices.Contains(read, string(name)) }
