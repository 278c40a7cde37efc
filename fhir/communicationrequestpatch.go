package fhir

// requestEnds are the statuses in which a request ends, or waits for people.
var requestEnds = set(RequestCompleted, RequestRevoked, RequestOnHold)

// CommunicationRequestPatch returns the JSON Patch (RFC 6902) that ends the
// CommunicationRequest raw: completed when its message has gone out, revoked when
// it will not, on hold when nobody knows; for the reason in words, if one is given and none is there.
// Why a request was on hold is no reason any more when it ends. It holds for that version only and is
// sent with its version in If-Match; besides, it tests the status. changed is false, and patch nil, if it
// is so already.
//
// Errors are *Error: those of Decode, unknown_code for another status, and
// wrong_status for a request that is neither active nor on hold.
func CommunicationRequestPatch(raw []byte, status RequestStatus, reason Concept) (patch []byte, changed bool, err error) {
	if !requestEnds[status] {
		return nil, false, &Error{Path: "CommunicationRequest.status", Rule: RuleUnknownCode}
	}
	c, err := decodeAs[*CommunicationRequest](raw)
	switch {
	case err != nil:
		return nil, false, err
	case c.Status() == status:
		return nil, false, nil
	case c.Status() != RequestActive && c.Status() != RequestOnHold:
		return nil, false, &Error{Path: "CommunicationRequest.status", Rule: RuleWrongStatus}
	}
	operations := []patchOperation{testThat("/status", c.view.Status), replace("/status", status)}
	w := &writer{resource: "CommunicationRequest"}
	why, stands := w.concept("statusReason", reason), valueOf(raw, "statusReason") != nil
	if w.err != nil {
		return nil, false, w.err
	}
	switch {
	case why != nil && (!stands || c.Status() == RequestOnHold):
		operations = append(operations, put("/statusReason", why))
	case stands && c.Status() == RequestOnHold:
		operations = append(operations, remove("/statusReason"))
	}
	return patchOf("CommunicationRequest", operations...)
}
