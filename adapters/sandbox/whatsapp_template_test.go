package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"fhirbridge/adapters/sandbox"
)

const plainTemplate = `"type": "template", "template": {"name": "plain", "language": {"code": "en"}}`

func TestTemplatesAreRefused(t *testing.T) {
	w := newWhatsApp(t, nil)
	named := func(header, body, buttons string) string {
		return `"name": "named", "language": {"code": "en"}, "components": [` + header + `,` + body + buttons + `]`
	}
	text := func(name, value string) string {
		return `{"type": "text", "parameter_name": "` + name + `", "text": "` + value + `"}`
	}
	part := func(kind string, params ...string) string {
		return `{"type": "` + kind + `", "parameters": [` + strings.Join(params, ",") + `]}`
	}
	button := func(kind, index, params string) string {
		return `,{"type": "button", "sub_type": "` + kind + `", "index": "` + index + `", "parameters": [` + params + `]}`
	}
	header := part("header", text("first_name", "Erika"))
	body := part("body", text("first_name", "Erika"), text("start", "3 May"))
	link := button("url", "2", `{"type": "text", "text": "x"}`)
	positional := func(params ...string) string {
		return `"name": "positional", "language": {"code": "de"}, "components": [` + part("body", params...) + `]`
	}
	document := func(params ...string) string {
		return `"name": "with_document", "language": {"code": "en"}, "components": [` + part("header", params...) + `]`
	}
	cases := []struct {
		name, part   string
		status, code int
	}{
		{"no name", `"language": {"code": "en"}`, 400, 131008},
		{"no language", `"name": "plain"`, 400, 131008},
		{"another policy", `"name": "plain", "language": {"code": "en", "policy": "fallback"}`, 400, 131009},
		{"unknown name", `"name": "none", "language": {"code": "en"}`, 404, 132001},
		{"unknown language", `"name": "plain", "language": {"code": "de"}`, 404, 132001},
		{"pending", `"name": "pending", "language": {"code": "en"}`, 404, 132001},
		{"paused", `"name": "paused", "language": {"code": "en"}`, 400, 132015},
		{"disabled", `"name": "disabled", "language": {"code": "en"}`, 400, 132016},
		{"no parameters", `"name": "named", "language": {"code": "en"}`, 400, 132000},
		{"one parameter too few", named(header, part("body", text("start", "x")), link), 400, 132000},
		{"one parameter too many", named(header, part("body", text("start", "x"), text("first_name", "x"), text("end", "x")), link), 400, 132000},
		{"parameters of a part that has none", `"name": "plain", "language": {"code": "en"}, "components": [` + header + `]`, 400, 132000},
		{"a part given twice", named(header+","+header, body, link), 400, 132000},
		{"an unknown part", named(header, body, `,{"type": "footer"}`), 400, 100},
		{"a wrong name", named(header, part("body", text("start", "x"), text("given", "x")), link), 400, 132012},
		{"a name twice", named(header, part("body", text("start", "x"), text("start", "x")), link), 400, 132012},
		{"no names in a named template", named(header, part("body", text("", "x"), text("", "x")), link), 400, 132012},
		{"names in a positional template", positional(text("a", "x"), text("b", "x")), 400, 132012},
		{"a picture in a text", positional(text("", "x"), `{"type": "image", "image": {"id": "1"}}`), 400, 132012},
		{"an empty parameter", positional(text("", "x"), text("", "")), 400, 131008},
		{"a newline", positional(text("", "x"), text("", `a\nb`)), 400, 132018},
		{"a tab", positional(text("", "x"), text("", `a\tb`)), 400, 132018},
		{"five spaces", positional(text("", "x"), text("", `a     b`)), 400, 132018},
		{"a body that gets too long", positional(text("", strings.Repeat("x", 1000)), text("", "x")), 400, 132005},
		{"no document", `"name": "with_document", "language": {"code": "en"}`, 400, 132012},
		{"a picture for a document", document(`{"type": "image", "image": {"link": "https://example.org/a"}}`), 400, 132012},
		{"a document without id and link", document(`{"type": "document", "document": {}}`), 400, 131008},
		{"two documents", document(`{"type": "document"}`, `{"type": "document"}`), 400, 132000},
		{"no suffix for the link", named(header, body, ""), 400, 131008},
		{"a payload for a link", named(header, body, link+button("quick_reply", "2", `{"type": "payload", "payload": "x"}`)), 400, 132000},
		{"a button of another type", named(header, body, link+button("url", "0", `{"type": "text", "text": "x"}`)), 400, 132012},
		{"a button that is not there", named(header, body, link+button("quick_reply", "3", `{"type": "payload", "payload": "x"}`)), 400, 132012},
		{"a button without an index", named(header, body, link+`,{"type": "button", "sub_type": "quick_reply"}`), 400, 132012},
		{"a button without payload", named(header, body, link+button("quick_reply", "0", `{"type": "payload"}`)), 400, 131008},
		{"a button with two payloads", named(header, body, link+button("quick_reply", "0", `{"type": "payload"}, {"type": "payload"}`)), 400, 132000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			refused(t, w, message(`"type": "template", "template": {`+c.part+`}`), c.status, c.code)
		})
	}
	if got := w.Count(); got != 0 {
		t.Errorf("got %d messages accepted, want none", got)
	}
	mustSend(t, w, message(`"type": "template", "template": {`+positional(text("", "a    b"), text("", "x"))+`}`)) // four spaces are allowed
}

