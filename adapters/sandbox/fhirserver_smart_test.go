package sandbox_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// backend is a client of SMART Backend Services.
type backend struct {
	now  func() time.Time
	keys map[string]crypto.Signer
}

func newBackend(t *testing.T, now func() time.Time) *backend {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &backend{now: now, keys: map[string]crypto.Signer{"rsa": r, "ec": e}}
}

// set is its key set.
func (c *backend) set(t *testing.T, kids ...string) []byte {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	var keys []map[string]string
	for _, kid := range kids {
		switch k := c.keys[kid].(type) {
		case *rsa.PrivateKey:
			keys = append(keys, map[string]string{"kty": "RSA", "kid": kid, "n": encode(k.N.Bytes()), "e": encode(big.NewInt(int64(k.E)).Bytes())})
		case *ecdsa.PrivateKey:
			p, err := k.PublicKey.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, map[string]string{"kty": "EC", "kid": kid, "crv": "P-384", "x": encode(p[1:49]), "y": encode(p[49:])})
		}
	}
	set, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// ask posts an assertion that change has worked on, and returns the status and the answer.
func (c *backend) ask(t *testing.T, s *sandbox.FHIRServer, kid string, change func(*jwt.Token, jwt.MapClaims, url.Values)) (int, gjson.Result) {
	t.Helper()
	endpoint := strings.TrimSuffix(s.URL(), "/fhir") + "/oauth/token"
	claims := jwt.MapClaims{"iss": "bridge", "sub": "bridge", "aud": endpoint, "exp": c.now().Add(4 * time.Minute).Unix(), "jti": fmt.Sprint(time.Now().UnixNano())}
	token := jwt.NewWithClaims(jwt.SigningMethodRS384, claims)
	if kid == "ec" {
		token.Method = jwt.SigningMethodES384
	}
	token.Header["alg"], token.Header["kid"] = token.Method.Alg(), kid
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"system/Patient.rs"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	if change != nil {
		change(token, claims, form)
	}
	signed, err := token.SignedString(c.keys[kid])
	if err != nil {
		t.Fatal(err)
	}
	if !form.Has("client_assertion") {
		form.Set("client_assertion", signed)
	}
	status, _, body := call(t, http.MethodPost, endpoint, "application/x-www-form-urlencoded", form.Encode())
	return status, gjson.ParseBytes(body)
}

