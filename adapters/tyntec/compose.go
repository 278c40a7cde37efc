package tyntec

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"fhirbridge/pipeline"
)

// The reasons for which a message is refused before it is posted. Error.Err
// names the part, never what was in it.
const (
	reasonMessage   = "invalid_message" // Malformed: no message of ours looks like that
	reasonBadNumber = string(pipeline.ReasonInvalidNumber)
	reasonEmpty     = "empty_text"
	reasonLong      = "too_long"
)

// Limits in characters: the smaller one of tyntec's and Meta's.
const (
	maxText     = 4096
	maxCaption  = 1024
	maxBody     = 1024
	maxHeading  = 60 // header and footer
	maxTitle    = 20 // of a reply button, and of the button that opens a list
	maxRow      = 24
	maxRowMore  = 72
	maxPayload  = 128
	maxRowID    = 24
	maxFilename = 240
	maxPlace    = 256
	maxContext  = 125
	maxName     = 512
	maxButtons  = 3
	maxRows     = 10
	maxIndex    = 9
)

// whatsAppID is how ids of WhatsApp's begin. tyntec has ids of its own, and answers none of those.
const whatsAppID = "wamid."

// composer builds a message and keeps the first thing that is wrong with it.
type composer struct{ fault *pipeline.Error }

// compose puts m into tyntec's shape, or says why tyntec or Meta would refuse it.
func (c *Client) compose(m pipeline.Message) (wireMessage, *pipeline.Error) {
	var k composer
	w := c.envelope(m, channelWhatsApp, &k)
	if m.Quote != "" {
		k.id("quote", m.Quote, 256)
		if strings.HasPrefix(m.Quote, whatsAppID) {
			w.Content.ReplyTo = m.Quote
		}
	}
	kinds, content := 0, &w.Content
	if m.Template != nil {
		kinds++
		content.Type, content.Template = "template", k.template(m.Template, m.Language)
	}
	if !m.Text.Empty() {
		kinds++
		content.Type, content.Text = "text", k.words("text", m.Text.Reveal(), maxText)
	}
	if m.Interactive != nil {
		kinds++
		content.Type, content.Interactive = "interactive", k.interactive(m.Interactive)
	}
	if m.Document != nil {
		kinds++
		content.Type, content.Document = "document", k.document(m.Document)
	}
	if m.Location != nil {
		kinds++
		content.Type, content.Location = "location", k.location(m.Location)
	}
	if kinds != 1 {
		k.malformed("content")
	}
	return w, k.fault
}

// envelope is what a message of any channel has around its content.
func (c *Client) envelope(m pipeline.Message, channel string, k *composer) wireMessage {
	w := wireMessage{From: "+" + c.number, To: m.To.Reveal(), Channel: channel, Context: m.Attempt}
	if c.callback != "" {
		w.Overrides = &wireOverrides{Callback: c.callback}
	}
	if !dialable(w.To) {
		k.refuse(pipeline.Refused, reasonBadNumber, "to")
	}
	k.id("attempt", m.Attempt, maxContext)
	return w
}

func (k *composer) template(t *pipeline.Template, language string) *wireTemplate {
	if t.Name == "" || len(t.Name) > maxName || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		k.malformed("template name")
	}
	k.id("template language", language, 35)
	w := &wireTemplate{ID: t.Name, Language: language}
	switch {
	case t.Header != nil && t.HeaderDocument != nil:
		k.malformed("template header")
	case t.Header != nil:
		w.Components.Header = k.parameters("header", maxHeading, *t.Header)
	case t.HeaderDocument != nil:
		if !t.HeaderDocument.Caption.Empty() {
			k.malformed("template header caption") // there is none, and it must not be lost in silence
		}
		w.Components.Header = []wirePart{{Type: "document", Document: k.document(t.HeaderDocument)}}
	}
	w.Components.Body = k.parameters("body", maxBody, t.Body...)
	for i, b := range t.Buttons {
		k.id("button payload", b.Payload, maxPayload)
		if b.Index < 0 || b.Index > maxIndex {
			k.malformed("button index")
		}
		for _, earlier := range t.Buttons[:i] {
			if earlier.Index == b.Index {
				k.malformed("button index")
			}
		}
		w.Components.Button = append(w.Components.Button, wireButton{Type: "quick_reply", Index: b.Index, Payload: b.Payload})
	}
	return w
}

