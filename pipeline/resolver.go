package pipeline

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"fhirbridge/fhir"
)

const (
	resolverSize = 20_000
	// subjectsSize is how many subjects stay decoded between intake and dispatch.
	subjectsSize = 2_000
	// resolverTTL bounds how long an instance may not know what another one has learned.
	resolverTTL = 10 * time.Second
)

// Resolver finds decoded resources of the directory, through a small cache.
// Safe for concurrent use. It has no goroutine, and nothing of it needs to be closed.
type Resolver struct {
	directory Directory
	cache     *otter.Cache[string, resolved]
	// subjects are those that were taken in last and wait to be spoken of: news of them are sent at once.
	subjects *otter.Cache[string, fhir.Resource]
	// changes counts Forget calls: what was loaded before one does not stay cached.
	changes atomic.Int64
}

// resolved is a resource, and until when it may be taken for the newest.
type resolved struct {
	resource fhir.Resource
	until    time.Time
}

// NewResolver returns a Resolver over d.
func NewResolver(d Directory) *Resolver {
	return &Resolver{
		directory: d,
		cache:     otter.Must(&otter.Options[string, resolved]{MaximumSize: resolverSize}),
		subjects:  otter.Must(&otter.Options[string, fhir.Resource]{MaximumSize: subjectsSize}),
	}
}

// Resource returns the newest kept version of ref, nil if it is not known.
func (r *Resolver) Resource(ctx context.Context, ref string) (fhir.Resource, error) {
	now := time.Now()
	if known, ok := r.cache.GetIfPresent(ref); ok && now.Before(known.until) {
		return known.resource, nil
	}
	before := r.changes.Load()
	kept, ok, err := r.directory.Resource(ctx, ref)
	if err != nil || !ok {
		return nil, err
	}
	decoded, err := fhir.Decode(kept.Resource)
	if err != nil {
		return nil, nil // it was decodable when it was kept; whoever needs it treats it as unknown
	}
	r.cache.Set(ref, resolved{decoded, now.Add(resolverTTL)})
	if r.changes.Load() != before { // it may be older than what was forgotten meanwhile
		r.cache.Invalidate(ref)
	}
	return decoded, nil
}

// Forget drops what is cached of ref. Call it when a new version has been kept.
func (r *Resolver) Forget(ref string) {
	r.changes.Add(1)
	r.cache.Invalidate(ref)
}

// Remember keeps a subject decoded that will be spoken of at once.
func (r *Resolver) Remember(subject fhir.Resource) { r.subjects.Set(subject.Header().Ref(), subject) }

// Decode returns the subject whose kept version is raw, as it is remembered if that is the same version to the byte. It is
// remembered no longer: most are spoken of once, and those that still wait for it have the room.
func (r *Resolver) Decode(ref string, raw []byte) (fhir.Resource, error) {
	if known, ok := r.subjects.Invalidate(ref); ok && bytes.Equal(known.Raw(), raw) {
		return known, nil
	}
	return fhir.Decode(raw)
}

// Lookup returns a function for Change, Facts and Thread that finds, in this
// order, what came along with the event, what is contained in the subject, and
// what the directory has. Everything the subject refers to is found before it
// returns, so that the function does no I/O.
func (r *Resolver) Lookup(ctx context.Context, subject fhir.Resource, along map[string]fhir.Resource) (func(string) fhir.Resource, error) {
	found := make(map[string]fhir.Resource, 4)
	for _, ref := range references(subject) {
		if ref.Type == "Appointment" {
			continue
		}
		if ref = inside(subject, ref, found); ref.String() == "" {
			continue
		}
		if err := r.find(ctx, ref.String(), along, found); err != nil {
			return nil, err
		}
	}
	if e, ok := subject.(*fhir.Encounter); ok {
		if err := r.bookings(ctx, e, along, found); err != nil {
			return nil, err
		}
	}
	return func(ref string) fhir.Resource { return found[ref] }, nil
}

// inside finds what the subject itself holds of ref, and of the places that this is part of. It returns what is to be found
// elsewhere, zero if that is nothing.
func inside(subject fhir.Resource, ref fhir.Reference, found map[string]fhir.Resource) fhir.Reference {
	for found[ref.String()] == nil {
		held, ok := fhir.Contained(subject, ref)
		if !ok {
			return ref
		}
		found[ref.String()] = held
		place, ok := held.(*fhir.Location)
		if !ok {
			break
		}
		ref = place.PartOf()
	}
	return fhir.Reference{}
}

func (r *Resolver) find(ctx context.Context, ref string, along, found map[string]fhir.Resource) error {
	if _, seen := found[ref]; seen {
		return nil
	}
	res, ok := along[ref]
	if !ok {
		var err error
		if res, err = r.Resource(ctx, ref); err != nil {
			return err
		}
	}
	if res == nil {
		return nil
	}
	found[ref] = res
	if place, ok := res.(*fhir.Location); ok {
		if up := place.PartOf().String(); up != "" {
			return r.find(ctx, up, along, found)
		}
	}
	return nil
}

// bookings finds the appointments of a visit as they are kept, past the cache: what starts a journey is not
// forgotten there when it changes. Of each the places and people are found, too.
func (r *Resolver) bookings(ctx context.Context, e *fhir.Encounter, along, found map[string]fhir.Resource) error {
	for _, ref := range e.Appointments() {
		name := ref.String()
		res := along[name]
		if res == nil && name != "" {
			kept, ok, err := r.directory.Resource(ctx, name)
			if err != nil {
				return err
			}
			if ok {
				res, _ = fhir.Decode(kept.Resource) // one that does not decode is not known
			}
		}
		booking, ok := res.(*fhir.Appointment)
		if !ok {
			continue
		}
		found[name] = booking
		for _, of := range references(booking) {
			if err := r.find(ctx, of.String(), along, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// references lists what the words about a resource may be made from.
func references(r fhir.Resource) []fhir.Reference {
	var refs []fhir.Reference
	add := func(ref fhir.Reference) {
		if ref.String() != "" {
			refs = append(refs, ref)
		}
	}
	switch r := r.(type) {
	case *fhir.Appointment:
		for _, p := range r.Participants() {
			add(p.Actor)
		}
	case *fhir.CommunicationRequest:
		add(r.Subject())
		for _, who := range r.Recipients() {
			add(who)
		}
	case *fhir.DiagnosticReport:
		add(r.Subject())
		for _, p := range r.Performers() {
			add(p)
		}
	case *fhir.Encounter:
		add(r.Subject())
		for _, l := range r.Locations() {
			add(l)
		}
		for _, a := range r.Appointments() {
			add(a)
		}
	}
	return refs
}
