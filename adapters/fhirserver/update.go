package fhirserver

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Update implements pipeline.FHIRServer. Like Patch it is Refused before it is sent if there is no version to compare.
// https://hl7.org/fhir/R4/http.html#update
func (c *Client) Update(ctx context.Context, ref, version string, body []byte) error {
	return c.change(ctx, "fhirserver.update", http.MethodPut, fhirJSON, ref, version, body)
}

// change sends a PUT or PATCH with If-Match.
func (c *Client) change(ctx context.Context, op, method, contentType, ref, version string, body []byte) error {
	name, ok := c.name(ref)
	if !ok {
		return badReference(op)
	}
	if version == "" || strings.ContainsFunc(version, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
		return &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: "no_version", Code: statusCode(http.StatusPreconditionRequired)}
	}
	a, err := c.do(ctx, request{
		op: op, method: method, url: c.at(name), body: body, acts: true,
		header: map[string]string{"Content-Type": contentType, "If-Match": `W/"` + version + `"`, "Prefer": "return=minimal"},
	})
	if err != nil {
		return err
	}
	if !a.fhirOrEmpty() {
		return notFHIR(op, a)
	}
	return nil
}

// Post implements pipeline.FHIRServer. What was created and is not named by the answer has no reference.
func (c *Client) Post(ctx context.Context, body []byte) (string, error) {
	const op = "fhirserver.post"
	h, err := fhir.Peek(body)
	if err != nil {
		return "", &pipeline.Error{Op: op, Kind: pipeline.Malformed, Reason: "not_fhir"}
	}
	a, err := c.do(ctx, request{
		op: op, method: http.MethodPost, url: c.at(h.Type), body: body, acts: true,
		header: map[string]string{"Content-Type": fhirJSON, "Prefer": "return=minimal"},
	})
	if err != nil {
		return "", err
	}
	ref := a.names(h.Type)
	if ref == "" && a.status != http.StatusCreated {
		return "", notFHIR(op, a)
	}
	return ref, nil
}

// Search implements pipeline.FHIRServer.
func (c *Client) Search(ctx context.Context, resourceType, condition string) (found []pipeline.Versioned, err error) {
	const op = "fhirserver.search"
	criteria := url.Values{}
	for part := range strings.SplitSeq(condition, "&") {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: "bad_search"}
		}
		criteria.Add(name, value)
	}
	err = c.search(ctx, query{op: op, typ: resourceType, criteria: criteria}, func(m match) bool {
		found = append(found, pipeline.Versioned{Resource: m.raw, Version: m.header.Version})
		return true
	})
	if err != nil { // some of them are not all of them
		return nil, err
	}
	return found, nil
}
