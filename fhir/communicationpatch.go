package fhir

import "encoding/json"

// communicationEnds are the statuses in which a message has come to its end, and
// communicationOpen those that may still become one of them.
var (
	communicationEnds = set(CommunicationCompleted, CommunicationNotDone, CommunicationStopped)
	communicationOpen = set(CommunicationPreparation, CommunicationInProgress)
)

// CommunicationPatch returns the JSON Patch (RFC 6902) that brings the Communication
// raw to what want, our own record of the same message, says of its end: status,
// statusReason, received, and the notes that raw has not. What raw says already is
// left as it is. The patch holds for that version only and is sent with its version
// in If-Match; besides, it tests the status. changed is false, and patch nil, if
// there is nothing to add.
//
// Errors are *Error: those of Decode, unknown_code if want is at no end, and
// wrong_status where raw has come to another one: a message goes forward only, and
// what people have set stays.
func CommunicationPatch(raw, want []byte) (patch []byte, changed bool, err error) {
	w, err := decodeAs[*Communication](want)
	if err != nil {
		return nil, false, err
	}
	c, err := decodeAs[*Communication](raw)
	switch {
	case err != nil:
		return nil, false, err
	case !communicationEnds[w.Status()]:
		return nil, false, &Error{Path: "Communication.status", Rule: RuleUnknownCode}
	case c.Status() != w.Status() && !communicationOpen[c.Status()]:
		return nil, false, &Error{Path: "Communication.status", Rule: RuleWrongStatus}
	}
	operations := []patchOperation{testThat("/status", c.view.Status)}
	if c.Status() != w.Status() {
		operations = append(operations, replace("/status", w.Status()))
	}
	for _, element := range []string{"statusReason", "received"} {
		if value := valueOf(want, element); value != nil && valueOf(raw, element) == nil {
			operations = append(operations, put("/"+element, value))
		}
	}
	if operations = append(operations, newNotes(raw, want)...); len(operations) == 1 {
		return nil, false, nil
	}
	return patchOf("Communication", operations...)
}

// newNotes are the operations that add the notes of want that raw has not.
func newNotes(raw, want []byte) []patchOperation {
	said := map[string]bool{}
	for _, note := range elements(valueOf(raw, "note")) {
		words, _ := text(valueOf(note, "text"))
		said[words] = true
	}
	var missing []json.RawMessage
	for _, note := range elements(valueOf(want, "note")) {
		if words, _ := text(valueOf(note, "text")); !said[words] {
			missing = append(missing, note)
		}
	}
	switch {
	case len(missing) == 0:
		return nil
	case len(said) == 0:
		return []patchOperation{put("/note", missing)}
	}
	var operations []patchOperation
	for _, note := range missing {
		operations = append(operations, put("/note/-", note))
	}
	return operations
}
