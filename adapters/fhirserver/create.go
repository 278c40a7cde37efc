package fhirserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const opCreate = "fhirserver.create"

// Create implements pipeline.FHIRServer. It must not be called twice at the same time with one
// identifier; one call after the other is safe. See the package's promise.
//
// ifNoneExist stands in a header, and in the URL of a search by GET, which every server takes; both are logged on the
// way. It holds nothing of a person: pipeline.Filing puts an identifier of its own there.
//
// Where the server says that there are several already, the oldest is returned: a
// third would help nobody.
func (c *Client) Create(ctx context.Context, body []byte, ifNoneExist string) (string, error) {
	h, err := fhir.Peek(body)
	if err != nil {
		return "", &pipeline.Error{Op: opCreate, Kind: pipeline.Malformed, Reason: "not_fhir"}
	}
	id, ok := parseIdentifier(ifNoneExist)
	if !ok {
		return "", &pipeline.Error{Op: opCreate, Kind: pipeline.Malformed, Reason: "no_identifier"}
	}
	key := h.Type + "?" + ifNoneExist
	doubted, conditional := c.doubts.about(key), c.declared.Load().createsConditionally(h.Type)
	if doubted || !conditional {
		ref, err := c.oldest(ctx, h.Type, id)
		switch {
		case ref != "":
			c.doubts.settle(key)
			return ref, nil
		case unsupported(err) && (conditional || !doubted): // the server's own condition has to do
		case err != nil:
			return "", err
		}
	}
	c.doubts.raise(key) // until there is an answer
	ref, clear, err := c.post(ctx, h.Type, body, id)
	if err == nil || clear && !doubted { // a refusal now tells nothing about an earlier attempt
		c.doubts.settle(key)
	}
	return ref, err
}

// post asks the server to create, and finds out the name of what it has created
// or found. clear is set if the outcome is certain, be it good or bad.
func (c *Client) post(ctx context.Context, typ string, body []byte, id identifier) (ref string, clear bool, err error) {
	a, err := c.do(ctx, request{
		op: opCreate, method: http.MethodPost, url: c.at(typ), body: body, acts: true,
		header: map[string]string{
			"Content-Type": fhirJSON, "Prefer": "return=minimal",
			"If-None-Exist": encode(id.criteria()),
		},
	})
	return c.conclude(ctx, typ, id, a, err)
}

// conclude finds out what has come of a creation by what the server has said to it.
func (c *Client) conclude(ctx context.Context, typ string, id identifier, a answer, err error) (ref string, clear bool, _ error) {
	var refused *pipeline.Error
	if errors.As(err, &refused) {
		if refused.Code != "409" && refused.Code != "412" {
			return "", !refused.Unknown, err
		}
		// Several exist, or another request has just won.
		ref, searched := c.oldest(ctx, typ, id)
		if searched != nil || ref != "" {
			return ref, searched == nil, searched
		}
		return "", true, err
	}
	if ref := a.names(typ); ref != "" {
		return ref, true, nil
	}
	if a.status != http.StatusCreated && !a.fhirOrEmpty() {
		return "", false, notFHIR(opCreate, a)
	}
	if ref, err = c.oldest(ctx, typ, id); err != nil || ref != "" {
		return ref, err == nil, err
	}
	e := &pipeline.Error{Op: opCreate, Reason: string(pipeline.ReasonNoLocation), Code: statusCode(a.status), Unknown: true}
	if a.status == http.StatusCreated { // it is there, and will not be found: a repetition would double it
		e.Kind, e.Unknown = pipeline.Refused, false
	}
	return "", false, e
}

// names returns "Type/id" of what an answer is about: its Location, absolute or
// relative, with or without version, else its body; "" if it does not say.
func (a answer) names(typ string) string {
	for _, name := range []string{"Location", "Content-Location"} {
		u, err := url.Parse(a.header.Get(name))
		if err != nil {
			continue
		}
		// Behind a proxy the host may be another one; only the name counts.
		if r, ok := fhir.ParseReference("http://server/" + strings.TrimLeft(u.Path, "/")); ok && r.Type == typ && r.ID != "" {
			return r.String()
		}
	}
	if h, err := fhir.Peek(a.body); err == nil && h.Type == typ && h.ID != "" {
		return h.Ref()
	}
	return ""
}

// Find implements pipeline.FHIRServer.
func (c *Client) Find(ctx context.Context, resourceType, ifNoneExist string) (string, error) {
	id, ok := parseIdentifier(ifNoneExist)
	if !ok {
		return "", &pipeline.Error{Op: opCreate, Kind: pipeline.Malformed, Reason: "no_identifier"}
	}
	return c.oldest(ctx, resourceType, id)
}

// oldest returns the oldest resource with an identifier, "" if there is none. What
// is found is looked at: a server that does not search by identifier may answer
// with anything.
func (c *Client) oldest(ctx context.Context, typ string, id identifier) (string, error) {
	var found fhir.Header
	err := c.search(ctx, query{op: opCreate, typ: typ, criteria: id.criteria()}, func(m match) bool {
		if !id.of(m.raw) {
			return false // it is not searched by identifier: there is no evidence here
		}
		if found.ID == "" || m.header.LastUpdated.Before(found.LastUpdated) {
			found = m.header
		}
		return true
	})
	if err != nil || found.ID == "" {
		return "", err
	}
	return found.Ref(), nil
}

// identifier is what a resource is to be recognised by.
type identifier struct {
	system, value string
	// anySystem is set if there is only a value.
	anySystem bool
}

// parseIdentifier reads "identifier=system|value", not percent-encoded.
func parseIdentifier(condition string) (identifier, bool) {
	token, ok := strings.CutPrefix(condition, "identifier=")
	system, value, qualified := strings.Cut(token, "|")
	if !qualified {
		system, value = "", token
	}
	return identifier{system: system, value: value, anySystem: !qualified}, ok && value != ""
}

// criteria is the identifier as a search.
func (i identifier) criteria() url.Values {
	token := escape(i.value)
	if !i.anySystem {
		token = escape(i.system) + "|" + token
	}
	return url.Values{"identifier": {token}}
}

// escape keeps the signs that have a meaning in a search value
// (https://hl7.org/fhir/R4/search.html#escaping).
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `$`, `\$`, `|`, `\|`).Replace(s)
}

// of reports whether a resource has the identifier.
func (i identifier) of(resource json.RawMessage) bool {
	var r struct {
		Identifier json.RawMessage `json:"identifier"`
	}
	if json.Unmarshal(resource, &r) != nil {
		return false
	}
	var list []fhir.Identifier
	if json.Unmarshal(r.Identifier, &list) != nil { // in some resources there is only one
		list = make([]fhir.Identifier, 1)
		if json.Unmarshal(r.Identifier, &list[0]) != nil {
			return false
		}
	}
	for _, has := range list {
		if has.Value == i.value && (i.anySystem || has.System == i.system) {
			return true
		}
	}
	return false
}

// maxDoubts is how many unclear outcomes are remembered one by one.
const maxDoubts = 10_000

// doubts are the creations whose last outcome was unclear.
type doubts struct {
	mu  sync.Mutex
	set map[string]struct{}
	// all is set once there were too many to remember; then everything is in doubt.
	all bool
}

func (d *doubts) about(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.set[key]
	return ok || d.all
}

func (d *doubts) raise(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case len(d.set) >= maxDoubts:
		d.all = true
	case d.set == nil:
		d.set = map[string]struct{}{key: {}}
	default:
		d.set[key] = struct{}{}
	}
}

func (d *doubts) settle(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.set, key)
}
