package envelope

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// kind is how a type of Bundle tells what happened.
type kind struct {
	// acts reports whether an entry is about something that happened, rather than context.
	acts func(*entry) bool
	// operation is what an entry says.
	operation func(*entry) pipeline.Operation
	// newestFirst is set where servers write the newest version first.
	newestFirst bool
}

// kinds are the types of Bundle that carry events
// (https://hl7.org/fhir/R4/bundle.html). A document is none of them: it tells
// what somebody wrote, not what has changed. A message is told by its header, in
// message.go.
var kinds = map[string]kind{
	"collection":           {acts: always, operation: unsaid},
	"searchset":            {acts: (*entry).matched, operation: unsaid},
	"transaction":          {acts: (*entry).changes, operation: (*entry).requested},
	"batch":                {acts: (*entry).changes, operation: (*entry).requested},
	"history":              {acts: (*entry).changes, operation: (*entry).requested, newestFirst: true},
	"transaction-response": {acts: (*entry).answered, operation: (*entry).outcome},
	"batch-response":       {acts: (*entry).answered, operation: (*entry).outcome},
	"message":              {operation: unsaid},
}

func always(*entry) bool { return true }

func unsaid(*entry) pipeline.Operation { return pipeline.Unknown }

// isBundle recognises a Bundle, also one whose own id or meta is faulty: nothing
// is read of those.
func isBundle(r *record) bool {
	if r.err != nil {
		return isObject(r.value) && gjson.GetBytes(r.value, "resourceType").Str == "Bundle"
	}
	return r.header.Type == "Bundle"
}

// bundle decodes a Bundle. Its entries are cut out as they are; each can be of any
// type, so that one of a type unknown to R4 does not spoil the rest.
func (d *Decoder) bundle(r *record, f *findings) {
	switch {
	case r.fault != "":
		f.parts++
		f.fault(r.fault, "")
		return
	case !isBundle(r):
		f.parts++
		f.fault(reasonWrongShape, "")
		return
	}
	b := openBundle(r.value, f)
	kind, ok := kinds[b.kind]
	if !ok {
		f.fault(reasonBundleType, "Bundle.type")
		return
	}
	if kind.acts == nil {
		if kind.acts = b.focus(f); kind.acts == nil {
			return
		}
	}
	if kind.newestFirst {
		slices.Reverse(b.entries)
	}
	context := b.context()
	for i := range b.entries {
		if e := &b.entries[i]; kind.acts(e) {
			b.add(e, kind.operation(e), context, f)
		}
	}
}

// bundle is a Bundle, taken apart.
type bundle struct {
	kind string
	time time.Time
	// entries are the sound ones.
	entries []entry
}

// openBundle takes a Bundle apart and notes what is faulty in it.
func openBundle(raw []byte, f *findings) *bundle {
	b := &bundle{}
	var entries gjson.Result
	root := gjson.ParseBytes(raw)
	root.ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "type":
			b.kind = strings.Clone(value.Str)
		case "timestamp":
			b.time = instant(value.Str)
		case "entry":
			entries = value
		}
		return true
	})
	switch {
	case !entries.Exists() || entries.Type == gjson.Null:
		return b
	case !entries.IsArray():
		f.fault(reasonWrongType, "Bundle.entry")
		return b
	}
	index := -1
	entries.ForEach(func(_, value gjson.Result) bool {
		index++
		if f.parts++; f.parts > maxParts {
			return false
		}
		if e, ok := openEntry(raw, index, value, f); ok {
			b.entries = append(b.entries, e)
		}
		return true
	})
	return b
}

// context is every resource of the Bundle, by "Type/id" and by fullUrl. Where a
// resource is there in several versions it is the last one.
func (b *bundle) context() map[string]json.RawMessage {
	if len(b.entries) < 2 {
		return nil // nothing came along
	}
	m := make(map[string]json.RawMessage, 2*len(b.entries))
	for i := range b.entries {
		e := &b.entries[i]
		if e.resource == nil {
			continue
		}
		if e.header.ID != "" {
			m[e.header.Ref()] = e.resource
		}
		if e.fullURL != "" {
			m[e.fullURL] = e.resource
		}
	}
	return m
}

// add adds the event of an entry, or what is wrong with it. An entry about a
// type of R4 that nobody reads is passed over if it is incomplete: nothing is lost.
func (b *bundle) add(e *entry, op pipeline.Operation, context map[string]json.RawMessage, f *findings) {
	if e.ref.Type != "" && !fhir.HasType(e.ref.Type) {
		if !e.head() {
			f.fault(reasonUnknownType, e.path(e.typed()))
		}
		return
	}
	if reason, element := e.lacks(op); reason != "" {
		if e.ref.Type == "" || e.ref.Type == "Bundle" || fhir.Known(e.ref.Type) {
			f.fault(reason, e.path(element))
		}
		return
	}
	event := pipeline.Event{
		Type: e.ref.Type, ID: e.ref.ID, Version: e.version(), LastUpdated: e.updated(b.time),
		Operation: op, Context: context, Source: f.source,
	}
	if op != pipeline.Delete {
		event.Resource = e.resource
	}
	f.events = append(f.events, event)
}
