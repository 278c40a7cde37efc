package fhirserver

import (
	"context"
	"net/http"
	"strings"

	"fhirbridge/pipeline"
)

// Patch implements pipeline.FHIRServer. Without a version there is nothing to
// compare, and the patch could undo what a person has done: it is Refused before it is
// sent, with the code of a server that insists on If-Match, 428.
func (c *Client) Patch(ctx context.Context, ref, version string, patch []byte) error {
	const op = "fhirserver.patch"
	name, ok := c.name(ref)
	if !ok {
		return badReference(op)
	}
	if version == "" || strings.ContainsFunc(version, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
		return &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: "no_version", Code: statusCode(http.StatusPreconditionRequired)}
	}
	a, err := c.do(ctx, request{
		op: op, method: http.MethodPatch, url: c.at(name), body: patch, acts: true,
		header: map[string]string{"Content-Type": patchJSON, "If-Match": `W/"` + version + `"`, "Prefer": "return=minimal"},
	})
	if err != nil {
		return err
	}
	if !a.fhirOrEmpty() {
		return notFHIR(op, a)
	}
	return nil
}