func TestSMARTVerifies(t *testing.T) {
	now := newClock()
	c := newBackend(t, now.now)
	strange := newBackend(t, now.now)
	s := newFHIR(t, sandbox.FHIRConfig{Clock: now.now, SMART: &sandbox.SMARTConfig{ClientID: "bridge", JWKS: c.set(t, "rsa", "ec")}})
	claim := func(name string, value any) func(*jwt.Token, jwt.MapClaims, url.Values) {
		return func(_ *jwt.Token, claims jwt.MapClaims, _ url.Values) { claims[name] = value }
	}
	form := func(name, value string) func(*jwt.Token, jwt.MapClaims, url.Values) {
		return func(_ *jwt.Token, _ jwt.MapClaims, form url.Values) { form.Set(name, value) }
	}
	unix := func(after time.Duration) int64 { return now.now().Add(after).Unix() }
	for _, test := range []struct {
		name, kid string
		change    func(*jwt.Token, jwt.MapClaims, url.Values)
		want      string
	}{
		{"RSA", "rsa", nil, ""},
		{"EC", "ec", nil, ""},
		{"somebody else", "rsa", claim("iss", "other"), "invalid_client"},
		{"for somebody else", "rsa", claim("sub", "other"), "invalid_client"},
		{"for another server", "rsa", claim("aud", "https://other.example.org/token"), "invalid_client"},
		{"over", "rsa", claim("exp", unix(-time.Second)), "invalid_client"},
		{"too long", "rsa", claim("exp", unix(301*time.Second)), "invalid_client"},
		{"too long since it was made", "rsa", claim("iat", unix(-2*time.Minute)), "invalid_client"},
		{"from the future", "rsa", claim("iat", unix(time.Minute)), "invalid_client"},
		{"no jti", "rsa", claim("jti", ""), "invalid_client"},
		{"unknown key", "rsa", func(token *jwt.Token, _ jwt.MapClaims, _ url.Values) { token.Header["kid"] = "other" }, "invalid_client"},
		{"key of another kind", "rsa", func(token *jwt.Token, _ jwt.MapClaims, _ url.Values) { token.Header["kid"] = "ec" }, "invalid_client"},
		{"no type", "rsa", func(token *jwt.Token, _ jwt.MapClaims, _ url.Values) { delete(token.Header, "typ") }, "invalid_client"},
		{"no signature", "rsa", form("client_assertion", "e30.e30."), "invalid_client"},
		{"no JWT", "rsa", form("client_assertion", "x"), "invalid_client"},
		{"by a secret", "rsa", form("client_assertion_type", "client_secret"), "invalid_client"},
		{"a password", "rsa", form("grant_type", "password"), "unsupported_grant_type"},
		{"no scope", "rsa", form("scope", ""), "invalid_scope"},
		{"scope of a user", "rsa", form("scope", "user/Patient.rs"), "invalid_scope"},
		{"letters out of order", "rsa", form("scope", "system/Patient.sr"), "invalid_scope"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, got := c.ask(t, s, test.kid, test.change)
			if got.Get("error").String() != test.want || (status == http.StatusOK) != (test.want == "") {
				t.Errorf("got HTTP %d, %s, want %q", status, got, test.want)
			}
		})
	}
	if status, _ := strange.ask(t, s, "rsa", nil); status != http.StatusUnauthorized {
		t.Errorf("signed by another key of that name: HTTP %d", status)
	}
	if status, _ := c.ask(t, s, "rsa", claim("jti", "once")); status != http.StatusOK {
		t.Errorf("HTTP %d", status)
	}
	if status, _ := c.ask(t, s, "rsa", claim("jti", "once")); status != http.StatusUnauthorized {
		t.Errorf("replayed: HTTP %d", status)
	}
	if got := s.SignedBy(); !slices.Equal(got, []string{"rsa", "ec", "rsa"}) || s.TokenRequests() != 23 {
		t.Errorf("signed by %v in %d requests", got, s.TokenRequests())
	}
}

// TestSMARTScopes asks for each interaction, and holds what is done against what was granted.
func TestSMARTScopes(t *testing.T) {
	now := newClock()
	c := newBackend(t, now.now)
	s := newFHIR(t, sandbox.FHIRConfig{Clock: now.now, SMART: &sandbox.SMARTConfig{
		ClientID: "bridge", JWKS: c.set(t, "ec"), Scopes: []string{"system/Patient.rs", "system/Communication.c", "system/Appointment.*"},
	}})
	_, got := c.ask(t, s, "ec", func(_ *jwt.Token, _ jwt.MapClaims, form url.Values) {
		form.Set("scope", "system/Patient.cruds system/Communication.cs system/Appointment.read system/Task.c")
	})
	if got.Get("scope").String() != "system/Patient.rs system/Communication.c system/Appointment.rs" || got.Get("expires_in").Int() != 300 {
		t.Errorf("granted %s", got)
	}
	token := got.Get("access_token").String()
	for _, test := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
	}{
		{"read", "GET", "/Patient/erika", "", nil, 200},
		{"search", "GET", "/Patient?_id=erika", "", nil, 200},
		{"update", "PUT", "/Patient/erika", erika, nil, 403},
		{"delete", "DELETE", "/Patient/erika", "", nil, 403},
		{"create", "POST", "/Communication", reply("a"), nil, 201},
		{"conditional create, which searches", "POST", "/Communication", reply("b"), []string{"If-None-Exist", "identifier=urn:wamid|b"}, 403},
		{"search of what may only be created", "GET", "/Communication", "", nil, 403},
		{"history", "GET", "/Appointment/visit/_history", "", nil, 200},
		{"patch of what may be read", "PATCH", "/Appointment/visit", "[]", nil, 403},
		{"type without scope", "GET", "/Task/1", "", nil, 403},
		{"another token", "GET", "/Patient/erika", "", []string{"Authorization", "Bearer x"}, 401},
		{"another scheme", "GET", "/Patient/erika", "", []string{"Authorization", "Basic x"}, 401},
		{"metadata for anybody", "GET", "/metadata", "", []string{"Authorization", ""}, 200},
	} {
		header := append([]string{"Authorization", "Bearer " + token}, test.header...)
		if status, _, body := call(t, test.method, s.URL()+test.path, fhirJSON, test.body, header...); status != test.status {
			t.Errorf("%s: got HTTP %d, %s, want %d", test.name, status, body, test.status)
		}
	}
	read := func() int {
		status, _, _ := call(t, http.MethodGet, s.URL()+"/Patient/erika", "", "", "Authorization", "Bearer "+token)
		return status
	}
	now.move(5 * time.Minute)
	if status := read(); status != http.StatusUnauthorized {
		t.Errorf("after its life: HTTP %d", status)
	}
}

