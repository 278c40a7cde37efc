package sandbox

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/tidwall/gjson"
)

// maxResource bounds what is taken, in bytes.
const maxResource = 32 << 20

// fhirID is the grammar of ids: https://hl7.org/fhir/R4/datatypes.html#id.
var fhirID = regexp.MustCompile(`^[A-Za-z0-9\-.]{1,64}$`)

// create is https://hl7.org/fhir/R4/http.html#create, and #ccreate with If-None-Exist.
func (s *FHIRServer) create(r *http.Request, kind string) (*fhirAnswer, *fhirProblem) {
	raw, e := body(r, "application/fhir+json", "application/json")
	if e != nil {
		return nil, e
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.cfg.Oracle && kind == "Communication" {
		if e := oracleCommunication(raw); e != nil {
			return nil, e
		}
	}
	if condition := r.Header.Get("If-None-Exist"); condition != "" && !s.cfg.NoConditionalCreate {
		found, e := s.existing(kind, condition)
		if found != nil || e != nil {
			return found, e
		}
	}
	s.mu.Lock()
	s.serial++
	id := strconv.Itoa(1000 + s.serial)
	for s.types[kind].byID[id] != nil {
		s.serial++
		id = strconv.Itoa(1000 + s.serial)
	}
	s.mu.Unlock()
	if e := s.acceptable(kind, id, raw); e != nil {
		return nil, e
	}
	a := s.put(http.MethodPost, kind, id, raw)
	if s.cfg.Oracle {
		a.body = nil // its creations are answered by Location alone
	}
	return a, nil
}

// existing answers a conditional create that has matches; nil, nil if it has none.
func (s *FHIRServer) existing(kind, condition string) (*fhirAnswer, *fhirProblem) {
	q, err := url.ParseQuery(condition)
	if err != nil || len(q) == 0 {
		return nil, problem(http.StatusBadRequest, "invalid", "If-None-Exist is not a query")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, e := s.match(kind, q)
	if e != nil {
		return nil, e
	}
	switch len(found) {
	case 0:
		return nil, nil //nolint:nilnil // neither a match nor a problem is the usual case
	case 1:
		return s.answerOf(kind, found[0], http.StatusOK), nil
	}
	return nil, problem(http.StatusPreconditionFailed, "multiple-matches", "If-None-Exist matches several resources")
}

// update is https://hl7.org/fhir/R4/http.html#update.
func (s *FHIRServer) update(r *http.Request, kind, id string) (*fhirAnswer, *fhirProblem) {
	raw, e := body(r, "application/fhir+json", "application/json")
	if e != nil {
		return nil, e
	}
	if got := gjson.GetBytes(raw, "id").String(); got != id {
		return nil, problem(http.StatusBadRequest, "invalid", "The id in the body is not that of the URL")
	}
	if !fhirID.MatchString(id) {
		return nil, problem(http.StatusBadRequest, "value", "That is not an id")
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	old, e := s.toChange(r, kind, id)
	if e != nil && (e.status != http.StatusNotFound || !s.cfg.UpdateCreate || r.Header.Get("If-Match") != "") {
		return nil, e
	}
	if e := s.acceptable(kind, id, raw); e != nil {
		return nil, e
	}
	a := s.put(http.MethodPut, kind, id, raw)
	if old != nil && old.versions[len(old.versions)-2].raw == nil {
		a.status = http.StatusCreated // it comes back from deletion
	}
	return a, nil
}

// patch is https://hl7.org/fhir/R4/http.html#patch with a JSON Patch (RFC 6902).
func (s *FHIRServer) patch(r *http.Request, kind, id string) (*fhirAnswer, *fhirProblem) {
	raw, e := body(r, "application/json-patch+json")
	if e != nil {
		return nil, e
	}
	ops, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		return nil, problem(http.StatusBadRequest, "structure", "The body is not a JSON Patch")
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	old, e := s.toChange(r, kind, id)
	if e != nil {
		return nil, e
	}
	if old.deleted() {
		return nil, gone()
	}
	if s.cfg.Oracle {
		if raw, e = oraclePatch(old.current().raw, raw); e != nil {
			return nil, e
		}
		if ops, err = jsonpatch.DecodePatch(raw); err != nil {
			return nil, problem(http.StatusBadRequest, "structure", "The body is not a JSON Patch")
		}
	}
	changed, err := ops.Apply(old.current().raw)
	if err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "processing", "The patch does not apply: "+err.Error())
	}
	if gjson.GetBytes(changed, "id").String() != id {
		return nil, problem(http.StatusBadRequest, "invalid", "A patch must not change the id")
	}
	if e := s.acceptable(kind, id, changed); e != nil {
		return nil, e
	}
	return s.put(http.MethodPatch, kind, id, changed), nil
}

// remove is https://hl7.org/fhir/R4/http.html#delete.
func (s *FHIRServer) remove(r *http.Request, kind, id string) (*fhirAnswer, *fhirProblem) {
	s.writing.Lock()
	defer s.writing.Unlock()
	old, e := s.find(kind, id)
	if e != nil {
		return nil, e
	}
	if e := s.precondition(r, old); e != nil {
		return nil, e
	}
	if !old.deleted() {
		s.put(http.MethodDelete, kind, id, nil)
	}
	return &fhirAnswer{status: http.StatusNoContent}, nil
}

// toChange returns the record that a PUT or PATCH is about, if its If-Match holds.
// The caller holds writing, so that nothing changes until it has written.
func (s *FHIRServer) toChange(r *http.Request, kind, id string) (*fhirRecord, *fhirProblem) {
	if s.cfg.RequireIfMatch && r.Header.Get("If-Match") == "" {
		return nil, problem(http.StatusPreconditionFailed, "required", "If-Match is required")
	}
	old, e := s.find(kind, id)
	if e != nil {
		return nil, e
	}
	return old, s.precondition(r, old)
}

func (s *FHIRServer) find(kind, id string) (*fhirRecord, *fhirProblem) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.record(kind, id)
	if r == nil {
		return nil, problem(http.StatusNotFound, "not-found", "Resource "+kind+"/"+id+" is not known")
	}
	return r, nil
}

