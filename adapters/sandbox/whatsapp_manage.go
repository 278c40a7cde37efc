package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Meta's limits of template management; see
// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management.
const (
	templateLimit   = 250 // of an account whose business is not verified
	createsPerHour  = 100
	editsPerDay     = 1  // of an approved template
	editsPerMonth   = 10 // likewise
	nameBlockedFor  = 30 * 24 * time.Hour
	templateBodyMax = 1 << 20
)

// Subcodes of 100; see
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes.
const (
	subLimit     = 2388019
	subBlocked   = 2388023
	subExists    = 2388024
	subStatus    = 2388039
	subMissing   = 2388043
	subHeader    = 2388047
	subBody      = 2388072
	subFooter    = 2388073
	subPlacement = 2388299
)

func refusalSub(subcode int, format string, args ...any) *apiError {
	e := refusal(100, format, args...)
	e.subcode = subcode
	return e
}

// decodeTemplate reads the body of a creation or an edit.
func decodeTemplate(rw http.ResponseWriter, r *http.Request) (t Template, e *apiError) {
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, templateBodyMax)).Decode(&t); err != nil {
		return t, refusal(100, "The request is not the JSON of a template.")
	}
	return t.normal(), nil
}

// serveTemplateCreate takes a template in for review.
func (w *WhatsApp) serveTemplateCreate(rw http.ResponseWriter, r *http.Request) {
	t, e := decodeTemplate(rw, r)
	if e == nil {
		e = t.refused()
	}
	if e == nil {
		e = w.refuseCreate(t)
	}
	if e != nil {
		w.refuse(rw, e)
		return
	}
	t.ID, t.Status, t.Quality, t.RejectedReason, t.CorrectCategory = "", "PENDING", nil, "", ""
	t, ok := w.templates.add(t)
	if !ok {
		w.refuse(rw, refusalSub(subExists, "There is already content in %s for this template.", t.Language))
		return
	}
	writeJSON(rw, http.StatusOK, map[string]string{"id": t.ID, "status": t.Status, "category": t.Category})
}

// refuseCreate says why the account cannot have t.
func (w *WhatsApp) refuseCreate(t Template) *apiError {
	now, s := w.cfg.Clock(), w.templates
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = since(s.made, now.Add(-time.Hour))
	if len(s.made) >= createsPerHour {
		return refusal(80008, "There have been too many calls to this WhatsApp Business account.")
	}
	if deleted, ok := s.gone[shelfKey(t.Name, t.Language)]; ok && now.Sub(deleted) < nameBlockedFor {
		return refusalSub(subBlocked, "New %s content cannot be added while the existing content is being deleted.", t.Language)
	}
	if s.all[shelfKey(t.Name, t.Language)] != nil {
		return refusalSub(subExists, "There is already content in %s for this template.", t.Language)
	}
	names := distinct{}
	for _, other := range s.all {
		names.add(other.Name)
		if other.Name != t.Name && other.Language == t.Language && other.words() == t.words() {
			return refusal(100, "The account has a template with the same body and footer.")
		}
	}
	if names.add(t.Name) && len(names) > templateLimit {
		return refusalSub(subLimit, "The account has %d templates already.", templateLimit)
	}
	s.made = append(s.made, now)
	return nil
}

// serveTemplateEdit changes a template that may be changed. An approved or paused one is
// approved again at once, a rejected one is reviewed.
func (w *WhatsApp) serveTemplateEdit(rw http.ResponseWriter, r *http.Request, t *Template) {
	edit, e := decodeTemplate(rw, r)
	if e == nil {
		_, e = w.templates.change(t.Name, t.Language, func(t *Template) *apiError {
			return w.templates.edit(t, edit, w.cfg.Clock())
		})
	}
	if e != nil {
		w.refuse(rw, e)
		return
	}
	writeJSON(rw, http.StatusOK, map[string]bool{"success": true})
}

// edit puts what an edit brings into t. The caller holds mu.
func (s *shelf) edit(t *Template, edit Template, now time.Time) *apiError {
	switch {
	case t.Status != "APPROVED" && t.Status != "REJECTED" && t.Status != "PAUSED":
		return refusalSub(subStatus, "A template that is %s cannot be edited.", t.Status)
	case t.Status == "APPROVED" && edit.Category != "" && edit.Category != t.Category:
		return refusal(100, "The category of an approved template cannot be changed.")
	}
	if len(edit.Components) > 0 {
		t.Components = edit.Components
	}
	setAbove(&t.Category, edit.Category)
	setAbove(&t.TTLSeconds, edit.TTLSeconds)
	if e := t.refused(); e != nil {
		return e
	}
	switch t.Status {
	case "APPROVED":
		return s.countEdit(t.ID, now)
	case "REJECTED":
		t.Status, t.RejectedReason = "PENDING", ""
	default:
		t.Status = "APPROVED"
	}
	return nil
}

// countEdit counts an edit of an approved template, or refuses it. The caller holds mu.
func (s *shelf) countEdit(id string, now time.Time) *apiError {
	s.edits[id] = since(s.edits[id], now.Add(-30*24*time.Hour))
	if len(s.edits[id]) >= editsPerMonth || len(since(s.edits[id], now.Add(-24*time.Hour))) >= editsPerDay {
		return refusalSub(subStatus, "Approved templates can be edited once in 24 hours, and 10 times in 30 days.")
	}
	s.edits[id] = append(s.edits[id], now)
	return nil
}

func setAbove[T comparable](v *T, to T) {
	var zero T
	if to != zero {
		*v = to
	}
}

