package sandbox_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/adapters/sandbox"
)

// receiver is a webhook that checks signatures and remembers what came.
type receiver struct {
	t   *testing.T
	url string

	mu       sync.Mutex
	refuse   int // so many posts are answered 503
	bodies   []string
	messages []map[string]any
	statuses []map[string]any
	contacts []any
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	r.url = srv.URL + "/webhooks/main"
	return r
}

func (r *receiver) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodGet {
		q := req.URL.Query()
		if q.Get("hub.mode") != "subscribe" || q.Get("hub.verify_token") != "verify" {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(rw, q.Get("hub.challenge"))
		return
	}
	body, _ := io.ReadAll(req.Body)
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write(body)
	if got, want := req.Header.Get("X-Hub-Signature-256"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
		r.t.Errorf("got signature %q, want %q", got, want)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse > 0 {
		r.refuse--
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.bodies = append(r.bodies, string(body))
	r.read(body)
}

func (r *receiver) read(body []byte) {
	var hook struct {
		Object string
		Entry  []struct {
			ID      string
			Changes []struct {
				Field string
				Value struct {
					Product  string `json:"messaging_product"`
					Metadata struct {
						ID string `json:"phone_number_id"`
					}
					Contacts           []any
					Messages, Statuses []map[string]any
				}
			}
		}
	}
	if err := json.Unmarshal(body, &hook); err != nil || hook.Object != "whatsapp_business_account" {
		r.t.Errorf("got a webhook that is none: %s", body)
	}
	for _, e := range hook.Entry {
		for _, c := range e.Changes {
			if c.Field != "messages" || c.Value.Product != "whatsapp" || c.Value.Metadata.ID != numberID {
				r.t.Errorf("got a change that is not addressed: %s", body)
			}
			if len(c.Value.Messages) > 0 && len(c.Value.Statuses) > 0 {
				r.t.Errorf("got messages and statuses in one value: %s", body)
			}
			r.contacts = append(r.contacts, c.Value.Contacts...)
			r.messages = append(r.messages, c.Value.Messages...)
			r.statuses = append(r.statuses, c.Value.Statuses...)
		}
	}
}

// seen returns "callback data:status" in the order of arrival.
func (r *receiver) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, s := range r.statuses {
		all = append(all, fmt.Sprint(s["biz_opaque_callback_data"], ":", s["status"]))
	}
	return all
}

func withWebhook(r *receiver) func(*sandbox.WhatsAppConfig) {
	return func(c *sandbox.WhatsAppConfig) { c.WebhookURL, c.WebhookBackoff = r.url, time.Millisecond }
}

func plainWith(callback string) string {
	return message(`"biz_opaque_callback_data": "` + callback + `", ` + plainTemplate)
}

func TestStatusesFollowAcceptance(t *testing.T) {
	cases := []struct {
		name   string
		change func(*sandbox.WhatsAppConfig)
		fault  *sandbox.SendFault
		want   string
	}{
		{name: "as a rule", want: "a:sent a:delivered"},
		{name: "with read receipts", change: func(c *sandbox.WhatsAppConfig) { c.ReadReceipts = true }, want: "a:sent a:delivered a:read"},
		{name: "late", change: func(c *sandbox.WhatsAppConfig) { c.StatusDelay = time.Millisecond }, want: "a:sent a:delivered"},
		{name: "switched off", change: func(c *sandbox.WhatsAppConfig) { c.NoStatuses = true }, want: ""},
		{name: "to a number that is not on WhatsApp", change: func(c *sandbox.WhatsAppConfig) { c.NotOnWhatsApp = []string{patient} }, want: "a:failed"},
		{name: "ordered to fail", fault: &sandbox.SendFault{Failed: 131049}, want: "a:failed"},
		{name: "ordered out of order and twice", fault: &sandbox.SendFault{Statuses: []string{"delivered", "sent", "sent"}}, want: "a:delivered a:sent a:sent"},
		{name: "ordered to stay away", fault: &sandbox.SendFault{Statuses: []string{}}, want: ""},
		{name: "ordered late", fault: &sandbox.SendFault{StatusDelay: time.Millisecond}, want: "a:sent a:delivered"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t)
			w := newWhatsApp(t, func(cfg *sandbox.WhatsAppConfig) {
				withWebhook(r)(cfg)
				if c.change != nil {
					c.change(cfg)
				}
			})
			w.Fail(func(sandbox.SendRequest) *sandbox.SendFault { return c.fault })
			mustSend(t, w, plainWith("a"))
			if err := w.Drain(soon(t)); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.seen(), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestStatusSaysWhatMetaSays(t *testing.T) {
	r := newReceiver(t)
	now := newClock()
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) {
		withWebhook(r)(c)
		c.NotOnWhatsApp, c.Clock = []string{stranger}, now.now
	})
	id := mustSend(t, w, plainWith("a"))
	failed := mustSend(t, w, strings.ReplaceAll(plainWith("b"), patient, stranger))
	if err := w.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	pricing := map[string]any{"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"}
	status := func(id, name, to, data string) map[string]any {
		return map[string]any{
			"id": id, "status": name, "timestamp": "1777622400", "recipient_id": to, "recipient_user_id": "US.7000000" + to,
			"biz_opaque_callback_data": data, "pricing": pricing,
		}
	}
	last := status(failed, "failed", "15550100199", "b")
	delete(last, "pricing")
	last["errors"] = []any{map[string]any{
		"code": 131026.0, "title": "Message undeliverable", "message": "Message undeliverable",
		"error_data": map[string]any{"details": "Message undeliverable."},
		"href":       "/documentation/business-messaging/whatsapp/support/error-codes",
	}}
	want := []map[string]any{
		status(id, "sent", "15550100123", "a"), status(id, "delivered", "15550100123", "a"), last,
	}
	if d := cmp.Diff(r.statuses, want); d != "" {
		t.Errorf("got - want +\n%s", d)
	}
	if got := w.Phone(stranger).Messages(); len(got) != 0 {
		t.Errorf("got %d messages on a phone without WhatsApp, want none", len(got))
	}
	if got := len(w.Accepted()); got != 2 {
		t.Errorf("got %d accepted, want 2", got)
	}
}

func TestUpdatesAreBatchedHeldAndRepeated(t *testing.T) {
	r := newReceiver(t)
	r.refuse = 3
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) {
		withWebhook(r)(c)
		c.WebhookBatch = 4
	})
	w.Hold()
	var want []string
	for _, data := range []string{"a", "b", "c"} {
		mustSend(t, w, plainWith(data))
		want = append(want, data+":sent", data+":delivered")
	}
	w.Phone(patient).Write("ja")
	if got := r.seen(); got != nil {
		t.Errorf("got %v while held, want nothing", got)
	}
	w.Release()
	if err := w.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	if got := r.seen(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(r.bodies) != 2 || len(r.messages) != 1 || r.refuse != 0 {
		t.Errorf("got %d posts taken, %d messages, %d refusals left, want 2, 1, 0", len(r.bodies), len(r.messages), r.refuse)
	}
}

