package journey

import (
	"encoding/json"
	"hash/fnv"
	"strconv"
	"strings"
)

// metaTemplate is a template in the shape in which Meta's API lists it
// (https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates/).
type metaTemplate struct {
	ID              string          `json:"id"`
	Name            string          `json:"name"`
	Language        string          `json:"language"`
	Status          string          `json:"status"`
	Category        string          `json:"category"`
	ParameterFormat string          `json:"parameter_format"`
	TTL             int             `json:"message_send_ttl_seconds,omitempty"`
	Components      []metaComponent `json:"components"`
}

type metaComponent struct {
	Type    string       `json:"type"`
	Format  string       `json:"format,omitempty"`
	Text    string       `json:"text,omitempty"`
	Example *metaExample `json:"example,omitempty"`
	Buttons []metaButton `json:"buttons,omitempty"`
}

type metaExample struct {
	Header []metaParam `json:"header_text_named_params,omitempty"`
	Body   []metaParam `json:"body_text_named_params,omitempty"`
}

type metaParam struct {
	Name    string `json:"param_name"`
	Example string `json:"example"`
}

type metaButton struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// MetaTemplates returns every template in each of its languages as Meta's API
// lists it once it is approved, by name and language. Session texts need no
// approval and are not among them.
func (b *Book) MetaTemplates() []json.RawMessage {
	var list []json.RawMessage
	for _, name := range sortedKeys(b.templates) {
		t := b.templates[name]
		if t.session {
			continue
		}
		for _, x := range t.texts {
			raw, err := json.Marshal(t.meta(x))
			if err != nil { // strings and numbers always marshal
				panic(err)
			}
			list = append(list, raw)
		}
	}
	return list
}

func (t *template) meta(x *text) metaTemplate {
	id := fnv.New64a()
	_, _ = id.Write([]byte(t.name + " " + x.language)) // a hash takes every byte
	m := metaTemplate{
		ID: strconv.FormatUint(id.Sum64(), 10), Name: t.name, Language: x.language, Status: "APPROVED",
		Category: strings.ToUpper(t.category), ParameterFormat: "NAMED", TTL: t.ttl,
	}
	if len(x.header.parts) > 0 {
		header := metaComponent{Type: "HEADER", Format: "TEXT", Text: x.header.raw}
		if params := t.examples(x.header); len(params) > 0 {
			header.Example = &metaExample{Header: params}
		}
		m.Components = append(m.Components, header)
	}
	body := metaComponent{Type: "BODY", Text: x.body.raw}
	if params := t.examples(x.body); len(params) > 0 {
		body.Example = &metaExample{Body: params}
	}
	m.Components = append(m.Components, body)
	if x.footer != "" {
		m.Components = append(m.Components, metaComponent{Type: "FOOTER", Text: x.footer})
	}
	if len(x.buttons) > 0 {
		buttons := metaComponent{Type: "BUTTONS"}
		for _, title := range x.buttons {
			buttons.Buttons = append(buttons.Buttons, metaButton{Type: "QUICK_REPLY", Text: title})
		}
		m.Components = append(m.Components, buttons)
	}
	return m
}

// examples are the examples of the variables of a line, each once.
func (t *template) examples(l line) []metaParam {
	var list []metaParam
	seen := make(map[int]bool)
	for _, i := range l.params() {
		if !seen[i] {
			seen[i] = true
			list = append(list, metaParam{Name: t.params[i].name, Example: t.params[i].example})
		}
	}
	return list
}
