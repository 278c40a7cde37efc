package tyntec

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
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

// composer builds a message for tyntec.
type composer struct{ exchange.Composer }

// compose puts m into tyntec's shape, or says why tyntec or Meta would refuse it.
func (c *Client) compose(m pipeline.Message) (wireMessage, *pipeline.Error) {
	k := composer{exchange.Composer{Op: opSend}}
	w := c.envelope(m, channelWhatsApp, &k)
	if m.Quote != "" {
		k.ID("quote", m.Quote, 256)
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
		content.Type, content.Text = "text", k.Words("text", m.Text.Reveal(), maxText)
	}
	if m.Interactive != nil {
		kinds++
		content.Type, content.Interactive = "interactive", k.interactive(m.Interactive)
	}
	if m.Document != nil {
		kinds++
		content.Type, content.Document = "document", k.document(m.Document)
	}
	if m.Picture != nil {
		kinds++
		content.Type, content.Image = "image", k.image(m.Picture)
	}
	if m.Location != nil {
		kinds++
		content.Type, content.Location = "location", k.location(m.Location)
	}
	if kinds != 1 {
		k.Malformed("content")
	}
	return w, k.Fault
}

// envelope is what a message of any channel has around its content.
func (c *Client) envelope(m pipeline.Message, channel string, k *composer) wireMessage {
	w := wireMessage{From: "+" + c.number, To: m.To.Reveal(), Channel: channel, Context: m.Attempt}
	if c.callback != "" {
		w.Overrides = &wireOverrides{Callback: c.callback}
	}
	if !exchange.Dialable(w.To) {
		k.Refuse(pipeline.Refused, exchange.ReasonBadNumber, "to")
	}
	k.ID("attempt", m.Attempt, maxContext)
	return w
}

func (k *composer) template(t *pipeline.Template, language string) *wireTemplate {
	if t.Name == "" || len(t.Name) > maxName || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		k.Malformed("template name")
	}
	k.ID("template language", language, 35)
	w := &wireTemplate{ID: t.Name, Language: language}
	switch {
	case t.Header != nil && t.HeaderDocument != nil:
		k.Malformed("template header")
	case t.Header != nil:
		w.Components.Header = k.parameters("header", maxHeading, *t.Header)
	case t.HeaderDocument != nil:
		if !t.HeaderDocument.Caption.Empty() {
			k.Malformed("template header caption") // there is none, and it must not be lost in silence
		}
		w.Components.Header = []wirePart{{Type: "document", Document: k.document(t.HeaderDocument)}}
	}
	w.Components.Body = k.parameters("body", maxBody, t.Body...)
	for i, b := range t.Buttons {
		k.ID("button payload", b.Payload, maxPayload)
		if b.Index < 0 || b.Index > maxIndex {
			k.Malformed("button index")
		}
		for _, earlier := range t.Buttons[:i] {
			if earlier.Index == b.Index {
				k.Malformed("button index")
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
		text := exchange.Flatten(p.Text.Reveal())
		what := part + " parameter " + strconv.Itoa(i+1)
		if text == "" {
			k.Refuse(pipeline.Refused, exchange.ReasonEmpty, what)
		}
		if total += utf8.RuneCountInString(text); total > limit {
			k.Refuse(pipeline.Refused, exchange.ReasonLong, what)
		}
		out = append(out, wirePart{Type: "text", Text: text})
	}
	return out
}

func (k *composer) interactive(m *pipeline.Interactive) *wireInteractive {
	w := &wireInteractive{SubType: "buttons", Components: wireParts{Body: wirePart{Type: "text", Text: k.Words("body", m.Body.Reveal(), maxBody)}}}
	parts := &w.Components
	if m.Header != "" {
		parts.Header = &wirePart{Type: "text", Text: k.Words("header", m.Header, maxHeading)}
	}
	if m.Footer != "" {
		parts.Footer = &wirePart{Type: "text", Text: k.Words("footer", m.Footer, maxHeading)}
	}
	if m.List != nil {
		if len(m.Buttons) > 0 {
			k.Malformed("buttons beside a list")
		}
		w.SubType, parts.List = "list", k.list(m.List)
		return w
	}
	if len(m.Buttons) < 1 || len(m.Buttons) > maxButtons {
		k.Malformed("buttons")
	}
	ids, titles := make(exchange.Distinct, len(m.Buttons)), make(exchange.Distinct, len(m.Buttons))
	for _, b := range m.Buttons {
		k.ID("button payload", b.Payload, maxPayload)
		title := k.Words("button title", b.Title, maxTitle)
		if !ids.Add(b.Payload) || !titles.Add(title) {
			k.Malformed("buttons that are alike")
		}
		parts.Buttons = append(parts.Buttons, wireReply{Type: "reply", Reply: wireChoice{Payload: b.Payload, Title: title}})
	}
	return w
}

func (k *composer) list(l *pipeline.List) *wireList {
	if len(l.Rows) < 1 || len(l.Rows) > maxRows {
		k.Malformed("rows")
	}
	rows, ids := make([]wireChoice, 0, len(l.Rows)), make(exchange.Distinct, len(l.Rows))
	for _, r := range l.Rows {
		k.ID("row payload", r.Payload, maxRowID)
		if !ids.Add(r.Payload) {
			k.Malformed("rows that are alike")
		}
		row := wireChoice{Payload: r.Payload, Title: k.Words("row title", r.Title.Reveal(), maxRow)}
		if !r.Description.Empty() {
			row.Description = k.Words("row description", r.Description.Reveal(), maxRowMore)
		}
		rows = append(rows, row)
	}
	return &wireList{Title: k.Words("list title", l.Title, maxTitle), Sections: []wireSection{{Rows: rows}}}
}

func (k *composer) document(d *pipeline.Document) *wireDocument {
	k.ID("media id", d.MediaID, maxPayload)
	w := &wireDocument{ID: d.MediaID}
	if d.Filename != "" {
		w.Filename = k.Words("filename", d.Filename, maxFilename)
	}
	if !d.Caption.Empty() {
		w.Caption = k.Words("caption", d.Caption.Reveal(), maxCaption)
	}
	return w
}

func (k *composer) image(p *pipeline.Picture) *wireImage {
	k.ID("media id", p.MediaID, maxPayload)
	w := &wireImage{ID: p.MediaID}
	if !p.Caption.Empty() {
		w.Caption = k.Words("caption", p.Caption.Reveal(), maxCaption)
	}
	return w
}

func (k *composer) location(l *pipeline.LocationPin) *wireLocation {
	// Written so that NaN fails too.
	if !(l.Latitude >= -90 && l.Latitude <= 90 && l.Longitude >= -180 && l.Longitude <= 180) {
		k.Malformed("coordinates")
	}
	return &wireLocation{Latitude: l.Latitude, Longitude: l.Longitude, Name: clip(exchange.Clean(l.Name), maxPlace), Address: clip(exchange.Clean(l.Address), maxPlace)}
}
