package fhir

// Rules are the fixed words that say what is wrong. Besides these an Error may
// name an invariant of the specification: "app-1" to "app-4".
const (
	// RuleNotJSON is input that is not one JSON value.
	RuleNotJSON = "not_json"
	// RuleNotFHIR is JSON that is not a resource: no object, or no usable resourceType.
	RuleNotFHIR = "not_fhir"
	// RuleUnknownType is a resourceType that is none: Decode says it of one that it
	// does not read, an envelope of one that FHIR R4 does not have.
	RuleUnknownType = "unknown_type"
	// RuleUnknownVersion is a resource of another release of FHIR, STU3 or R5.
	RuleUnknownVersion = "unknown_version"
	// RuleWrongType is an element of the wrong JSON type.
	RuleWrongType = "wrong_type"
	// RuleUnknownCode is a code outside its required binding.
	RuleUnknownCode = "unknown_code"
	// RuleMissing is a required element that is absent, null or empty.
	RuleMissing = "missing"
	// RuleBadID is an id or version outside [A-Za-z0-9\-.]{1,64}.
	RuleBadID = "bad_id"
	// RuleBadInstant is an instant or dateTime that is none.
	RuleBadInstant = "bad_instant"
	// RuleBadReference is a reference that is neither relative, absolute, urn nor contained.
	RuleBadReference = "bad_reference"
	// RuleWrongTarget is a reference to a type that the element does not take.
	RuleWrongTarget = "wrong_target"
	// RuleBadBase64 is attachment data that cannot be decoded.
	RuleBadBase64 = "bad_base64"
	// RuleWrongSize is content that is not as long as its attachment says.
	RuleWrongSize = "wrong_size"
	// RuleWrongHash is content of another hash than its attachment says.
	RuleWrongHash = "wrong_hash"
	// RuleBadTemplate is a request that names a template against the convention:
	// see CommunicationRequest.
	RuleBadTemplate = "bad_template"
	// RuleBadValue is a value outside its range.
	RuleBadValue = "bad_value"
	// RuleWrongStatus is a change that the status of the resource does not take.
	RuleWrongStatus = "wrong_status"
	// RuleSubsetted is a resource of which a server has given a part only.
	RuleSubsetted = "subsetted"
	// RuleTooLong is a text over the limit of a FHIR string, 1 MB.
	RuleTooLong = "too_long"
)

// ErrUnknownType is returned by Decode for a resource that the bridge does not
// read. The input may be a perfectly good resource.
var ErrUnknownType error = &Error{Path: "resourceType", Rule: RuleUnknownType}

// Error says what is wrong with a resource and where. It consists of an element
// path and a rule word, and never holds a value: it ends up in logs and in the
// headers of dead letters.
type Error struct {
	// Path is the element, as in "Appointment.participant[0].status"; "" is the whole input.
	Path string
	// Rule is one of the rule words, or the name of an invariant.
	Rule string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Path == "" {
		return "fhir: " + e.Rule
	}
	return "fhir: " + e.Rule + " at " + e.Path
}
