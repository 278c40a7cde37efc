package fhirserver

import (
	"context"
	"net/url"
	"strings"

	"fhirbridge/pipeline"
)

var _ pipeline.Relations = (*Client)(nil)

// RelatedPersons implements pipeline.Relations.
// https://hl7.org/fhir/R4/relatedperson.html#search
func (c *Client) RelatedPersons(ctx context.Context, patient string) (found []pipeline.Versioned, err error) {
	const op = "fhirserver.related_persons"
	name, ok := c.name(patient)
	if !ok || !strings.HasPrefix(name, "Patient/") {
		return nil, badReference(op)
	}
	err = c.search(ctx, query{op: op, typ: "RelatedPerson", criteria: url.Values{"patient": {name}}}, func(m match) bool {
		found = append(found, pipeline.Versioned{Resource: m.raw, Version: m.header.Version})
		return true
	})
	if err != nil { // some of them are not all of them
		return nil, err
	}
	return found, nil
}
