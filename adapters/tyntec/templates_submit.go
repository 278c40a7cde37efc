package tyntec

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

const opSubmit = "tyntec.template"

// The members of a request for a template.
type (
	submission struct {
		Name          string              `json:"name"`
		Category      string              `json:"category"`
		Localizations []submittedLanguage `json:"localizations"`
	}
	submittedLanguage struct {
		Language   string          `json:"language"`
		Components []submittedPart `json:"components"`
		TTL        int             `json:"messageSendTimeToLiveSeconds,omitempty"`
	}
	submittedPart struct {
		TemplateComponent
		Example any `json:"example,omitempty"`
	}
)

// Submit submits a template that an account (Health.Account) does not have, in all of its languages, which have one name and
// category. It does not retry. Errors are *pipeline.Error: Refused where tyntec does not take it so.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/whatsapp.yaml
func (c *Client) Submit(ctx context.Context, account string, languages []Template) error {
	w := submission{Name: languages[0].Name, Category: languages[0].Category}
	for _, t := range languages {
		w.Localizations = append(w.Localizations, localization(t))
	}
	return c.submit(ctx, c.base.JoinPath("channels", channelWhatsApp, "accounts", account, "templates"), w)
}

// SubmitLanguage submits a template that the account has in a language that it has not.
func (c *Client) SubmitLanguage(ctx context.Context, account string, t Template) error {
	return c.submit(ctx, c.base.JoinPath("channels", channelWhatsApp, "accounts", account, "templates", t.Name, "localizations"), localization(t))
}

func localization(t Template) submittedLanguage {
	l := submittedLanguage{Language: t.Language, TTL: t.TTL}
	for _, part := range t.Components {
		c := submittedPart{TemplateComponent: part}
		switch {
		case len(part.Examples) == 0:
		case part.Type == "HEADER":
			c.Example = map[string]string{"text": part.Examples[0]}
		default:
			c.Example = map[string][]string{"texts": part.Examples}
		}
		l.Components = append(l.Components, c)
	}
	return l
}

func (c *Client) submit(ctx context.Context, place *url.URL, body any) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	raw, err := json.Marshal(body)
	if err != nil {
		return &pipeline.Error{Op: opSubmit, Kind: pipeline.Malformed, Reason: exchange.ReasonMessage}
	}
	var no *pipeline.Error
	fault := c.http.Do(ctx, exchange.Request{
		Op: opSubmit, URL: place, Header: c.headers.json, Size: int64(len(raw)), Open: func() io.Reader { return bytes.NewReader(raw) },
	}, func(a exchange.Answer) {
		if !a.OK() {
			no = failure(opSubmit, a)
		}
	})
	if fault == nil {
		fault = no
	}
	if fault != nil {
		return fault
	}
	return nil
}
