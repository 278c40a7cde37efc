package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// SMARTConfig describes the authorisation of a server for one client
// (https://hl7.org/fhir/smart-app-launch/backend-services.html).
type SMARTConfig struct {
	ClientID string
	// JWKS is the client's key set as it was registered. Without it the set is fetched from JWKSURL, and again for a
	// key that is not in it.
	JWKS    []byte
	JWKSURL string
	// KeepJWKS is how long a set that was fetched is not fetched again, whatever key is asked for.
	KeepJWKS time.Duration
	// Scopes are what the client may have at most; nil gives it all that it asks for.
	Scopes []string
	// Algorithms are what it may sign with; default RS384 and ES384.
	Algorithms []string
	// Life is that of a token; default five minutes.
	Life time.Duration
	// ExpiresIn is said instead of Life, as JSON; "null" leaves it out.
	ExpiresIn string
	// TokenURL is named as the token endpoint instead of the server's own.
	TokenURL string
}

const (
	tokenPath     = "/oauth/token"
	discoveryPath = fhirBase + "/.well-known/smart-configuration"
)

// authority grants tokens.
type authority struct {
	cfg SMARTConfig
	now func() time.Time

	mu      sync.Mutex
	tokens  map[string]issued
	used    map[string]time.Time // jti to the end of its assertion
	signed  []string             // the keys of the assertions that were taken
	asked   int
	set     []byte
	fetched time.Time
	fail    func(number int) *Fault
}

// issued is what was granted with a token.
type issued struct {
	until  time.Time
	scopes []scope
}

// permits reports whether one of the letters of scopes may be done.
func (i issued) permits(kind string, letter rune) bool {
	return slices.ContainsFunc(i.scopes, func(s scope) bool {
		return (s.kind == "*" || s.kind == kind) && strings.ContainsRune(s.may, letter)
	})
}

// scope is one of SMART 2, or 1.
type scope struct{ text, kind, may string }

var scopeGrammar = regexp.MustCompile(`^system/(\*|[A-Z][A-Za-z]*)\.(c?r?u?d?s?|read|write|\*)$`)

func parseScope(text string) (scope, bool) {
	m := scopeGrammar.FindStringSubmatch(text)
	if m == nil || m[2] == "" {
		return scope{}, false
	}
	may := m[2]
	if letters, old := map[string]string{"read": "rs", "write": "cud", "*": "cruds"}[may]; old {
		may = letters
	}
	return scope{text, m[1], may}, true
}

func newAuthority(cfg SMARTConfig, now func() time.Time) *authority {
	setDefault(&cfg.Life, 5*time.Minute)
	if cfg.Algorithms == nil {
		cfg.Algorithms = []string{"RS384", "ES384"}
	}
	return &authority{cfg: cfg, now: now, tokens: map[string]issued{}, used: map[string]time.Time{}}
}

// RegisterJWKS says where the client's key set is, as its administrator would.
func (s *FHIRServer) RegisterJWKS(url string) {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	s.authority.cfg.JWKSURL, s.authority.set = url, nil
}

// SignedBy returns the key ids of the assertions for which tokens were granted, in that order.
func (s *FHIRServer) SignedBy() []string {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	return slices.Clone(s.authority.signed)
}

// TokenRequests returns how often a token was asked for.
func (s *FHIRServer) TokenRequests() int {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	return s.authority.asked
}

// Revoke ends all tokens, whatever was said of their life.
func (s *FHIRServer) Revoke() {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	clear(s.authority.tokens)
}

// FailToken sets the hook that decides for each request of a token, counted from 1, what goes wrong with it; nil is nothing.
func (s *FHIRServer) FailToken(hook func(number int) *Fault) {
	s.authority.mu.Lock()
	defer s.authority.mu.Unlock()
	s.authority.fail = hook
}

