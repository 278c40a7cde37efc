package cloudapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

const (
	manageTimeout = 30 * time.Second
	// pageLimit is how much of an answer is read: a page of 100 templates has some 300 KB.
	pageLimit = 8 << 20
)

// The reasons of template management, beside those of messages.
const (
	reasonNameBlocked = "name_blocked"   // a template of this name was deleted within 30 days
	reasonExists      = "exists"         // there is one already, in this language
	reasonNotEditable = "not_editable"   // it is in review, or was edited too often
	reasonTooMany     = "too_many"       // the account can have no more templates
	reasonTextRules   = "template_rules" // the text breaks a rule of Meta's
)

// templateCodes is for the codes that only template management meets. Most come as the subcode of 100.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
var templateCodes = map[int64]meaning{
	80008: {again, reasonApp, time.Hour}, // calls of the account in an hour
	80012: {again, reasonApp, time.Hour}, // calls about one template

	2388019: {final, reasonTooMany, 0},
	2388023: {final, reasonNameBlocked, 0},
	2388024: {final, reasonExists, 0},
	2388039: {final, reasonNotEditable, 0},
	2388040: {final, reasonTextRules, 0}, // too long
	2388043: {final, reasonTextRules, 0}, // a part or an example is missing
	2388047: {final, reasonTextRules, 0}, // header
	2388072: {final, reasonTextRules, 0}, // body
	2388073: {final, reasonTextRules, 0}, // footer
	2388293: {final, reasonTextRules, 0}, // too many variables for the words
	2388299: {final, reasonTextRules, 0}, // a variable first or last
}

// call makes one request below the base and returns the answer's body, which is sound JSON.
func (t *Templates) call(ctx context.Context, op, method, path string, body any) ([]byte, *pipeline.Error) {
	ctx, cancel := context.WithTimeout(ctx, manageTimeout)
	defer cancel()
	writes := method != http.MethodGet
	var content io.Reader
	if writes {
		var encoded bytes.Buffer
		encoder := json.NewEncoder(&encoded)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(body); err != nil {
			return nil, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Reason: reasonParameter}
		}
		content = &encoded
	}
	req, err := http.NewRequestWithContext(ctx, method, t.base+path, content)
	if err != nil {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Reason: reasonNotTheAPI}
	}
	req.Header = t.headers.json
	res, err := t.transport.RoundTrip(req)
	if err != nil {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: exchange.ReasonNoAnswer, Unknown: writes, Err: exchange.Cause(ctx, err)}
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, pageLimit+1))
	_ = res.Body.Close()
	a := exchange.Answer{Status: res.StatusCode, Header: res.Header, Body: raw, Whole: err == nil && len(raw) <= pageLimit}
	if a.Status < 200 || a.Status > 299 {
		e := manageFailure(op, a)
		e.Unknown = e.Unknown && writes
		return nil, e
	}
	if !a.Whole || !json.Valid(raw) {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonUnreadable, Unknown: writes}
	}
	return raw, nil
}

// manageFailure is failure with the codes of template management, as Error.Code the subcode where that tells more.
func manageFailure(op string, a exchange.Answer) *pipeline.Error {
	e := failure(op, a)
	if !a.Whole || !gjson.ValidBytes(a.Body) {
		return e
	}
	for _, path := range []string{"error.error_subcode", "error.code"} {
		code := gjson.GetBytes(a.Body, path).Int()
		if m, known := templateCodes[code]; known {
			e.Code, e.Kind, e.Unknown, e.Halt, e.After = strconv.FormatInt(code, 10), pipeline.Transient, false, false, 0
			m.apply(e, a.Header)
			return e
		}
	}
	return e
}
