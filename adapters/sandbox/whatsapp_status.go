package sandbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

type statusUpdate struct {
	ID           string        `json:"id"`
	Status       string        `json:"status"`
	Timestamp    string        `json:"timestamp"`
	RecipientID  string        `json:"recipient_id,omitempty"`
	Identity     string        `json:"recipient_identity_key_hash,omitempty"`
	UserID       string        `json:"recipient_user_id"`
	CallbackData string        `json:"biz_opaque_callback_data,omitempty"`
	Pricing      *pricing      `json:"pricing,omitempty"`
	Errors       []statusError `json:"errors,omitempty"`
}

type pricing struct {
	Billable bool   `json:"billable"`
	Model    string `json:"pricing_model"`
	Type     string `json:"type"`
	Category string `json:"category"`
}

type statusError struct {
	Code    int        `json:"code"`
	Title   string     `json:"title"`
	Message string     `json:"message"`
	Data    *errorData `json:"error_data,omitempty"`
	Href    string     `json:"href"`
}

// plan schedules the statuses of an accepted message. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status.
func (w *WhatsApp) plan(m ReceivedMessage, f *SendFault, failed int) {
	if w.cfg.NoStatuses && f.Statuses == nil || w.out.target() == "" {
		return
	}
	statuses := f.Statuses
	if statuses == nil {
		statuses = w.usual(m, failed)
	}
	delay := w.cfg.StatusDelay
	if f.StatusDelay > 0 {
		delay = f.StatusDelay
	}
	w.putStatuses(m, statuses, failed, delay)
}

// putStatuses puts them one after the other: a timer each could overtake the one before.
func (w *WhatsApp) putStatuses(m ReceivedMessage, statuses []string, failed int, delay time.Duration) {
	for i, s := range statuses {
		if delay > 0 {
			w.out.later(delay, func() {
				w.out.put(w.status(m, s, failed))
				w.putStatuses(m, statuses[i+1:], failed, delay)
			})
			return
		}
		w.out.put(w.status(m, s, failed))
	}
}

// Report posts statuses of a message that came to the phone, whatever the configuration says of statuses.
func (p *Phone) Report(wamid string, statuses ...string) error {
	m, ok := p.message(wamid)
	if !ok {
		return fmt.Errorf("sandbox: no message %q came to this phone", wamid)
	}
	p.w.putStatuses(m, statuses, 0, 0)
	return nil
}

func (w *WhatsApp) usual(m ReceivedMessage, failed int) []string {
	switch {
	case w.cfg.Tyntec != nil && failed != 0:
		return []string{"accepted", "failed"}
	case w.cfg.Tyntec != nil && w.cfg.ReadReceipts && !w.cfg.Tyntec.SMS:
		return []string{"accepted", "sent", "delivered", "read"}
	case w.cfg.Tyntec != nil:
		return []string{"accepted", "sent", "delivered"}
	case failed != 0:
		return []string{"failed"}
	case m.Kind == "reaction":
		return []string{"sent"}
	case w.cfg.ReadReceipts:
		return []string{"sent", "delivered", "read"}
	default:
		return []string{"sent", "delivered"}
	}
}

func (w *WhatsApp) status(m ReceivedMessage, status string, failed int) update {
	s := statusUpdate{
		ID: m.ID, Status: status, Timestamp: strconv.FormatInt(w.cfg.Clock().Unix(), 10),
		RecipientID: w.people.shown(m.To), UserID: userID(m.To), CallbackData: m.CallbackData,
	}
	u := update{field: "statuses"}
	switch status {
	case "failed":
		if failed == 0 {
			failed = 131000
		}
		e := refusal(failed, "Message undeliverable.")
		s.Errors = []statusError{{
			Code: failed, Title: e.title(), Message: e.title(), Data: &errorData{Details: e.details},
			Href: "/documentation/business-messaging/whatsapp/support/error-codes",
		}}
	case "sent", "delivered":
		s.Pricing = w.price(m)
		fallthrough
	default:
		u.contact = w.people.contact(m.To)
		if m.IdentityKey == "" {
			s.Identity = w.people.key(m.To)
		}
	}
	u.body, _ = json.Marshal(s) // plain strings and numbers
	return u
}

// price names the category of a message. What comes inside a window is free.
func (w *WhatsApp) price(m ReceivedMessage) *pricing {
	if m.Template == "" {
		return &pricing{Model: "PMP", Type: "free_customer_service", Category: "service"}
	}
	p := &pricing{Billable: true, Model: "PMP", Type: "regular", Category: "utility"}
	if t := w.templates.find(m.Template, m.Language); t != nil && t.Category == "MARKETING" {
		p.Category = "marketing"
	}
	return p
}
