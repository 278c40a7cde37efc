package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// maxRequest bounds the bodies of messages: a list with all its rows is far below.
const maxRequest = 1 << 20

// SendRequest is what a fault can be decided on: a well-formed POST …/messages.
type SendRequest struct {
	// To is as the client wrote it; Kind is the request's type.
	To, Kind string
	// Template and CallbackData are empty where the request has none.
	Template, CallbackData string
	// Attempt counts the posts with this CallbackData, from 1; 1 if it is empty.
	Attempt int
	// Number counts all posts, from 1.
	Number int
}

// SendFault is what goes wrong with one message. The zero value is no fault.
type SendFault struct {
	Fault
	// Code is Meta's code in the error; Status is then the one that belongs to it,
	// unless it is set. At tyntec the message is taken, and fails with it: see Failed.
	Code int
	// Failed makes an accepted message fail later with this code.
	Failed int
	// Statuses replaces the statuses that follow acceptance: in this order, and as
	// often as they stand here. Empty but not nil sends none.
	Statuses []string
	// StatusDelay replaces the configured one if above 0.
	StatusDelay time.Duration

	refused bool // Failed was Code, at tyntec: no phone shows the message
}

// Fail sets the hook that decides for each message what goes wrong with it; nil
// from the hook is no fault, a nil hook ends faults. It is called on the request's
// goroutine and may call any method.
func (w *WhatsApp) Fail(hook func(SendRequest) *SendFault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = hook
}

func (w *WhatsApp) serveSend(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
	if err != nil {
		w.refuse(rw, refusal(100, "The request could not be read"))
		return
	}
	b, e := decodeSend(body)
	if e != nil {
		w.refuse(rw, e)
		return
	}
	if b.Status != "" {
		w.serveRead(rw, b)
		return
	}
	f := w.fault(b)
	f.wait(r.Context())
	if f.instead() && !f.Act {
		w.answerFault(rw, f)
		return
	}
	m, e := w.check(b)
	if e == nil {
		e = w.accept(&m)
	}
	if e != nil {
		w.refuse(rw, e)
		return
	}
	defer w.follow(m, f) // deferred, so that it also follows an answer that is cut
	pause(r.Context(), w.cfg.Latency)
	if f.instead() {
		w.answerFault(rw, f)
		return
	}
	w.answer(rw, b, m)
}

// fault asks the hook; it never returns nil.
func (w *WhatsApp) fault(b *sendBody) *SendFault {
	w.mu.Lock()
	w.requests++
	req := SendRequest{To: b.To, Kind: b.Type, CallbackData: b.CallbackData, Attempt: 1, Number: w.requests}
	if b.Template != nil {
		req.Template = b.Template.Name
	}
	if b.CallbackData != "" && !w.cfg.Lean {
		w.attempts[b.CallbackData]++
		req.Attempt = w.attempts[b.CallbackData]
	}
	hook := w.fail
	w.mu.Unlock()
	if hook == nil {
		return &SendFault{}
	}
	given := hook(req)
	if given == nil {
		return &SendFault{}
	}
	f := *given
	if w.cfg.Tyntec != nil && f.Code != 0 && f.Status == 0 { // tyntec hears of it later
		f.Failed, f.Code, f.refused = f.Code, 0, true
	}
	if f.Code != 0 && f.Status == 0 {
		f.Status = refusal(f.Code, "").status()
	}
	return &f
}

func (w *WhatsApp) answerFault(rw http.ResponseWriter, f *SendFault) {
	f.answer(rw, func(status int) {
		code := f.Code
		if code == 0 {
			code = 131000
		}
		w.refuseAs(rw, refusal(code, "As ordered."), status)
	})
}

// answer writes the response of an accepted message.
func (w *WhatsApp) answer(rw http.ResponseWriter, b *sendBody, m ReceivedMessage) {
	type contact struct {
		Input  string `json:"input"`
		WaID   string `json:"wa_id,omitempty"`
		UserID string `json:"user_id"`
	}
	type message struct {
		ID     string `json:"id"`
		Status string `json:"message_status,omitempty"`
	}
	out := struct {
		Product  string     `json:"messaging_product"`
		Contacts [1]contact `json:"contacts"`
		Messages [1]message `json:"messages"`
	}{Product: "whatsapp"}
	out.Contacts[0] = contact{Input: b.To, WaID: m.To, UserID: userID(m.To)}
	if b.To == "" {
		out.Contacts[0] = contact{Input: b.Recipient, UserID: b.Recipient}
	}
	out.Messages[0].ID = m.ID
	if m.Template != "" {
		out.Messages[0].Status = "accepted"
	}
	writeJSON(rw, http.StatusOK, out)
}

// serveRead marks an inbound message as read, with or without showing that somebody types. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/mark-message-as-read.
func (w *WhatsApp) serveRead(rw http.ResponseWriter, b *sendBody) {
	e := w.markRead(b)
	if e != nil {
		w.refuse(rw, e)
		return
	}
	writeJSON(rw, http.StatusOK, json.RawMessage(`{"success":true}`))
}

func (w *WhatsApp) markRead(b *sendBody) *apiError {
	switch {
	case b.Product != "whatsapp":
		return refusal(100, "The parameter messaging_product is required and must be 'whatsapp'.")
	case b.Status != "read":
		return refusal(131009, "status must be 'read'")
	case b.MessageID == "":
		return missing("message_id")
	case b.Typing != nil && b.Typing.Type != "text":
		return refusal(131009, "typing_indicator.type must be 'text'")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.threads {
		if _, ok := t.inbound[b.MessageID]; ok {
			t.inbound[b.MessageID] = true
			return nil
		}
	}
	return refusal(131009, "message_id is not that of a message received from a user")
}

// OnMessage sets the hook that is called for each message a phone shows: in order
// of acceptance, one at a time, after the API has answered, on a goroutine of its
// own. It may call any method but Close. nil removes it.
func (w *WhatsApp) OnMessage(hook func(number string, m ReceivedMessage)) { w.hooks.set(hook) }

// Accepted returns all messages that the API took, in that order, also those that
// failed afterwards. It is empty with Lean.
func (w *WhatsApp) Accepted() []ReceivedMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]ReceivedMessage(nil), w.accepted...)
}

// Count returns how many messages the API took.
func (w *WhatsApp) Count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// CountFor returns how many messages the API took with this callback data.
func (w *WhatsApp) CountFor(callbackData string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.callbacks[callbackData]
}

// Duplicates returns the callback data that were taken more than once, and how
// often. Lean or not, it knows all of them.
func (w *WhatsApp) Duplicates() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	twice := map[string]int{}
	for data, n := range w.callbacks {
		if n > 1 {
			twice[data] = n
		}
	}
	return twice
}

// AwaitCount returns nil once n messages were taken in all.
func (w *WhatsApp) AwaitCount(ctx context.Context, n int) error {
	return w.Await(ctx, func() bool { return w.Count() >= n })
}
