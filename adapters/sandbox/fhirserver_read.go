package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// read is https://hl7.org/fhir/R4/http.html#read, with If-None-Match.
func (s *FHIRServer) read(r *http.Request, kind, id string) (*fhirAnswer, *fhirProblem) {
	rec, e := s.find(kind, id)
	if e != nil {
		return nil, e
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if rec.deleted() {
		return nil, gone()
	}
	a := s.answerOf(kind, rec, http.StatusOK)
	a.location = ""
	if r.Header.Get("If-None-Match") == etag(a.version) {
		a.status, a.body = http.StatusNotModified, nil
	}
	a.representation = false // Prefer is about writes
	if accept := r.Header.Get("Accept"); kind == "Binary" && a.status == http.StatusOK && accept != "" && !strings.Contains(accept, "fhir") {
		a.bytesOf(gjson.ParseBytes(a.body))
	}
	return a, nil
}

// bytesOf makes the content of a Binary the answer, as https://hl7.org/fhir/R4/binary.html#rest has it.
func (a *fhirAnswer) bytesOf(binary gjson.Result) {
	content, err := base64.StdEncoding.DecodeString(binary.Get("data").String())
	if err == nil {
		a.body, a.contentType = content, binary.Get("contentType").String()
	}
}

func gone() *fhirProblem { return problem(http.StatusGone, "deleted", "The resource was deleted") }

// vread is https://hl7.org/fhir/R4/http.html#vread.
func (s *FHIRServer) vread(kind, id, version string) (*fhirAnswer, *fhirProblem) {
	rec, e := s.find(kind, id)
	if e != nil {
		return nil, e
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, err := strconv.Atoi(version)
	if err != nil || n < 1 || n > rec.version() {
		return nil, problem(http.StatusNotFound, "not-found", "There is no such version")
	}
	v := rec.versions[n-1]
	if v.raw == nil {
		return nil, gone()
	}
	return &fhirAnswer{status: http.StatusOK, version: n, updated: v.updated, body: v.raw}, nil
}

// bundle is a searchset or a history; see https://hl7.org/fhir/R4/bundle.html.
type bundle struct {
	Type  string        `json:"resourceType"`
	Kind  string        `json:"type"`
	Total int           `json:"total"`
	Link  []bundleLink  `json:"link,omitempty"`
	Entry []bundleEntry `json:"entry,omitempty"`
}

type bundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type bundleEntry struct {
	FullURL  string            `json:"fullUrl"`
	Resource json.RawMessage   `json:"resource,omitempty"`
	Search   map[string]string `json:"search,omitempty"`
	Request  map[string]string `json:"request,omitempty"`
	Response map[string]string `json:"response,omitempty"`
}

// history lists all versions, newest first, in one page.
func (s *FHIRServer) history(kind, id string) (*fhirAnswer, *fhirProblem) {
	rec, e := s.find(kind, id)
	if e != nil {
		return nil, e
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := bundle{Type: "Bundle", Kind: "history", Total: rec.version()}
	for i, v := range rec.versions {
		method, status, at := v.method, "200", kind+"/"+id
		switch {
		case method == "":
			method = http.MethodPut
		case v.raw == nil:
			status = "204"
		case method == http.MethodPost:
			at = kind
		}
		if i == 0 {
			status = "201"
		}
		b.Entry = append(b.Entry, bundleEntry{
			FullURL: s.URL() + "/" + kind + "/" + id, Resource: v.raw,
			Request:  map[string]string{"method": method, "url": at},
			Response: map[string]string{"status": status, "etag": etag(i + 1), "lastModified": v.updated.Format(time.RFC3339Nano)},
		})
	}
	slices.Reverse(b.Entry)
	body, _ := json.Marshal(b) // resources are known to be JSON
	return &fhirAnswer{status: http.StatusOK, body: body}, nil
}

// serveMetadata says what this server can do, as it is configured.
// See https://hl7.org/fhir/R4/capabilitystatement.html.
func (s *FHIRServer) serveMetadata(rw http.ResponseWriter) {
	versioning := "versioned"
	if s.cfg.RequireIfMatch {
		versioning = "versioned-update"
	}
	if s.cfg.NoVersions {
		versioning = "no-version"
	}
	var resources []map[string]any
	for _, kind := range sortedKeys(fhirTypes) {
		var params []map[string]string
		for _, name := range sortedKeys(searchParams(kind)) {
			if name == "identifier" && !s.identifies(kind) {
				continue
			}
			params = append(params, map[string]string{"name": name, "type": searchParams(kind)[name].kind})
		}
		resources = append(resources, map[string]any{
			"type": kind, "interaction": s.interactions(kind), "versioning": versioning, "readHistory": true,
			"updateCreate": s.cfg.UpdateCreate, "conditionalCreate": !s.cfg.ReadOnly && !s.cfg.NoConditionalCreate, "searchParam": params,
		})
	}
	whole := []map[string]string{}
	if !s.cfg.ReadOnly && !s.cfg.NoBatch {
		whole = append(whole, map[string]string{"code": "batch"})
	}
	body, _ := json.Marshal(map[string]any{
		"resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance",
		"implementation": map[string]string{"description": "Sandbox", "url": s.URL()},
		"fhirVersion":    "4.0.1", "format": []string{"application/fhir+json"},
		"patchFormat": []string{"application/json-patch+json"},
		"rest":        []any{map[string]any{"mode": "server", "resource": resources, "interaction": whole}},
	})
	rw.Header().Set("Content-Type", fhirJSON)
	_, _ = rw.Write(body)
}

// interactions are what can be done with resources of a type.
func (s *FHIRServer) interactions(kind string) []map[string]string {
	codes := []map[string]string{{"code": "read"}, {"code": "vread"}, {"code": "history-instance"}, {"code": "search-type"}}
	for _, write := range []struct{ method, code string }{
		{http.MethodPost, "create"}, {http.MethodPut, "update"}, {http.MethodDelete, "delete"}, {http.MethodPatch, "patch"},
	} {
		if s.takes(write.method, kind) {
			codes = append(codes, map[string]string{"code": write.code})
		}
	}
	return codes
}

// identifies reports whether resources of a type can be searched by identifier.
func (s *FHIRServer) identifies(kind string) bool {
	return !s.cfg.NoIdentifierSearch && (!s.cfg.Oracle || kind != "Communication")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
