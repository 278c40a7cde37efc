package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

type contactUpdate struct {
	Profile  *profile `json:"profile,omitempty"`
	WaID     string   `json:"wa_id,omitempty"`
	UserID   string   `json:"user_id"`
	Identity string   `json:"identity_key_hash,omitempty"`
}

type profile struct {
	Name string `json:"name"`
}

// update is one member of a webhook: a message or a status.
type update struct {
	field   string // messages or statuses
	contact *contactUpdate
	body    json.RawMessage
}

type changeValue struct {
	Product  string `json:"messaging_product"`
	Metadata struct {
		Number string `json:"display_phone_number"`
		ID     string `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts []*contactUpdate  `json:"contacts,omitempty"`
	Messages []json.RawMessage `json:"messages,omitempty"`
	Statuses []json.RawMessage `json:"statuses,omitempty"`
}

type change struct {
	Field string      `json:"field"`
	Value changeValue `json:"value"`
}

// envelope puts updates into one body: neighbours of the same field share a change. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages.
func envelope(cfg *WhatsAppConfig, updates []update) []byte {
	var changes []change
	field := ""
	for _, u := range updates {
		if u.field != field {
			field = u.field
			c := change{Field: "messages"}
			c.Value.Product = "whatsapp"
			c.Value.Metadata.Number, c.Value.Metadata.ID = cfg.DisplayNumber, cfg.PhoneNumberID
			changes = append(changes, c)
		}
		v := &changes[len(changes)-1].Value
		v.add(u)
	}
	type entry struct {
		ID      string   `json:"id"`
		Time    int64    `json:"time"`
		Changes []change `json:"changes"`
	}
	body, _ := json.Marshal(struct {
		Object string   `json:"object"`
		Entry  [1]entry `json:"entry"`
	}{"whatsapp_business_account", [1]entry{{cfg.WABAID, cfg.Clock().Unix(), changes}}}) // made of what was marshalled before
	return escape(body)
}

func (v *changeValue) add(u update) {
	if u.field == "messages" {
		v.Messages = append(v.Messages, u.body)
	} else {
		v.Statuses = append(v.Statuses, u.body)
	}
	if u.contact == nil {
		return
	}
	for _, c := range v.Contacts {
		if c.UserID == u.contact.UserID {
			return
		}
	}
	v.Contacts = append(v.Contacts, u.contact)
}

// escape writes all that is not ASCII as \uXXXX, as Meta does: a receiver that
// encodes the body again before it checks the signature is caught.
func escape(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for len(body) > 0 {
		r, n := utf8.DecodeRune(body)
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r > 0xFFFF:
			a, b := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, a, b)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		body = body[n:]
	}
	return out
}

// SetWebhook changes where updates are posted, from the next post on. Empty drops
// updates, as without a subscription.
func (w *WhatsApp) SetWebhook(to string) { w.out.set(to) }

// Hold keeps updates back until Release; none is lost.
func (w *WhatsApp) Hold() { w.out.hold(true) }

// Release posts what Hold kept back.
func (w *WhatsApp) Release() { w.out.hold(false) }

// Drain returns nil once every update due so far was answered 200, and gives up
// with ctx. Statuses that wait for their StatusDelay are due.
func (w *WhatsApp) Drain(ctx context.Context) error { return w.out.changed.await(ctx, w.out.empty) }

// Handshake asks the webhook for its challenge, as Meta does when it is subscribed. tyntec does not: there it only looks whether
// somebody answers. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint.
func (w *WhatsApp) Handshake(ctx context.Context) error {
	challenge := rand.Text()
	to, err := url.Parse(w.out.target())
	if err != nil || to.Host == "" {
		return errors.New("sandbox: there is no webhook URL")
	}
	q := to.Query()
	q.Set("hub.mode", "subscribe")
	q.Set("hub.challenge", challenge)
	q.Set("hub.verify_token", w.cfg.VerifyToken)
	to.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return fmt.Errorf("sandbox: handshake: %w", err)
	}
	resp, err := w.out.client.Do(req)
	if err != nil {
		return fmt.Errorf("sandbox: handshake: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err == nil && w.cfg.Tyntec != nil {
		return nil
	}
	if err != nil || resp.StatusCode != http.StatusOK || string(body) != challenge {
		return fmt.Errorf("sandbox: handshake: HTTP %d, challenge returned: %t", resp.StatusCode, string(body) == challenge)
	}
	return nil
}

// callback is the body of a post.
func (w *WhatsApp) callback(updates []update) []byte {
	if w.cfg.Tyntec != nil {
		return escape(w.tyntecEvent(updates[0]))
	}
	return envelope(&w.cfg, updates)
}

// Post sends body to the webhook once, signed, and returns the HTTP status: for
// updates that the sandbox does not make by itself.
func (w *WhatsApp) Post(ctx context.Context, body []byte) (int, error) {
	return w.out.post(ctx, w.out.target(), body)
}

// post sends one signed body. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint.
func (o *outbox) post(ctx context.Context, to string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("sandbox: webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if o.cfg.Tyntec != nil {
		o.cfg.Tyntec.sign(req.Header, body, time.Now()) // whatever the story's clock shows: it is between two machines
	} else if o.cfg.AppSecret != "" {
		mac := hmac.New(sha256.New, []byte(o.cfg.AppSecret))
		mac.Write(body)
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("sandbox: webhook: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	return resp.StatusCode, nil
}
