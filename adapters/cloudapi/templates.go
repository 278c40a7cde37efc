package cloudapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// Template is a message template in one language, in the shape of Meta's API.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
type Template struct {
	// ID, Status, CorrectCategory, Quality and RejectedReason are Meta's; a template of our own has none.
	ID       string `json:"id,omitempty"`
	Name     string `json:"name"`
	Language string `json:"language"`
	// Status is a word like APPROVED, PENDING, REJECTED, PAUSED, DISABLED.
	Status   string `json:"status,omitempty"`
	Category string `json:"category"`
	// CorrectCategory is what Meta will make of Category soon, "" if it agrees.
	CorrectCategory string `json:"correct_category,omitempty"`
	// ParameterFormat is NAMED or POSITIONAL; "" means POSITIONAL.
	ParameterFormat string `json:"parameter_format,omitempty"`
	// TTL is for how many seconds Meta tries to deliver a message; 0 and -1 mean 30 days.
	TTL int `json:"message_send_ttl_seconds,omitempty"`
	// Quality is GREEN, YELLOW, RED or UNKNOWN, by patients' feedback.
	Quality        string              `json:"quality,omitempty"`
	RejectedReason string              `json:"rejected_reason,omitempty"`
	Components     []TemplateComponent `json:"components"`
}

// TemplateComponent is a HEADER, BODY, FOOTER, BUTTONS, or one that this package does not make.
type TemplateComponent struct {
	Type    string           `json:"type"`
	Format  string           `json:"format,omitempty"` // of a HEADER; "" means TEXT
	Text    string           `json:"text,omitempty"`
	Buttons []TemplateButton `json:"buttons,omitempty"`
	// Example is what reviewers read; Meta wants it for each variable. It is not read back.
	Example json.RawMessage `json:"example,omitempty"`
}

// TemplateButton is a QUICK_REPLY, URL, PHONE_NUMBER, or one that this package does not make.
type TemplateButton struct {
	Type        string `json:"type"`
	Text        string `json:"text"`
	URL         string `json:"url,omitempty"`
	PhoneNumber string `json:"phone_number,omitempty"`
}

// TemplateEdit is what may change of a template; its name, language and parameter format may not.
type TemplateEdit struct {
	// Category is the new one, "" to keep it. That of an approved template cannot be changed.
	Category string `json:"category,omitempty"`
	// TTL is as Template.TTL, but 0 keeps it.
	TTL int `json:"message_send_ttl_seconds,omitempty"`
	// Components take the place of all there are.
	Components []TemplateComponent `json:"components"`
}

// Templates manages the message templates of a WhatsApp Business Account. It
// deletes nothing, retries nothing and keeps nothing. It is safe for concurrent use.
//
// Meta allows some 200 calls an hour, 5,000 where a number is registered, and 100 new templates an hour.
type Templates struct {
	transport http.RoundTripper
	base      string // of the API, with its version
	account   string
	headers   *headers
}

// NewTemplates opens the account's templates: of c it needs waba_id and
// access_token (of a system user with whatsapp_business_management). It reads a
// secret file and connects to nothing.
func NewTemplates(c Config) (*Templates, error) {
	errs := []error{exchange.BaseURLProblem(c.BaseURL, DefaultBaseURL, "the access token")}
	if c.Version != "" && !versionForm.MatchString(c.Version) {
		errs = append(errs, fmt.Errorf("version: want the form %s", DefaultVersion))
	}
	switch {
	case c.WABAID == "":
		errs = append(errs, errors.New("waba_id: required to manage templates: the id of the WhatsApp Business Account, which WhatsApp Manager shows"))
	case !idForm.MatchString(c.WABAID):
		errs = append(errs, errors.New("waba_id: want digits"))
	}
	errs = append(errs, c.AccessToken.Problem("access_token", c.AccessTokenFile, true))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	token, err := c.AccessToken.Load("access_token", c.AccessTokenFile)
	if err != nil {
		return nil, err
	}
	return &Templates{
		transport: exchange.NewTransport(), account: c.WABAID,
		base: strings.TrimRight(cmp.Or(c.BaseURL, DefaultBaseURL), "/") + "/" + cmp.Or(c.Version, DefaultVersion) + "/",
		headers: &headers{json: http.Header{
			"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "User-Agent": {"fhirbridge"},
		}},
	}, nil
}

// Format implements fmt.Formatter and shows nothing of the secrets inside.
func (*Templates) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[cloudapi.Templates]") }

const (
	templateFields = "id,name,language,status,category,correct_category,parameter_format,components,quality_score,rejected_reason,message_send_ttl_seconds"
	pageSize       = 100
	// maxPages is more than an account can have: 6,000 templates in some languages each.
	maxPages = 1000
)

