package cloudapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// Health is what Meta says of a business number, and of all that stands behind it.
type Health struct {
	// CanSend is AVAILABLE, LIMITED or BLOCKED.
	CanSend string
	// Troubled are those of the number, its account, business and app that are not available, with Meta's codes.
	Troubled []HealthEntity
	// Date is Meta's clock.
	Date time.Time
}

// HealthEntity is one of them.
type HealthEntity struct {
	// Type is PHONE_NUMBER, WABA, BUSINESS or APP.
	Type, CanSend string
	Codes         []string
}

// Health asks for the health of the number: that the token is valid, that the number is the token's, and that it can send.
// Errors are *pipeline.Error. It is safe to repeat.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/health-status
func (c *Client) Health(ctx context.Context) (Health, error) {
	const op = "cloudapi.health"
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	at := *c.messages
	at.Path = strings.TrimSuffix(at.Path, "/messages")
	at.RawQuery = "fields=health_status"
	req := (&http.Request{Method: http.MethodGet, URL: &at, Host: at.Host, Header: c.headers.json}).WithContext(ctx)
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return Health{}, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonNoAnswer, Err: cause(ctx, err)}
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, answerLimit+1))
	_ = res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header, body: raw, whole: err == nil && len(raw) <= answerLimit}
	if a.status < 200 || a.status > 299 {
		return Health{}, failure(op, a)
	}
	status := gjson.GetBytes(raw, "health_status")
	if !a.whole || !gjson.ValidBytes(raw) || word(status.Get("can_send_message")) == "" {
		return Health{}, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonUnreadable}
	}
	h := Health{CanSend: word(status.Get("can_send_message"))}
	h.Date, _ = http.ParseTime(res.Header.Get("Date"))
	for _, e := range status.Get("entities").Array() {
		entity := HealthEntity{Type: word(e.Get("entity_type")), CanSend: word(e.Get("can_send_message"))}
		for _, fault := range e.Get("errors").Array() {
			if code := fault.Get("error_code"); code.Type == gjson.Number {
				entity.Codes = append(entity.Codes, code.Raw)
			}
		}
		if entity.CanSend != "AVAILABLE" {
			h.Troubled = append(h.Troubled, entity)
		}
	}
	return h, nil
}
