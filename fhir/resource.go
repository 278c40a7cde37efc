package fhir

import (
	"encoding/json"
	"slices"
	"time"
)

// Resource is a decoded resource: one of *Appointment, *Communication,
// *CommunicationRequest, *Consent, *DiagnosticReport, *Encounter,
// *HealthcareService, *Location, *Organization, *Patient, *Practitioner,
// *RelatedPerson, *Schedule, *Slot.
type Resource interface {
	// Header returns what every resource says of itself.
	Header() Header
	// Raw returns the bytes that were decoded. They are shared: read only.
	Raw() json.RawMessage
}

// decoder reads one type of resource.
type decoder struct {
	// read are the members that the view reads. A mistake in one of them is an
	// error; a mistake in any other is passed over.
	read   []string
	decode func(source) (Resource, error)
}

// decoders is the one table of resources that are read. A new one is a file of
// its own and a line here.
var decoders = map[string]decoder{
	"Appointment":          {appointmentMembers, decodeAppointment},
	"Communication":        {communicationMembers, decodeCommunication},
	"CommunicationRequest": {communicationRequestMembers, decodeCommunicationRequest},
	"Consent":              {consentMembers, decodeConsent},
	"DiagnosticReport":     {diagnosticReportMembers, decodeDiagnosticReport},
	"Encounter":            {encounterMembers, decodeEncounter},
	"HealthcareService":    {healthcareServiceMembers, decodeHealthcareService},
	"Location":             {locationMembers, decodeLocation},
	"Organization":         {organizationMembers, decodeOrganization},
	"Patient":              {patientMembers, decodePatient},
	"Practitioner":         {practitionerMembers, decodePractitioner},
	"RelatedPerson":        {relatedPersonMembers, decodeRelatedPerson},
	"Schedule":             {scheduleMembers, decodeSchedule},
	"Slot":                 {slotMembers, decodeSlot},
}

// Header is what every resource says of itself
// (https://hl7.org/fhir/R4/resource.html).
type Header struct {
	// Type is the resourceType. It is always set, and may be one that is not read.
	Type string
	// ID is the logical id; "" if there is none, as in a resource that is to be created.
	ID string
	// Version is meta.versionId, an opaque word; "" if there is none.
	Version string
	// LastUpdated is meta.lastUpdated with its offset; zero if there is none.
	LastUpdated time.Time
}

// Ref returns "Type/id".
func (h Header) Ref() string { return h.Type + "/" + h.ID }

// Known reports whether Decode reads resources of that type.
func Known(resourceType string) bool {
	_, ok := decoders[resourceType]
	return ok
}

// Peek reads the header of a resource of any type. It is cheap because it does
// not look into what it does not need: raw may still be malformed inside, which
// Decode tells. Errors are *Error: not_json, not_fhir, wrong_type, bad_id,
// bad_instant.
func Peek(raw []byte) (Header, error) {
	var buf [48]member
	list, err := object(raw, buf[:0])
	if err != nil {
		return Header{}, err
	}
	return header(list)
}

// Decode reads a resource and checks what is read of it. It keeps raw, which
// must not change afterwards. Errors are *Error, ErrUnknownType among them;
// trying again gives the same.
func Decode(raw []byte) (Resource, error) {
	var buf [48]member
	list, err := object(raw, buf[:0])
	if err != nil {
		return nil, err
	}
	h, err := header(list)
	if err != nil {
		return nil, err
	}
	d, ok := decoders[h.Type]
	if !ok {
		return nil, ErrUnknownType
	}
	if path := ofAnotherRelease(h.Type, list); path != "" {
		return nil, &Error{Path: path, Rule: RuleUnknownVersion}
	}
	contained := find(list, "contained")
	return d.decode(source{
		base:     base{header: h, raw: raw, contained: contained, types: typesOf(contained)},
		read:     d.read,
		misspelt: slices.ContainsFunc(list, func(m member) bool { return misspelt(m.name, d.read) }),
	})
}

// object is members with its failures named.
func object(raw []byte, into []member) ([]member, error) {
	list, ok := members(raw, into)
	switch {
	case ok:
		return list, nil
	case json.Valid(raw):
		return nil, &Error{Rule: RuleNotFHIR}
	}
	return nil, &Error{Rule: RuleNotJSON}
}

// header reads the header out of the members of a resource.
func header(list []member) (Header, error) {
	name, _ := text(find(list, "resourceType"))
	if !isTypeName(name) {
		return Header{}, &Error{Path: "resourceType", Rule: RuleNotFHIR}
	}
	h := Header{Type: name}
	var err error
	if h.ID, err = identity(find(list, "id"), "Resource.id"); err != nil {
		return Header{}, err
	}
	value := find(list, "meta")
	if value == nil {
		return h, nil
	}
	var buf [8]member
	meta, ok := members(value, buf[:0])
	if !ok {
		return Header{}, &Error{Path: "Resource.meta", Rule: RuleWrongType}
	}
	if h.Version, err = identity(find(meta, "versionId"), "Resource.meta.versionId"); err != nil {
		return Header{}, err
	}
	if value = find(meta, "lastUpdated"); value == nil {
		return h, nil
	}
	updated, _ := text(value)
	if h.LastUpdated, ok = parseInstant(updated); !ok {
		return Header{}, &Error{Path: "Resource.meta.lastUpdated", Rule: RuleBadInstant}
	}
	return h, nil
}

// identity reads an id or a version id; "" if there is none.
func identity(value []byte, path string) (string, error) {
	if value == nil {
		return "", nil
	}
	id, ok := text(value)
	if !ok {
		return "", &Error{Path: path, Rule: RuleWrongType}
	}
	if !isID(id) {
		return "", &Error{Path: path, Rule: RuleBadID}
	}
	return id, nil
}

// isID reports whether s is of the grammar of ids
// (https://hl7.org/fhir/R4/datatypes.html#id).
func isID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if !isLetter(c) && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// isTypeName reports whether s can be the name of a resource type.
func isTypeName(s string) bool {
	if len(s) < 2 || len(s) > 64 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for _, c := range []byte(s) {
		if !isLetter(c) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
