package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Template is a message template in the API's own JSON shape; see
// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components.
// The shape in which templates are created is taken too: types in lower case, no
// status (then APPROVED), no parameter_format (then POSITIONAL).
type Template struct {
	ID              string              `json:"id,omitempty"`
	Name            string              `json:"name"`
	Language        string              `json:"language"`
	Status          string              `json:"status"`
	Category        string              `json:"category"`
	ParameterFormat string              `json:"parameter_format"`
	TTLSeconds      int                 `json:"message_send_ttl_seconds,omitempty"`
	Quality         *TemplateQuality    `json:"quality_score,omitempty"`
	RejectedReason  string              `json:"rejected_reason,omitempty"`
	CorrectCategory string              `json:"correct_category,omitempty"`
	Components      []TemplateComponent `json:"components"`
}

// TemplateQuality is what users think of a template: GREEN, YELLOW, RED or UNKNOWN.
type TemplateQuality struct {
	Score string `json:"score"`
}

// TemplateComponent is a HEADER, BODY, FOOTER or BUTTONS.
type TemplateComponent struct {
	Type    string           `json:"type"`
	Format  string           `json:"format,omitempty"`
	Text    string           `json:"text,omitempty"`
	Buttons []TemplateButton `json:"buttons,omitempty"`
	Example json.RawMessage  `json:"example,omitempty"`
}

// TemplateButton is a QUICK_REPLY, URL or PHONE_NUMBER.
type TemplateButton struct {
	Type        string          `json:"type"`
	Text        string          `json:"text"`
	URL         string          `json:"url,omitempty"`
	PhoneNumber string          `json:"phone_number,omitempty"`
	Example     json.RawMessage `json:"example,omitempty"`
}

var (
	placeholder  = regexp.MustCompile(`\{\{\s*([^{}\s]+)\s*\}\}`)
	templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	namedParam   = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	adjacent     = regexp.MustCompile(`\}\}\s*\{\{`)
)

// lint holds t against Meta's rules of template texts.
func (t *Template) lint() error {
	body := t.component("BODY")
	switch {
	case !templateName.MatchString(t.Name):
		return fmt.Errorf("name: only a-z, 0-9 and _, at most 512")
	case t.Language == "" || strings.Contains(t.Language, "-"):
		return fmt.Errorf("language: %q is not one of Meta's codes, like de or en_US", t.Language)
	case body == nil || strings.TrimSpace(body.Text) == "":
		return fmt.Errorf("body: required")
	case utf8.RuneCountInString(body.Text) > 1024:
		return fmt.Errorf("body: more than 1024 characters")
	}
	for _, c := range t.Components {
		if err := t.lintText(c); err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(c.Type), err)
		}
	}
	return nil
}

func (t *Template) lintText(c TemplateComponent) error {
	names := placeholders(c.Text)
	text := strings.TrimSpace(c.Text)
	switch c.Type {
	case "HEADER":
		if utf8.RuneCountInString(c.Text) > 60 || len(names) > 1 {
			return fmt.Errorf("at most 60 characters and one variable")
		}
	case "FOOTER":
		if utf8.RuneCountInString(c.Text) > 60 || len(names) > 0 {
			return fmt.Errorf("at most 60 characters and no variable")
		}
	case "BUTTONS":
		return lintButtons(c.Buttons)
	case "BODY":
		if strings.HasPrefix(text, "{{") || strings.HasSuffix(text, "}}") || adjacent.MatchString(text) {
			return fmt.Errorf("a variable must not be first, last, or next to another")
		}
	default:
		return fmt.Errorf("unknown type")
	}
	for i, n := range names {
		if t.ParameterFormat == "NAMED" && !namedParam.MatchString(n) {
			return fmt.Errorf("variable %q: only a-z, 0-9 and _", n)
		}
		if t.ParameterFormat != "NAMED" && n != strconv.Itoa(i+1) {
			return fmt.Errorf("variable %q: positional ones are numbered from 1 without gaps", n)
		}
	}
	return nil
}

func lintButtons(buttons []TemplateButton) error {
	kinds := map[string]int{}
	for i, b := range buttons {
		kinds[b.Type]++
		if b.Text == "" || utf8.RuneCountInString(b.Text) > 25 {
			return fmt.Errorf("label %d: 1 to 25 characters", i)
		}
		vars := placeholders(b.URL)
		if b.Type == "URL" && (len(b.URL) > 2000 || len(vars) > 1 || len(vars) == 1 && !strings.HasSuffix(b.URL, "}}")) {
			return fmt.Errorf("url %d: at most 2000 characters and one variable, at its end", i)
		}
		if i > 1 && (b.Type == "QUICK_REPLY") == (buttons[0].Type == "QUICK_REPLY") &&
			(buttons[i-1].Type == "QUICK_REPLY") != (b.Type == "QUICK_REPLY") {
			return fmt.Errorf("quick replies and other buttons must stand in one group each")
		}
	}
	for kind, most := range map[string]int{"QUICK_REPLY": 10, "URL": 2, "PHONE_NUMBER": 1} {
		if kinds[kind] > most {
			return fmt.Errorf("at most %d of %s", most, kind)
		}
		delete(kinds, kind)
	}
	if len(kinds) > 0 {
		return fmt.Errorf("only QUICK_REPLY, URL and PHONE_NUMBER are served here")
	}
	if len(buttons) == 0 || len(buttons) > 10 {
		return fmt.Errorf("1 to 10")
	}
	return nil
}

func (t *Template) component(kind string) *TemplateComponent {
	for i := range t.Components {
		if t.Components[i].Type == kind {
			return &t.Components[i]
		}
	}
	return nil
}

// placeholders returns the distinct variables of a text in order of appearance.
func placeholders(text string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

// serveTemplates lists templates in pages, by name and language.
// See https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management.
func (w *WhatsApp) serveTemplates(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var found []*Template
	for _, t := range w.templates.list() {
		if (q.Get("name") == "" || strings.Contains(t.Name, q.Get("name"))) &&
			(q.Get("language") == "" || t.Language == q.Get("language")) &&
			(q.Get("status") == "" || strings.EqualFold(t.Status, q.Get("status"))) {
			found = append(found, t)
		}
	}
	size := 25
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 {
		size = n
	}
	from, _ := strconv.Atoi(q.Get("after"))
	from = max(0, min(from, len(found)))
	to := min(from+size, len(found))
	paging := map[string]any{"cursors": map[string]string{"before": strconv.Itoa(from), "after": strconv.Itoa(to)}}
	if to < len(found) {
		next := url.Values{}
		for k, v := range q {
			next[k] = v
		}
		next.Set("after", strconv.Itoa(to))
		paging["next"] = w.URL() + r.URL.Path + "?" + next.Encode()
	}
	page := append([]*Template{}, found[from:to]...)
	writeJSON(rw, http.StatusOK, map[string]any{"data": page, "paging": paging})
}
