package cloudapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
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
	a, fault := c.http.Get(ctx, op, &at, c.headers.json, exchange.AnswerLimit)
	if fault != nil {
		return Health{}, fault
	}
	if !a.OK() {
		return Health{}, failure(op, a)
	}
	status := gjson.GetBytes(a.Body, "health_status")
	if !a.Whole || !gjson.ValidBytes(a.Body) || word(status.Get("can_send_message")) == "" {
		return Health{}, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonUnreadable}
	}
	h := Health{CanSend: word(status.Get("can_send_message"))}
	h.Date, _ = http.ParseTime(a.Header.Get("Date"))
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
