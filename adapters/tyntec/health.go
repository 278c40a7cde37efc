package tyntec

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

const opHealth = "tyntec.health"

// Health is what tyntec says of a number.
type Health struct {
	// Status is CONNECTED, PENDING, FLAGGED, RESTRICTED, OFFLINE or DISCONNECTED, Quality GREEN, YELLOW or RED; "" if it does not say.
	Status, Quality string
	// Account is tyntec's id of the account that the number belongs to, under which templates are submitted.
	Account string
	// Date is tyntec's clock.
	Date time.Time
}

// Health asks how the number is: that the key is valid, and the number is the account's. Errors are *pipeline.Error. It is safe
// to repeat.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/whatsapp.yaml
func (c *Client) Health(ctx context.Context) (Health, error) {
	body, header, fault := c.ask(ctx, opHealth, statusTimeout, c.base.JoinPath("channels", channelWhatsApp, "phone-numbers", c.number))
	if fault != nil {
		return Health{}, fault
	}
	h := Health{Status: word(body.Get("status")), Account: body.Get("whatsAppAccountId").Str}
	if h.Quality = word(body.Get("qualityScore.score")); h.Quality == "" || h.Quality == "UNKNOWN" {
		h.Quality = word(body.Get("qualityRating"))
	}
	h.Date, _ = http.ParseTime(header.Get("Date"))
	return h, nil
}

// Health asks whether the key is valid, and the number is among those for SMS.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/configurations.yaml
func (s SMS) Health(ctx context.Context) (Health, error) {
	body, header, fault := s.ask(ctx, opHealth, statusTimeout, s.base.JoinPath("configurations", "channels", channelSMS))
	if fault != nil {
		return Health{}, fault
	}
	for _, one := range body.Array() {
		if strings.TrimPrefix(one.Get("id.phoneNumber").Str, "+") == s.number {
			date, _ := http.ParseTime(header.Get("Date"))
			return Health{Status: "CONNECTED", Date: date}, nil
		}
	}
	return Health{}, &pipeline.Error{Op: opHealth, Kind: pipeline.Transient, Halt: true, Reason: reasonPermission}
}

// Callbacks is where tyntec posts what happens to a number, and how it proves that it is tyntec. No secret is in it.
type Callbacks struct {
	Version string
	// Inbound, Status and Business are set if there is a URL for what patients write, for statuses of messages, and for words on
	// templates.
	Inbound, Status, Business bool
	// Method is that of the signature, Header the name of the header that is added; "" for none.
	Method, Header string
	// Events are the statuses that are posted; none for all of them.
	Events []string
}

// Callbacks asks for what is configured for the number, and for the account where the number has nothing of its own. Statuses go where
// the account says. Errors are *pipeline.Error: the key may need the scope callbacks:read.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/configurations.yaml
func (c *Client) Callbacks(ctx context.Context) (Callbacks, error) {
	account, _, fault := c.ask(ctx, opHealth, statusTimeout, c.base.JoinPath("configurations"))
	if fault != nil {
		return Callbacks{}, fault
	}
	own, _, fault := c.ask(ctx, opHealth, statusTimeout, c.base.JoinPath("configurations", "channels", channelWhatsApp, "phone-numbers", c.number))
	if fault != nil {
		return Callbacks{}, fault
	}
	of, over := account.Get("callback"), own.Get("callback")
	set := func(in gjson.Result, name string) bool { return in.Get(name).Str != "" }
	k := Callbacks{
		Version: exchange.Plain(cmp.Or(over.Get("callbackVersion").Str, of.Get("callbackVersion").Str)),
		Inbound: set(of, "inboundMessageUrl") || set(over, "inboundMessageUrl"),
		Status:  set(of, "messageStatusUrl"), Business: set(of, "businessNotificationUrl"),
		Method: word(of.Get("signature.method")), Header: of.Get("header.key").Str,
	}
	for _, e := range of.Get("eventFilter").Array() {
		k.Events = append(k.Events, e.Str)
	}
	return k, nil
}

// ask gets a JSON resource.
func (c *Client) ask(ctx context.Context, op string, timeout time.Duration, place *url.URL) (gjson.Result, http.Header, *pipeline.Error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a, fault := c.http.Get(ctx, op, place, c.headers.get, pageLimit)
	switch {
	case fault != nil:
		return gjson.Result{}, nil, fault
	case !a.OK():
		e := failure(op, a)
		e.Unknown = false
		return gjson.Result{}, nil, e
	case !a.Whole || !gjson.ValidBytes(a.Body):
		return gjson.Result{}, nil, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonUnreadable}
	}
	return gjson.ParseBytes(a.Body), a.Header, nil
}
