package sandbox_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"fhirbridge/adapters/sandbox"
)

// TestMessageIDsHoldTheNumber: they do so at Meta's, and whoever keeps them must know.
func TestMessageIDsHoldTheNumber(t *testing.T) {
	w := newWhatsApp(t, nil)
	p := w.Phone(patient)
	for direction, id := range map[string]string{"from the user": p.Write("hello"), "to the user": mustSend(t, w, message(`"text": {"body": "x"}`))} {
		encoded, ok := strings.CutPrefix(id, "wamid.")
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || !strings.Contains(string(raw), "15550100123") {
			t.Errorf("%s: got %q, %v; want base64 with the number in it", direction, id, err)
		}
	}
}

// TestNumberWrittenOtherwise: what is dialled is not what WhatsApp calls the user.
func TestNumberWrittenOtherwise(t *testing.T) {
	const dialled, written = "+15550109123", "1555010123"
	r := newReceiver(t)
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) {
		withWebhook(r)(c)
		c.NoStatuses = true
		c.WrittenAs = map[string]string{dialled: written}
	})
	p := w.Phone(dialled)
	p.Write("hello")
	body := strings.Replace(message(`"text": {"body": "x"}`), patient, dialled, 1)
	_, _, raw := call(t, http.MethodPost, w.URL()+"/v25.0/"+numberID+"/messages", "application/json", body)
	var answer struct {
		Contacts []struct {
			Input string `json:"input"`
			WaID  string `json:"wa_id"`
		} `json:"contacts"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Contacts) != 1 {
		t.Fatalf("got %s, %v", raw, err)
	}
	if got := answer.Contacts[0]; got.Input != dialled || got.WaID != written {
		t.Errorf("contact: got %+v, want input as dialled and wa_id %s", got, written)
	}
	if len(p.Messages()) != 1 || len(w.Phone(written).Messages()) != 1 {
		t.Error("the phone is not found under both numbers")
	}
	if err := w.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	if got := r.messages[0]["from"]; got != written {
		t.Errorf("from: got %v, want %s", got, written)
	}
}
