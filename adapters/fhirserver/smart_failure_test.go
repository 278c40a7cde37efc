package fhirserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/adapters/sandbox"
)

// asking is a client whose token endpoint is answered by token, and discovery of a server that has none by the FHIR server.
func asking(t *testing.T, ehr, tokenURL string) *fhirserver.Client {
	t.Helper()
	return openWith(t, fhirserver.Config{BaseURL: ehr, Timeout: 5 * time.Second, Auth: fhirserver.Auth{
		Type: "smart", ClientID: "bridge", TokenURL: tokenURL, KeyFile: put(t, t.TempDir(), "key.pem", newKey(t, "P-384")),
	}}, fhirserver.WithClock(newClock().now))
}

func granting(token string) string { return `{"access_token":"` + token + `","token_type":"Bearer"}` }

func TestTokenEndpointFails(t *testing.T) {
	secret := strings.Repeat("secret", 6000)
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"who is that", answer(401, `{"error":"invalid_client","error_description":"`+canary+`"}`), "transient invalid_client token 401 halt"},
		{"such a scope", answer(400, `{"error":"invalid_scope"}`), "transient invalid_scope token 400 halt"},
		{"words of its own", answer(400, `{"error":"`+canary+`"}`), "transient token_refused token 400 halt"},
		{"a page that refuses", answer(403, "<html>"+canary), "transient token_refused token 403 halt"},
		{"gone", answer(404, ""), "transient token_refused token 404 halt"},
		{"as a FHIR server says it", answer(409, outcome("error", "conflict", "")), "transient token_refused token 409 halt"},
		{"too often", answer(429, ""), "throttled throttled token 429 after 5s"},
		{"too often, with a wait", answer(429, "", "Retry-After", "40"), "throttled throttled token 429 after 40s"},
		{"down", answer(503, ""), "transient token_unavailable token 503"},
		{"down for some time", answer(503, "", "Retry-After", "9"), "throttled throttled token 503 after 9s"},
		{"a page", answer(200, "<html>"+canary), "transient not_a_token token 200"},
		{"no token", answer(200, `{"token_type":"bearer"}`), "transient not_a_token token 200"},
		{"a token of another type", answer(200, strings.Replace(granting("secret"), "Bearer", "mac", 1)), "transient not_a_token token 200"},
		{"a token that no header can hold", answer(200, granting(`secret\r\nX-Injected: 1`)), "transient not_a_token token 200"},
		{"a token without end", answer(200, granting(secret)), "transient not_a_token token 200"},
		{"five megabytes", answer(200, granting(strings.Repeat("secret", 900_000))), "transient not_a_token token 200"},
		{"no answer", hangUp, "transient connection_lost"},
		{"cut", cut(200, `{"access_token":"secret"`), "transient connection_lost"},
		{"slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "transient timeout"},
		{"redirect", answer(307, "", "Location", "/elsewhere"), "transient token_redirect_refused token 307"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ehr := serve(t, answer(200, `{"resourceType":"Patient","id":"p1"}`))
			tokens := serve(t, test.answer)
			c := asking(t, ehr.URL, tokens.URL+"/token")
			_, err := c.Read(t.Context(), "Patient/p1")
			if got := told(t, err); got != test.want {
				t.Errorf("Read: got %q, want %q", got, test.want)
			}
			_, err = c.Create(t.Context(), communication("m1"), identified("m1")) // at once: nobody asks again so soon
			if got := told(t, err); got != test.want {
				t.Errorf("Create, which has certainly not happened: got %q, want %q", got, test.want)
			}
			if len(ehr.requests()) > 0 || len(tokens.requests()) != 1 {
				t.Errorf("asked %v of the server, and %v for a token", ehr.requests(), tokens.requests())
			}
		})
	}
}

// A failure counts for a second, and each that follows for twice as long.
func TestTokenFailureIsHeld(t *testing.T) {
	w := trust(t, "P-384", sandbox.SMARTConfig{}, nil)
	status := 0
	w.FailToken(func(int) *sandbox.Fault { return &sandbox.Fault{Status: status} })
	const tick = time.Millisecond
	for _, step := range []struct {
		after  time.Duration
		status int
		asked  int
	}{{0, 503, 1}, {time.Second - tick, 503, 1}, {tick, 400, 2}, {2*time.Second - tick, 0, 2}, {tick, 0, 3}} {
		w.clock.move(step.after)
		status = step.status
		if got := w.read(t); w.TokenRequests() != step.asked || (step.asked == 3) != (got == "") {
			t.Errorf("%q after %d requests, want %d", got, w.TokenRequests(), step.asked)
		}
	}
}

