package envelope

import (
	"encoding/json"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// isResource is true for everything: what nothing else recognises is judged as a
// resource, and told why it is none.
func isResource(*record) bool { return true }

// resource decodes a record that is a resource and nothing else. What happened to
// it is not said: it is in this state now.
func (d *Decoder) resource(r *record, f *findings) {
	f.parts++
	switch {
	case r.fault != "":
		f.fault(r.fault, "")
	case isBundle(r):
		f.fault(reasonWrongShape, "")
	case r.err != nil:
		f.unreadable(r.value, "", r.err)
	case !fhir.HasType(r.header.Type):
		f.fault(reasonUnknownType, "resourceType")
	case r.header.ID == "":
		f.fault(reasonNoID, r.header.Type+".id")
	default:
		f.events = append(f.events, pipeline.Event{
			Type: r.header.Type, ID: r.header.ID, Version: r.header.Version, LastUpdated: r.header.LastUpdated,
			Resource: json.RawMessage(r.value), Source: f.source,
		})
	}
}
