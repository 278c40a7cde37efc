package envelope

import (
	"errors"
	"strconv"

	"github.com/tidwall/gjson"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Limits of one record.
const (
	// maxParts is how many resources on lines and entries of Bundles a record may have.
	maxParts = 10_000
	// maxFaults is how many faults of a record are told. The record lies whole in
	// the dead-letter topic, and headers have limits of their own.
	maxFaults = 50
)

// Reasons of Malformed records. Besides these there are those of fhir.Error.
const (
	reasonNotJSON     = fhir.RuleNotJSON
	reasonNotFHIR     = fhir.RuleNotFHIR
	reasonWrongType   = fhir.RuleWrongType
	reasonUnknownType = fhir.RuleUnknownType
	reasonVersion     = fhir.RuleUnknownVersion
	reasonNotUTF8     = "not_utf8"
	reasonTooDeep     = "too_deep"             // nested more than 128 levels
	reasonTooMany     = "too_many_entries"     // more than 10,000 entries and lines
	reasonMoreFaults  = "more_faults"          // more than 50 faults; the rest is not told
	reasonNoID        = "no_id"                // nothing says which resource it is
	reasonNoResource  = "no_resource"          // an entry that should bring one does not
	reasonPatch       = "patch_unsupported"    // an entry tells a change, not a state
	reasonWrongShape  = "wrong_shape"          // the topic pins another shape
	reasonTombstone   = "tombstone_without_id" // the key does not name a resource
	reasonBundleType  = "unsupported_bundle"   // a document, or no type at all
	reasonNested      = "nested_bundle"        // a Bundle inside a Bundle
	reasonNoHeader    = "no_message_header"    // a message must begin with it
	reasonNoFocus     = "no_focus"             // a message that is about nothing
	reasonFocusAbsent = "focus_not_in_bundle"  // a message about something that it does not bring
)

// findings is what a record turns out to hold.
type findings struct {
	source pipeline.Source
	// line is the number of the line that is being decoded, from 1; 0 outside of NDJSON.
	line   int
	parts  int
	events []pipeline.Event
	faults []error
}

// fault notes a fault at an element path; "" is the whole record or line.
func (f *findings) fault(reason, path string) {
	if len(f.faults) > maxFaults {
		return
	}
	if len(f.faults) == maxFaults {
		f.faults = append(f.faults, malformed(reasonMoreFaults, ""))
		return
	}
	if f.line > 0 {
		place := "line " + strconv.Itoa(f.line)
		if path != "" {
			place += ": " + path
		}
		path = place
	}
	f.faults = append(f.faults, malformed(reason, path))
}

// unreadable notes why raw, found at path, has no header.
func (f *findings) unreadable(raw []byte, path string, err error) {
	var e *fhir.Error
	if !errors.As(err, &e) {
		f.fault(reasonNotFHIR, path)
		return
	}
	rule := e.Rule
	if name := gjson.GetBytes(raw, "resourceType"); rule == reasonNotFHIR && name.Exists() && name.Type != gjson.String {
		rule = reasonWrongType
	}
	f.fault(rule, below(path, e.Path))
}

// below puts the path of a fhir.Error under that of the resource.
func below(path, element string) string {
	const root = "Resource."
	switch {
	case path == "" || element == "":
		return path + element
	case len(element) > len(root) && element[:len(root)] == root:
		element = element[len(root):]
	}
	return path + "." + element
}

// error returns all faults joined, or nil.
func (f *findings) error() error { return errors.Join(f.faults...) }

func malformed(reason, path string) error {
	return &pipeline.Error{Op: "envelope.decode", Kind: pipeline.Malformed, Reason: reason, Path: path}
}
