package envelope

import (
	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

func isTombstone(r *record) bool { return r.null }

// tombstone decodes a record without value: the resource that its key names is
// gone. A key names it as "Type/id", or as a bare id where the topic is known to
// be about one type.
func (d *Decoder) tombstone(_ *record, f *findings) {
	f.parts++
	key := f.source.Key.Reveal()
	ref, ok := relative(key)
	if !ok {
		ref, ok = relative(d.tombstones[f.source.Topic] + "/" + key)
	}
	switch {
	case !ok:
		f.fault(reasonTombstone, "")
		return
	case !fhir.HasType(ref.Type):
		f.fault(reasonUnknownType, "")
		return
	}
	f.events = append(f.events, pipeline.Event{
		Type: ref.Type, ID: ref.ID, Version: ref.Version, Operation: pipeline.Delete, Source: f.source,
	})
}

// relative reads "Type/id" or "Type/id/_history/v" and nothing else.
func relative(s string) (fhir.Reference, bool) {
	ref, ok := fhir.ParseReference(s)
	return ref, ok && ref.ID != "" && ref.URL == ""
}