// parameters are without their names, in their order.
func (k *composer) parameters(part string, limit int, from ...pipeline.Parameter) []wirePart {
	var out []wirePart
	total := 0
	for i, p := range from {
		text := flatten(p.Text.Reveal())
		what := part + " parameter " + strconv.Itoa(i+1)
		if text == "" {
			k.refuse(pipeline.Refused, reasonEmpty, what)
		}
		if total += utf8.RuneCountInString(text); total > limit {
			k.refuse(pipeline.Refused, reasonLong, what)
		}
		out = append(out, wirePart{Type: "text", Text: text})
	}
	return out
}

func (k *composer) interactive(m *pipeline.Interactive) *wireInteractive {
	w := &wireInteractive{SubType: "buttons", Components: wireParts{Body: wirePart{Type: "text", Text: k.words("body", m.Body.Reveal(), maxBody)}}}
	parts := &w.Components
	if m.Header != "" {
		parts.Header = &wirePart{Type: "text", Text: k.words("header", m.Header, maxHeading)}
	}
	if m.Footer != "" {
		parts.Footer = &wirePart{Type: "text", Text: k.words("footer", m.Footer, maxHeading)}
	}
	if m.List != nil {
		if len(m.Buttons) > 0 {
			k.malformed("buttons beside a list")
		}
		w.SubType, parts.List = "list", k.list(m.List)
		return w
	}
	if len(m.Buttons) < 1 || len(m.Buttons) > maxButtons {
		k.malformed("buttons")
	}
	ids, titles := make(distinct, len(m.Buttons)), make(distinct, len(m.Buttons))
	for _, b := range m.Buttons {
		k.id("button payload", b.Payload, maxPayload)
		title := k.words("button title", b.Title, maxTitle)
		if !ids.add(b.Payload) || !titles.add(title) {
			k.malformed("buttons that are alike")
		}
		parts.Buttons = append(parts.Buttons, wireReply{Type: "reply", Reply: wireChoice{Payload: b.Payload, Title: title}})
	}
	return w
}

func (k *composer) list(l *pipeline.List) *wireList {
	if len(l.Rows) < 1 || len(l.Rows) > maxRows {
		k.malformed("rows")
	}
	rows, ids := make([]wireChoice, 0, len(l.Rows)), make(distinct, len(l.Rows))
	for _, r := range l.Rows {
		k.id("row payload", r.Payload, maxRowID)
		if !ids.add(r.Payload) {
			k.malformed("rows that are alike")
		}
		row := wireChoice{Payload: r.Payload, Title: k.words("row title", r.Title.Reveal(), maxRow)}
		if !r.Description.Empty() {
			row.Description = k.words("row description", r.Description.Reveal(), maxRowMore)
		}
		rows = append(rows, row)
	}
	return &wireList{Title: k.words("list title", l.Title, maxTitle), Sections: []wireSection{{Rows: rows}}}
}

func (k *composer) document(d *pipeline.Document) *wireDocument {
	k.id("media id", d.MediaID, maxPayload)
	w := &wireDocument{ID: d.MediaID}
	if d.Filename != "" {
		w.Filename = k.words("filename", d.Filename, maxFilename)
	}
	if !d.Caption.Empty() {
		w.Caption = k.words("caption", d.Caption.Reveal(), maxCaption)
	}
	return w
}

func (k *composer) location(l *pipeline.LocationPin) *wireLocation {
	// Written so that NaN fails too.
	if !(l.Latitude >= -90 && l.Latitude <= 90 && l.Longitude >= -180 && l.Longitude <= 180) {
		k.malformed("coordinates")
	}
	return &wireLocation{Latitude: l.Latitude, Longitude: l.Longitude, Name: clip(clean(l.Name), maxPlace), Address: clip(clean(l.Address), maxPlace)}
}

// words checks a text of any content.
func (k *composer) words(what, text string, limit int) string {
	text = clean(text)
	if strings.TrimSpace(text) == "" {
		k.refuse(pipeline.Refused, reasonEmpty, what)
	}
	if utf8.RuneCountInString(text) > limit {
		k.refuse(pipeline.Refused, reasonLong, what)
	}
	return text
}

// id checks an identifier: printable, without spaces.
func (k *composer) id(what, id string, limit int) {
	if id == "" || len(id) > limit || !visible(id) {
		k.malformed(what)
	}
}

func (k *composer) malformed(what string) { k.refuse(pipeline.Malformed, reasonMessage, what) }

func (k *composer) refuse(kind pipeline.Kind, reason, what string) {
	if k.fault == nil {
		k.fault = &pipeline.Error{Op: opSend, Kind: kind, Reason: reason, Err: errors.New(what)}
	}
}
