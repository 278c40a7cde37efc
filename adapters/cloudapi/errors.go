package cloudapi

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// The reasons of this package's errors, beside those of the pipeline.
const (
	reasonUnreadable  = "unreadable"    // an answer came that says nothing
	reasonUnavailable = "unavailable"   // Meta is down or overloaded
	reasonNotTheAPI   = "not_the_api"   // the base URL, version or phone number id leads elsewhere
	reasonCredentials = "credentials"   // the token is missing, wrong or has ended
	reasonPermission  = "permission"    // the token may not do this
	reasonAccount     = "account"       // the account or number cannot send: locked, unpaid, unregistered
	reasonSpam        = "spam_limit"    // too many people blocked or reported the number
	reasonApp         = "rate_app"      // calls of the app or the account
	reasonNumber      = "rate_number"   // messages of the business number
	reasonRecipient   = "rate_pair"     // messages to this recipient; others are not concerned
	reasonCap         = "rate_person"   // Meta shields this person from more marketing
	reasonPaused      = "paused"        // the template or flow rests
	reasonTemplate    = "template"      // the template does not exist so, or not any more
	reasonParameter   = "parameter"     // a value that Meta does not take
	reasonMedia       = "media"         // a file that Meta does not take
	reasonWindow      = "window"        // 24 hours are over: only a template may be sent
	reasonOptedOut    = "opted_out"     // the person wants no such messages
	reasonIdentity    = "identity"      // another person may have the number now
	reasonUnreachable = "not_reachable" // the number is not on WhatsApp, or cannot take this
	reasonRefused     = "refused"       // any other no
)

// class is what Meta's advice on a code comes down to.
type class int

const (
	// final: never again unchanged. Refused.
	final class = iota
	// again: refused before it was processed; safe to repeat after a wait, which
	// holds for the whole number. Throttled.
	again
	// apart: as again, but the wait is for this recipient or template; others go out
	// meanwhile. It may be long, and then the notification expires. Throttled, Pair.
	apart
	// ambiguous: it may have gone out all the same. Transient, Unknown.
	ambiguous
	// halt: nothing goes out until a person has acted. Transient, Halt: the queue is kept.
	halt
)

type meaning struct {
	class  class
	reason string
	after  time.Duration // for again and apart; a Retry-After header has precedence
}

const day = 24 * time.Hour

// codes is Meta's table of errors. What is missing is final, but for 200 to 299 (permissions).
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
var codes = map[int64]meaning{
	// Authorisation and integrity.
	0:      {halt, reasonCredentials, 0},
	3:      {halt, reasonPermission, 0},
	10:     {halt, reasonPermission, 0},
	33:     {halt, reasonAccount, 0},
	104:    {halt, reasonCredentials, 0},
	190:    {halt, reasonCredentials, 0},
	368:    {halt, reasonAccount, 0},
	131005: {halt, reasonPermission, 0},
	131031: {halt, reasonAccount, 0},
	131037: {halt, reasonAccount, 0},
	131042: {halt, reasonAccount, 0},
	131045: {halt, reasonAccount, 0},
	133000: {halt, reasonAccount, 0},
	133010: {halt, reasonAccount, 0},

	// Limits. Each further message to anyone makes 131048 and 131064 worse, so they stop the number.
	4:      {again, reasonApp, time.Minute},
	80007:  {again, reasonApp, time.Minute},
	130429: {again, reasonNumber, 2 * time.Second},
	131056: {apart, reasonRecipient, 6 * time.Second}, // the pair rate is one message in 6 s
	131048: {halt, reasonSpam, 0},
	131064: {halt, reasonSpam, 0},
	131049: {apart, reasonCap, day},
	132015: {apart, reasonPaused, time.Hour}, // pauses last 3 h, then 6 h
	132069: {apart, reasonPaused, time.Hour},
	133008: {again, reasonAccount, time.Hour},
	133009: {again, reasonAccount, time.Hour},
	133015: {again, reasonAccount, 5 * time.Minute},
	133016: {again, reasonAccount, 3 * day},
	134101: {apart, reasonTemplate, 10 * time.Minute},

	// Meta's own trouble.
	1:       {ambiguous, reasonUnavailable, 0},
	2:       {ambiguous, reasonUnavailable, 0},
	131000:  {ambiguous, reasonUnavailable, 0},
	131016:  {ambiguous, reasonUnavailable, 0},
	131053:  {ambiguous, reasonMedia, 0},
	131057:  {ambiguous, reasonUnavailable, 0},
	133004:  {ambiguous, reasonUnavailable, 0},
	2494100: {ambiguous, reasonUnavailable, 0},

	// The recipient.
	130403: {final, reasonOptedOut, 0},
	130472: {final, reasonOptedOut, 0},
	130497: {final, reasonUnreachable, 0},
	131021: {final, reasonUnreachable, 0},
	131026: {final, reasonUnreachable, 0},
	131030: {final, reasonUnreachable, 0},
	131047: {final, reasonWindow, 0},
	131050: {final, reasonOptedOut, 0},
	131062: {final, reasonUnreachable, 0},
	137000: {final, reasonIdentity, 0},
	470:    {final, reasonWindow, 0}, // on-premises codes that gateways still pass on
	1026:   {final, reasonUnreachable, 0},

	// The message.
	100:    {final, reasonParameter, 0},
	131008: {final, reasonParameter, 0},
	131009: {final, reasonParameter, 0},
	131051: {final, reasonParameter, 0},
	131052: {final, reasonMedia, 0},
	131063: {final, reasonTemplate, 0},
	132000: {final, reasonTemplate, 0},
	132001: {final, reasonTemplate, 0},
	132005: {final, reasonTemplate, 0},
	132007: {final, reasonTemplate, 0},
	132012: {final, reasonTemplate, 0},
	132016: {final, reasonTemplate, 0},
	132018: {final, reasonParameter, 0},
	132068: {final, reasonTemplate, 0},
	135000: {final, reasonParameter, 0},
}

