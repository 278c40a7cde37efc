package tyntec

import (
	"net/http"
	"strconv"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// The reasons of this package's errors, beside those of the pipeline and of exchange.
const (
	reasonUnreadable  = "unreadable"  // an answer came that says nothing
	reasonUnavailable = "unavailable" // tyntec is down or overloaded
	reasonNotTheAPI   = "not_the_api" // the base URL leads elsewhere
	reasonCredentials = "credentials" // the API key is missing, wrong or has ended
	reasonPermission  = "permission"  // the key may not do this, or the number is not the account's
	reasonApp         = "rate_app"    // calls of the account
	reasonMedia       = "media"       // a file that is not taken
	reasonRefused     = "refused"     // any other no
)

// throttleWait is the wait after a 429 that names none: tyntec publishes no limits.
const throttleWait = 5 * time.Second

// failure says what an answer other than success means. tyntec's answers are RFC 7807 problems, of
// which nothing but the status is fixed; their text may quote the request, and is not looked at.
func failure(op string, a exchange.Answer) *pipeline.Error {
	e := &pipeline.Error{Op: op, Code: strconv.Itoa(a.Status), Reason: reasonRefused}
	halt := func(reason string) { e.Kind, e.Halt, e.Reason = pipeline.Transient, true, reason }
	switch {
	case a.Status == http.StatusTooManyRequests:
		e.Kind, e.Reason, e.After = pipeline.Throttled, reasonApp, exchange.RetryAfter(a.Header, throttleWait)
	case a.Status >= 500, a.Status == http.StatusRequestTimeout:
		e.Kind, e.Reason, e.Unknown = pipeline.Transient, reasonUnavailable, true
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusProxyAuthRequired:
		halt(reasonCredentials)
	case a.Status == http.StatusForbidden:
		halt(reasonPermission)
	case a.Status < 400, a.Status == http.StatusNotFound, a.Status == http.StatusMethodNotAllowed:
		halt(reasonNotTheAPI)
	default:
		e.Kind = pipeline.Refused
	}
	return e
}

// again says which failures of WhatsApp's, as statuses name them, may pass, and how long to wait for that. In each of them
// nothing was delivered. All others are final, or may have gone out.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
var again = map[string]time.Duration{
	// Limits.
	"4":      time.Minute,
	"80007":  time.Minute,
	"130429": time.Minute,
	"131056": time.Minute,
	"133008": time.Hour,
	"133009": time.Hour,
	"133015": 5 * time.Minute,
	// The template or flow rests.
	"132015": time.Hour,
	"132069": time.Hour,
	"134101": 10 * time.Minute,
	// The account cannot send until a person has acted: its messages wait.
	"10":     accountWait,
	"190":    accountWait,
	"368":    accountWait,
	"131031": accountWait,
	"131037": accountWait,
	"131042": accountWait,
	"131045": accountWait,
	"131048": accountWait,
	"131064": accountWait,
	"133010": accountWait,
}

const accountWait = 30 * time.Minute
