package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// tyntecPage is how many templates stand on a page.
const tyntecPage = 10

// serveTyntecTemplates lists the templates of the number, each with all its languages, in pages. See
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/whatsapp.yaml.
func (w *WhatsApp) serveTyntecTemplates(rw http.ResponseWriter, r *http.Request) {
	type localization struct {
		Language   string              `json:"language"`
		Status     string              `json:"status"`
		Reason     string              `json:"rejectionReason,omitempty"`
		TTL        int                 `json:"messageSendTimeToLiveSeconds,omitempty"`
		Components []TemplateComponent `json:"components"`
	}
	type template struct {
		Account       string         `json:"whatsAppAccountId"`
		Name          string         `json:"templateName"`
		ID            string         `json:"templateId"`
		Category      string         `json:"category"`
		Localizations []localization `json:"localizations"`
	}
	all := []template{}
	for _, t := range w.templates.list() { // by name
		if n := len(all); n == 0 || all[n-1].Name != t.Name {
			all = append(all, template{Account: w.cfg.WABAID, Name: t.Name, ID: t.Name, Category: t.Category})
		}
		to := &all[len(all)-1]
		to.Localizations = append(to.Localizations, localization{t.Language, t.Status, t.RejectedReason, t.TTLSeconds, t.Components})
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from := min(max(page-1, 0)*tyntecPage, len(all))
	to := min(from+tyntecPage, len(all))
	if to < len(all) {
		rw.Header().Set("Link", fmt.Sprintf(`<%s%s?page=%d>; rel="next"`, w.URL(), r.URL.Path, from/tyntecPage+2))
	}
	writeJSON(rw, http.StatusOK, all[from:to])
}

// positional is t as tyntec has it, where parameters have no names: they are numbered as they first stand in their text.
func (t Template) positional() Template {
	t.ParameterFormat = "POSITIONAL"
	components := make([]TemplateComponent, len(t.Components))
	for i, c := range t.Components {
		c.Example = nil
		if !strings.EqualFold(c.Type, "BUTTONS") {
			numbers := map[string]int{}
			c.Text = placeholder.ReplaceAllStringFunc(c.Text, func(v string) string {
				name := placeholder.FindStringSubmatch(v)[1]
				if numbers[name] == 0 {
					numbers[name] = len(numbers) + 1
				}
				return fmt.Sprintf("{{%d}}", numbers[name])
			})
		}
		components[i] = c
	}
	t.Components = components
	return t
}

// tyntecTemplateUpdate is the business notification about a template's new status; see
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/business_notification_webhook_events.yaml.
func (w *WhatsApp) tyntecTemplateUpdate(t Template, before, why string) []byte {
	changed := map[string]string{"property": "status", "newValue": t.Status, "oldValue": before}
	if why != "" {
		changed["reason"] = why
	}
	body, _ := json.Marshal(map[string]any{ // plain strings
		"eventId": t.ID, "channel": "whatsapp", "changedValue": changed,
		"entity": map[string]string{"type": "template", "name": t.Name, "waba": w.cfg.WABAID, "language": t.Language},
	})
	return body
}