// failure says what an answer other than success means: by Meta's code if it has
// one, else by its status.
func failure(op string, a exchange.Answer) *pipeline.Error {
	e := &pipeline.Error{Op: op, Code: strconv.Itoa(a.Status), Reason: reasonRefused}
	fault := gjson.GetBytes(a.Body, "error")
	code := fault.Get("code")
	if !a.Whole || !gjson.ValidBytes(a.Body) || code.Type != gjson.Number {
		byStatus(e, a)
		return e
	}
	e.Code = strconv.FormatInt(code.Int(), 10)
	if trace := fault.Get("fbtrace_id").Str; trace != "" && exchange.Opaque(trace, maxOpaque) {
		e.Err = errors.New("fbtrace_id " + trace)
	}
	m, known := codes[code.Int()]
	switch {
	case code.Int() == 100 && fault.Get("error_subcode").Int() == 33:
		// "Object with ID … does not exist": not the message is wrong but the phone number id.
		m = meaning{halt, reasonNotTheAPI, 0}
	case known:
	case code.Int() >= 200 && code.Int() <= 299:
		m = meaning{halt, reasonPermission, 0}
	case a.Status == http.StatusTooManyRequests:
		m = meaning{again, reasonApp, 5 * time.Second}
	case a.Status >= 500, fault.Get("is_transient").Bool():
		m = meaning{ambiguous, reasonUnavailable, 0}
	default:
		m = meaning{final, reasonRefused, 0}
	}
	m.apply(e, a.Header)
	return e
}

// byStatus is for answers without a code, which come from something in front of the API.
func byStatus(e *pipeline.Error, a exchange.Answer) {
	m := meaning{final, reasonRefused, 0}
	switch {
	case a.Status == http.StatusTooManyRequests:
		m = meaning{again, reasonApp, 5 * time.Second}
	case a.Status >= 500, a.Status == http.StatusRequestTimeout:
		m = meaning{ambiguous, reasonUnavailable, 0}
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusProxyAuthRequired:
		m = meaning{halt, reasonCredentials, 0}
	case a.Status == http.StatusForbidden:
		m = meaning{halt, reasonPermission, 0}
	case a.Status < 400, a.Status == http.StatusNotFound, a.Status == http.StatusMethodNotAllowed:
		m = meaning{halt, reasonNotTheAPI, 0}
	case !a.Whole:
		// The code was cut off with the body. It was a no, but perhaps not for good.
		e.Kind, e.Reason = pipeline.Transient, reasonUnreadable
		return
	}
	m.apply(e, a.Header)
}

// apply puts the class into the pipeline's words.
func (m meaning) apply(e *pipeline.Error, header http.Header) {
	e.Reason = m.reason
	switch m.class {
	case final:
		e.Kind = pipeline.Refused
	case again, apart:
		e.Kind = pipeline.Throttled
		e.After, e.Pair = exchange.RetryAfter(header, m.after), m.class == apart
	case ambiguous:
		e.Kind, e.Unknown = pipeline.Transient, true
	case halt:
		e.Kind, e.Halt = pipeline.Transient, true
	}
}
