package sandbox

import (
	"fmt"
	"net/url"
	"strings"
)

// checkInteractive holds a request against Meta's limits of interactive messages. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages
// and the pages beside it.
func (w *WhatsApp) checkInteractive(p *interactivePart, m *ReceivedMessage) *apiError {
	if p == nil {
		return missing("interactive")
	}
	if p.Body == nil {
		return missing("interactive.body")
	}
	if e := required("interactive.body.text", p.Body.Text, 1024); e != nil {
		return e
	}
	m.Text = p.Body.Text
	if p.Footer != nil {
		if e := required("interactive.footer.text", p.Footer.Text, 60); e != nil {
			return e
		}
		m.Footer = p.Footer.Text
	}
	if p.Action == nil {
		return missing("interactive.action")
	}
	if e := w.checkInteractiveHeader(p, m); e != nil {
		return e
	}
	m.Kind = p.Type
	switch p.Type {
	case "button":
		return checkReplyButtons(p.Action, m)
	case "list":
		return checkList(p.Action, m)
	case "cta_url":
		return checkLink(p.Action, m)
	case "location_request_message":
		m.Kind = "location_request"
		if p.Header != nil || p.Footer != nil {
			return refusal(131009, "location_request_message takes neither header nor footer")
		}
		if p.Action.Name != "send_location" {
			return refusal(131009, "action.name must be 'send_location'")
		}
		return nil
	default:
		return refusal(131051, "Interactive type '%s' is not supported", p.Type)
	}
}

func (w *WhatsApp) checkInteractiveHeader(p *interactivePart, m *ReceivedMessage) *apiError {
	h := p.Header
	if h == nil {
		return nil
	}
	if p.Type == "list" && h.Type != "text" {
		return refusal(131009, "A list takes a header of type text only")
	}
	var e *apiError
	switch h.Type {
	case "text":
		m.Header = h.Text
		return required("interactive.header.text", h.Text, 60)
	case "image":
		m.Media, e = w.checkMedia(h.Type, h.Image)
	case "video":
		m.Media, e = w.checkMedia(h.Type, h.Video)
	case "document":
		m.Media, e = w.checkMedia(h.Type, h.Document)
	default:
		e = refusal(131009, "Header type '%s' is not valid", h.Type)
	}
	return e
}

func checkReplyButtons(a *actionPart, m *ReceivedMessage) *apiError {
	if len(a.Buttons) < 1 || len(a.Buttons) > 3 {
		return refusal(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
	}
	ids, titles := distinct{}, distinct{}
	for i, b := range a.Buttons {
		at := fmt.Sprintf("interactive.action.buttons[%d].", i)
		if b.Type != "reply" {
			return refusal(131009, "%stype must be 'reply'", at)
		}
		if e := required(at+"reply.title", b.Reply.Title, 20); e != nil {
			return e
		}
		if e := checkID(at+"reply.id", b.Reply.ID, 256); e != nil {
			return e
		}
		if !ids.add(b.Reply.ID) || !titles.add(b.Reply.Title) {
			return refusal(131009, "%sreply: ids and titles must be unique", at)
		}
		m.Buttons = append(m.Buttons, Button{Title: b.Reply.Title, Payload: b.Reply.ID})
	}
	return nil
}

// checkList counts rows over all sections, as Meta does.
func checkList(a *actionPart, m *ReceivedMessage) *apiError {
	if e := required("interactive.action.button", a.Button, 20); e != nil {
		return e
	}
	if len(a.Sections) < 1 || len(a.Sections) > 10 {
		return refusal(131009, "Invalid sections count. Min allowed: 1, Max allowed: 10")
	}
	ids := distinct{}
	for i, s := range a.Sections {
		at := fmt.Sprintf("interactive.action.sections[%d].", i)
		if len(a.Sections) > 1 && s.Title == "" {
			return missing(at + "title")
		}
		if e := limit(at+"title", s.Title, 24); e != nil {
			return e
		}
		if len(s.Rows) == 0 {
			return missing(at + "rows")
		}
		for j, r := range s.Rows {
			row := fmt.Sprintf("%srows[%d].", at, j)
			e := first(required(row+"title", r.Title, 24), checkID(row+"id", r.ID, 200), limit(row+"description", r.Description, 72))
			if e != nil {
				return e
			}
			if !ids.add(r.ID) {
				return refusal(131009, "%sid must be unique", row)
			}
			m.Buttons = append(m.Buttons, Button{Title: r.Title, Description: r.Description, Payload: r.ID})
		}
	}
	if len(m.Buttons) > 10 {
		return refusal(131009, "Total row count exceed max allowed count: 10")
	}
	return nil
}

func checkLink(a *actionPart, m *ReceivedMessage) *apiError {
	if a.Name != "cta_url" {
		return refusal(131009, "action.name must be 'cta_url'")
	}
	if e := required("interactive.action.parameters.display_text", a.Parameters.DisplayText, 20); e != nil {
		return e
	}
	u, err := url.Parse(a.Parameters.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return refusal(131009, "interactive.action.parameters.url is not a valid URL")
	}
	m.Buttons = append(m.Buttons, Button{Title: a.Parameters.DisplayText, URL: a.Parameters.URL})
	return nil
}

func checkID(parameter, id string, most int) *apiError {
	if strings.TrimSpace(id) != id {
		return refusal(131009, "%s cannot have leading or trailing spaces", parameter)
	}
	return required(parameter, id, most)
}

// distinct finds repeated values.
type distinct map[string]struct{}

func (d distinct) add(v string) bool {
	_, seen := d[v]
	d[v] = struct{}{}
	return !seen
}

func first(errs ...*apiError) *apiError {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return nil
}
