package fhirserver

import (
	"context"
	"net/http"
)

// Patch implements pipeline.FHIRServer. Without a version there is nothing to
// compare, and the patch could undo what a person has done: it is Refused before it is
// sent, with the code of a server that insists on If-Match, 428.
func (c *Client) Patch(ctx context.Context, ref, version string, patch []byte) error {
	return c.change(ctx, "fhirserver.patch", http.MethodPatch, patchJSON, ref, version, patch)
}