// List returns every template of the account in each of its languages, in
// Meta's order. Errors are *pipeline.Error: Throttled with its wait, Refused, else
// Transient, with Halt where a person must act. It is safe to repeat.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management
func (t *Templates) List(ctx context.Context) ([]Template, error) {
	const op = "cloudapi.templates.list"
	var all []Template
	seen := make(exchange.Distinct)
	for after := ""; ; {
		query := url.Values{"fields": {templateFields}, "limit": {strconv.Itoa(pageSize)}}
		if after != "" {
			query.Set("after", after)
		}
		body, fault := t.call(ctx, op, http.MethodGet, t.account+"/message_templates?"+query.Encode(), nil)
		if fault != nil {
			return nil, fault
		}
		page := gjson.ParseBytes(body)
		if !page.Get("data").IsArray() {
			return nil, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonUnreadable}
		}
		page.Get("data").ForEach(func(_, item gjson.Result) bool {
			all = append(all, readTemplate(item))
			return true
		})
		// The cursor and not the given URL is followed: the access token goes nowhere else.
		after = page.Get("paging.cursors.after").String()
		if !page.Get("paging.next").Exists() || after == "" {
			return all, nil
		}
		if !seen.Add(after) || len(seen) > maxPages { // it would never end
			return nil, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonUnreadable}
		}
	}
}

// Create submits a template for review and returns it with its id, status, and
// the category that Meta chose. After an error with Unknown set it may exist all the same: List tells.
func (t *Templates) Create(ctx context.Context, n Template) (Template, error) {
	const op = "cloudapi.templates.create"
	n.ID, n.Status, n.CorrectCategory, n.Quality, n.RejectedReason = "", "", "", "", ""
	body, fault := t.call(ctx, op, http.MethodPost, t.account+"/message_templates", n)
	if fault != nil {
		return Template{}, fault
	}
	answer := gjson.ParseBytes(body)
	n.ID, n.Status = exchange.Plain(answer.Get("id").String()), word(answer.Get("status"))
	if category := word(answer.Get("category")); category != "" {
		n.Category = category
	}
	if n.ID == "" {
		return Template{}, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonUnreadable, Unknown: true}
	}
	return n, nil
}

// Edit changes a template; it is reviewed again. Meta takes that for those that
// are approved (once in 24 hours, 10 times in 30 days), rejected or paused; else the error's Reason is "not_editable".
func (t *Templates) Edit(ctx context.Context, id string, e TemplateEdit) error {
	const op = "cloudapi.templates.edit"
	if !idForm.MatchString(id) {
		return &pipeline.Error{Op: op, Kind: pipeline.Malformed, Reason: reasonParameter}
	}
	body, fault := t.call(ctx, op, http.MethodPost, id, e)
	if fault != nil {
		return fault
	}
	if !gjson.GetBytes(body, "success").Bool() {
		return &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonUnreadable, Unknown: true}
	}
	return nil
}

// readTemplate reads a template as far as it is known: the account may have some of other makers.
func readTemplate(item gjson.Result) Template {
	n := Template{
		ID: exchange.Plain(item.Get("id").String()), Name: item.Get("name").Str, Language: item.Get("language").Str,
		Status: word(item.Get("status")), Category: word(item.Get("category")), CorrectCategory: word(item.Get("correct_category")),
		ParameterFormat: word(item.Get("parameter_format")), TTL: int(item.Get("message_send_ttl_seconds").Int()),
		Quality: word(item.Get("quality_score.score")), RejectedReason: word(item.Get("rejected_reason")),
	}
	item.Get("components").ForEach(func(_, part gjson.Result) bool {
		c := TemplateComponent{Type: word(part.Get("type")), Format: word(part.Get("format")), Text: exchange.Words(part.Get("text"))}
		part.Get("buttons").ForEach(func(_, b gjson.Result) bool {
			c.Buttons = append(c.Buttons, TemplateButton{
				Type: word(b.Get("type")), Text: exchange.Words(b.Get("text")), URL: exchange.Words(b.Get("url")), PhoneNumber: exchange.Words(b.Get("phone_number")),
			})
			return true
		})
		n.Components = append(n.Components, c)
		return true
	})
	return n
}

// word is a word of Meta's vocabulary in capitals; OTHER for what does not look like one.
func word(r gjson.Result) string {
	if r.Type != gjson.String || r.Str == "" || r.Str == "NONE" {
		return ""
	}
	return strings.ToUpper(exchange.Token(r.Str))
}
