package sandbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

const (
	patient  = "+15550100123"
	stranger = "+15550100199"
	token    = "token-of-the-test"
	numberID = "106540352242922"
)

// templates are those that the tests send; each is named for what it has.
const templates = `[
  {"name": "named", "language": "en", "status": "APPROVED", "category": "UTILITY", "parameter_format": "NAMED", "components": [
    {"type": "HEADER", "format": "TEXT", "text": "Visit of {{first_name}}"},
    {"type": "BODY", "text": "Hello {{first_name}}, we expect you on {{start}}. Please answer."},
    {"type": "FOOTER", "text": "Clinic Example"},
    {"type": "BUTTONS", "buttons": [
      {"type": "QUICK_REPLY", "text": "Confirm"}, {"type": "QUICK_REPLY", "text": "Cancel"},
      {"type": "URL", "text": "Details", "url": "https://portal.example.org/{{1}}"}]}]},
  {"name": "positional", "language": "de", "status": "APPROVED", "category": "UTILITY", "components": [
    {"type": "BODY", "text": "Guten Tag {{1}}, Ihr Termin ist am {{2}}."}]},
  {"name": "with_document", "language": "en", "status": "APPROVED", "components": [
    {"type": "HEADER", "format": "DOCUMENT"}, {"type": "BODY", "text": "Your directions."}]},
  {"name": "with_place", "language": "en", "status": "APPROVED", "components": [
    {"type": "HEADER", "format": "LOCATION"}, {"type": "BODY", "text": "Here we are."}]},
  {"name": "pending", "language": "en", "status": "PENDING", "components": [{"type": "BODY", "text": "Not yet."}]},
  {"name": "paused", "language": "en", "status": "PAUSED", "components": [{"type": "BODY", "text": "Not now."}]},
  {"name": "disabled", "language": "en", "status": "DISABLED", "components": [{"type": "BODY", "text": "Never."}]},
  {"name": "plain", "language": "en", "components": [{"type": "body", "text": "Your results are ready."}]}
]`

// newWhatsApp starts an API with the templates above. Change adjusts its settings.
func newWhatsApp(t *testing.T, change func(*sandbox.WhatsAppConfig)) *sandbox.WhatsApp {
	t.Helper()
	cfg := sandbox.WhatsAppConfig{AccessToken: token, PhoneNumberID: numberID, AppSecret: "secret", VerifyToken: "verify"}
	if err := json.Unmarshal([]byte(templates), &cfg.Templates); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&cfg)
	}
	w, err := sandbox.NewWhatsApp(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// call sends one request with the token and returns status, header and body.
func call(t *testing.T, method, url, contentType, body string, headers ...string) (int, http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, got
}

// send posts one message and returns its wamid, or the status and code of the refusal.
func send(t *testing.T, w *sandbox.WhatsApp, body string) (wamid string, status, code int) {
	t.Helper()
	status, _, got := call(t, http.MethodPost, w.URL()+"/v25.0/"+numberID+"/messages", "application/json", body)
	return readAnswer(t, status, got)
}

func readAnswer(t *testing.T, status int, got []byte) (string, int, int) {
	t.Helper()
	if status == 0 {
		return "", 0, 0
	}
	var answer struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
		Error struct {
			Message string `json:"message"`
			Code    int    `json:"code"`
			Trace   string `json:"fbtrace_id"`
		} `json:"error"`
	}
	if err := json.Unmarshal(got, &answer); err != nil {
		t.Fatalf("an answer that is not JSON: %s", got)
	}
	if status != http.StatusOK && (answer.Error.Message == "" || answer.Error.Trace == "") {
		t.Errorf("got an error without message or fbtrace_id: %s", got)
	}
	if len(answer.Messages) == 0 {
		return "", status, answer.Error.Code
	}
	return answer.Messages[0].ID, status, 0
}

// mustSend is send for messages that are in order.
func mustSend(t *testing.T, w *sandbox.WhatsApp, body string) string {
	t.Helper()
	wamid, status, code := send(t, w, body)
	if wamid == "" {
		t.Fatalf("got HTTP %d, code %d, want the message accepted", status, code)
	}
	return wamid
}

// message is a request to the patient with the rest of its members.
func message(rest string) string {
	return `{"messaging_product": "whatsapp", "to": "` + patient + `", ` + rest + `}`
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func sum(data string) string {
	s := sha256.Sum256([]byte(data))
	return hex.EncodeToString(s[:])
}

// clock stands still until it is moved.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time { return time.Unix(0, c.ns.Load()).UTC() }

func (c *clock) move(d time.Duration) { c.ns.Add(int64(d)) }
