package fhirserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fhirbridge/pipeline"
)

const (
	opToken = "fhirserver.token"

	// assertionLife is how long what we sign counts, from a moment ago because clocks differ: together below the five
	// minutes that are allowed.
	assertionLife, assertionPast = 4 * time.Minute, 30 * time.Second
	// assertionType is that of https://www.rfc-editor.org/rfc/rfc7523#section-2.2.
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// maxToken is the length of a token that fits into a header.
	maxToken = 32 << 10
)

// grant is what is read of a token endpoint's answer (https://www.rfc-editor.org/rfc/rfc6749#section-5).
type grant struct {
	AccessToken string          `json:"access_token"`
	TokenType   string          `json:"token_type"`
	ExpiresIn   json.RawMessage `json:"expires_in"`
	Scope       string          `json:"scope"`
	Error       string          `json:"error"`
}

// refusals are the errors of OAuth. Others are the server's own words and are not repeated.
var refusals = map[string]bool{
	"invalid_request": true, "invalid_client": true, "invalid_grant": true, "unauthorized_client": true,
	"unsupported_grant_type": true, "invalid_scope": true,
}

// reasonAway is for a token endpoint or a discovery that leads elsewhere. It is not that of the FHIR server's own requests,
// which says something about these.
const reasonAway = "token_redirect_refused"

// life is how long the token may be used. Some servers say it as a string.
func (g grant) life() time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(g.ExpiresIn), `"`), 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 {
		return tokenLife
	}
	return max(minTokenLife, time.Duration(min(seconds, maxTokenLife.Seconds())*float64(time.Second)))
}

// request asks the token endpoint once. Nothing of its failures is Unknown: the FHIR server has done nothing yet. Their codes are not
// those of the FHIR server, and never look like it.
func (s *smart) request(ctx context.Context) (grant, *pipeline.Error) {
	endpoint, e := s.where(ctx)
	if e != nil {
		return grant{}, e
	}
	form, err := s.form(endpoint)
	if err != nil {
		return grant{}, &pipeline.Error{Op: opToken, Reason: "not_signed", Halt: true}
	}
	status, header, body, e := s.call(ctx, s.tokens, http.MethodPost, endpoint, form)
	if e != nil {
		return grant{}, e
	}
	var g grant
	readable := json.Unmarshal(body, &g) == nil
	e = &pipeline.Error{Op: opToken, Code: "token " + statusCode(status)}
	wait, told := s.wait(header.Get("Retry-After"))
	switch {
	case status == http.StatusTooManyRequests, status >= 500 && told:
		e.Kind, e.Reason, e.After = pipeline.Throttled, "throttled", wait
	case status >= 500, status == http.StatusRequestTimeout:
		e.Reason = "token_unavailable"
	case status >= 300 && status < 400:
		e.Reason = reasonAway
	case status >= 400:
		e.Reason, e.Halt = "token_refused", true
		if readable && refusals[g.Error] {
			e.Reason = g.Error
		}
	case !readable || !strings.EqualFold(g.TokenType, "bearer") || !isToken(g.AccessToken) || len(g.AccessToken) > maxToken:
		e.Reason = "not_a_token"
	default:
		return g, nil
	}
	return grant{}, e
}

// form is the request, signed (https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html).
func (s *smart) form(endpoint string) (url.Values, error) {
	key, now := s.keys.signing(), s.now()
	assertion := jwt.NewWithClaims(key.method, jwt.MapClaims{
		"iss": s.auth.ClientID, "sub": s.auth.ClientID, "aud": endpoint, "jti": rand.Text(),
		"exp": now.Add(assertionLife).Unix(), "iat": now.Add(-assertionPast).Unix(), "nbf": now.Add(-assertionPast).Unix(),
	})
	assertion.Header["kid"] = key.public.Kid
	signed, err := assertion.SignedString(key.private)
	return url.Values{
		"grant_type": {"client_credentials"}, "scope": {strings.Join(s.auth.Scopes, " ")},
		"client_assertion_type": {assertionType}, "client_assertion": {signed},
	}, err
}

// where is the token endpoint: the configured one, or that which the server names
// (https://hl7.org/fhir/smart-app-launch/conformance.html). It may be on another host, because the server says so over TLS;
// what goes there is an assertion that counts nowhere else. On this machine a server may also name this machine.
func (s *smart) where(ctx context.Context) (string, *pipeline.Error) {
	s.mu.Lock()
	known := s.endpoint
	if !s.now().Before(s.named) {
		known = ""
	}
	s.mu.Unlock()
	if endpoint := cmp.Or(s.auth.TokenURL, known); endpoint != "" {
		return endpoint, nil
	}
	status, _, body, e := s.call(ctx, s.discovery, http.MethodGet, s.base.JoinPath(".well-known/smart-configuration").String(), nil)
	if e != nil {
		return "", e
	}
	var said struct {
		TokenEndpoint string   `json:"token_endpoint"`
		Algorithms    []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	}
	e = &pipeline.Error{Op: opToken, Code: "discovery " + statusCode(status), Reason: "no_smart_configuration"}
	switch {
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
		e.Halt = true // it says nothing: token_url must
		return "", e
	case status != http.StatusOK || json.Unmarshal(body, &said) != nil:
		return "", e
	}
	u, err := url.Parse(said.TokenEndpoint)
	if err != nil || !secure(u) || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !onThisMachine(s.base.Hostname()) {
		e.Reason, e.Halt = "bad_token_endpoint", true
		return "", e
	}
	if !s.takes(said.Algorithms) {
		s.log.Warn("the FHIR server does not list the algorithm of our key", "algorithm", s.keys.signing().public.Alg)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoint, s.named = u.String(), s.now().Add(keepEndpoint)
	return s.endpoint, nil
}

// call sends a request that carries no token, and reads an answer of bounded size.
func (s *smart) call(ctx context.Context, client *http.Client, method, to string, form url.Values) (int, http.Header, []byte, *pipeline.Error) {
	r, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil { // its text holds the URL
		return 0, nil, nil, &pipeline.Error{Op: opToken, Reason: "bad_token_endpoint", Halt: true}
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "fhirbridge")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, nil, tokenSilence(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxOutcome))
	if err != nil {
		return 0, nil, nil, tokenSilence(ctx, err)
	}
	return resp.StatusCode, resp.Header, body, nil
}

// tokenSilence is silence for the token endpoint. Its time is ours, and not the caller's who gave up.
func tokenSilence(ctx context.Context, err error) *pipeline.Error {
	e := silence(ctx, request{op: opToken}, err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.Reason, e.Err = "timeout", nil
	case e.Reason == reasonRedirect:
		e.Reason = reasonAway
	}
	return e
}