// A token serves to its end where no other can be had.
func TestTokenServesToItsEnd(t *testing.T) {
	w := trust(t, "P-384", sandbox.SMARTConfig{}, nil)
	for _, step := range []struct {
		after time.Duration
		want  string
		asked int
	}{
		{0, "", 1},
		{275 * time.Second, "", 2}, // it is time for another
		{500 * time.Millisecond, "", 2},
		{time.Second, "", 3},
		{24 * time.Second, "transient token_unavailable token 503", 4},
	} {
		w.clock.move(step.after)
		if got := w.read(t); got != step.want || w.TokenRequests() != step.asked {
			t.Errorf("after %s: %q, asked %d times, want %q, %d", step.after, got, w.TokenRequests(), step.want, step.asked)
		}
		w.FailToken(func(int) *sandbox.Fault { return &sandbox.Fault{Status: 503} })
	}
}

func TestDiscovery(t *testing.T) {
	const patient = `{"resourceType":"Patient","id":"p1"}`
	tokens := serve(t, answer(200, granting("t1")))
	names := func(endpoint string) http.HandlerFunc { return answer(200, `{"token_endpoint":"`+endpoint+`"}`) }
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"another port", names(tokens.URL + "/token"), ""},
		{"another host without TLS", names("http://tokens.example.org/token"), "transient bad_token_endpoint discovery 200 halt"},
		{"a user", names("https://me:secret@tokens.example.org/token"), "transient bad_token_endpoint discovery 200 halt"},
		{"a file", names("file:///etc/passwd"), "transient bad_token_endpoint discovery 200 halt"},
		{"a path", names("/token"), "transient bad_token_endpoint discovery 200 halt"},
		{"nothing", answer(200, `{}`), "transient bad_token_endpoint discovery 200 halt"},
		{"a page", answer(200, "<html>"), "transient no_smart_configuration discovery 200"},
		{"none", answer(404, ""), "transient no_smart_configuration discovery 404 halt"},
		{"down", answer(503, ""), "transient no_smart_configuration discovery 503"},
		{"another host", answer(302, "", "Location", "https://tokens.example.org/"), "transient token_redirect_refused"},
		{"no answer", hangUp, "transient connection_lost"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ehr := serve(t, test.answer, answer(200, patient))
			c := asking(t, ehr.URL+"/fhir", "")
			_, err := c.Read(t.Context(), "Patient/p1")
			if got := told(t, err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := ehr.requests()[0]; got != "GET /fhir/.well-known/smart-configuration" || ehr.headerOf(0).Get("Authorization") != "" {
				t.Errorf("asked %q with %q", got, ehr.headerOf(0))
			}
		})
	}
}

// TestTokensStay has a server that leads elsewhere in every way it can. Neither the token nor what we sign goes there.
func TestTokensStay(t *testing.T) {
	strangers := 0
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers++ }))
	defer stranger.Close()
	away := func(status int) http.HandlerFunc { return answer(status, "", "Location", stranger.URL+"/x") }
	for _, status := range []int{301, 302, 303, 307, 308} {
		tokens := serve(t, away(status))
		if _, err := asking(t, tokens.URL, tokens.URL+"/token").Read(t.Context(), "Patient/p1"); err == nil {
			t.Errorf("%d of the token endpoint was followed", status)
		}
		tokens = serve(t, answer(200, granting("secret")))
		if _, err := asking(t, serve(t, away(status)).URL, tokens.URL+"/token").Read(t.Context(), "Patient/p1"); err == nil {
			t.Errorf("%d of the server was followed", status)
		}
	}
	tokens := serve(t, answer(200, granting("secret")))
	next := serve(t, answer(200, `{"resourceType":"Bundle","link":[{"relation":"next","url":"`+stranger.URL+`/Consent?page=2"}]}`))
	c := asking(t, next.URL, tokens.URL+"/token")
	if _, err := c.Consents(t.Context(), "Patient/p1"); told(t, err) != "refused foreign_link" {
		t.Errorf("link: %v", err)
	}
	if _, err := c.Content(t.Context(), stranger.URL+"/Binary/1", "application/pdf", 1000); told(t, err) != "refused foreign_host" {
		t.Errorf("content: %v", err)
	}
	made := serve(t, answer(200, bundle()), answer(201, "", "Location", stranger.URL+"/Communication/c1"), answer(200, `{"resourceType":"Communication","id":"c1"}`))
	c = asking(t, made.URL, tokens.URL+"/token")
	ref, err := c.Create(t.Context(), communication("m1"), identified("m1"))
	if err != nil || ref != "Communication/c1" {
		t.Errorf("location: %q, %v", ref, err)
	}
	if _, err := c.Read(t.Context(), ref); err != nil {
		t.Errorf("what was created: %v", err)
	}
	if strangers != 0 {
		t.Errorf("another host was asked %d times", strangers)
	}
	for i := range made.requests() {
		if got := made.headerOf(i).Get("Authorization"); got != "Bearer secret" {
			t.Errorf("request %d: %q", i, got)
		}
	}
}
