package envelope

import (
	"bytes"

	"fhirbridge/fhir"
)

// isLines recognises several JSON values, each on a line of its own
// (https://hl7.org/fhir/R4/nd-json.html). One sound line suffices, so that a
// broken one does not hide the others. A resource that is broken and spread over
// lines is not taken for it: its inner lines do not begin at the margin.
func isLines(r *record) bool {
	if r.fault == "" {
		return false
	}
	for line := range bytes.Lines(r.value) {
		if line = bytes.TrimRight(line, " \t\r\n"); !isObject(line) || line[len(line)-1] != '}' || unsound(line) != "" {
			continue
		}
		if _, err := fhir.Peek(line); err == nil {
			return true
		}
	}
	return false
}

// lines decodes each line by itself; empty ones are passed over.
func (d *Decoder) lines(r *record, f *findings) {
	for line := range bytes.Lines(r.value) {
		f.line++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if f.parts > maxParts {
			return
		}
		one := newRecord(line)
		if isBundle(one) {
			d.bundle(one, f)
		} else {
			d.resource(one, f)
		}
	}
}