func TestTemplateDefinitionsAreRefused(t *testing.T) {
	body := func(text string) string { return `[{"type": "BODY", "text": "` + text + `"}]` }
	buttons := func(all string) string {
		return `[{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": [` + all + `]}]`
	}
	const quick, call = `{"type": "QUICK_REPLY", "text": "a"}`, `{"type": "PHONE_NUMBER", "text": "b", "phone_number": "+15550100000"}`
	cases := []struct{ name, template, format, language, components string }{
		{"a name with capitals", "Plain", "", "en", body("x")},
		{"a language in another notation", "plain", "", "en-US", body("x")},
		{"no body", "plain", "", "en", `[]`},
		{"a body too long", "plain", "", "en", body(strings.Repeat("x", 1025))},
		{"a variable first", "plain", "", "en", body("{{1}}, hello")},
		{"a variable last", "plain", "", "en", body("Hello {{1}}")},
		{"two variables side by side", "plain", "", "en", body("Hello {{1}} {{2}}.")},
		{"a gap in the numbers", "plain", "", "en", body("Hello {{2}}.")},
		{"a name in a positional template", "plain", "", "en", body("Hello {{name}}.")},
		{"a capital in a name", "plain", "NAMED", "en", body("Hello {{Name}}.")},
		{"two variables in a header", "plain", "", "en", `[{"type": "HEADER", "text": "{{1}} {{2}}"}, {"type": "BODY", "text": "x"}]`},
		{"a variable in a footer", "plain", "", "en", `[{"type": "FOOTER", "text": "{{1}}"}, {"type": "BODY", "text": "x"}]`},
		{"an unknown component", "plain", "", "en", `[{"type": "TAIL", "text": "x"}, {"type": "BODY", "text": "x"}]`},
		{"no buttons", "plain", "", "en", buttons("")},
		{"a label too long", "plain", "", "en", buttons(`{"type": "QUICK_REPLY", "text": "` + strings.Repeat("x", 26) + `"}`)},
		{"a variable within a URL", "plain", "", "en", buttons(`{"type": "URL", "text": "a", "url": "https://example.org/{{1}}/x"}`)},
		{"two telephone buttons", "plain", "", "en", buttons(call + "," + call)},
		{"groups of buttons that are mixed", "plain", "", "en", buttons(quick + "," + call + "," + quick)},
		{"a button that is not served", "plain", "", "en", buttons(`{"type": "FLOW", "text": "a"}`)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tpl := sandbox.Template{Name: c.template, Language: c.language, ParameterFormat: c.format}
			if err := json.Unmarshal([]byte(c.components), &tpl.Components); err != nil {
				t.Fatal(err)
			}
			w, err := sandbox.NewWhatsApp(sandbox.WhatsAppConfig{AccessToken: "x", PhoneNumberID: "1", Templates: []sandbox.Template{tpl}})
			if err == nil {
				_ = w.Close()
				t.Error("got it approved, want an error")
			}
		})
	}
}

func TestTemplatesAreListedInPages(t *testing.T) {
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) { c.WABAID = "77" })
	var names []string
	next := w.URL() + "/v25.0/77/message_templates?limit=3&status=approved"
	for next != "" {
		status, _, body := call(t, http.MethodGet, next, "", "")
		var page struct {
			Data   []sandbox.Template `json:"data"`
			Paging struct {
				Next string `json:"next"`
			} `json:"paging"`
		}
		if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK || len(page.Data) > 3 {
			t.Fatalf("got HTTP %d, %d templates, %v", status, len(page.Data), err)
		}
		for _, tpl := range page.Data {
			names = append(names, tpl.Name)
		}
		next = page.Paging.Next
	}
	if got, want := strings.Join(names, " "), "named plain positional with_document with_place"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