// serve answers what is about tokens, and reports whether that was it.
func (a *authority) serve(rw http.ResponseWriter, r *http.Request, root string) bool {
	endpoint := cmp.Or(a.cfg.TokenURL, root+tokenPath)
	switch {
	case r.URL.Path == discoveryPath && r.Method == http.MethodGet:
		answerJSON(rw, http.StatusOK, map[string]any{
			"token_endpoint": endpoint, "grant_types_supported": []string{"client_credentials"},
			"token_endpoint_auth_methods_supported":            []string{"private_key_jwt"},
			"token_endpoint_auth_signing_alg_values_supported": a.cfg.Algorithms,
			"capabilities": []string{"client-confidential-asymmetric", "permission-v1", "permission-v2"},
		})
	case r.URL.Path == tokenPath:
		a.mu.Lock()
		a.asked++
		number, hook := a.asked, a.fail
		a.mu.Unlock()
		f := &Fault{}
		if hook != nil {
			if ordered := hook(number); ordered != nil {
				f = ordered
			}
		}
		f.wait(r.Context())
		if f.instead() {
			f.answer(rw, func(status int) { answerJSON(rw, status, map[string]string{"error": "temporarily_unavailable"}) })
			return true
		}
		a.grant(rw, r, root+tokenPath)
	default:
		return false
	}
	return true
}

// grant is https://www.rfc-editor.org/rfc/rfc6749#section-4.4 with the client's signature for its secret.
func (a *authority) grant(rw http.ResponseWriter, r *http.Request, endpoint string) {
	refuse := func(status int, code, why string) {
		answerJSON(rw, status, map[string]string{"error": code, "error_description": why})
	}
	r.Body = http.MaxBytesReader(rw, r.Body, 64<<10)
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost || media != "application/x-www-form-urlencoded" || r.ParseForm() != nil || r.URL.RawQuery != "":
		refuse(http.StatusBadRequest, "invalid_request", "A form is to be posted")
		return
	case r.PostForm.Get("grant_type") != "client_credentials":
		refuse(http.StatusBadRequest, "unsupported_grant_type", "Only client_credentials are served")
		return
	case r.PostForm.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		refuse(http.StatusBadRequest, "invalid_client", "The client must sign")
		return
	}
	kid, why := a.verify(r.Context(), r.PostForm.Get("client_assertion"), endpoint)
	if why != "" {
		refuse(http.StatusUnauthorized, "invalid_client", why)
		return
	}
	granted := a.granted(r.PostForm.Get("scope"))
	if len(granted) == 0 {
		refuse(http.StatusBadRequest, "invalid_scope", "None of these scopes can be had")
		return
	}
	names := make([]string, len(granted))
	for i, s := range granted {
		names[i] = s.text
	}
	token := rand.Text()
	a.mu.Lock()
	a.tokens[token] = issued{a.now().Add(a.cfg.Life), granted}
	a.signed = append(a.signed, kid)
	a.mu.Unlock()
	answer := map[string]any{"access_token": token, "token_type": "bearer", "scope": strings.Join(names, " "), "expires_in": int(a.cfg.Life / time.Second)}
	switch a.cfg.ExpiresIn {
	case "":
	case "null":
		delete(answer, "expires_in")
	default:
		answer["expires_in"] = json.RawMessage(a.cfg.ExpiresIn)
	}
	rw.Header().Set("Cache-Control", "no-store")
	answerJSON(rw, http.StatusOK, answer)
}

// granted is what the client gets of what it asks for: of each type what it may have.
func (a *authority) granted(asked string) []scope {
	var list []scope
	for _, text := range strings.Fields(asked) {
		s, ok := parseScope(text)
		if !ok {
			return nil
		}
		if a.cfg.Scopes != nil {
			s.may = a.allowed(s)
			s.text = "system/" + s.kind + "." + s.may
		}
		if s.may != "" {
			list = append(list, s)
		}
	}
	return list
}

// allowed are the letters of a scope that the client may have.
func (a *authority) allowed(s scope) string {
	return strings.Map(func(letter rune) rune {
		for _, text := range a.cfg.Scopes {
			if has, ok := parseScope(text); ok && (has.kind == "*" || has.kind == s.kind) && strings.ContainsRune(has.may, letter) {
				return letter
			}
		}
		return -1
	}, s.may)
}

// keys are the client's key set. It is fetched where it is not registered, and again for a key that it lacks.
func (a *authority) keys(ctx context.Context, lacks bool) []byte {
	a.mu.Lock()
	set, url, old := a.set, a.cfg.JWKSURL, !a.now().Before(a.fetched.Add(a.cfg.KeepJWKS))
	a.mu.Unlock()
	if a.cfg.JWKS != nil {
		return a.cfg.JWKS
	}
	if set != nil && (!lacks || !old) {
		return set
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	set, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	a.mu.Lock()
	a.set, a.fetched = set, a.now()
	a.mu.Unlock()
	return set
}

func answerJSON(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(v) // where the client is gone, nobody is left to tell
}
