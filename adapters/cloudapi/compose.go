package cloudapi

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// Meta's limits, in characters. Where the pages disagree the smaller one counts.
const (
	maxText     = 4096
	maxCaption  = 1024
	maxBody     = 1024
	maxHeading  = 60 // header and footer
	maxTitle    = 20 // of a reply button, and of the button that opens a list
	maxRow      = 24
	maxRowMore  = 72
	maxPayload  = 128 // Meta publishes none for templates; gateways enforce this one
	maxFilename = 240
	maxCallback = 512
	maxName     = 512
	maxButtons  = 3
	maxRows     = 10
	maxIndex    = 9
)

// composer builds a message for Meta.
type composer struct{ exchange.Composer }

// compose puts m into Meta's shape, or says why Meta would refuse it.
func compose(m pipeline.Message) (wireMessage, *pipeline.Error) {
	c := composer{exchange.Composer{Op: opSend}}
	w := wireMessage{Product: "whatsapp", RecipientType: "individual", To: m.To.Reveal(), CallbackData: m.Attempt, IdentityHash: m.Identity.Reveal()}
	if pipeline.IsUser(m.To) {
		w.To, w.Recipient = "", m.To.Reveal()
		c.ID("recipient", w.Recipient, maxCallback)
	} else if !exchange.Dialable(w.To) {
		c.Refuse(pipeline.Refused, exchange.ReasonBadNumber, "to")
	}
	c.ID("attempt", m.Attempt, maxCallback)
	if m.Quote != "" {
		c.ID("quote", m.Quote, maxCallback)
		w.Context = &wireContext{MessageID: m.Quote}
	}
	kinds := 0
	if m.Template != nil {
		kinds++
		w.Type, w.Template = "template", c.template(m.Template, m.Language)
	}
	if !m.Text.Empty() {
		kinds++
		w.Type, w.Text = "text", &wireText{Body: c.Words("text", m.Text.Reveal(), maxText)}
	}
	if m.Interactive != nil {
		kinds++
		w.Type, w.Interactive = "interactive", c.interactive(m.Interactive)
	}
	if m.Document != nil {
		kinds++
		w.Type, w.Document = "document", c.document(m.Document)
	}
	if m.Picture != nil {
		kinds++
		w.Type, w.Image = "image", c.image(m.Picture)
	}
	if m.Location != nil {
		kinds++
		w.Type, w.Location = "location", c.location(m.Location)
	}
	if kinds != 1 {
		c.Malformed("content")
	}
	return w, c.Fault
}

func (c *composer) template(t *pipeline.Template, language string) *wireTemplate {
	if t.Name == "" || len(t.Name) > maxName || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		c.Malformed("template name")
	}
	c.ID("template language", language, 35)
	w := &wireTemplate{Name: t.Name, Language: wireLanguage{Code: language}, Components: make([]wireComponent, 0, 2+len(t.Buttons))}
	switch {
	case t.Header != nil && t.HeaderDocument != nil:
		c.Malformed("template header")
	case t.Header != nil:
		w.Components = append(w.Components, wireComponent{Type: "header", Parameters: c.parameters("header", maxHeading, *t.Header)})
	case t.HeaderDocument != nil:
		if !t.HeaderDocument.Caption.Empty() {
			c.Malformed("template header caption") // Meta has none there, and it must not be lost in silence
		}
		w.Components = append(w.Components, wireComponent{Type: "header", Parameters: []wireParameter{
			{Type: "document", Document: c.document(t.HeaderDocument)},
		}})
	}
	if len(t.Body) > 0 {
		w.Components = append(w.Components, wireComponent{Type: "body", Parameters: c.parameters("body", maxBody, t.Body...)})
	}
	for i, b := range t.Buttons {
		c.ID("button payload", b.Payload, maxPayload)
		if b.Index < 0 || b.Index > maxIndex {
			c.Malformed("button index")
		}
		for _, earlier := range t.Buttons[:i] {
			if earlier.Index == b.Index {
				c.Malformed("button index")
			}
		}
		w.Components = append(w.Components, wireComponent{
			Type: "button", SubType: "quick_reply", Index: strconv.Itoa(b.Index),
			Parameters: []wireParameter{{Type: "payload", Payload: b.Payload}},
		})
	}
	return w
}

