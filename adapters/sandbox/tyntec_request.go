package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// tyntecBody is the body of POST /messages. Members that are not here are refused.
// See https://github.com/tyntec/api-collection/blob/master/conversations/v3/whatsapp.yaml.
type tyntecBody struct {
	From      string          `json:"from"`
	To        string          `json:"to"`
	Channel   string          `json:"channel"`
	Context   string          `json:"context"`
	Overrides json.RawMessage `json:"overrides"`
	Content   struct {
		Type        string             `json:"contentType"`
		Text        string             `json:"text"`
		Preview     bool               `json:"renderUrlPreview"`
		Template    *tyntecTemplate    `json:"template"`
		Interactive *tyntecInteractive `json:"interactive"`
		Document    *tyntecMedia       `json:"document"`
		Image       *tyntecMedia       `json:"image"`
		Location    *locationPart      `json:"location"`
		Reaction    *struct {
			MessageID string `json:"messageId"`
			Emoji     string `json:"emoji"`
		} `json:"reaction"`
		ReplyTo  string `json:"replyTo"`
		Identity string `json:"identityKeyHash"`
	} `json:"content"`
}

type tyntecMedia struct {
	ID       string `json:"id"`
	URL      string `json:"url"`
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
}

func (m *tyntecMedia) part() *mediaPart {
	if m == nil {
		return nil
	}
	return &mediaPart{ID: m.ID, Link: m.URL, Caption: m.Caption, Filename: m.Filename}
}

type tyntecPart struct {
	Type     string        `json:"type"`
	Text     string        `json:"text"`
	Document *tyntecMedia  `json:"document"`
	Image    *tyntecMedia  `json:"image"`
	Location *locationPart `json:"location"`
}

type tyntecTemplate struct {
	ID         string `json:"templateId"`
	Language   string `json:"templateLanguage"`
	Components struct {
		Header []tyntecPart `json:"header"`
		Body   []tyntecPart `json:"body"`
		Button []struct {
			Type    string `json:"type"`
			Index   *int   `json:"index"`
			Payload string `json:"payload"`
			Text    string `json:"text"`
		} `json:"button"`
	} `json:"components"`
}

