package fhir

import (
	"encoding/json"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// patchOperation is an operation of RFC 6902.
type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"` // nil for none: "remove" has no other
}

func testThat(path string, is any) patchOperation {
	return patchOperation{Op: "test", Path: path, Value: is}
}

// put sets a member of an object, whether it is there or not: that is what "add"
// does there (https://www.rfc-editor.org/rfc/rfc6902#section-4.1).
func put(path string, v any) patchOperation { return patchOperation{Op: "add", Path: path, Value: v} }

func remove(path string) patchOperation { return patchOperation{Op: "remove", Path: path} }

func replace(path string, v any) patchOperation {
	return patchOperation{Op: "replace", Path: path, Value: v}
}

// patchOf writes a JSON Patch.
func patchOf(resource string, operations ...patchOperation) (patch []byte, changed bool, err error) {
	patch, err = json.Marshal(operations)
	if err != nil {
		return nil, false, &Error{Path: resource, Rule: RuleNotJSON}
	}
	return patch, true, nil
}

// Patched returns what comes of a JSON Patch of the resource raw, so that it can be
// looked at before anybody is asked to make it. The error is *Error.
func Patched(raw, patch []byte) (after []byte, err error) {
	defer func() {
		if recover() != nil { // what was recovered may quote the input
			after, err = nil, &Error{Rule: RuleBadValue}
		}
	}()
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, &Error{Rule: RuleNotJSON}
	}
	if after, err = operations.Apply(raw); err != nil { // its words quote the input
		return nil, &Error{Rule: RuleBadValue}
	}
	return after, nil
}

// decodeAs decodes a resource that has to be a T.
func decodeAs[T Resource](raw []byte) (T, error) {
	resource, err := Decode(raw)
	if err != nil {
		return *new(T), err
	}
	t, ok := resource.(T)
	if !ok {
		return t, &Error{Path: "resourceType", Rule: RuleWrongType}
	}
	return t, nil
}
