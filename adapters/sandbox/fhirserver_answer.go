package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const fhirJSON = "application/fhir+json;charset=utf-8"

// FHIRRequest is what a fault can be decided on.
type FHIRRequest struct {
	Method string
	// Type and ID are from the path; ID is empty for create and search. The Type of a batch is Bundle.
	Type, ID string
	// Entry is set for what an entry of a batch asks for: its place, from 1. The hook is asked for the batch before.
	Entry int
	// IfNoneExist and IfMatch are the headers as sent.
	IfNoneExist, IfMatch string
	// Number counts requests from 1; metadata and refused tokens do not count.
	Number int
}

// FHIRFault is what goes wrong with one request. The zero value is no fault.
type FHIRFault struct {
	Fault
	// NoLocation leaves the Location header out.
	NoLocation bool
	// Half closes the connection in the middle of the answer's body.
	Half bool
}

// Fail sets the hook that decides for each request what goes wrong with it; nil
// from the hook is no fault, a nil hook ends faults. It is called on the request's
// goroutine and may call any method.
func (s *FHIRServer) Fail(hook func(FHIRRequest) *FHIRFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = hook
}

// bundleType is the Type of a batch.
const bundleType = "Bundle"

// fault asks the hook; it never returns nil.
func (s *FHIRServer) fault(r *http.Request, p []string) *FHIRFault { return s.faultOf(r, p, 0) }

func (s *FHIRServer) faultOf(r *http.Request, p []string, entry int) *FHIRFault {
	s.mu.Lock()
	s.request++
	req := FHIRRequest{
		Method: r.Method, Type: p[0], IfNoneExist: r.Header.Get("If-None-Exist"), IfMatch: r.Header.Get("If-Match"), Number: s.request, Entry: entry,
	}
	hook := s.fail
	s.mu.Unlock()
	if len(p) > 1 && p[1] != "_search" {
		req.ID = p[1]
	}
	if hook != nil {
		if f := hook(req); f != nil {
			return f
		}
	}
	return &FHIRFault{}
}

func (s *FHIRServer) answerFault(rw http.ResponseWriter, f *FHIRFault) {
	f.answer(rw, func(status int) {
		s.refuse(rw, problem(status, codeOf(status), "As ordered."))
	})
}

// codeOf is the issue code of a fault.
func codeOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return "throttled"
	case status < http.StatusInternalServerError:
		return "processing"
	}
	return "exception"
}

// fhirAnswer is what a request led to.
type fhirAnswer struct {
	status         int
	ref            string // Type/id; empty for Bundles
	version        int
	updated        time.Time
	location       string
	body           []byte
	contentType    string // of the body; empty for FHIR's JSON
	representation bool   // body is a resource that Prefer may ask to leave out
}

// write sends a; see https://hl7.org/fhir/R4/http.html#ops for Prefer.
func (s *FHIRServer) write(rw http.ResponseWriter, r *http.Request, a *fhirAnswer) {
	h := rw.Header()
	if a.version > 0 && !s.cfg.NoVersions {
		h.Set("ETag", etag(a.version))
		h.Set("Last-Modified", a.updated.UTC().Format(http.TimeFormat))
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	body := a.body
	if a.representation {
		switch prefer := r.Header.Get("Prefer"); {
		case strings.Contains(prefer, "return=minimal"):
			body = nil
		case strings.Contains(prefer, "return=OperationOutcome"):
			body = outcome("information", "informational", "Done.", "")
		}
	}
	if len(body) > 0 {
		h.Set("Content-Type", cmp.Or(a.contentType, fhirJSON))
	}
	rw.WriteHeader(a.status)
	_, _ = rw.Write(body) // where the client is gone, nobody is left to tell
}

// writeHalf sends the first half of a and cuts the connection.
func (s *FHIRServer) writeHalf(rw http.ResponseWriter, a *fhirAnswer) {
	rw.Header().Set("Content-Type", fhirJSON)
	rw.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	rw.WriteHeader(a.status)
	_, _ = rw.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(rw).Flush()
	panic(http.ErrAbortHandler)
}

func etag(version int) string { return `W/"` + strconv.Itoa(version) + `"` }

// fhirProblem is an error that is answered with an OperationOutcome.
type fhirProblem struct {
	status      int
	code        string // from http://hl7.org/fhir/issue-type
	diagnostics string
	expression  string
	allow       string
	challenge   string // WWW-Authenticate
}

// problem describes a refusal. Diagnostics may quote the request, as those of real
// servers do: a client that logs them is caught doing so.
func problem(status int, code, diagnostics string) *fhirProblem {
	return &fhirProblem{status: status, code: code, diagnostics: diagnostics}
}

func (s *FHIRServer) refuse(rw http.ResponseWriter, e *fhirProblem) {
	if e.allow != "" {
		rw.Header().Set("Allow", e.allow)
	}
	if e.challenge != "" {
		rw.Header().Set("WWW-Authenticate", e.challenge)
	}
	rw.Header().Set("Content-Type", fhirJSON)
	rw.WriteHeader(e.status)
	_, _ = rw.Write(outcome("error", e.code, e.diagnostics, e.expression))
}

func outcome(severity, code, diagnostics, expression string) []byte {
	type issue struct {
		Severity    string   `json:"severity"`
		Code        string   `json:"code"`
		Diagnostics string   `json:"diagnostics,omitempty"`
		Expression  []string `json:"expression,omitempty"`
	}
	i := issue{Severity: severity, Code: code, Diagnostics: diagnostics}
	if expression != "" {
		i.Expression = []string{expression}
	}
	b, _ := json.Marshal(map[string]any{"resourceType": "OperationOutcome", "issue": []issue{i}})
	return b
}
