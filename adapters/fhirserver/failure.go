package fhirserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const (
	// maxOutcome is how much of an error's body is looked at.
	maxOutcome = 64 << 10
	// defaultWait is for a server that throttles and names no time.
	defaultWait = 5 * time.Second
	// minWait and maxWait bound what a server can ask for.
	minWait, maxWait = time.Second, time.Hour
)

// reasons are the words for statuses without an OperationOutcome.
var reasons = map[int]string{
	http.StatusUnauthorized:       "unauthorized",
	http.StatusForbidden:          "forbidden",
	http.StatusNotFound:           "not_found",
	http.StatusGone:               "deleted",
	http.StatusConflict:           "conflict",
	http.StatusPreconditionFailed: "precondition_failed",
	http.StatusLocked:             "locked",
	http.StatusFailedDependency:   "failed_dependency",
	http.StatusTooManyRequests:    "throttled",
	http.StatusRequestTimeout:     "timeout",
}

// issueTypes are the codes of OperationOutcome.issue.code, and whether trying again
// may help (https://hl7.org/fhir/R4/valueset-issue-type.html). Others are the
// server's own words and are not repeated.
var issueTypes = map[string]bool{
	"invalid": false, "structure": false, "required": false, "value": false, "invariant": false,
	"security": false, "login": false, "unknown": false, "expired": false, "forbidden": false, "suppressed": false,
	"processing": false, "not-supported": false, "duplicate": false, "multiple-matches": false, "not-found": false,
	"deleted": false, "too-long": false, "code-invalid": false, "extension": false, "too-costly": false,
	"business-rule": false, "conflict": false, "informational": false,
	"transient": true, "lock-error": true, "no-store": true, "exception": true, "timeout": true, "incomplete": true, "throttled": true,
}

// elementPath is what is taken for the path of an element: names and short indexes.
// An expression can hold more than that, such as the value it compares with.
var elementPath = regexp.MustCompile(`^([A-Z][A-Za-z]+)(\.[a-z][A-Za-z]{0,40}(\[[0-9]{1,3}\])?){0,8}$`)

// written are the types that are written and not read.
var written = map[string]bool{
	"AppointmentResponse": true, "Binary": true, "DocumentReference": true, "QuestionnaireResponse": true, "Task": true,
}

// reasonRedirect is for an answer that leads elsewhere.
const reasonRedirect = "redirect_refused"

// statusCode is an HTTP status as Error.Code.
func statusCode(status int) string { return strconv.Itoa(status) }

// silence says what it means that no answer came. The cause is not kept: the text
// of net/http's errors holds the URL.
func silence(ctx context.Context, q request, err error) *pipeline.Error {
	e := &pipeline.Error{Op: q.op, Reason: "connection_lost", Unknown: q.acts}
	var (
		timeout net.Error
		dial    *net.OpError
		cert    *tls.CertificateVerificationError
		invalid x509.CertificateInvalidError
	)
	switch {
	case ctx.Err() != nil:
		e.Reason, e.Err = "cancelled", ctx.Err()
	case errors.Is(err, errForeign), errors.Is(err, errCircling):
		e.Reason, e.Unknown = reasonRedirect, false
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Reason, e.Unknown = "certificate_expired", false
	case errors.As(err, &cert):
		e.Reason, e.Unknown = "certificate", false
	case errors.As(err, &dial) && dial.Op == "remote error" && oursRefused[dial.Err.Error()]:
		e.Reason, e.Unknown, e.Halt = "client_certificate", false, true // no request is read before who sends it is known
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Reason, e.Unknown = "unreachable", false
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Reason = "timeout"
	}
	return e
}

// oursRefused are the alerts about our own certificate (https://www.rfc-editor.org/rfc/rfc8446#section-6.2). TLS has no other
// name for them.
var oursRefused = map[string]bool{
	"tls: bad certificate": true, "tls: unsupported certificate": true, "tls: revoked certificate": true, "tls: expired certificate": true,
	"tls: unknown certificate": true, "tls: unknown certificate authority": true, "tls: certificate required": true, "tls: access denied": true,
}

// refusal says what a status other than 2xx means
// (https://hl7.org/fhir/R4/http.html#Status-Codes), and keeps the wait it asks for.
func (c *Client) refusal(q request, resp *http.Response) *pipeline.Error {
	status := resp.StatusCode
	e := &pipeline.Error{Op: q.op, Kind: pipeline.Refused, Code: statusCode(status), Reason: "http_status"}
	if reason, ok := reasons[status]; ok {
		e.Reason = reason
	}
	passing := false
	if body, err := io.ReadAll(io.LimitReader(resp.Body, maxOutcome)); err == nil {
		passing = explain(e, body)
	}
	wait, told := c.retryAfter(resp.Header.Get("Retry-After"))
	broken := status >= 500 && status != http.StatusNotImplemented
	switch {
	case status < 400:
		e.Kind, e.Reason = pipeline.Transient, reasonRedirect
	case status == http.StatusTooManyRequests, broken && told:
		e.Kind, e.After = pipeline.Throttled, wait
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Kind, e.Halt = pipeline.Transient, true
	case broken, passing && !final[status], status == http.StatusRequestTimeout, status == http.StatusLocked, status == http.StatusTooEarly:
		e.Kind = pipeline.Transient
	}
	e.Unknown = q.acts && (broken || status == http.StatusRequestTimeout)
	if told && e.Kind == pipeline.Throttled {
		c.pause(wait)
	}
	return e
}

// final are statuses that mean what they say, whatever else the server says.
var final = map[int]bool{
	http.StatusNotFound: true, http.StatusMethodNotAllowed: true, http.StatusConflict: true, http.StatusGone: true,
	http.StatusPreconditionFailed: true, http.StatusUnsupportedMediaType: true, http.StatusNotImplemented: true,
}

// explain puts the code and the element of the gravest issue of an
// OperationOutcome into e, and reports whether the server says that it will pass
// (https://hl7.org/fhir/R4/operationoutcome.html). Details and diagnostics quote
// what was sent and are not looked at.
func explain(e *pipeline.Error, body []byte) (passing bool) {
	var outcome struct {
		ResourceType string `json:"resourceType"`
		Issue        []struct {
			Severity   string   `json:"severity"`
			Code       string   `json:"code"`
			Expression []string `json:"expression"`
		} `json:"issue"`
	}
	if json.Unmarshal(body, &outcome) != nil || outcome.ResourceType != "OperationOutcome" {
		return false
	}
	for _, severity := range []string{"fatal", "error"} {
		for _, issue := range outcome.Issue {
			passing, known := issueTypes[issue.Code]
			if issue.Severity != severity || !known {
				continue
			}
			e.Reason = strings.ReplaceAll(issue.Code, "-", "_")
			for _, path := range issue.Expression {
				if parts := elementPath.FindStringSubmatch(path); e.Path == "" && parts != nil && (fhir.Known(parts[1]) || written[parts[1]]) {
					e.Path = path
				}
			}
			return passing
		}
	}
	return false
}

// retryAfter reads seconds or a date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after).
// told is false if there is neither; then wait is the default.
func (c *Client) retryAfter(text string) (wait time.Duration, told bool) {
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(c.now())
	} else {
		return defaultWait, false
	}
	return min(max(wait, minWait), maxWait), true
}

// pause makes all calls wait; the longest wait counts.
func (c *Client) pause(wait time.Duration) {
	until := c.now().Add(wait).UnixNano()
	for {
		now := c.paused.Load()
		if now >= until || c.paused.CompareAndSwap(now, until) {
			return
		}
	}
}
