package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkTemplate fills an approved template with the parameters of a request, or
// refuses them as Meta does. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components.
func (w *WhatsApp) checkTemplate(p *templatePart, m *ReceivedMessage) *apiError {
	if p == nil || p.Name == "" {
		return missing("template.name")
	}
	if p.Language.Code == "" {
		return missing("template.language.code")
	}
	if p.Language.Policy != "" && p.Language.Policy != "deterministic" {
		return refusal(131009, "template.language.policy must be 'deterministic'")
	}
	t := w.templates.find(p.Name, p.Language.Code)
	if t == nil {
		return refusal(132001, "template name (%s) does not exist in %s", p.Name, p.Language.Code)
	}
	switch t.Status {
	case "APPROVED":
	case "PAUSED":
		return refusal(132015, "template %s is paused", p.Name)
	case "DISABLED":
		return refusal(132016, "template %s is disabled", p.Name)
	default:
		return refusal(132001, "template name (%s) is not approved in %s", p.Name, p.Language.Code)
	}
	m.Template, m.Language = t.Name, t.Language
	f := filling{w: w, template: t, message: m}
	return f.fill(p.Components)
}

// filling is one template on its way to a message.
type filling struct {
	w        *WhatsApp
	template *Template
	message  *ReceivedMessage
}

func (f *filling) fill(components []componentPart) *apiError {
	var header, body []parameterPart
	var buttons []componentPart
	seen := distinct{}
	for _, c := range components {
		kind := strings.ToLower(c.Type)
		if kind == "button" {
			buttons = append(buttons, c)
			continue
		}
		if !seen.add(kind) {
			return refusal(132000, "%s: given twice", kind)
		}
		switch kind {
		case "header":
			header = c.Parameters
		case "body":
			body = c.Parameters
		default:
			return refusal(100, "components: type '%s' is not one of {header, body, button}", c.Type)
		}
	}
	if e := first(f.header(header), f.body(body), f.buttons(buttons)); e != nil {
		return e
	}
	if c := f.template.component("FOOTER"); c != nil {
		f.message.Footer = c.Text
	}
	return nil
}

func (f *filling) body(params []parameterPart) *apiError {
	text, e := f.substitute("body", f.template.component("BODY").Text, params)
	if e != nil {
		return e
	}
	if utf8.RuneCountInString(text) > 1024 {
		return refusal(132005, "Translated text too long: body is more than 1024 characters")
	}
	f.message.Text = text
	return nil
}

// header fills a text, or takes the media or the place that a header of that
// format must be given on every send.
func (f *filling) header(params []parameterPart) *apiError {
	c := f.template.component("HEADER")
	if c == nil || c.Format == "TEXT" {
		text := ""
		if c != nil {
			text = c.Text
		}
		var e *apiError
		f.message.Header, e = f.substitute("header", text, params)
		return e
	}
	if len(params) == 0 {
		return refusal(132012, "header: Format mismatch, expected %s, received UNKNOWN", c.Format)
	}
	if len(params) > 1 {
		return refusal(132000, "header: number of parameters (%d) does not match the expected number (1)", len(params))
	}
	p := params[0]
	if !strings.EqualFold(p.Type, c.Format) {
		return refusal(132012, "header: Format mismatch, expected %s, received %s", c.Format, strings.ToUpper(p.Type))
	}
	var e *apiError
	switch c.Format {
	case "DOCUMENT":
		f.message.Media, e = f.w.checkMedia("document", p.Document)
	case "IMAGE":
		f.message.Media, e = f.w.checkMedia("image", p.Image)
	case "VIDEO":
		f.message.Media, e = f.w.checkMedia("video", p.Video)
	case "LOCATION":
		f.message.Location, e = checkLocation(p.Location)
	default:
		e = refusal(132012, "header: format %s is not served", c.Format)
	}
	return e
}