// TestSMARTKeySet fetches the client's keys, and again when it signs with one that is not known yet.
func TestSMARTKeySet(t *testing.T) {
	now := newClock()
	c := newBackend(t, now.now)
	var set atomic.Value
	set.Store(c.set(t, "rsa"))
	fetched := atomic.Int32{}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		_, _ = w.Write(set.Load().([]byte))
	}))
	defer keys.Close()
	s := newFHIR(t, sandbox.FHIRConfig{Clock: now.now, SMART: &sandbox.SMARTConfig{ClientID: "bridge", KeepJWKS: time.Minute, ExpiresIn: `"soon"`}})
	s.RegisterJWKS(keys.URL)
	for i, step := range []struct {
		kid     string
		status  int
		fetched int32
	}{{"rsa", 200, 1}, {"rsa", 200, 1}, {"ec", 401, 1}} {
		if status, _ := c.ask(t, s, step.kid, nil); status != step.status || fetched.Load() != step.fetched {
			t.Errorf("step %d: got HTTP %d after %d fetches", i, status, fetched.Load())
		}
	}
	set.Store(c.set(t, "rsa", "ec"))
	now.move(time.Minute)
	status, got := c.ask(t, s, "ec", nil)
	if status != http.StatusOK || fetched.Load() != 2 || got.Get("expires_in").String() != "soon" {
		t.Errorf("a new key: got HTTP %d, %s after %d fetches", status, got, fetched.Load())
	}
	set.Store([]byte(strings.Replace(string(c.set(t, "rsa")), `"kty"`, `"d":"c2VjcmV0","kty"`, 1)))
	s.RegisterJWKS(keys.URL)
	if status, _ := c.ask(t, s, "rsa", nil); status != http.StatusUnauthorized {
		t.Errorf("a set with a private key: HTTP %d", status)
	}
	s.FailToken(func(int) *sandbox.Fault { return &sandbox.Fault{Status: 503} })
	if status, got := c.ask(t, s, "rsa", nil); status != http.StatusServiceUnavailable || got.Get("error").String() == "" {
		t.Errorf("as ordered: HTTP %d, %s", status, got)
	}
	status, _, body := call(t, http.MethodGet, s.URL()+"/.well-known/smart-configuration", "", "")
	if got := gjson.GetBytes(body, "token_endpoint").String(); status != http.StatusOK || got != strings.TrimSuffix(s.URL(), "/fhir")+"/oauth/token" {
		t.Errorf("discovery: HTTP %d, %s", status, body)
	}
}

func TestBasic(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{Basic: &sandbox.FHIRUser{Name: "bridge", Password: "sesame"}})
	for header, want := range map[string]int{
		"Basic " + base64.StdEncoding.EncodeToString([]byte("bridge:sesame")): 200,
		"Basic " + base64.StdEncoding.EncodeToString([]byte("bridge:other")):  401,
		"Bearer sesame": 401,
	} {
		status, got, _ := call(t, http.MethodGet, s.URL()+"/Patient/erika", "", "", "Authorization", header)
		if status != want || (want == 401) != strings.HasPrefix(got.Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s: got HTTP %d, %v", header, status, got)
		}
	}
}
