package fhirserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Read implements pipeline.FHIRServer. A reference to one version is read as one
// to the resource: what counts is what is true now.
func (c *Client) Read(ctx context.Context, ref string) (pipeline.Versioned, error) {
	return c.read(ctx, "fhirserver.read", ref)
}

func (c *Client) read(ctx context.Context, op, ref string) (pipeline.Versioned, error) {
	name, ok := c.name(ref)
	if !ok {
		return pipeline.Versioned{}, badReference(op)
	}
	a, err := c.do(ctx, request{op: op, method: http.MethodGet, url: c.at(name)})
	if err != nil {
		return pipeline.Versioned{}, err
	}
	h, err := fhir.Peek(a.body)
	if err != nil || h.Ref() != name || !json.Valid(a.body) {
		return pipeline.Versioned{}, notFHIR(op, a)
	}
	v := pipeline.Versioned{Resource: a.body, Version: h.Version}
	if v.Version == "" {
		v.Version = strings.Trim(strings.TrimPrefix(a.header.Get("ETag"), "W/"), `"`)
	}
	return v, nil
}

// name returns "Type/id" of a reference to a resource of our server.
func (c *Client) name(ref string) (string, bool) {
	r, ok := fhir.ParseReference(ref)
	if !ok || strings.Trim(r.ID, ".") == "" { // "Patient/.." is an id by its grammar, and another path in a URL
		return "", false
	}
	if r.URL != "" && !strings.HasPrefix(r.URL, c.at("")) {
		return "", false
	}
	return r.Type + "/" + r.ID, true
}

func badReference(op string) *pipeline.Error {
	return &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: "bad_reference"}
}

// notFHIR is for an answer that looks fine and is not what a FHIR server says: a
// login page, a proxy's apology. Those pass, or a person makes them pass.
func notFHIR(op string, a answer) *pipeline.Error {
	return &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: "not_fhir", Code: statusCode(a.status), Unknown: a.acted}
}

// Lookup implements pipeline.FHIRServer. What is found is kept for five minutes, that
// there is nothing for half a minute; other failures are not kept. Of concurrent
// misses of one reference one asks the server.
func (c *Client) Lookup(ctx context.Context, ref string) (pipeline.Versioned, error) {
	const op = "fhirserver.lookup"
	name, ok := c.name(ref)
	if !ok {
		return pipeline.Versioned{}, badReference(op)
	}
	if f, ok := c.cache.found(name); ok {
		return f.result()
	}
	// The first caller's context must not end the others' call; do limits its time.
	detached := context.WithoutCancel(ctx)
	done := c.cache.asking.DoChan(name, func() (any, error) {
		if f, ok := c.cache.found(name); ok { // another call has ended since we looked
			return f, nil
		}
		v, err := c.read(detached, op, name)
		var e *pipeline.Error
		gone := errors.As(err, &e) && (e.Code == "404" || e.Code == "410")
		if err != nil && !gone {
			return nil, err
		}
		f := finding{resource: v, missing: e}
		c.cache.keep(name, f)
		return f, nil
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return pipeline.Versioned{}, r.Err
		}
		f, _ := r.Val.(finding)
		return f.result()
	case <-ctx.Done():
		return pipeline.Versioned{}, &pipeline.Error{Op: op, Reason: "cancelled", Err: ctx.Err()}
	}
}