func TestWebhookIsPlainASCII(t *testing.T) {
	r := newReceiver(t)
	w := newWhatsApp(t, withWebhook(r))
	w.Phone(patient).Write("schön 👍 <b>")
	if err := w.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(r.bodies[0], func(c rune) bool { return c > 127 }); i >= 0 {
		t.Errorf("got a body that is not ASCII at %d", i)
	}
	if got := r.messages[0]["text"]; !cmp.Equal(got, any(map[string]any{"body": "schön 👍 <b>"})) {
		t.Errorf("got %v, want the words as written", got)
	}
}

func TestHandshakeAndPost(t *testing.T) {
	r := newReceiver(t)
	w := newWhatsApp(t, nil)
	if err := w.Handshake(soon(t)); err == nil {
		t.Error("without a webhook: got nil, want an error")
	}
	w.Phone(patient).Write("nobody listens")
	w.SetWebhook(r.url)
	if err := w.Handshake(soon(t)); err != nil {
		t.Error(err)
	}
	status, err := w.Post(soon(t), []byte(`{"object": "whatsapp_business_account", "entry": []}`))
	if err != nil || status != http.StatusOK || len(r.bodies) != 1 {
		t.Errorf("got HTTP %d, %v, %d bodies, want 200 and one", status, err, len(r.bodies))
	}
	other := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) { c.WebhookURL, c.VerifyToken = r.url, "wrong" })
	if err := other.Handshake(soon(t)); err == nil {
		t.Error("a wrong verify token: got nil, want an error")
	}
}
