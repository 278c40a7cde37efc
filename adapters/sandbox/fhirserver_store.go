package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// fhirTable holds all resources of one type.
type fhirTable struct {
	order       []string // ids, oldest first
	byID        map[string]*fhirRecord
	identifiers map[string][]string // ids of living resources by "system|value"
	alive       int                 // how many are not deleted
}

// fhirRecord holds all versions of one resource; the first has the number 1.
type fhirRecord struct {
	id       string
	versions []fhirVersion
}

type fhirVersion struct {
	raw     []byte // nil where it was deleted
	method  string
	updated time.Time
}

func (r *fhirRecord) version() int         { return len(r.versions) }
func (r *fhirRecord) current() fhirVersion { return r.versions[len(r.versions)-1] }
func (r *fhirRecord) deleted() bool        { return r.current().raw == nil }

// put stores a new version, raw being nil for a deletion, and tells the hooks.
// The caller holds writing but not mu.
func (s *FHIRServer) put(method, kind, id string, raw []byte) *fhirAnswer {
	s.mu.Lock()
	t := s.types[kind]
	r := t.byID[id]
	status := http.StatusOK
	if r == nil {
		r = &fhirRecord{id: id}
		t.byID[id] = r
		t.order = append(t.order, id)
		status = http.StatusCreated
	} else {
		t.unindex(r)
	}
	v := fhirVersion{method: method, updated: s.cfg.Clock().UTC().Truncate(time.Millisecond)}
	if raw != nil {
		v.raw = stamp(raw, id, r.version()+1, v.updated)
		if s.cfg.NoVersions {
			v.raw = bytes.Replace(v.raw, fmt.Appendf(nil, `"versionId":"%d",`, r.version()+1), nil, 1)
		}
	}
	r.versions = append(r.versions, v)
	t.index(r)
	a := s.answerOf(kind, r, status)
	s.mu.Unlock()
	if s.cfg.OnWrite != nil && method != "" {
		s.cfg.OnWrite(method, a.ref, v.raw)
	}
	if s.cfg.OnChange != nil {
		s.cfg.OnChange(FHIRChange{
			Method: method, Type: kind, ID: id, Version: strconv.Itoa(a.version), LastUpdated: v.updated, Raw: v.raw,
		})
	}
	s.changed.ring()
	return a
}

func (s *FHIRServer) answerOf(kind string, r *fhirRecord, status int) *fhirAnswer {
	v := r.current()
	a := &fhirAnswer{
		status: status, ref: kind + "/" + r.id, version: r.version(), updated: v.updated, body: v.raw, representation: true,
	}
	a.location = fmt.Sprintf("%s/%s/_history/%d", s.URL(), a.ref, a.version)
	return a
}

func (t *fhirTable) index(r *fhirRecord) {
	if !r.deleted() {
		t.alive++
	}
	for _, key := range identifiersOf(r.current().raw) {
		t.identifiers[key] = append(t.identifiers[key], r.id)
	}
}

func (t *fhirTable) unindex(r *fhirRecord) {
	if !r.deleted() {
		t.alive--
	}
	for _, key := range identifiersOf(r.current().raw) {
		left := slices.DeleteFunc(t.identifiers[key], func(id string) bool { return id == r.id })
		if len(left) == 0 {
			delete(t.identifiers, key)
			continue
		}
		t.identifiers[key] = left
	}
}

// identifiersOf returns the distinct "system|value" of a resource.
func identifiersOf(raw []byte) []string {
	if raw == nil {
		return nil
	}
	var keys []string
	for _, i := range gjson.GetBytes(raw, "identifier").Array() {
		key := i.Get("system").String() + "|" + i.Get("value").String()
		if key != "|" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// stamp returns raw with id, meta.versionId and meta.lastUpdated set, and every
// other byte of its values as it was.
func stamp(raw []byte, id string, version int, updated time.Time) []byte {
	resource := gjson.ParseBytes(raw)
	out := make([]byte, 0, len(raw)+120)
	out = fmt.Appendf(out, `{"resourceType":%s,"id":%q,"meta":{"versionId":"%d","lastUpdated":%q`,
		resource.Get("resourceType").Raw, id, version, updated.Format("2006-01-02T15:04:05.000Z07:00"))
	out = members(out, resource.Get("meta"), "versionId", "lastUpdated")
	out = append(out, '}')
	out = members(out, resource, "resourceType", "id", "meta")
	return append(out, '}')
}

// members appends the members of an object that are not in without.
func members(out []byte, object gjson.Result, without ...string) []byte {
	object.ForEach(func(k, v gjson.Result) bool {
		if !slices.Contains(without, k.String()) {
			out = append(append(append(append(out, ','), k.Raw...), ':'), v.Raw...)
		}
		return true
	})
	return out
}

// Seed stores resources, or the entries of Bundles, under their own ids, as version
// 1 or as the next one. They are not validated: a seed may be wrong on purpose.
func (s *FHIRServer) Seed(raw ...[]byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, r := range raw {
		if !json.Valid(r) {
			return errors.New("sandbox: a seed is not JSON")
		}
		if gjson.GetBytes(r, "resourceType").String() != "Bundle" {
			if err := s.seed(r); err != nil {
				return err
			}
			continue
		}
		for _, entry := range gjson.GetBytes(r, "entry.#.resource").Array() {
			if err := s.seed([]byte(entry.Raw)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *FHIRServer) seed(raw []byte) error {
	kind, id := gjson.GetBytes(raw, "resourceType").String(), gjson.GetBytes(raw, "id").String()
	if s.types[kind] == nil || !fhirID.MatchString(id) {
		return errors.New("sandbox: a seed has no id, or a type that is not served")
	}
	s.put("", kind, id, raw)
	return nil
}

// All returns the living resources of a type, oldest first.
func (s *FHIRServer) All(kind string) []json.RawMessage {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []json.RawMessage
	for _, r := range s.living(kind) {
		all = append(all, r.current().raw)
	}
	return all
}

// living returns the records of a type that are not deleted. The caller holds mu.
func (s *FHIRServer) living(kind string) []*fhirRecord {
	t := s.types[kind]
	if t == nil {
		return nil
	}
	var all []*fhirRecord
	for _, id := range t.order {
		if r := t.byID[id]; !r.deleted() {
			all = append(all, r)
		}
	}
	return all
}

// Count returns how many living resources of a type there are.
func (s *FHIRServer) Count(kind string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.types[kind]; t != nil {
		return t.alive
	}
	return 0
}

// Resource returns the current version of "Type/id", unless there is none.
func (s *FHIRServer) Resource(ref string) (json.RawMessage, bool) {
	kind, id, _ := cutRef(ref)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.record(kind, id); r != nil && !r.deleted() {
		return r.current().raw, true
	}
	return nil, false
}

func (s *FHIRServer) record(kind, id string) *fhirRecord {
	t := s.types[kind]
	if t == nil {
		return nil
	}
	return t.byID[id]
}

// Duplicates returns the identifiers, as "system|value", that more than one living
// resource of a type has.
func (s *FHIRServer) Duplicates(kind string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var twice []string
	if t := s.types[kind]; t != nil {
		for key, ids := range t.identifiers {
			if len(ids) > 1 {
				twice = append(twice, key)
			}
		}
	}
	slices.Sort(twice)
	return twice
}
