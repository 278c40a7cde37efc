package tyntec

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// Template is a template of the number in one language. In JSON it has the shape of Meta's API.
type Template struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	// Status is a word like REQUESTED, SUBMITTED, PENDING, APPROVED, REJECTED.
	Status         string              `json:"status,omitempty"`
	Category       string              `json:"category,omitempty"`
	TTL            int                 `json:"message_send_ttl_seconds,omitempty"`
	Quality        string              `json:"quality,omitempty"`
	RejectedReason string              `json:"rejected_reason,omitempty"`
	Components     []TemplateComponent `json:"components"`
}

// TemplateComponent is a HEADER, BODY, FOOTER, BUTTONS or one that is not sent from here.
type TemplateComponent struct {
	Type    string           `json:"type"`
	Format  string           `json:"format,omitempty"`
	Text    string           `json:"text,omitempty"`
	Buttons []TemplateButton `json:"buttons,omitempty"`
	// Examples are of its parameters, in their order, for who reviews it. They are not read back.
	Examples []string `json:"-"`
}

// TemplateButton is a QUICK_REPLY or one that is not sent from here.
type TemplateButton struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

const (
	opTemplates = "tyntec.templates"
	// pageLimit is how much of a page of templates is read, maxPages how many there may be.
	pageLimit = 8 << 20
	maxPages  = 500
)

// Templates returns every template of the number in each of its languages. It does not retry.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/whatsapp.yaml
func (c *Client) Templates(ctx context.Context) ([]Template, error) {
	all, seen := []Template{}, make(exchange.Distinct)
	place := c.base.JoinPath("channels", channelWhatsApp, "phone-numbers", c.number, "templates")
	for {
		page, header, fault := c.templatePage(ctx, place)
		if fault != nil {
			return nil, fault
		}
		page.ForEach(func(_, item gjson.Result) bool {
			all = append(all, readTemplate(item)...)
			return true
		})
		query := next(header)
		if query == "" {
			return all, nil
		}
		if !seen.Add(query) || len(seen) > maxPages { // it would never end
			return nil, &pipeline.Error{Op: opTemplates, Kind: pipeline.Transient, Reason: reasonUnreadable}
		}
		place.RawQuery = query
	}
}

func (c *Client) templatePage(ctx context.Context, place *url.URL) (gjson.Result, http.Header, *pipeline.Error) {
	page, header, fault := c.ask(ctx, opTemplates, downloadTimeout, place)
	if fault == nil && !page.IsArray() {
		fault = &pipeline.Error{Op: opTemplates, Kind: pipeline.Transient, Reason: reasonUnreadable}
	}
	return page, header, fault
}

// next is the query of the following page, "" if there is none. Of the link (RFC 8288) no more is followed: the API
// key goes nowhere else.
func next(header http.Header) string {
	for _, links := range header.Values("Link") {
		for _, link := range strings.Split(links, ",") {
			target, parameters, _ := strings.Cut(link, ";")
			if !strings.Contains(strings.ReplaceAll(parameters, `"`, ""), "rel=next") {
				continue
			}
			if u, err := url.Parse(strings.Trim(strings.TrimSpace(target), "<>")); err == nil {
				return u.RawQuery
			}
		}
	}
	return ""
}

// readTemplate reads a template as far as it is known, one for each of its languages. The schema once spells their member otherwise
// than its examples.
func readTemplate(item gjson.Result) (list []Template) {
	localizations := item.Get("localizations")
	if !localizations.IsArray() {
		localizations = item.Get("localízations")
	}
	localizations.ForEach(func(_, l gjson.Result) bool {
		t := Template{
			Name: cmp.Or(item.Get("templateName").Str, item.Get("templateId").Str), Language: l.Get("language").Str,
			Category: word(item.Get("category")), Status: word(l.Get("status")), Quality: word(l.Get("qualityScore")),
			TTL: int(l.Get("messageSendTimeToLiveSeconds").Int()),
		}
		if l.Get("rejectionReason").Str != "" {
			t.RejectedReason = word(l.Get("rejectionReason"))
		}
		l.Get("components").ForEach(func(_, part gjson.Result) bool {
			c := TemplateComponent{Type: word(part.Get("type")), Format: word(part.Get("format")), Text: exchange.Words(part.Get("text"))}
			part.Get("buttons").ForEach(func(_, b gjson.Result) bool {
				c.Buttons = append(c.Buttons, TemplateButton{Type: word(b.Get("type")), Text: exchange.Words(b.Get("text"))})
				return true
			})
			t.Components = append(t.Components, c)
			return true
		})
		list = append(list, t)
		return true
	})
	return list
}

// word is a word of the API's vocabulary in capitals; OTHER for what does not look like one.
func word(r gjson.Result) string {
	if r.Type != gjson.String || r.Str == "" {
		return ""
	}
	return strings.ToUpper(exchange.Token(r.Str))
}