// since returns the times after the given one.
func since(times []time.Time, after time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(at time.Time) bool { return !at.After(after) })
}

func (t *Template) words() string {
	footer := t.component("FOOTER")
	if footer == nil {
		footer = &TemplateComponent{}
	}
	return t.component("BODY").Text + "\x00" + footer.Text
}

// refused holds a template that is sent in against the rules of form, texts and examples.
func (t *Template) refused() *apiError {
	lifetimes := map[string][2]int{"UTILITY": {30, 43200}, "AUTHENTICATION": {30, 900}, "MARKETING": {43200, 2592000}}
	lifetime, ok := lifetimes[t.Category]
	switch {
	case !ok:
		return refusal(100, "category must be one of UTILITY, MARKETING, AUTHENTICATION")
	case t.ParameterFormat != "NAMED" && t.ParameterFormat != "POSITIONAL":
		return refusal(100, "parameter_format must be one of NAMED, POSITIONAL")
	case t.TTLSeconds != 0 && t.TTLSeconds != -1 && (t.TTLSeconds < lifetime[0] || t.TTLSeconds > lifetime[1]):
		return refusal(100, "message_send_ttl_seconds must be from %d to %d", lifetime[0], lifetime[1])
	}
	subcodes := map[string]int{"HEADER": subHeader, "BODY": subBody, "FOOTER": subFooter}
	for _, c := range t.Components {
		if err := t.lintText(c); err != nil {
			text := strings.TrimSpace(c.Text)
			if c.Type == "BODY" && (strings.HasPrefix(text, "{{") || strings.HasSuffix(text, "}}")) {
				return refusalSub(subPlacement, "Variables can't be at the start or end of the template.")
			}
			return refusalSub(subcodes[c.Type], "%v", err)
		}
		if !t.exemplified(c) {
			return refusalSub(subMissing, "component of type %s is missing expected field(s) (example)", c.Type)
		}
	}
	if err := t.lint(); err != nil {
		return refusal(100, "%v", err)
	}
	return nil
}

// exemplified reports whether a component has an example for each of its variables.
func (t *Template) exemplified(c TemplateComponent) bool {
	for _, b := range c.Buttons {
		if len(placeholders(b.URL)) > 0 && len(b.Example) == 0 {
			return false
		}
	}
	names := placeholders(c.Text)
	if len(names) == 0 {
		return true
	}
	type named struct {
		Name    string `json:"param_name"`
		Example string `json:"example"`
	}
	var given struct {
		Header      []named    `json:"header_text_named_params"`
		Body        []named    `json:"body_text_named_params"`
		HeaderTexts []string   `json:"header_text"`
		BodyTexts   [][]string `json:"body_text"`
	}
	if json.Unmarshal(c.Example, &given) != nil {
		return false
	}
	if t.ParameterFormat != "NAMED" {
		return c.Type == "HEADER" && len(given.HeaderTexts) == len(names) ||
			c.Type == "BODY" && len(given.BodyTexts) > 0 && len(given.BodyTexts[0]) == len(names)
	}
	for _, n := range names {
		if !slices.ContainsFunc(slices.Concat(given.Header, given.Body), func(x named) bool { return x.Name == n && x.Example != "" }) {
			return false
		}
	}
	return true
}

// SetTemplate gives a template another status, as Meta's review or quality
// control does, and posts the webhook about it, once. why is Meta's word for it: the
// reason of a rejection, or which pause it is (FIRST_PAUSE). It fails if the webhook is not answered 200.
func (w *WhatsApp) SetTemplate(ctx context.Context, name, language, status, why string) error {
	before := ""
	t, e := w.templates.change(name, language, func(t *Template) *apiError {
		before, t.Status, t.RejectedReason = t.Status, status, ""
		if status == "REJECTED" {
			t.RejectedReason = why
		}
		return nil
	})
	if e != nil {
		return fmt.Errorf("sandbox: %s", e.details)
	}
	if w.out.target() == "" {
		return nil
	}
	got, err := w.Post(ctx, w.templateUpdate(t, before, why))
	if err == nil && got != http.StatusOK {
		err = fmt.Errorf("sandbox: webhook: HTTP %d", got)
	}
	return err
}

// templateUpdate is the webhook about a template's new status; see
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update.
func (w *WhatsApp) templateUpdate(t Template, before, why string) []byte {
	id, _ := strconv.ParseInt(t.ID, 10, 64) // ids that are no numbers are the caller's, and then 0
	value := map[string]any{
		"event": t.Status, "message_template_id": id, "message_template_name": t.Name,
		// Webhooks write the language otherwise than the API.
		"message_template_language": strings.ReplaceAll(t.Language, "_", "-"),
		"message_template_category": t.Category, "reason": "NONE",
	}
	switch {
	case t.Status == "REJECTED":
		value["reason"] = why
	case t.Status == "APPROVED" && before == "PAUSED":
		value["reason"], value["other_info"] = nil, map[string]string{"title": "UNPAUSE", "description": "Your template may be sent again."}
	case why != "":
		value["other_info"] = map[string]string{"title": why, "description": "Your template was disliked by users."}
	}
	if w.cfg.Tyntec != nil {
		return w.tyntecTemplateUpdate(t, before, why)
	}
	body, _ := json.Marshal(map[string]any{ // plain strings and numbers
		"object": "whatsapp_business_account",
		"entry": []any{map[string]any{
			"id": w.cfg.WABAID, "time": w.cfg.Clock().Unix(),
			"changes": []any{map[string]any{"field": "message_template_status_update", "value": value}},
		}},
	})
	return escape(body)
}