func (s *FHIRServer) precondition(r *http.Request, old *fhirRecord) *fhirProblem {
	match := r.Header.Get("If-Match")
	if match == "" || match == etag(old.version()) || s.cfg.NoVersions {
		return nil
	}
	return problem(s.cfg.ConflictStatus, "conflict", "The resource has version "+strconv.Itoa(old.version()))
}

// body reads a request of one of the media types and holds it to be a JSON object.
func body(r *http.Request, types ...string) ([]byte, *fhirProblem) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	ok := false
	for _, t := range types {
		ok = ok || t == media
	}
	if charset := params["charset"]; err != nil || !ok || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, problem(http.StatusUnsupportedMediaType, "not-supported", "Content-Type must be "+types[0])
	}
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxResource))
	if err != nil {
		return nil, problem(http.StatusRequestEntityTooLarge, "too-long", "The body could not be read to its end")
	}
	if !json.Valid(raw) {
		return nil, problem(http.StatusBadRequest, "structure", "The body is not JSON")
	}
	return raw, nil
}

// acceptable holds a resource against what this server was told to enforce.
func (s *FHIRServer) acceptable(kind, id string, raw []byte) *fhirProblem {
	if got := gjson.GetBytes(raw, "resourceType").String(); got != kind {
		return problem(http.StatusBadRequest, "invalid", "The body is a '"+got+"', the URL says '"+kind+"'")
	}
	if s.cfg.ReferentialIntegrity {
		s.mu.RLock()
		lost := s.dangling(gjson.ParseBytes(raw))
		s.mu.RUnlock()
		if lost != "" {
			return problem(http.StatusUnprocessableEntity, "business-rule", "Resource "+lost+" not found")
		}
	}
	if s.cfg.Validate != nil {
		if err := s.cfg.Validate(stamp(raw, id, 1, s.cfg.Clock().UTC())); err != nil {
			return problem(http.StatusUnprocessableEntity, "invalid", err.Error())
		}
	}
	return nil
}

// dangling returns the first reference to a resource of this server that is not
// there. Contained, absolute, logical and conditional references are not its business.
func (s *FHIRServer) dangling(v gjson.Result) string {
	lost := ""
	v.ForEach(func(k, member gjson.Result) bool {
		if member.IsObject() || member.IsArray() {
			lost = s.dangling(member)
			return lost == ""
		}
		if k.String() != "reference" {
			return true
		}
		kind, id, ok := cutRef(strings.TrimPrefix(member.String(), s.URL()+"/"))
		if r := s.record(kind, id); ok && (r == nil || r.deleted()) {
			lost = kind + "/" + id
		}
		return lost == ""
	})
	return lost
}

var relativeRef = regexp.MustCompile(`^([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/.+)?$`)

// cutRef splits "Type/id", with or without a version.
func cutRef(ref string) (kind, id string, ok bool) {
	m := relativeRef.FindStringSubmatch(ref)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}
