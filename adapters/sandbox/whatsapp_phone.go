package sandbox

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Phone is a user's side of the conversation with the business number. Whatever
// the user does opens the window for 24 hours, reactions excepted, and reaches the
// webhook. Each action returns the wamid of what the user sent, before the webhook
// was posted; WhatsApp.Drain waits for that.
type Phone struct {
	w      *WhatsApp
	number string
}

var (
	errNoMessage = errors.New("sandbox: this phone has not received that message")
	errNoButton  = errors.New("sandbox: that message has no such button, or it sends no reply")
)

// Phone returns the phone with this number, in any notation with country code.
func (w *WhatsApp) Phone(number string) *Phone { return &Phone{w: w, number: w.waID(digits(number))} }

// Phones returns the numbers, digits only, that sent or received anything.
func (w *WhatsApp) Phones() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	numbers := make([]string, 0, len(w.threads))
	for n := range w.threads {
		numbers = append(numbers, n)
	}
	return numbers
}

// Number returns the number in digits, as webhooks have it.
func (p *Phone) Number() string { return p.number }

// SetProfile sets the name that the user shows to others; it is "Patient" at first.
func (p *Phone) SetProfile(name string) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.thread(p.number).profile = name
}

// Messages returns what the phone shows of the business, oldest first. It is empty
// with Lean.
func (p *Phone) Messages() []ReceivedMessage {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	t := p.w.threads[p.number]
	if t == nil {
		return nil
	}
	shown := make([]ReceivedMessage, len(t.received))
	for i, at := range t.received {
		shown[i] = p.w.accepted[at]
	}
	return shown
}

// Last returns the newest message, if there is one.
func (p *Phone) Last() (ReceivedMessage, bool) {
	all := p.Messages()
	if len(all) == 0 {
		return ReceivedMessage{}, false
	}
	return all[len(all)-1], true
}

// MarkedRead reports whether the business marked a message of this user as read.
func (p *Phone) MarkedRead(wamid string) bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	t := p.w.threads[p.number]
	return t != nil && t.inbound[wamid]
}

// Tap taps the button at index of a message received earlier: a template's quick
// reply comes back as "button", a reply button or a list's row as "interactive".
// It can be tapped again and again, as on a real phone.
func (p *Phone) Tap(wamid string, index int) (string, error) {
	m, ok := p.message(wamid)
	if !ok {
		return "", errNoMessage
	}
	if index < 0 || index >= len(m.Buttons) || m.Buttons[index].Payload == "" {
		return "", errNoButton
	}
	b := m.Buttons[index]
	in := map[string]any{"context": p.context(wamid)}
	switch m.Kind {
	case "template":
		in["type"], in["button"] = "button", map[string]string{"payload": b.Payload, "text": b.Title}
	case "list":
		row := map[string]string{"id": b.Payload, "title": b.Title}
		if b.Description != "" {
			row["description"] = b.Description
		}
		in["type"], in["interactive"] = "interactive", map[string]any{"type": "list_reply", "list_reply": row}
	default:
		in["type"], in["interactive"] = "interactive", map[string]any{
			"type": "button_reply", "button_reply": map[string]string{"id": b.Payload, "title": b.Title},
		}
	}
	return p.Send(in), nil
}

// Write sends words.
func (p *Phone) Write(text string) string {
	return p.Send(map[string]any{"type": "text", "text": map[string]string{"body": text}})
}

// Reply sends words that quote a message received earlier.
func (p *Phone) Reply(wamid, text string) (string, error) {
	if _, ok := p.message(wamid); !ok {
		return "", errNoMessage
	}
	return p.Send(map[string]any{
		"type": "text", "text": map[string]string{"body": text}, "context": p.context(wamid),
	}), nil
}

// React reacts to a message received earlier; an empty emoji takes the reaction back.
func (p *Phone) React(wamid, emoji string) (string, error) {
	if _, ok := p.message(wamid); !ok {
		return "", errNoMessage
	}
	return p.Send(map[string]any{
		"type": "reaction", "reaction": map[string]string{"message_id": wamid, "emoji": emoji},
	}), nil
}

// SendLocation shares a place.
func (p *Phone) SendLocation(l Location) string {
	place := map[string]any{"latitude": l.Latitude, "longitude": l.Longitude}
	if l.Name != "" {
		place["name"] = l.Name
	}
	if l.Address != "" {
		place["address"] = l.Address
	}
	return p.Send(map[string]any{"type": "location", "location": place})
}

// InboundMedia is a file that a user sends.
type InboundMedia struct {
	// MIMEType may have parameters, as voice notes have: "audio/ogg; codecs=opus".
	MIMEType string
	Data     []byte
	// Caption and Filename are left out if empty. Voice marks a voice note.
	Caption, Filename string
	Voice             bool
}

// SendMedia sends a file as image, video, audio, document or sticker, whichever its
// type makes of it, else as document. The webhook carries its id, its hash and a
// URL good for five minutes.
func (p *Phone) SendMedia(f InboundMedia) string {
	plain, _, _ := strings.Cut(f.MIMEType, ";")
	kind := mediaTypes[plain].kind
	if kind == "" {
		kind = "document"
	}
	o := p.w.keepMedia(f.MIMEType, f.Data)
	part := map[string]any{"id": o.id, "mime_type": o.mime, "sha256": o.sha256, "url": p.w.mediaURL(o)}
	if f.Caption != "" {
		part["caption"] = f.Caption
	}
	if f.Filename != "" {
		part["filename"] = f.Filename
	}
	if f.Voice {
		part["voice"] = true
	}
	return p.Send(map[string]any{"type": kind, kind: part})
}

// Send sends a message of any type, in the shape of the webhook's messages[]. It
// adds from, from_user_id, id and timestamp where message has none; nil leaves a
// member out. Message is not kept. It panics on what JSON cannot hold.
func (p *Phone) Send(message map[string]any) string {
	p.w.mu.Lock()
	now := p.w.cfg.Clock()
	t := p.w.thread(p.number)
	in := map[string]any{
		"from": p.w.people.shown(p.number), "from_user_id": userID(p.number), "id": p.w.wamid(p.number, incoming),
		"timestamp": strconv.FormatInt(now.Unix(), 10),
	}
	for k, v := range message {
		in[k] = v
		if v == nil {
			delete(in, k)
		}
	}
	if in["from"] == "" {
		delete(in, "from")
	}
	id, _ := in["id"].(string)
	switch in["type"] {
	case "reaction", "system", "unsupported": // whether these open the window is not published
	default:
		t.lastIn = now
	}
	if _, again := t.inbound[id]; !again && in["type"] != "reaction" {
		t.inbound[id] = false
	}
	contact := p.w.people.contact(p.number)
	contact.Profile = &profile{Name: t.profile}
	p.w.mu.Unlock()
	p.w.out.put(update{field: "messages", contact: contact, body: mustJSON(in)})
	return id
}

func mustJSON(in map[string]any) []byte {
	body, err := json.Marshal(in)
	if err != nil {
		panic("sandbox: a message that is not JSON") // a mistake in the calling test, not in its input
	}
	return body
}

func (p *Phone) message(wamid string) (ReceivedMessage, bool) {
	for _, m := range p.Messages() {
		if m.ID == wamid {
			return m, true
		}
	}
	return ReceivedMessage{}, false
}

// context names the message that was answered.
func (p *Phone) context(wamid string) map[string]string {
	return map[string]string{"from": p.w.cfg.DisplayNumber, "id": wamid}
}
