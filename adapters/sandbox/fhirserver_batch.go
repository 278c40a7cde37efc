package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// maxEntries bounds a batch.
const maxEntries = 1000

// batch is https://hl7.org/fhir/R4/http.html#transaction: each entry is done by itself, in their order, and has an answer of its
// own. A transaction is refused: this server does not declare that it takes any.
func (s *FHIRServer) batch(r *http.Request) (*fhirAnswer, *fhirProblem) {
	if s.cfg.NoBatch || s.cfg.ReadOnly {
		return nil, notAllowed("GET")
	}
	raw, e := body(r, "application/fhir+json", "application/json")
	if e != nil {
		return nil, e
	}
	bundle := gjson.ParseBytes(raw)
	entries := bundle.Get("entry").Array()
	switch {
	case bundle.Get("resourceType").String() != "Bundle" || bundle.Get("type").String() != "batch":
		return nil, problem(http.StatusBadRequest, "not-supported", "Only a Bundle of type batch is taken here")
	case len(entries) > maxEntries:
		return nil, problem(http.StatusRequestEntityTooLarge, "too-costly", "The batch has too many entries")
	}
	type answer struct {
		Resource json.RawMessage `json:"resource,omitempty"`
		Response map[string]any  `json:"response"`
	}
	answers := make([]answer, len(entries))
	for i, entry := range entries {
		answers[i].Resource, answers[i].Response = s.entry(r, i, entry)
	}
	out, _ := json.Marshal(map[string]any{"resourceType": "Bundle", "type": "batch-response", "entry": answers})
	return &fhirAnswer{status: http.StatusOK, body: out}, nil
}

// entry does what one entry of a batch asks for. Faults are asked for it as for a request of its own; one that cuts the
// connection leaves its answer empty.
func (s *FHIRServer) entry(r *http.Request, number int, entry gjson.Result) (resource json.RawMessage, response map[string]any) {
	asked := entry.Get("request")
	to, err := url.Parse(fhirBase + "/" + asked.Get("url").String())
	if err != nil || asked.Get("method").String() == http.MethodPatch {
		return nil, refused(problem(http.StatusBadRequest, "not-supported", "That is no request for a batch of this server"))
	}
	q, err := http.NewRequestWithContext(r.Context(), asked.Get("method").String(), to.String(), bytes.NewReader([]byte(entry.Get("resource").Raw)))
	if err != nil {
		return nil, refused(problem(http.StatusBadRequest, "invalid", "That is no request"))
	}
	for header, value := range map[string]string{
		"Content-Type": "application/fhir+json", "Prefer": r.Header.Get("Prefer"),
		"If-None-Exist": asked.Get("ifNoneExist").String(), "If-Match": asked.Get("ifMatch").String(),
	} {
		if value != "" {
			q.Header.Set(header, value)
		}
	}
	path := strings.Split(strings.TrimPrefix(to.Path, fhirBase+"/"), "/")
	f := s.faultOf(q, path, number+1)
	f.wait(r.Context())
	var a *fhirAnswer
	var e *fhirProblem
	if !f.instead() || f.Act {
		a, e = s.route(q, path)
	}
	switch {
	case f.Cut:
		return nil, map[string]any{}
	case f.instead():
		return nil, refused(problem(f.Status, codeOf(f.Status), "As ordered."))
	case e != nil:
		return nil, refused(e)
	}
	response = map[string]any{"status": statusLine(a.status)}
	if a.version > 0 {
		response["etag"], response["lastModified"] = etag(a.version), a.updated
	}
	if a.location != "" && !f.NoLocation {
		response["location"] = a.location
	}
	if a.representation && strings.Contains(r.Header.Get("Prefer"), "return=minimal") {
		return nil, response
	}
	return a.body, response
}

func refused(e *fhirProblem) map[string]any {
	return map[string]any{
		"status": statusLine(e.status), "outcome": json.RawMessage(outcome("error", e.code, e.diagnostics, e.expression)),
	}
}

func statusLine(status int) string { return strconv.Itoa(status) + " " + http.StatusText(status) }
