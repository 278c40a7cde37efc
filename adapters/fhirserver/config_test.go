package fhirserver_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"fhirbridge/adapters/fhirserver"
)

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name, config string
		want         []string
	}{
		{"least", "base_url: https://ehr.example.org/fhir", nil},
		{"bearer", "{base_url: https://ehr, auth: {type: bearer, token: abc}, timeout: 3s}", nil},
		{"bearer in the clear", "{base_url: http://ehr, auth: {type: bearer, token: abc}}", []string{"base_url: must be https where auth.type is bearer"}},
		{"none", "{base_url: http://ehr/, auth: {type: none}}", nil},
		{"nothing", "{}", []string{"base_url: required"}},
		{"all at once", "{base_url: 'ftp://x', timeout: -1s, auth: {type: kerberos}}", []string{
			"base_url: must be an http or https URL", "timeout: must not be negative", `auth.type: "kerberos" is none of none, basic, bearer, smart`,
		}},
		{"password in the URL", "base_url: https://me:secret@ehr/fhir", []string{"base_url: must not hold a user; see auth"}},
		{"query", "base_url: https://ehr/fhir?x=1", []string{"base_url: must not hold a query or fragment"}},
		{"bearer without token", "{base_url: https://ehr, auth: {type: bearer}}", []string{"auth.token: required for bearer, or auth.token_file"}},
		{"token without bearer", "{base_url: http://ehr, auth: {token: secret}}", []string{"auth.token: needs auth.type: bearer"}},
		{"file without bearer", "{base_url: http://ehr, auth: {token_file: x}}", []string{"auth.token_file: needs auth.type: bearer"}},
		{"both", "{base_url: https://ehr, auth: {type: bearer, token: secret, token_file: x}}", []string{"auth.token_file: give this or auth.token, not both"}},
		{"token with a line feed", `{base_url: https://ehr, auth: {type: bearer, token: "secret\nx"}}`, []string{"auth.token: holds characters that a token cannot have"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var cfg fhirserver.Config
			if err := yaml.UnmarshalWithOptions([]byte(test.config), &cfg, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := cfg.Validate(); err != nil {
				got = err.Error()
			}
			if want := strings.Join(test.want, "\n"); got != want {
				t.Errorf("got %q\nwant %q", got, want)
			}
			if _, err := fhirserver.New(cfg); (err == nil) != (test.want == nil) {
				t.Errorf("New: %v", err)
			}
		})
	}
}

func TestTokenFileIsReadAnew(t *testing.T) {
	s := serve(t, answer(200, `{"resourceType":"Patient","id":"p1"}`))
	name := filepath.Join(t.TempDir(), "token")
	cfg := fhirserver.Config{BaseURL: s.URL, Auth: fhirserver.Auth{Type: "bearer", TokenFile: name}}
	if _, err := fhirserver.New(cfg); err == nil || !strings.HasPrefix(err.Error(), "auth.token_file: ") {
		t.Errorf("New without file: %v", err)
	}
	write := func(token string) {
		if err := os.WriteFile(name, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret-1\n")
	c := openWith(t, cfg)
	for i, token := range []string{"secret-1", "secret-2"} {
		write(token)
		if _, err := c.Read(t.Context(), "Patient/p1"); err != nil {
			t.Fatal(err)
		}
		if got := s.headerOf(i).Get("Authorization"); got != "Bearer "+token {
			t.Errorf("request %d: %q", i, got)
		}
	}
	write("")
	if _, err := c.Read(t.Context(), "Patient/p1"); told(t, err) != "transient token_unreadable halt" {
		t.Errorf("without token: %v", err)
	}
}

// Who we are is for our server only, whatever it or a resource refers to.
func TestCredentialsStay(t *testing.T) {
	strangers := 0
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers++ }))
	defer stranger.Close()
	to := func(status int) http.HandlerFunc {
		return answer(status, "", "Location", stranger.URL+"/Patient/p1")
	}
	cfg := fhirserver.Config{Auth: fhirserver.Auth{Type: "bearer", Token: "secret"}, Timeout: time.Second}
	for _, status := range []int{301, 302, 303, 307, 308} {
		cfg.BaseURL = serve(t, to(status)).URL
		c := openWith(t, cfg)
		_, read := c.Read(t.Context(), "Patient/p1")
		_, created := c.Create(t.Context(), communication("m1"), identified("m1"))
		for _, err := range []error{read, created, c.Patch(t.Context(), "Patient/p1", "1", nil)} {
			if got := told(t, err); !strings.HasPrefix(got, "transient redirect_refused") {
				t.Errorf("%d: got %q", status, got)
			}
		}
	}
	cfg.BaseURL = serve(t, answer(200, `{"resourceType":"Bundle","link":[{"relation":"next","url":"`+stranger.URL+`/Communication?page=2"}]}`)).URL
	if _, err := openWith(t, cfg).Create(t.Context(), communication("m1"), identified("m1")); told(t, err) != "refused foreign_link" {
		t.Errorf("link: %v", err)
	}
	if _, err := openWith(t, cfg).Read(t.Context(), stranger.URL+"/Patient/p1"); told(t, err) != "refused bad_reference" {
		t.Errorf("reference: %v", err)
	}
	if strangers != 0 {
		t.Errorf("another host was asked %d times", strangers)
	}
}