type tyntecChoice struct {
	Payload     string `json:"payload"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

type tyntecInteractive struct {
	SubType    string `json:"subType"`
	Components struct {
		Header  *tyntecPart `json:"header"`
		Body    *tyntecPart `json:"body"`
		Footer  *tyntecPart `json:"footer"`
		Buttons []struct {
			Type  string       `json:"type"`
			Reply tyntecChoice `json:"reply"`
		} `json:"buttons"`
		List *struct {
			Title    string `json:"title"`
			Sections []struct {
				Title string         `json:"title"`
				Rows  []tyntecChoice `json:"rows"`
			} `json:"sections"`
		} `json:"list"`
	} `json:"components"`
}

// violation is what of a request breaks the API's schema.
type violation struct{ field, message string }

// decodeTyntec reads one request into Meta's shape, as tyntec hands it on.
func (w *WhatsApp) decodeTyntec(body []byte) (*sendBody, *violation) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var t tyntecBody
	if err := d.Decode(&t); err != nil {
		return nil, &violation{"body", err.Error()}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &violation{"body", "goes on after its end"}
	}
	channel := "whatsapp"
	if w.cfg.Tyntec.SMS {
		channel = "sms"
	}
	// tyntec takes numbers with and without "+", always with their country code.
	_, ok := w.dial("+" + digits(t.To))
	switch {
	case t.Channel != channel:
		return nil, &violation{"channel", "must be " + channel}
	case digits(t.From) != w.cfg.DisplayNumber:
		return nil, &violation{"from", "is not a number of the account"}
	case !ok:
		return nil, &violation{"to", t.To + " is not a phone number"}
	case utf8.RuneCountInString(t.Context) > 125:
		return nil, &violation{"context", "at most 125 characters"}
	}
	b := &sendBody{Product: "whatsapp", To: "+" + digits(t.To), Type: t.Content.Type, CallbackData: t.Context}
	if t.Content.ReplyTo != "" {
		b.Context = &contextPart{MessageID: t.Content.ReplyTo}
	}
	if channel == "sms" {
		if t.Content.Type != "text" || t.Content.Text == "" || utf8.RuneCountInString(t.Content.Text) > 3000 {
			return nil, &violation{"content.text", "a text of 1 to 3000 characters"}
		}
		b.Text = &textPart{Body: t.Content.Text}
		return b, nil
	}
	return b, t.fill(b)
}

// fill puts the content into b, and holds it against the schema.
func (t *tyntecBody) fill(b *sendBody) *violation {
	c := &t.Content
	switch c.Type {
	case "text":
		if c.Text == "" || utf8.RuneCountInString(c.Text) > 4096 {
			return &violation{"content.text", "1 to 4096 characters"}
		}
		b.Text = &textPart{Body: c.Text}
	case "document":
		b.Document = c.Document.part()
	case "image":
		b.Image = c.Image.part()
	case "location":
		b.Location = c.Location
	case "reaction":
		if c.Reaction == nil {
			return &violation{"content.reaction", "must not be empty"}
		}
		b.Reaction = &reactionPart{MessageID: c.Reaction.MessageID, Emoji: c.Reaction.Emoji}
	case "template":
		return c.Template.fill(b)
	case "interactive":
		return c.Interactive.fill(b)
	default:
		return &violation{"content.contentType", c.Type + " is not served"}
	}
	return nil
}

func (t *tyntecTemplate) fill(b *sendBody) *violation {
	if t == nil || t.ID == "" || t.Language == "" {
		return &violation{"content.template", "templateId and templateLanguage must not be empty"}
	}
	b.Template = &templatePart{Name: t.ID}
	b.Template.Language.Code = t.Language
	for kind, parts := range map[string][]tyntecPart{"header": t.Components.Header, "body": t.Components.Body} {
		if len(parts) == 0 {
			continue
		}
		c := componentPart{Type: kind}
		for _, p := range parts {
			c.Parameters = append(c.Parameters, parameterPart{Type: p.Type, Text: p.Text, Document: p.Document.part(), Image: p.Image.part(), Location: p.Location})
		}
		b.Template.Components = append(b.Template.Components, c)
	}
	if len(t.Components.Header) > 1 {
		return &violation{"content.template.components.header", "at most one"}
	}
	for i, button := range t.Components.Button {
		field := fmt.Sprintf("content.template.components.button[%d]", i)
		if button.Index == nil || *button.Index < 0 || *button.Index > 9 {
			return &violation{field + ".index", "0 to 9"}
		}
		c := componentPart{Type: "button", SubType: button.Type, Index: number(strconv.Itoa(*button.Index))}
		switch button.Type {
		case "quick_reply":
			if button.Payload == "" || len(button.Payload) > 128 {
				return &violation{field + ".payload", "1 to 128 characters"}
			}
			c.Parameters = []parameterPart{{Type: "payload", Payload: button.Payload}}
		case "url":
			c.Parameters = []parameterPart{{Type: "text", Text: button.Text}}
		default:
			return &violation{field + ".type", button.Type + " is not served"}
		}
		b.Template.Components = append(b.Template.Components, c)
	}
	return nil
}

// fill hands on buttons and lists with WhatsApp's own limits, but for the payloads, which are shorter here.
func (t *tyntecInteractive) fill(b *sendBody) *violation {
	if t == nil || t.Components.Body == nil {
		return &violation{"content.interactive.components.body", "must not be empty"}
	}
	p := &interactivePart{Action: &actionPart{}}
	text := &struct {
		Text string `json:"text"`
	}{t.Components.Body.Text}
	p.Body, b.Interactive = text, p
	if f := t.Components.Footer; f != nil {
		p.Footer = &struct {
			Text string `json:"text"`
		}{f.Text}
	}
	if h := t.Components.Header; h != nil {
		p.Header = &headerPart{Type: h.Type, Text: h.Text, Document: h.Document.part(), Image: h.Image.part()}
	}
	switch t.SubType {
	case "buttons":
		p.Type = "button"
		return t.buttons(p.Action)
	case "list":
		p.Type = "list"
		return t.list(p.Action)
	}
	return &violation{"content.interactive.subType", t.SubType + " is not served"}
}

func (t *tyntecInteractive) buttons(a *actionPart) *violation {
	for _, given := range t.Components.Buttons {
		if given.Reply.Payload == "" || len(given.Reply.Payload) > 256 {
			return &violation{"content.interactive.components.buttons", "payload of 1 to 256 characters"}
		}
		a.Buttons = append(a.Buttons, struct {
			Type  string `json:"type"`
			Reply struct {
				ID    string `json:"id"`
				Title string `json:"title"`
			} `json:"reply"`
		}{Type: given.Type})
		reply := &a.Buttons[len(a.Buttons)-1].Reply
		reply.ID, reply.Title = given.Reply.Payload, given.Reply.Title
	}
	return nil
}

func (t *tyntecInteractive) list(a *actionPart) *violation {
	if t.Components.List == nil {
		return &violation{"content.interactive.components.list", "must not be empty"}
	}
	// Sections have Meta's shape but for the payload of a row, which is called its id there.
	type row struct {
		ID          string `json:"id"`
		Title       string `json:"title"`
		Description string `json:"description,omitempty"`
	}
	type section struct {
		Title string `json:"title"`
		Rows  []row  `json:"rows"`
	}
	var sections []section
	for _, s := range t.Components.List.Sections {
		to := section{Title: s.Title}
		for _, r := range s.Rows {
			if r.Payload == "" || len(r.Payload) > 24 {
				return &violation{"content.interactive.components.list", "payload of 1 to 24 characters"}
			}
			to.Rows = append(to.Rows, row{r.Payload, r.Title, r.Description})
		}
		sections = append(sections, to)
	}
	raw, _ := json.Marshal(sections) // plain strings
	if err := json.Unmarshal(raw, &a.Sections); err != nil {
		return &violation{"content.interactive.components.list", "not readable"}
	}
	a.Button = t.Components.List.Title
	return nil
}
