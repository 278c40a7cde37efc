package fhir

import (
	"log/slog"
	"net/url"
	"strings"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Reference names another resource (https://hl7.org/fhir/R4/references.html).
// The zero Reference names nothing.
type Reference struct {
	// Type and ID are set for a relative reference, and for an absolute one whose
	// path ends in them. Type alone may also come from Reference.type or, for
	// "#id", from the contained resource.
	Type, ID string
	// Version is set for a reference to one version (_history).
	Version string
	// Local is the id of a contained resource: "x" for "#x". Contained finds it.
	Local string
	// URL is the reference as it was written where it is more than "Type/id": an
	// absolute URL, a urn, or a search ("Patient?identifier=…").
	URL string
	// Identifier is the business identifier; zero if there is none.
	Identifier Identifier
	// Display is the text for people. For a patient it is a name: private.
	Display string
}

// Identifier is a business identifier
// (https://hl7.org/fhir/R4/datatypes.html#Identifier).
type Identifier struct {
	// System is the namespace, a URI.
	System string `json:"system,omitempty"`
	// Value is unique within System. It may be a patient's number: private.
	Value string `json:"value,omitempty"`
}

// Ref returns the reference "Type/id".
func Ref(resourceType, id string) Reference { return Reference{Type: resourceType, ID: id} }

// ParseReference reads the text of Reference.reference. ok is false if it is of
// none of the forms "Type/id", "Type/id/_history/v", "#id", "Type?search",
// "scheme://…" or "urn:…".
func ParseReference(s string) (r Reference, ok bool) {
	switch {
	case s == "":
		return Reference{}, false
	case s[0] == '#':
		return Reference{Local: s[1:]}, isID(s[1:])
	case strings.HasPrefix(s, "urn:"):
		return Reference{URL: s}, len(s) > len("urn:")
	case strings.Contains(s, "://"):
		if u, err := url.Parse(s); err != nil || u.Host == "" {
			return Reference{}, false
		}
		r, _ = parseTail(s)
		r.URL = s
		return r, true
	}
	if name, _, search := strings.Cut(s, "?"); search {
		return Reference{Type: name, URL: s}, isTypeName(name)
	}
	r, rest := parseTail(s)
	return r, r.ID != "" && rest == ""
}

// parseTail reads "Type/id" or "Type/id/_history/v" at the end of s, and returns
// what stands before it.
func parseTail(s string) (r Reference, rest string) {
	head, version, versioned := strings.Cut(s, "/_history/")
	if versioned && !isID(version) {
		return Reference{}, s
	}
	slash := strings.LastIndexByte(head, '/')
	if slash < 0 {
		return Reference{}, s
	}
	path, id := head[:slash], head[slash+1:]
	name := path[strings.LastIndexByte(path, '/')+1:]
	if !isTypeName(name) || !isID(id) {
		return Reference{}, s
	}
	return Reference{Type: name, ID: id, Version: version}, strings.TrimSuffix(path, name)
}

// String returns "Type/id", else "#id", else the URL, else "". It holds no
// display and no identifier; a URL may hold what a sender put into a search.
func (r Reference) String() string {
	switch {
	case r.ID != "":
		return r.Type + "/" + r.ID
	case r.Local != "":
		return "#" + r.Local
	}
	return r.URL
}

// LogValue implements slog.LogValuer: a reference is logged without its display.
func (r Reference) LogValue() slog.Value { return slog.StringValue(r.String()) }

// IsZero reports whether the reference names nothing, not even by a display.
func (r Reference) IsZero() bool { return r == Reference{} }

// Same reports whether both name the same resource. Versions, servers and
// displays are not compared.
func (r Reference) Same(other Reference) bool {
	return r.String() != "" && r.String() == other.String()
}

// reference is samply's, whose identifier would refuse a use it does not know.
type reference struct {
	fhir.Reference
	Identifier *Identifier `json:"identifier"`
	Extension  skipped     `json:"extension"`
}

// parsed returns the reference; ok is false if its text is of no known form. b
// knows the types of contained resources.
func (r *reference) parsed(b base) (ref Reference, ok bool) {
	if r == nil {
		return Reference{}, true
	}
	ok = true
	if written := value(r.Reference.Reference); written != "" {
		ref, ok = ParseReference(written)
	}
	if ref.Local != "" {
		ref.Type = b.types[ref.Local]
	}
	if name := value(r.Type); ref.Type == "" && isTypeName(name) {
		ref.Type = name
	}
	if r.Identifier != nil {
		ref.Identifier = *r.Identifier
	}
	ref.Display = value(r.Display)
	return ref, ok
}

// parsedAll returns those of list that are of a known form.
func parsedAll(list []reference, b base) []Reference {
	var refs []Reference
	for i := range list {
		if ref, ok := list[i].parsed(b); ok && !ref.IsZero() {
			refs = append(refs, ref)
		}
	}
	return refs
}
