package pipeline

import (
	"fhirbridge/fhir"
)

// Validate returns what is wrong with a resource as "path rule" lines, in any order. nil finds nothing.
type Validate func(body []byte) []string

// body holds a resource against it. An error is Malformed and names what was found first.
func (v Validate) body(op string, body []byte) error {
	if v == nil {
		return nil
	}
	if found := v(body); len(found) > 0 {
		return &Error{Op: op, Kind: Malformed, Reason: "invalid", Path: found[0]}
	}
	return nil
}

// patch holds what a patch makes of a resource against it. What was wrong with that before is not ours: the EHR may
// have its own ways, and no patient's answer fails because of them.
func (v Validate) patch(op string, now Versioned, patch []byte) error {
	if v == nil {
		return nil
	}
	after, err := fhir.Patched(now.Resource, patch)
	if err != nil {
		return malformed(op, err)
	}
	found := v(after)
	if len(found) == 0 {
		return nil
	}
	known := map[string]bool{}
	for _, line := range v(now.Resource) {
		known[line] = true
	}
	for _, line := range found {
		if !known[line] {
			return &Error{Op: op, Kind: Malformed, Reason: "invalid", Path: line}
		}
	}
	return nil
}
