package cloudapi

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
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

// composer builds a message and keeps the first thing that is wrong with it.
type composer struct{ fault *pipeline.Error }

// compose puts m into Meta's shape, or says why Meta would refuse it.
func compose(m pipeline.Message) (wireMessage, *pipeline.Error) {
	var c composer
	w := wireMessage{Product: "whatsapp", RecipientType: "individual", To: m.To.Reveal(), CallbackData: m.Attempt, IdentityHash: m.Identity.Reveal()}
	if pipeline.IsUser(m.To) {
		w.To, w.Recipient = "", m.To.Reveal()
		c.id("recipient", w.Recipient, maxCallback)
	} else if !dialable(w.To) {
		c.refuse(pipeline.Refused, reasonBadNumber, "to")
	}
	c.id("attempt", m.Attempt, maxCallback)
	if m.Quote != "" {
		c.id("quote", m.Quote, maxCallback)
		w.Context = &wireContext{MessageID: m.Quote}
	}
	kinds := 0
	if m.Template != nil {
		kinds++
		w.Type, w.Template = "template", c.template(m.Template, m.Language)
	}
	if !m.Text.Empty() {
		kinds++
		w.Type, w.Text = "text", &wireText{Body: c.words("text", m.Text.Reveal(), maxText)}
	}
	if m.Interactive != nil {
		kinds++
		w.Type, w.Interactive = "interactive", c.interactive(m.Interactive)
	}
	if m.Document != nil {
		kinds++
		w.Type, w.Document = "document", c.document(m.Document)
	}
	if m.Location != nil {
		kinds++
		w.Type, w.Location = "location", c.location(m.Location)
	}
	if kinds != 1 {
		c.malformed("content")
	}
	return w, c.fault
}

