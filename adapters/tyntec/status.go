package tyntec

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

const opStatus = "tyntec.status"

// Statuses implements pipeline.StatusSource: the history of a message by tyntec's id. tyntec posts a status three times at
// most, so that of a time in which nobody answered, nothing comes any more.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/common.yaml
func (c *Client) Statuses(ctx context.Context, messageID string) ([]pipeline.Receipt, error) {
	if !opaque(messageID) {
		return nil, &pipeline.Error{Op: opStatus, Kind: pipeline.Refused, Reason: reasonRefused}
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	a, fault := c.http.Get(ctx, opStatus, c.base.JoinPath("messages", messageID, "events"), c.headers.get, exchange.AnswerLimit)
	switch {
	case fault != nil:
		return nil, fault
	case a.Status == http.StatusNotFound || a.Status == http.StatusGone:
		return nil, &pipeline.Error{Op: opStatus, Kind: pipeline.Refused, Reason: reasonRefused, Code: "404"}
	case !a.OK():
		e := failure(opStatus, a)
		e.Unknown = false
		return nil, e
	case !a.Whole || !gjson.ValidBytes(a.Body) || gjson.GetBytes(a.Body, "messageId").Str != messageID:
		return nil, &pipeline.Error{Op: opStatus, Kind: pipeline.Transient, Reason: reasonUnreadable}
	}
	var found []pipeline.Receipt
	gjson.GetBytes(a.Body, "events").ForEach(func(_, e gjson.Result) bool {
		_, kind, _ := strings.Cut(strings.ToLower(e.Get("event").Str), "::")
		if r, ok := receiptOf(e, kind, time.Now()); ok {
			r.MessageID = messageID
			found = append(found, r)
		}
		return true
	})
	return found, nil
}
