package envelope

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// shape is one way to put FHIR into a record.
type shape struct {
	name string
	// is recognises the shape.
	is func(*record) bool
	// decode adds what the record holds to the findings. It meets records that is
	// would not have recognised when a topic pins the shape.
	decode func(*Decoder, *record, *findings)
}

// shapes is the one table of shapes, in the order of recognition. What no line
// recognises is judged by the last.
var shapes = []shape{
	{"tombstone", isTombstone, (*Decoder).tombstone},
	{"bundle", isBundle, (*Decoder).bundle},
	{"ndjson", isLines, (*Decoder).lines},
	{"resource", isResource, (*Decoder).resource},
}

// Config says what cannot be seen in a record. The zero value recognises
// everything by itself.
type Config struct {
	// Envelopes pins the shape of a topic's records: topic to bundle, ndjson or
	// resource. A record without value is a tombstone all the same.
	Envelopes map[string]string `yaml:"envelopes"`
	// Tombstones says of which type the resources of a topic are whose keys are
	// bare ids: topic to type. A key "Type/id" needs no entry.
	Tombstones map[string]string `yaml:"tombstones"`
}

// Validate returns every problem at once, each beginning with its key.
func (c Config) Validate() error {
	var errs []error
	for _, topic := range slices.Sorted(maps.Keys(c.Envelopes)) {
		if _, ok := pinned(c.Envelopes[topic]); !ok {
			errs = append(errs, fmt.Errorf("envelopes.%s: %q is none of %s", topic, c.Envelopes[topic], strings.Join(pins(), ", ")))
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(c.Tombstones)) {
		if !fhir.Known(c.Tombstones[topic]) {
			errs = append(errs, fmt.Errorf("tombstones.%s: %q is no resource that is read", topic, c.Tombstones[topic]))
		}
	}
	return errors.Join(errs...)
}

// pins are the names that a topic can pin. A tombstone is not among them: a
// topic of nothing but deletions needs no pin.
func pins() []string {
	var names []string
	for _, s := range shapes[1:] {
		names = append(names, s.name)
	}
	return names
}

func pinned(name string) (shape, bool) {
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.name == name })
	if i < 1 {
		return shape{}, false
	}
	return shapes[i], true
}

// Decoder takes events out of records. It is safe for concurrent use.
type Decoder struct {
	shapes     []shape
	pinned     map[string]shape
	tombstones map[string]string
}

var _ pipeline.Decoder = (*Decoder)(nil)

// New returns a decoder. cfg must have passed Validate: a pin that names no shape is none.
func New(cfg Config) *Decoder {
	d := &Decoder{shapes: shapes, pinned: map[string]shape{}, tombstones: maps.Clone(cfg.Tombstones)}
	for topic, name := range cfg.Envelopes {
		if s, ok := pinned(name); ok {
			d.pinned[topic] = s
		}
	}
	return d
}

// Decode implements pipeline.Decoder. Of the headers it looks at the content type, see anotherRelease.
func (d *Decoder) Decode(value []byte, headers map[string]string, source pipeline.Source) ([]pipeline.Event, error) {
	if anotherRelease(headers) {
		return nil, malformed(reasonVersion, "")
	}
	f := &findings{source: source}
	d.open(value, f)
	if f.parts > maxParts {
		return nil, malformed(reasonTooMany, "")
	}
	arrange(f.events)
	return f.events, f.error()
}

// open finds the shape of a value and decodes it. A pin says what values look
// like; where there is no value it says nothing.
func (d *Decoder) open(value []byte, f *findings) {
	r := newRecord(value)
	if s, ok := d.pinned[f.source.Topic]; ok && !r.null {
		s.decode(d, r, f)
		return
	}
	for _, s := range d.shapes {
		if s.is(r) {
			s.decode(d, r, f)
			return
		}
	}
}