// parameters are named, or in order when they have no name; never both.
func (c *composer) parameters(part string, limit int, from ...pipeline.Parameter) []wireParameter {
	out := make([]wireParameter, 0, len(from))
	total := 0
	for i, p := range from {
		text := exchange.Flatten(p.Text.Reveal())
		what := part + " parameter " + strconv.Itoa(i+1)
		if text == "" {
			c.Refuse(pipeline.Refused, exchange.ReasonEmpty, what)
		}
		if total += utf8.RuneCountInString(text); total > limit {
			c.Refuse(pipeline.Refused, exchange.ReasonLong, what)
		}
		if (p.Name == "") != (from[0].Name == "") || !exchange.Visible(p.Name) || len(p.Name) > maxName {
			c.Malformed(what)
		}
		out = append(out, wireParameter{Type: "text", Name: p.Name, Text: text})
	}
	return out
}

func (c *composer) interactive(m *pipeline.Interactive) *wireInteractive {
	w := &wireInteractive{Body: wireWords{c.Words("body", m.Body.Reveal(), maxBody)}}
	if m.Header != "" {
		w.Header = &wireHeader{Type: "text", Text: c.Words("header", m.Header, maxHeading)}
	}
	if m.Footer != "" {
		w.Footer = &wireWords{c.Words("footer", m.Footer, maxHeading)}
	}
	if m.List != nil {
		if len(m.Buttons) > 0 {
			c.Malformed("buttons beside a list")
		}
		w.Type, w.Action = "list", c.list(m.List)
		return w
	}
	w.Type = "button"
	if len(m.Buttons) < 1 || len(m.Buttons) > maxButtons {
		c.Malformed("buttons")
	}
	ids, titles := make(exchange.Distinct, len(m.Buttons)), make(exchange.Distinct, len(m.Buttons))
	for _, b := range m.Buttons {
		c.ID("button payload", b.Payload, maxPayload)
		title := c.Words("button title", b.Title, maxTitle)
		if !ids.Add(b.Payload) || !titles.Add(title) {
			c.Malformed("buttons that are alike")
		}
		w.Action.Buttons = append(w.Action.Buttons, wireButton{Type: "reply", Reply: wireReply{ID: b.Payload, Title: title}})
	}
	return w
}

func (c *composer) list(l *pipeline.List) wireAction {
	if len(l.Rows) < 1 || len(l.Rows) > maxRows {
		c.Malformed("rows")
	}
	rows, ids := make([]wireRow, 0, len(l.Rows)), make(exchange.Distinct, len(l.Rows))
	for _, r := range l.Rows {
		c.ID("row payload", r.Payload, maxPayload)
		if !ids.Add(r.Payload) {
			c.Malformed("rows that are alike")
		}
		row := wireRow{ID: r.Payload, Title: c.Words("row title", r.Title.Reveal(), maxRow)}
		if !r.Description.Empty() {
			row.Description = c.Words("row description", r.Description.Reveal(), maxRowMore)
		}
		rows = append(rows, row)
	}
	return wireAction{Button: c.Words("list title", l.Title, maxTitle), Sections: []wireSection{{Rows: rows}}}
}

func (c *composer) document(d *pipeline.Document) *wireDocument {
	c.ID("media id", d.MediaID, maxPayload)
	w := &wireDocument{ID: d.MediaID}
	if d.Filename != "" {
		w.Filename = c.Words("filename", d.Filename, maxFilename)
	}
	if !d.Caption.Empty() {
		w.Caption = c.Words("caption", d.Caption.Reveal(), maxCaption)
	}
	return w
}

func (c *composer) image(p *pipeline.Picture) *wireImage {
	c.ID("media id", p.MediaID, maxPayload)
	w := &wireImage{ID: p.MediaID}
	if !p.Caption.Empty() {
		w.Caption = c.Words("caption", p.Caption.Reveal(), maxCaption)
	}
	return w
}

func (c *composer) location(l *pipeline.LocationPin) *wireLocation {
	// Written so that NaN fails too.
	if !(l.Latitude >= -90 && l.Latitude <= 90 && l.Longitude >= -180 && l.Longitude <= 180) {
		c.Malformed("coordinates")
	}
	return &wireLocation{Latitude: l.Latitude, Longitude: l.Longitude, Name: exchange.Clean(l.Name), Address: exchange.Clean(l.Address)}
}
