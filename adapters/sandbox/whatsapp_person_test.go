package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"fhirbridge/adapters/sandbox"
)

// TestUsername: who has one is known by an id alone, and is written to by it.
func TestUsername(t *testing.T) {
	r := newReceiver(t)
	w := newWhatsApp(t, withWebhook(r))
	p := w.Phone(patient)
	p.Hide()
	p.Write("hello")
	to := strings.Replace(message(`"text": {"body": "x"}`), `"to": "`+patient+`"`, `"recipient": "`+p.UserID()+`"`, 1)
	status, _, raw := call(t, http.MethodPost, w.URL()+"/v25.0/"+numberID+"/messages", "application/json", to)
	if status != http.StatusOK || strings.Contains(string(raw), "wa_id") || !strings.Contains(string(raw), p.UserID()) {
		t.Errorf("got %d, %s; want the id and no number", status, raw)
	}
	if len(p.Messages()) != 1 {
		t.Error("the phone shows nothing")
	}
	if err := w.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	in := r.messages[0]
	if in["from"] != nil || in["from_user_id"] != p.UserID() {
		t.Errorf("from: got %v, %v; want the id alone", in["from"], in["from_user_id"])
	}
	for _, s := range r.statuses {
		if s["recipient_id"] != nil || s["recipient_user_id"] != p.UserID() {
			t.Errorf("status: got %v, %v; want the id alone", s["recipient_id"], s["recipient_user_id"])
		}
	}
}

func TestChangeOfNumber(t *testing.T) {
	r := newReceiver(t)
	w := newWhatsApp(t, withWebhook(r))
	p := w.Phone(patient)
	next := p.ChangeNumber(stranger)
	if err := w.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	system, _ := r.messages[0]["system"].(map[string]any)
	if r.messages[0]["from"] != p.Number() || r.messages[0]["type"] != "system" || system["wa_id"] != next.Number() || system["type"] != "user_changed_number" {
		t.Errorf("got %v", r.messages[0])
	}
}

// TestIdentityKeys: what is for another key than the recipient has is not delivered.
func TestIdentityKeys(t *testing.T) {
	r := newReceiver(t)
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) {
		withWebhook(r)(c)
		c.IdentityKeys = true
	})
	p := w.Phone(patient)
	p.Write("hello")
	mustSend(t, w, message(`"text": {"body": "first"}`))
	if err := w.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	key, _ := r.statuses[0]["recipient_identity_key_hash"].(string)
	if key == "" {
		t.Fatal("the status has no key")
	}
	with := message(`"text": {"body": "x"}, "recipient_identity_key_hash": "` + key + `"`)
	mustSend(t, w, with)
	if n := len(p.Messages()); n != 2 {
		t.Errorf("%d messages, want both", n)
	}
	p.ChangeDevice()
	mustSend(t, w, with)
	if err := w.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	last := r.statuses[len(r.statuses)-1]
	if n := len(p.Messages()); n != 2 || last["status"] != "failed" {
		t.Errorf("%d messages, and it was %v, want it to fail", n, last["status"])
	}
	p.ChangeIdentity()
	if err := w.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	system, _ := r.messages[len(r.messages)-1]["system"].(map[string]any)
	if system["type"] != "customer_identity_changed" {
		t.Errorf("got %v", system)
	}
}