func (c *composer) template(t *pipeline.Template, language string) *wireTemplate {
	if t.Name == "" || len(t.Name) > maxName || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		c.malformed("template name")
	}
	c.id("template language", language, 35)
	w := &wireTemplate{Name: t.Name, Language: wireLanguage{Code: language}, Components: make([]wireComponent, 0, 2+len(t.Buttons))}
	switch {
	case t.Header != nil && t.HeaderDocument != nil:
		c.malformed("template header")
	case t.Header != nil:
		w.Components = append(w.Components, wireComponent{Type: "header", Parameters: c.parameters("header", maxHeading, *t.Header)})
	case t.HeaderDocument != nil:
		if !t.HeaderDocument.Caption.Empty() {
			c.malformed("template header caption") // Meta has none there, and it must not be lost in silence
		}
		w.Components = append(w.Components, wireComponent{Type: "header", Parameters: []wireParameter{
			{Type: "document", Document: c.document(t.HeaderDocument)},
		}})
	}
	if len(t.Body) > 0 {
		w.Components = append(w.Components, wireComponent{Type: "body", Parameters: c.parameters("body", maxBody, t.Body...)})
	}
	for i, b := range t.Buttons {
		c.id("button payload", b.Payload, maxPayload)
		if b.Index < 0 || b.Index > maxIndex {
			c.malformed("button index")
		}
		for _, earlier := range t.Buttons[:i] {
			if earlier.Index == b.Index {
				c.malformed("button index")
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
		text := flatten(p.Text.Reveal())
		what := part + " parameter " + strconv.Itoa(i+1)
		if text == "" {
			c.refuse(pipeline.Refused, reasonEmpty, what)
		}
		if total += utf8.RuneCountInString(text); total > limit {
			c.refuse(pipeline.Refused, reasonLong, what)
		}
		if (p.Name == "") != (from[0].Name == "") || !visible(p.Name) || len(p.Name) > maxName {
			c.malformed(what)
		}
		out = append(out, wireParameter{Type: "text", Name: p.Name, Text: text})
	}
	return out
}

func (c *composer) interactive(m *pipeline.Interactive) *wireInteractive {
	w := &wireInteractive{Body: wireWords{c.words("body", m.Body.Reveal(), maxBody)}}
	if m.Header != "" {
		w.Header = &wireHeader{Type: "text", Text: c.words("header", m.Header, maxHeading)}
	}
	if m.Footer != "" {
		w.Footer = &wireWords{c.words("footer", m.Footer, maxHeading)}
	}
	if m.List != nil {
		if len(m.Buttons) > 0 {
			c.malformed("buttons beside a list")
		}
		w.Type, w.Action = "list", c.list(m.List)
		return w
	}
	w.Type = "button"
	if len(m.Buttons) < 1 || len(m.Buttons) > maxButtons {
		c.malformed("buttons")
	}
	ids, titles := make(distinct, len(m.Buttons)), make(distinct, len(m.Buttons))
	for _, b := range m.Buttons {
		c.id("button payload", b.Payload, maxPayload)
		title := c.words("button title", b.Title, maxTitle)
		if !ids.add(b.Payload) || !titles.add(title) {
			c.malformed("buttons that are alike")
		}
		w.Action.Buttons = append(w.Action.Buttons, wireButton{Type: "reply", Reply: wireReply{ID: b.Payload, Title: title}})
	}
	return w
}

func (c *composer) list(l *pipeline.List) wireAction {
	if len(l.Rows) < 1 || len(l.Rows) > maxRows {
		c.malformed("rows")
	}
	rows, ids := make([]wireRow, 0, len(l.Rows)), make(distinct, len(l.Rows))
	for _, r := range l.Rows {
		c.id("row payload", r.Payload, maxPayload)
		if !ids.add(r.Payload) {
			c.malformed("rows that are alike")
		}
		row := wireRow{ID: r.Payload, Title: c.words("row title", r.Title.Reveal(), maxRow)}
		if !r.Description.Empty() {
			row.Description = c.words("row description", r.Description.Reveal(), maxRowMore)
		}
		rows = append(rows, row)
	}
	return wireAction{Button: c.words("list title", l.Title, maxTitle), Sections: []wireSection{{Rows: rows}}}
}

func (c *composer) document(d *pipeline.Document) *wireDocument {
	c.id("media id", d.MediaID, maxPayload)
	w := &wireDocument{ID: d.MediaID}
	if d.Filename != "" {
		w.Filename = c.words("filename", d.Filename, maxFilename)
	}
	if !d.Caption.Empty() {
		w.Caption = c.words("caption", d.Caption.Reveal(), maxCaption)
	}
	return w
}

func (c *composer) location(l *pipeline.LocationPin) *wireLocation {
	// Written so that NaN fails too.
	if !(l.Latitude >= -90 && l.Latitude <= 90 && l.Longitude >= -180 && l.Longitude <= 180) {
		c.malformed("coordinates")
	}
	return &wireLocation{Latitude: l.Latitude, Longitude: l.Longitude, Name: clean(l.Name), Address: clean(l.Address)}
}

// words checks a text of any content.
func (c *composer) words(what, text string, limit int) string {
	text = clean(text)
	if strings.TrimSpace(text) == "" {
		c.refuse(pipeline.Refused, reasonEmpty, what)
	}
	if utf8.RuneCountInString(text) > limit {
		c.refuse(pipeline.Refused, reasonLong, what)
	}
	return text
}

// id checks an identifier of ours or Meta's: printable, without spaces.
func (c *composer) id(what, id string, limit int) {
	if id == "" || len(id) > limit || !visible(id) {
		c.malformed(what)
	}
}

func (c *composer) malformed(what string) { c.refuse(pipeline.Malformed, reasonMessage, what) }

func (c *composer) refuse(kind pipeline.Kind, reason, what string) {
	if c.fault == nil {
		c.fault = &pipeline.Error{Op: "cloudapi.send", Kind: kind, Reason: reason, Err: errors.New(what)}
	}
}

// distinct is a set.
type distinct map[string]struct{}

func (d distinct) add(s string) bool {
	_, seen := d[s]
	d[s] = struct{}{}
	return !seen
}

// dialable reports whether s is E.164 with its "+". Without it Meta would put the country code of
// the business number in front, and the message could reach a stranger.
func dialable(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	return strings.Trim(s[1:], "0123456789") == ""
}

// clean drops what no phone shows and some databases reject.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// flatten makes s fit for a template parameter, which may have no line breaks, no tabs and no
// more than four spaces in a row. A run that has one of these becomes one space.
func flatten(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	spaces := 0
	for _, r := range clean(s) {
		switch {
		case r == ' ':
			spaces++
			continue
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			spaces = 5
			continue
		}
		if spaces > 4 {
			spaces = 1
		}
		if out.Len() > 0 {
			out.WriteString("    "[:spaces])
		}
		spaces = 0
		out.WriteRune(r)
	}
	return out.String()
}
