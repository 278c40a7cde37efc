package sandbox

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// FHIRUser is somebody who may use the server.
type FHIRUser struct{ Name, Password string }

// admit asks who sends a request, and whether that one may do it. Of a refusal it returns the value of
// WWW-Authenticate, too.
func (s *FHIRServer) admit(r *http.Request, p []string) (challenge string, refusal *fhirProblem) {
	login := func(why string) *fhirProblem { return problem(http.StatusUnauthorized, "login", why) }
	switch {
	case s.authority != nil:
		return s.authority.admit(r, p)
	case s.cfg.Basic != nil:
		name, password, _ := r.BasicAuth()
		if !same(name, s.cfg.Basic.Name) || !same(password, s.cfg.Basic.Password) {
			return `Basic realm="fhir"`, login("A user and a password are required")
		}
	case s.cfg.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.cfg.Token:
		return "Bearer", login("A valid access token is required")
	}
	return "", nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// admit holds the token of a request against what was granted.
func (a *authority) admit(r *http.Request, p []string) (string, *fhirProblem) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "Bearer", problem(http.StatusUnauthorized, "login", "An access token is required")
	}
	a.mu.Lock()
	issued, known := a.tokens[token]
	a.mu.Unlock()
	if !known || !a.now().Before(issued.until) {
		return `Bearer error="invalid_token"`, problem(http.StatusUnauthorized, "expired", "The access token is not valid any more")
	}
	if p[0] == bundleType {
		return "", nil // each of its entries is held against the scopes
	}
	for _, letter := range interaction(r, p) {
		if !issued.permits(p[0], letter) {
			return `Bearer error="insufficient_scope"`, problem(http.StatusForbidden, "forbidden", "The token's scopes do not permit that")
		}
	}
	return "", nil
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
