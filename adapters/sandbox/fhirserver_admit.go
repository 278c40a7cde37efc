package sandbox

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"
)

// FHIRUser is somebody who may use the server.
type FHIRUser struct{ Name, Password string }

// admit asks who sends a request, and returns it with what that one may do.
func (s *FHIRServer) admit(r *http.Request) (*http.Request, *fhirProblem) {
	switch {
	case s.authority != nil:
		return s.authority.admit(r)
	case s.cfg.Basic != nil:
		name, password, _ := r.BasicAuth()
		if !same(name, s.cfg.Basic.Name) || !same(password, s.cfg.Basic.Password) {
			return r, stranger(`Basic realm="fhir"`, "login", "A user and a password are required")
		}
	case s.cfg.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.cfg.Token:
		return r, stranger("Bearer", "login", "A valid access token is required")
	}
	return r, nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func stranger(challenge, code, why string) *fhirProblem {
	e := problem(http.StatusUnauthorized, code, why)
	e.challenge = challenge
	return e
}

// mayKey is where the context of a request has what its token permits.
type mayKey struct{}

// admit holds the token of a request against those that were granted.
func (a *authority) admit(r *http.Request) (*http.Request, *fhirProblem) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return r, stranger("Bearer", "login", "An access token is required")
	}
	a.mu.Lock()
	granted, known := a.tokens[token]
	a.mu.Unlock()
	if !known || !a.now().Before(granted.until) {
		return r, stranger(`Bearer error="invalid_token"`, "expired", "The access token is not valid any more")
	}
	return r.WithContext(context.WithValue(r.Context(), mayKey{}, granted)), nil
}

// permitted holds what is asked for against the scopes of the token, where there is one. It is asked for each entry of a
// batch, too.
func permitted(r *http.Request, p []string) *fhirProblem {
	granted, ok := r.Context().Value(mayKey{}).(issued)
	if !ok {
		return nil
	}
	for _, letter := range interaction(r, p) {
		if !granted.permits(p[0], letter) {
			e := problem(http.StatusForbidden, "forbidden", "The token's scopes do not permit that")
			e.challenge = `Bearer error="insufficient_scope"`
			return e
		}
	}
	return nil
}

// interaction is what a request does, in the letters of scopes: create, read, update, delete, search.
func interaction(r *http.Request, p []string) string {
	switch {
	case r.Method == http.MethodPost && len(p) == 2 && p[1] == "_search":
		return "s"
	case r.Method == http.MethodPost && r.Header.Get("If-None-Exist") != "":
		return "cs"
	case r.Method == http.MethodPost:
		return "c"
	case r.Method == http.MethodPut, r.Method == http.MethodPatch:
		return "u"
	case r.Method == http.MethodDelete:
		return "d"
	case len(p) == 1:
		return "s"
	}
	return "r"
}
