package tyntec_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"fhirbridge/adapters/tyntec"
	"fhirbridge/pipeline"
)

// api is a server that answers by path, and refuses a wrong key.
func api(t *testing.T, answers map[string]string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		switch {
		case r.Header.Get("apikey") != apiKey:
			w.WriteHeader(http.StatusUnauthorized)
		case !ok:
			w.WriteHeader(http.StatusForbidden)
		default:
			_, _ = w.Write([]byte(body))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestHealth(t *testing.T) {
	const place = "/channels/whatsapp/phone-numbers/" + number
	for _, c := range []struct{ body, want string }{
		{`{"status":"CONNECTED","qualityRating":"GREEN","whatsAppAccountId":"5637b8a7"}`, "CONNECTED GREEN 5637b8a7"},
		{`{"status":"FLAGGED","qualityRating":"GREEN","qualityScore":{"score":"RED"}}`, "FLAGGED RED "},
		{`{"status":"CONNECTED","qualityRating":"YELLOW","qualityScore":{"score":"unknown"}}`, "CONNECTED YELLOW "},
		{`{"status":"Kanarienvogel ist es"}`, "OTHER  "},
		{`{}`, "  "},
		{`<html>`, "unreadable"},
	} {
		h, err := open(t, api(t, map[string]string{place: c.body}).URL).Health(t.Context())
		got := h.Status + " " + h.Quality + " " + h.Account
		if err != nil {
			got = pipeline.ReasonOf(err)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.body, got, c.want)
		}
	}
	if _, err := open(t, api(t, nil).URL).Health(t.Context()); pipeline.ReasonOf(err) != "permission" {
		t.Errorf("another's number: %v", err)
	}
	sms := openSMS(t, api(t, map[string]string{"/configurations/channels/sms": `[{"channel":"sms","id":{"phoneNumber":"1"}},{"channel":"sms","id":{"phoneNumber":"+` + number + `"}}]`}).URL)
	if h, err := sms.Health(t.Context()); err != nil || h.Status != "CONNECTED" {
		t.Errorf("SMS: %v, %v", h.Status, err)
	}
}

// TestCallbacks: the number's own settings go before the account's, but for statuses, and no secret is kept.
func TestCallbacks(t *testing.T) {
	c := open(t, api(t, map[string]string{
		"/configurations": `{"callback":{"callbackVersion":"2.12","messageStatusUrl":"https://a","signature":{"secret":"canary","method":"HS512"},"eventFilter":["MessageStatus::seen"]}}`,
		"/configurations/channels/whatsapp/phone-numbers/" + number: `{"callback":{"callbackVersion":"2.13","inboundMessageUrl":"https://b"}}`,
	}).URL)
	k, err := c.Callbacks(t.Context())
	if err != nil || k.Version != "2.13" || !k.Inbound || !k.Status || k.Business || k.Method != "HS512" || k.Header != "" || len(k.Events) != 1 {
		t.Errorf("got %+v, %v", k, err)
	}
	if _, err := open(t, api(t, nil).URL).Callbacks(t.Context()); pipeline.ReasonOf(err) != "permission" {
		t.Errorf("a key without scopes: %v", err)
	}
}

// TestSubmit: templates are submitted as tyntec has them, with an example of each parameter.
func TestSubmit(t *testing.T) {
	var path, body string
	status := http.StatusCreated
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		path, body = r.Method+" "+r.URL.Path, string(raw)
		w.WriteHeader(status)
	}))
	defer s.Close()
	c := open(t, s.URL)
	one := tyntec.Template{Name: "visit", Language: "en", Category: "UTILITY", TTL: 43200, Components: []tyntec.TemplateComponent{
		{Type: "HEADER", Format: "TEXT", Text: "Hi {{1}}", Examples: []string{"Ann"}},
		{Type: "BODY", Text: "At {{1}}, {{2}}.", Examples: []string{"10:00", "House 2"}},
		{Type: "BUTTONS", Buttons: []tyntec.TemplateButton{{Type: "QUICK_REPLY", Text: "Yes"}}},
	}}
	const language = `{"language":"en","components":[{"type":"HEADER","format":"TEXT","text":"Hi {{1}}","example":{"text":"Ann"}},` +
		`{"type":"BODY","text":"At {{1}}, {{2}}.","example":{"texts":["10:00","House 2"]}},{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Yes"}]}],` +
		`"messageSendTimeToLiveSeconds":43200}`
	if err := c.Submit(t.Context(), "acc", []tyntec.Template{one}); err != nil {
		t.Fatal(err)
	}
	if want := `{"name":"visit","category":"UTILITY","localizations":[` + language + `]}`; path != "POST /channels/whatsapp/accounts/acc/templates" || body != want {
		t.Errorf("got %s\n%s\nwant\n%s", path, body, want)
	}
	if err := c.SubmitLanguage(t.Context(), "acc", one); err != nil || path != "POST /channels/whatsapp/accounts/acc/templates/visit/localizations" || body != language {
		t.Errorf("a language: %v, %s\n%s", err, path, body)
	}
	for code, want := range map[int]pipeline.Kind{400: pipeline.Refused, 403: pipeline.Transient, 429: pipeline.Throttled, 500: pipeline.Transient} {
		status = code
		if err := c.Submit(t.Context(), "acc", []tyntec.Template{one}); pipeline.KindOf(err) != want || err == nil {
			t.Errorf("HTTP %d: %v", code, err)
		}
	}
}
