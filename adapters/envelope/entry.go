package envelope

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// entry is an entry of a Bundle (https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry).
type entry struct {
	index int
	// ref is what the entry is about, as far as it says so.
	ref      fhir.Reference
	fullURL  string
	resource json.RawMessage // nil if there is none
	header   fhir.Header     // of resource
	mode     string          // search.mode
	// method and url are of request.
	method, url string
	// status, location, etag and modified are of response.
	status, location, etag, modified string
}

// openEntry takes an entry of raw apart; ok is false if it is faulty, which it notes.
func openEntry(raw []byte, index int, value gjson.Result, f *findings) (e entry, ok bool) {
	e.index = index
	if !value.IsObject() {
		f.fault(reasonWrongType, e.path(""))
		return e, false
	}
	sound := true
	value.ForEach(func(name, value gjson.Result) bool {
		if into := e.part(name.Str); into != nil && value.Type != gjson.Null {
			if !value.IsObject() {
				f.fault(reasonWrongType, e.path(name.Str))
				sound = false
				return false
			}
			into(raw, value)
		}
		if name.Str == "fullUrl" {
			e.fullURL = strings.Clone(value.Str)
		}
		return true
	})
	if !sound {
		return e, false
	}
	if e.resource != nil {
		var err error
		if e.header, err = fhir.Peek(e.resource); err != nil {
			f.unreadable(e.resource, e.path("resource"), err)
			return e, false
		}
	}
	e.name()
	return e, true
}

// part returns what reads an element of that name, which must be an object; nil
// for elements that are not read.
func (e *entry) part(name string) func(raw []byte, value gjson.Result) {
	text := func(value gjson.Result, name string) string { return strings.Clone(value.Get(name).Str) }
	switch name {
	case "resource":
		return func(raw []byte, value gjson.Result) { e.resource = raw[value.Index : value.Index+len(value.Raw)] }
	case "search":
		return func(_ []byte, value gjson.Result) { e.mode = text(value, "mode") }
	case "request":
		return func(_ []byte, value gjson.Result) { e.method, e.url = text(value, "method"), text(value, "url") }
	case "response":
		return func(_ []byte, value gjson.Result) {
			e.status, e.location = text(value, "status"), text(value, "location")
			e.etag, e.modified = text(value, "etag"), text(value, "lastModified")
		}
	}
	return nil
}

// path is the path of the entry or of an element of it.
func (e *entry) path(element string) string {
	path := "Bundle.entry[" + strconv.Itoa(e.index) + "]"
	if element == "" {
		return path
	}
	return path + "." + element
}

// name finds out which resource the entry is about. Its own word counts first, then the
// server's answer, the request and the address. A urn:uuid is no name: it lives as
// long as the Bundle, and a repetition would carry another one.
func (e *entry) name() {
	if e.resource != nil && !e.patch() {
		e.ref = fhir.Ref(e.header.Type, e.header.ID)
		if e.header.ID != "" {
			return
		}
	}
	for _, said := range []string{e.location, e.url, e.fullURL} {
		ref, ok := address(said)
		if !ok || e.ref.Type != "" && e.ref.Type != ref.Type {
			continue
		}
		e.ref = ref
		if e.resource != nil && !e.patch() {
			e.resource, e.header.ID = withID(e.resource, ref.ID), ref.ID
		}
		return
	}
}

// address reads "Type/id" at the end of a URL, relative or absolute.
func address(s string) (fhir.Reference, bool) {
	if s == "" || strings.Contains(s, "?") || strings.HasPrefix(s, "urn:") {
		return fhir.Reference{}, false
	}
	if !strings.Contains(s, "://") { // also "/fhir/Patient/1", which is no reference
		s = "x://x/" + strings.TrimLeft(s, "/")
	}
	ref, ok := fhir.ParseReference(s)
	return ref, ok && ref.ID != ""
}

// withID returns resource with an id as its last member. A resource without id
// has at least one other member, its type.
func withID(resource json.RawMessage, id string) json.RawMessage {
	return slices.Concat(resource[:len(resource)-1], []byte(`,"id":"`), []byte(id), []byte(`"}`))
}

// patch reports whether the entry brings a change instead of a resource
// (https://hl7.org/fhir/R4/http.html#patch).
func (e *entry) patch() bool {
	return e.method == "PATCH" && (e.resource == nil || e.header.Type == "Binary" || e.header.Type == "Parameters")
}

// head reports whether the entry heads the notification of a subscription, and says nothing of anybody: R4 has
// Parameters there, R4B a SubscriptionStatus, and Aidbox one of its own.
func (e *entry) head() bool { return e.index == 0 && e.ref.Type == "AidboxSubscriptionStatus" }

// typed is the element that says of which type the resource is; "" if it is some URL of the entry.
func (e *entry) typed() string {
	if e.resource == nil || e.patch() {
		return ""
	}
	return "resource.resourceType"
}

// lacks says what keeps the entry from being an event, and where; "" if nothing does.
func (e *entry) lacks(op pipeline.Operation) (reason, element string) {
	switch {
	case e.header.Type == "Bundle":
		return reasonNested, "resource"
	case e.patch():
		return reasonPatch, "request.method"
	case e.ref.ID == "" && op == pipeline.Delete:
		return reasonNoID, "request.url"
	case e.resource == nil && op != pipeline.Delete:
		return reasonNoResource, "resource"
	case e.ref.ID == "":
		return reasonNoID, "resource.id"
	}
	return "", ""
}

// matched reports whether a search found the entry, rather than brought it along.
func (e *entry) matched() bool { return e.mode == "" || e.mode == "match" }

// changes reports whether the entry is more than a question.
func (e *entry) changes() bool {
	return e.resource != nil || e.method != "GET" && e.method != "HEAD"
}

// answered reports whether a server has done what was asked, and shows the result.
func (e *entry) answered() bool {
	return e.resource != nil && !strings.HasPrefix(e.status, "4") && !strings.HasPrefix(e.status, "5")
}

// requested is what request.method says.
func (e *entry) requested() pipeline.Operation {
	switch e.method {
	case "POST":
		return pipeline.Create
	case "PUT", "PATCH":
		return pipeline.Update
	case "DELETE":
		return pipeline.Delete
	}
	return pipeline.Unknown
}

// outcome is what response.status says: 201 is for what is new.
func (e *entry) outcome() pipeline.Operation {
	if strings.HasPrefix(e.status, "201") {
		return pipeline.Create
	}
	return pipeline.Unknown
}

// version is meta.versionId, else that of the answer: W/"3", or …/_history/3.
func (e *entry) version() string {
	if e.header.Version != "" {
		return e.header.Version
	}
	tag := strings.Trim(strings.TrimPrefix(e.etag, "W/"), `"`)
	if ref, ok := relative("Basic/" + tag); ok && ref.Version == "" { // of the grammar of ids
		return tag
	}
	ref, _ := address(e.location)
	return ref.Version
}

// updated is meta.lastUpdated, else the time of the answer, else that of the Bundle.
func (e *entry) updated(bundle time.Time) time.Time {
	if !e.header.LastUpdated.IsZero() {
		return e.header.LastUpdated
	}
	if t := instant(e.modified); !t.IsZero() {
		return t
	}
	return bundle
}

// instant reads a FHIR instant; zero if it is none.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
