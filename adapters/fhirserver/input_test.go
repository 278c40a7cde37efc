package fhirserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/fhirserver"
)

// TestBadInput is every bad answer that a server was seen to give, over a real socket: what a read, a patch and a
// create say of it. Transient and throttled are tried again, by the lane; refused is the end, and people are told.
// What may have happened is unknown: then the server is searched before it is asked again. TestRefusals has more of each
// kind, TestBadCertificate and TestTokenLife of theirs.
func TestBadInput(t *testing.T) {
	page := "<html><body>" + canary + "</body></html>"
	large := strings.Replace(outcome("error", "value", ""), canary, strings.Repeat(canary, 300_000), 1)
	whole := answer(200, `{"resourceType":"Appointment","id":"a1"}`)
	for _, test := range []struct {
		name                string
		answer              http.HandlerFunc
		read, patch, create string
		open                func(*testing.T, http.HandlerFunc) *fhirserver.Client // where it is more than an answer
	}{
		{
			"200 with HTML", answer(200, page, "Content-Type", "text/html"),
			"transient not_fhir 200", "transient not_fhir 200 unknown", "transient not_fhir 200 unknown", nil,
		},
		{
			"201 without Location", answer(201, ""), // and it is not found either: nobody may create a second one
			"transient not_fhir 201", "", "refused no_location 201", nil,
		},
		{
			"a redirect to another host", answer(307, "", "Location", "https://elsewhere.example.org/"+canary),
			"transient redirect_refused", "transient redirect_refused", "transient redirect_refused", nil,
		},
		{
			"an OperationOutcome of 5 MB", answer(422, large),
			"refused http_status 422", "refused http_status 422", "refused http_status 422", nil,
		},
		{"409", answer(409, outcome("error", "conflict", "")), "refused conflict 409", "refused conflict 409", "refused conflict 409", nil},
		{"410", answer(410, ""), "refused deleted 410", "refused deleted 410", "refused deleted 410", nil},
		{"412", answer(412, ""), "refused precondition_failed 412", "refused precondition_failed 412", "refused precondition_failed 412", nil},
		{
			"422", answer(422, outcome("error", "business-rule", "Appointment.status")),
			"refused business_rule 422 Appointment.status", "refused business_rule 422 Appointment.status", "refused business_rule 422 Appointment.status", nil,
		},
		{"423", answer(423, ""), "transient locked 423", "transient locked 423", "transient locked 423", nil},
		{"424", answer(424, ""), "refused failed_dependency 424", "refused failed_dependency 424", "refused failed_dependency 424", nil},
		{
			"429", answer(429, "", "Retry-After", "17"),
			"throttled throttled 429 after 17s", "throttled throttled 429 after 17s", "throttled throttled 429 after 17s", nil,
		},
		{
			"500", answer(500, page),
			"transient http_status 500", "transient http_status 500 unknown", "transient http_status 500 unknown", nil,
		},
		{
			"503", answer(503, "", "Retry-After", "3"),
			"throttled http_status 503 after 3s", "throttled http_status 503 after 3s unknown", "throttled http_status 503 after 3s unknown", nil,
		},
		{
			"cut in the middle of a body", cut(200, `{"resourceType":"Appointment"`),
			"transient connection_lost", "", "transient no_location 200 unknown", nil,
		},
		{
			"cut in the middle of a refusal", cut(422, `{"resourceType":"OperationOutcome"`),
			"refused http_status 422", "refused http_status 422", "refused http_status 422", nil,
		},
		{"cut before an answer", hangUp, "transient connection_lost", "transient connection_lost unknown", "transient connection_lost unknown", nil},
		{
			"a certificate that has expired", whole,
			"transient certificate_expired", "transient certificate_expired", "transient certificate_expired", expired,
		},
		{
			"a token endpoint that lies about expiry", created, // the token is over, and another one is had
			"transient not_fhir 201", "", "", lying(1),
		},
		{
			"a token endpoint whose tokens never count", whole,
			"transient expired 401 halt", "transient expired 401 halt", "transient expired 401 halt", lying(1000),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.open == nil {
				test.open = func(t *testing.T, h http.HandlerFunc) *fhirserver.Client {
					return open(t, serve(t, h).URL, fhirserver.WithClock(newClock().now))
				}
			}
			create := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet { // what was perhaps created cannot be found
					none(w, r)
					return
				}
				test.answer(w, r)
			})
			_, read := test.open(t, test.answer).Read(t.Context(), "Appointment/a1")
			patch := test.open(t, test.answer).Patch(t.Context(), "Appointment/a1", "3", []byte(`[]`))
			_, created := test.open(t, create).Create(t.Context(), communication("m1"), identified("m1"))
			for _, c := range []struct {
				what string
				err  error
				want string
			}{{"Read", read, test.read}, {"Patch", patch, test.patch}, {"Create", created, test.create}} {
				if got := told(t, c.err); got != c.want {
					t.Errorf("%s: got %q, want %q", c.what, got, c.want)
				}
			}
		})
	}
}

