package fhirserver

import (
	"context"
	"errors"
	"net/http"

	"fhirbridge/pipeline"
)

// credentials are who we are, on each request anew. They are for the configured server only.
type credentials interface {
	// header returns the value of Authorization, "" for none. Failures are *pipeline.Error.
	header(ctx context.Context) (string, error)
	// refused is told that the server did not take a header (401), and reports whether there is another one.
	refused(header string) bool
}

func newCredentials(c *Client, a Auth) (credentials, error) {
	switch a.Type {
	case authBasic:
		return given(a.basic), nil
	case authBearer:
		return given(a.bearer), nil
	case authSMART:
		return newSMART(c, a)
	}
	return given(func() (string, error) { return "", nil }), nil
}

// given are credentials that the configuration or a file holds.
type given func() (string, error)

func (g given) header(context.Context) (string, error) {
	header, err := g()
	if err != nil { // its text holds no secret, but a path that helps nobody who reads a dead letter
		return "", &pipeline.Error{Op: "fhirserver.credentials", Reason: "token_unreadable", Halt: true}
	}
	return header, nil
}

// refused reports whether the file has changed meanwhile.
func (g given) refused(header string) bool {
	now, err := g()
	return err == nil && now != header
}

// authorised sends a request with our credentials. Where the server does not take them although they were good a moment ago,
// it is asked once more with new ones, and never a third time. A request that was refused with 401 has changed nothing.
func (c *Client) authorised(ctx context.Context, q request) (answer, error) {
	header, err := c.who.header(ctx)
	if err != nil {
		return answer{}, err
	}
	a, err := c.send(ctx, q, header)
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Code != statusCode(http.StatusUnauthorized) || !c.who.refused(header) {
		return a, err
	}
	if header, err = c.who.header(ctx); err != nil {
		return answer{}, err
	}
	return c.send(ctx, q, header)
}
