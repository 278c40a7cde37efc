package fhirserver

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

var _ pipeline.DocumentSource = (*Client)(nil)

// contentTimeout is the least that a document may take.
const contentTimeout = 30 * time.Second

// Content implements pipeline.DocumentSource. A server that does not give out bytes is asked for the Binary that they are
// in (https://hl7.org/fhir/R4/binary.html#rest).
func (c *Client) Content(ctx context.Context, ref, contentType string, most int) ([]byte, error) {
	const op = "fhirserver.content"
	u, err := c.base.JoinPath("/").Parse(ref)
	if err != nil || ref == "" {
		return nil, badReference(op)
	}
	if !c.own(u) || u.User != nil {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: pipeline.ReasonForeignHost}
	}
	u.Fragment = ""
	ask := func(accept string) (answer, error) {
		return c.do(ctx, request{
			op: op, method: http.MethodGet, url: u.String(), header: map[string]string{"Accept": accept},
			most: most/2*3 + maxOutcome, limit: contentTimeout, // as base64 it is longer
		})
	}
	a, err := ask(contentType)
	var e *pipeline.Error
	if errors.As(err, &e) && e.Code == statusCode(http.StatusNotAcceptable) {
		a, err = ask(fhirJSON)
	}
	if err != nil {
		if errors.As(err, &e) && e.Reason == reasonRedirect {
			err = &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: pipeline.ReasonForeignHost}
		}
		return nil, err
	}
	content := a.body
	if kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); kind == fhirJSON || kind == "application/json" {
		if content, err = unwrap(a); err != nil {
			return nil, err
		}
	}
	if len(content) > most {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: pipeline.ReasonTooLarge, Code: statusCode(a.status)}
	}
	return content, nil
}

// unwrap returns the content of a Binary.
func unwrap(a answer) ([]byte, error) {
	var binary struct {
		ResourceType string `json:"resourceType"`
		Data         string `json:"data"`
	}
	if json.Unmarshal(a.body, &binary) != nil || binary.ResourceType != "Binary" {
		return nil, notFHIR("fhirserver.content", a)
	}
	content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(binary.Data), ""))
	if err != nil {
		return nil, &pipeline.Error{Op: "fhirserver.content", Kind: pipeline.Refused, Reason: fhir.RuleBadBase64, Path: "Binary.data"}
	}
	return content, nil
}

// Consents implements pipeline.DocumentSource. One that cannot be read fails the call: it may be the one that denies.
func (c *Client) Consents(ctx context.Context, patient string) ([]*fhir.Consent, error) {
	const op = "fhirserver.consents"
	name, ok := c.name(patient)
	if !ok {
		return nil, badReference(op)
	}
	var list []*fhir.Consent
	var bad error
	err := c.search(ctx, query{op: op, typ: "Consent", criteria: url.Values{"patient": {name}, "status": {"active"}}}, func(m match) bool {
		decoded, err := fhir.Decode(m.raw)
		consent, ok := decoded.(*fhir.Consent)
		if err != nil || !ok {
			bad = &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: "bad_consent"}
			return false
		}
		list = append(list, consent)
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}