// expired opens a client of a server whose certificate has expired.
func expired(t *testing.T, h http.HandlerFunc) *fhirserver.Client {
	authority := newIssuer(t)
	return openWith(t, fhirserver.Config{
		BaseURL: secureServer(t, authority.speaks(time.Now().Add(-time.Hour)), h),
		TLS:     &fhirserver.TLS{CAFile: put(t, t.TempDir(), "ca.pem", authority.pem)},
	})
}

// lying opens a client of a server that takes none of the first tokens, although each was said to be good for an hour. It has
// used the first for a while.
func lying(tokens int) func(*testing.T, http.HandlerFunc) *fhirserver.Client {
	return func(t *testing.T, h http.HandlerFunc) *fhirserver.Client {
		t.Helper()
		granted, at := 0, newClock()
		tokenURL := serve(t, func(w http.ResponseWriter, r *http.Request) {
			granted++
			answer(200, fmt.Sprintf(`{"access_token":"secret-%04d","token_type":"bearer","expires_in":3600}`, granted))(w, r)
		}).URL
		asked := 0
		t.Cleanup(func() {
			if asked > 3 || granted > 2 {
				t.Errorf("asked %d times with %d tokens", asked, granted)
			}
		})
		ehr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked == 1 {
				conforms(w, r)
				return
			}
			if r.Header.Get("Authorization") <= fmt.Sprintf("Bearer secret-%04d", tokens) {
				answer(401, outcome("error", "expired", ""))(w, r)
				return
			}
			h(w, r)
		})
		c := openWith(t, fhirserver.Config{BaseURL: ehr.URL, Auth: fhirserver.Auth{
			Type: "smart", ClientID: "bridge", TokenURL: tokenURL, KeyFile: put(t, t.TempDir(), "key.pem", newKey(t, "P-384")),
		}}, fhirserver.WithClock(at.now))
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.move(time.Minute)
		return c
	}
}

// TestBadCertificate meets servers that are not who they say. Nothing was sent to them, so nothing is unknown.
func TestBadCertificate(t *testing.T) {
	authority, other := newIssuer(t), newIssuer(t)
	folder := t.TempDir()
	roots := put(t, folder, "ca.pem", authority.pem)
	whole := answer(200, `{"resourceType":"Patient","id":"p1"}`)
	asked := 0
	count := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked++; whole(w, r) })
	for _, test := range []struct {
		name, server, want string
		asks               bool
	}{
		{"good", secureServer(t, authority.speaks(time.Now().Add(time.Hour)), count), "", true},
		{"expired", secureServer(t, authority.speaks(time.Now().Add(-time.Hour)), count), "transient certificate_expired", false},
		{"not valid yet", secureServer(t, authority.speaks(time.Now().Add(48*time.Hour)), count), "transient certificate_expired", false},
		{"of another issuer", secureServer(t, other.speaks(time.Now().Add(time.Hour)), count), "transient certificate", false},
		{"of another host", strings.Replace(secureServer(t, authority.speaks(time.Now().Add(time.Hour)), count), "127.0.0.1", "localhost", 1), "transient certificate", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked = 0
			c := openWith(t, fhirserver.Config{BaseURL: test.server, TLS: &fhirserver.TLS{CAFile: roots}})
			_, err := c.Read(t.Context(), "Patient/p1")
			if got := told(t, err); got != test.want || (asked > 0) != test.asks {
				t.Errorf("Read: got %q, want %q; asked %d times", got, test.want, asked)
			}
			err = c.Patch(t.Context(), "Patient/p1", "1", []byte(`[]`))
			if got := told(t, err); got != test.want {
				t.Errorf("Patch: got %q, want %q", got, test.want)
			}
		})
	}
}