// substitute puts params into the variables of text: all of them, and no others.
func (f *filling) substitute(where, text string, params []parameterPart) (string, *apiError) {
	names := placeholders(text)
	if len(params) != len(names) {
		return "", refusal(132000, "%s: number of localizable_params (%d) does not match the expected number of params (%d)",
			where, len(params), len(names))
	}
	named := f.template.ParameterFormat == "NAMED"
	values := make(map[string]string, len(names))
	for i, p := range params {
		value, e := parameterText(where, p)
		if e != nil {
			return "", e
		}
		name := strconv.Itoa(i + 1)
		if named {
			name = p.Name
		}
		_, twice := values[name]
		if named != (p.Name != "") || !slices.Contains(names, name) || twice {
			return "", refusal(132012, "%s: Parameter name is missing, unknown, repeated or not expected: '%s'", where, p.Name)
		}
		values[name] = value
	}
	return placeholder.ReplaceAllStringFunc(text, func(v string) string {
		return values[placeholder.FindStringSubmatch(v)[1]]
	}), nil
}

// parameterText returns a parameter as it will be read.
func parameterText(where string, p parameterPart) (string, *apiError) {
	var text string
	switch {
	case p.Type == "text":
		text = p.Text
	case p.Type == "currency" && p.Currency != nil:
		text = p.Currency.Fallback
	case p.Type == "date_time" && p.DateTime != nil:
		text = p.DateTime.Fallback
	default:
		return "", refusal(132012, "%s: Format mismatch, expected TEXT, received %s", where, strings.ToUpper(p.Type))
	}
	if text == "" {
		return "", refusal(131008, "%s: Parameter of type text is missing text value", where)
	}
	if strings.ContainsAny(text, "\n\r\t") || strings.Contains(text, "     ") {
		return "", refusal(132018, "%s: Param text cannot have new-line/tab characters or more than 4 consecutive spaces", where)
	}
	return text, nil
}

// buttons lays out the template's buttons and fills those that have a variable.
func (f *filling) buttons(parts []componentPart) *apiError {
	var defined []TemplateButton
	if c := f.template.component("BUTTONS"); c != nil {
		defined = c.Buttons
	}
	given := map[int]componentPart{}
	for _, p := range parts {
		i, err := strconv.Atoi(string(p.Index))
		if err != nil || i < 0 || i >= len(defined) {
			return refusal(132012, "buttons: there is no button at index '%s'", p.Index)
		}
		if _, twice := given[i]; twice {
			return refusal(132000, "buttons: index %d is given twice", i)
		}
		if !strings.EqualFold(p.SubType, defined[i].Type) {
			return refusal(132012, "buttons: button at index %d is of type %s, not '%s'", i, defined[i].Type, p.SubType)
		}
		if len(p.Parameters) != 1 {
			return refusal(132000, "buttons: button at index %d takes one parameter", i)
		}
		given[i] = p
	}
	for i, d := range defined {
		b, e := fillButton(fmt.Sprintf("buttons: Button at index %d", i), d, given[i].Parameters)
		if e != nil {
			return e
		}
		f.message.Buttons = append(f.message.Buttons, b)
	}
	return nil
}

func fillButton(where string, d TemplateButton, params []parameterPart) (Button, *apiError) {
	b := Button{Title: d.Text, URL: d.URL, Phone: d.PhoneNumber}
	switch d.Type {
	case "QUICK_REPLY":
		b.Payload = d.Text // what comes back if the sender gives no payload
		if len(params) == 0 {
			return b, nil
		}
		if params[0].Type != "payload" || params[0].Payload == "" {
			return b, refusal(131008, "%s of type Quick_reply requires a parameter of type payload", where)
		}
		b.Payload = params[0].Payload
	case "URL":
		vars := placeholder.FindString(d.URL)
		if vars == "" && len(params) > 0 {
			return b, refusal(132000, "%s of type Url takes no parameter", where)
		}
		if vars == "" {
			return b, nil
		}
		if len(params) == 0 {
			return b, refusal(131008, "%s of type Url requires a parameter", where)
		}
		suffix, e := parameterText(where, params[0])
		if e != nil {
			return b, e
		}
		b.URL = strings.Replace(d.URL, vars, suffix, 1)
		if _, err := url.Parse(b.URL); err != nil {
			return b, refusal(132018, "%s of type Url is not a valid URL with its parameter", where)
		}
	default:
		if len(params) > 0 {
			return b, refusal(132000, "%s takes no parameter", where)
		}
	}
	return b, nil
}
