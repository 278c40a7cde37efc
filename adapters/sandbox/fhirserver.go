package sandbox

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// FHIRConfig describes a FHIR R4 server. The zero value is an open server that
// takes everything R4 allows.
type FHIRConfig struct {
	// Listen is host:port; empty takes any free port of 127.0.0.1.
	Listen string
	// Token is the bearer token that all requests but metadata must carry; empty asks for none.
	Token string
	// Basic, if not nil, is the user whom all requests but metadata must name instead.
	Basic *FHIRUser
	// SMART, if not nil, makes the server grant tokens itself, and ask for one with the scope of each request.
	SMART *SMARTConfig
	// TLS, if not nil, is what the server speaks; it may ask for certificates.
	TLS *tls.Config
	// Validate looks at each resource as it would be stored, with id and meta; its error
	// is answered with 422. nil checks only that it is JSON of the right type.
	Validate func(raw []byte) error
	// ReadOnly refuses all writes, NoPatch only PATCH, both with 405.
	ReadOnly, NoPatch bool
	// NoUpdate refuses PUT with 405. NoConditionalCreate passes over If-None-Exist, as servers do that do not know it.
	NoUpdate, NoConditionalCreate bool
	// NoIdentifierSearch refuses to search by identifier; NoVersions tells no versions apart.
	NoIdentifierSearch, NoVersions bool
	// Creates and Patches are the only types that are created and patched; all if there are none.
	Creates, Patches []string
	// Oracle refuses what Oracle Health Millennium refuses; it implies some of the above.
	Oracle bool
	// NoBatch refuses batches, and does not declare them.
	NoBatch bool
	// UpdateCreate lets PUT create a resource under the client's id; otherwise 404.
	UpdateCreate bool
	// RequireIfMatch refuses PUT and PATCH without If-Match with 412, as Oracle Health does.
	RequireIfMatch bool
	// ConflictStatus answers a stale If-Match: 412 as R4 says (the default), or 409 as HAPI and Oracle do.
	ConflictStatus int
	// ReferentialIntegrity refuses references to resources of this server that do not exist (422).
	ReferentialIntegrity bool
	// PageSize is the number of matches in a page if _count does not say; default 20.
	PageSize int
	// Latency is the time between a request's effect and its answer.
	Latency time.Duration
	// Clock gives meta.lastUpdated; default time.Now. It is called from several goroutines.
	Clock func() time.Time
	// OnWrite is called for each write over HTTP that changed something: its method,
	// "Type/id", and the resource as stored (nil for DELETE). Like OnChange it is called
	// in the order of the writes, before the answer; it may read from the server, but not write.
	OnWrite func(method, ref string, raw []byte)
	// OnChange is called for each change, also by Seed: what a subscription would tell.
	OnChange func(FHIRChange)
}

// FHIRChange is one new version of one resource.
type FHIRChange struct {
	// Method is POST, PUT, PATCH or DELETE; "" for Seed.
	Method            string
	Type, ID, Version string
	LastUpdated       time.Time
	// Raw is the resource as stored; nil for DELETE.
	Raw json.RawMessage
}

// Ref returns "Type/id".
func (c FHIRChange) Ref() string { return c.Type + "/" + c.ID }

// fhirTypes are the resources served here; all others are unknown to this server.
var fhirTypes = map[string]bool{
	"Appointment": true, "AppointmentResponse": true, "Binary": true, "CareTeam": true, "Communication": true,
	"CommunicationRequest": true, "Consent": true, "Device": true, "DiagnosticReport": true, "DocumentReference": true,
	"Encounter": true, "Flag": true, "HealthcareService": true, "Location": true, "Observation": true,
	"Organization": true, "Patient": true, "Practitioner": true, "PractitionerRole": true, "Provenance": true,
	"Questionnaire": true, "QuestionnaireResponse": true, "RelatedPerson": true, "Schedule": true,
	"ServiceRequest": true, "Slot": true, "Task": true,
}

// FHIRServer is a FHIR R4 REST server under /fhir: read, vread, history, search,
// create, conditional create, update, JSON Patch, delete and batch.
// See https://hl7.org/fhir/R4/http.html.
type FHIRServer struct {
	cfg     FHIRConfig
	server  *server
	changed bell

	writing sync.Mutex // one write at a time, its hooks included: that keeps hooks in order
	mu      sync.RWMutex
	types   map[string]*fhirTable
	serial  int
	request int
	fail    func(FHIRRequest) *FHIRFault

	authority *authority // nil without SMART
}

