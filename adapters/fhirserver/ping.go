package fhirserver

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// capability is what is read of a CapabilityStatement
// (https://hl7.org/fhir/R4/capabilitystatement.html).
type capability struct {
	ResourceType string `json:"resourceType"`
	FHIRVersion  string `json:"fhirVersion"`
	Rest         []struct {
		Mode        string `json:"mode"`
		Interaction []struct {
			Code string `json:"code"`
		} `json:"interaction"`
		Resource []struct {
			Type              string  `json:"type"`
			ConditionalCreate bool    `json:"conditionalCreate"`
			UpdateCreate      bool    `json:"updateCreate"`
			Versioning        string  `json:"versioning"`
			Interaction       []coded `json:"interaction"`
			SearchParam       []struct {
				Name string `json:"name"`
			} `json:"searchParam"`
		} `json:"resource"`
	} `json:"rest"`
}

// createsConditionally reports whether the server has declared that it looks at
// If-None-Exist for a type. Until it has declared anything it has not.
func (s *capability) createsConditionally(typ string) bool {
	if s == nil {
		return false
	}
	for _, rest := range s.Rest {
		for _, r := range rest.Resource {
			if rest.Mode == "server" && r.Type == typ {
				return r.ConditionalCreate
			}
		}
	}
	return false
}

// Ping implements pipeline.FHIRServer. A server that is not of R4 (4.0) is Refused. What
// the server declares is kept for Create and Declared.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.Clock(ctx)
	return err
}

// Clock does what Ping does, and returns the server's clock: the Date of its answer, in whole seconds; zero if it has none.
func (c *Client) Clock(ctx context.Context) (time.Time, error) {
	const op = "fhirserver.ping"
	a, err := c.do(ctx, request{op: op, method: http.MethodGet, url: c.at("metadata")})
	if err != nil {
		return time.Time{}, err
	}
	s := &capability{}
	if json.Unmarshal(a.body, s) != nil || s.ResourceType != "CapabilityStatement" {
		return time.Time{}, notFHIR(op, a)
	}
	if s.FHIRVersion != "4.0" && !strings.HasPrefix(s.FHIRVersion, "4.0.") {
		return time.Time{}, &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: "wrong_fhir_version"}
	}
	c.declared.Store(s)
	date, _ := http.ParseTime(a.header.Get("Date"))
	return date, nil
}
