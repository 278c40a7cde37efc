package fhir

import (
	"encoding/json"
	"slices"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// ReplaceValue returns the JSON Patch (RFC 6902) that sets one member of a resource, tests nothing, and
// holds for the version that it is sent with in If-Match.
func ReplaceValue(path, value string) ([]byte, error) {
	patch, _, err := patchOf("Appointment", replace(path, value))
	return patch, err
}

// Untested returns a JSON Patch without its tests, for servers that know no such operation. What guards it
// then is the version in If-Match alone.
func Untested(patch []byte) ([]byte, error) {
	var operations []json.RawMessage
	if json.Unmarshal(patch, &operations) != nil {
		return nil, &Error{Rule: RuleNotJSON}
	}
	operations = slices.DeleteFunc(operations, func(raw json.RawMessage) bool {
		var o patchOperation
		return json.Unmarshal(raw, &o) == nil && o.Op == "test"
	})
	out, err := json.Marshal(operations)
	if err != nil {
		return nil, &Error{Rule: RuleNotJSON}
	}
	return out, nil
}

// Rewritten returns the resource raw as a JSON Patch makes it, for servers that take a resource only as a whole.
// Every member that the patch does not name keeps its place and its value as it was written, those
// included that no model knows.
//
// Errors are *Error: not_json, wrong_status if a test of the patch fails or it does not apply, and subsetted
// where raw is a part of the resource only: to write it back would delete the rest.
func Rewritten(raw, patch []byte) ([]byte, error) {
	var head struct {
		Meta struct {
			Tag []struct {
				Code string `json:"code"`
			} `json:"tag"`
		} `json:"meta"`
	}
	if json.Unmarshal(raw, &head) != nil {
		return nil, &Error{Rule: RuleNotJSON}
	}
	for _, tag := range head.Meta.Tag {
		if tag.Code == "SUBSETTED" {
			return nil, &Error{Path: "meta.tag", Rule: RuleSubsetted}
		}
	}
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, &Error{Rule: RuleNotJSON}
	}
	options := jsonpatch.NewApplyOptions()
	options.EscapeHTML = false
	out, err := operations.ApplyWithOptions(raw, options)
	if err != nil { // its text quotes the resource
		return nil, &Error{Rule: RuleWrongStatus}
	}
	return out, nil
}