// NewFHIRServer starts a server. It fails only if the socket is taken.
func NewFHIRServer(cfg FHIRConfig) (*FHIRServer, error) {
	if cfg.Oracle {
		cfg.oracle()
	}
	setDefault(&cfg.ConflictStatus, http.StatusPreconditionFailed)
	setDefault(&cfg.PageSize, 20)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	s := &FHIRServer{cfg: cfg, types: map[string]*fhirTable{}}
	for t := range fhirTypes {
		s.types[t] = &fhirTable{byID: map[string]*fhirRecord{}, identifiers: map[string][]string{}}
	}
	if cfg.SMART != nil {
		s.authority = newAuthority(*cfg.SMART, cfg.Clock)
	}
	srv, err := serveTLS(cfg.Listen, s, cfg.TLS)
	if err != nil {
		return nil, err
	}
	s.server = srv
	return s, nil
}

const fhirBase = "/fhir"

// URL returns the base, without a slash at its end.
func (s *FHIRServer) URL() string { return s.server.url() + fhirBase }

// Await returns nil once cond holds. It looks again after each change and gives up
// with ctx. cond may call any method.
func (s *FHIRServer) Await(ctx context.Context, cond func() bool) error {
	return s.changed.await(ctx, cond)
}

// Close cuts all connections; what was stored stays readable.
func (s *FHIRServer) Close() error { return s.server.close() }

// ServeHTTP implements http.Handler.
func (s *FHIRServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if s.authority != nil && s.authority.serve(rw, r, s.server.url()) {
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, fhirBase+"/")
	ofBase := strings.TrimSuffix(r.URL.Path, "/") == fhirBase
	if !ok && !ofBase {
		s.refuse(rw, problem(http.StatusNotFound, "not-found", "The base of this server is "+fhirBase))
		return
	}
	if rest == "metadata" && r.Method == http.MethodGet {
		s.serveMetadata(rw)
		return
	}
	r, refused := s.admit(r)
	if refused != nil {
		s.refuse(rw, refused)
		return
	}
	p := strings.Split(rest, "/")
	if ofBase {
		p = []string{bundleType}
	}
	f := s.fault(r, p)
	f.wait(r.Context())
	if f.instead() && !f.Act {
		s.answerFault(rw, f)
		return
	}
	a, e := s.act(r, p, ofBase)
	pause(r.Context(), s.cfg.Latency)
	switch {
	case f.instead():
		s.answerFault(rw, f)
	case e != nil:
		s.refuse(rw, e)
	default:
		if f.NoLocation {
			a.location = ""
		}
		if f.Half {
			s.writeHalf(rw, a)
		}
		s.write(rw, r, a)
	}
}

// act does what the request asks for: of the base itself, only a batch.
func (s *FHIRServer) act(r *http.Request, p []string, ofBase bool) (*fhirAnswer, *fhirProblem) {
	if ofBase && r.Method == http.MethodPost {
		return s.batch(r)
	}
	return s.route(r, p)
}

// route does what a path stands for.
func (s *FHIRServer) route(r *http.Request, p []string) (*fhirAnswer, *fhirProblem) {
	table := s.types[p[0]]
	if table == nil {
		return nil, problem(http.StatusNotFound, "not-supported", "Unknown resource type '"+p[0]+"'")
	}
	if e := permitted(r, p); e != nil {
		return nil, e
	}
	searching := r.Method == http.MethodPost && len(p) == 2 && p[1] == "_search"
	if !searching && r.Method != http.MethodGet && !s.takes(r.Method, p[0]) {
		return nil, notAllowed("GET")
	}
	switch shape := r.Method + strings.Repeat("/", len(p)); {
	case shape == "GET/" || searching:
		return s.search(r, p[0])
	case shape == "POST/":
		return s.create(r, p[0])
	case shape == "GET//":
		return s.read(r, p[0], p[1])
	case shape == "PUT//":
		return s.update(r, p[0], p[1])
	case shape == "PATCH//":
		return s.patch(r, p[0], p[1])
	case shape == "DELETE//":
		return s.remove(r, p[0], p[1])
	case shape == "GET///" && p[2] == "_history":
		return s.history(p[0], p[1])
	case shape == "GET////" && p[2] == "_history":
		return s.vread(p[0], p[1], p[3])
	}
	return nil, notAllowed("GET, POST, PUT, PATCH, DELETE")
}

// takes reports whether a type can be written by a method.
func (s *FHIRServer) takes(method, kind string) bool {
	c := s.cfg
	among := func(list []string) bool { return list == nil || slices.Contains(list, kind) }
	switch method {
	case http.MethodPost:
		return !c.ReadOnly && among(c.Creates)
	case http.MethodPut:
		return !c.ReadOnly && !c.NoUpdate
	case http.MethodPatch:
		return !c.ReadOnly && !c.NoPatch && among(c.Patches)
	case http.MethodDelete:
		return !c.ReadOnly && !c.Oracle
	}
	return false
}

func notAllowed(allow string) *fhirProblem {
	e := problem(http.StatusMethodNotAllowed, "not-supported", "This interaction is not supported here")
	e.allow = allow
	return e
}
