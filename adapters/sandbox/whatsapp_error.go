package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// apiError is a refusal in Meta's words.
// See https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes.
type apiError struct {
	code, subcode int
	details       string
}

type apiFailure struct {
	status int
	title  string
}

var apiFailures = map[int]apiFailure{
	0:      {http.StatusUnauthorized, "AuthException"},
	1:      {http.StatusBadRequest, "API Unknown"},
	2:      {http.StatusServiceUnavailable, "API Service"},
	3:      {http.StatusInternalServerError, "API Method"},
	4:      {http.StatusBadRequest, "API Too Many Calls"},
	10:     {http.StatusForbidden, "Permission Denied"},
	33:     {http.StatusBadRequest, "Parameter value is not valid"},
	100:    {http.StatusBadRequest, "Invalid parameter"},
	190:    {http.StatusUnauthorized, "Access token has expired"},
	200:    {http.StatusForbidden, "API Permission"},
	368:    {http.StatusForbidden, "Temporarily blocked for policies violations"},
	80007:  {http.StatusBadRequest, "Rate limit issues"},
	130429: {http.StatusBadRequest, "Rate limit hit"},
	130497: {http.StatusForbidden, "Business account is restricted from messaging users in this country."},
	131000: {http.StatusInternalServerError, "Something went wrong"},
	131005: {http.StatusForbidden, "Access denied"},
	131008: {http.StatusBadRequest, "Required parameter is missing"},
	131009: {http.StatusBadRequest, "Parameter value is not valid"},
	131016: {http.StatusInternalServerError, "Service unavailable"},
	131021: {http.StatusBadRequest, "Recipient cannot be sender"},
	131026: {http.StatusBadRequest, "Message undeliverable"},
	131030: {http.StatusBadRequest, "Recipient phone number not in allowed list"},
	131031: {http.StatusForbidden, "Account has been locked"},
	131042: {http.StatusBadRequest, "Business eligibility payment issue"},
	131045: {http.StatusInternalServerError, "Incorrect certificate"},
	131047: {http.StatusBadRequest, "Re-engagement message"},
	131048: {http.StatusBadRequest, "Spam Rate limit hit"},
	131049: {http.StatusBadRequest, "This message was not delivered to maintain healthy ecosystem engagement."},
	131050: {http.StatusBadRequest, "User has stopped marketing messages"},
	131051: {http.StatusBadRequest, "Unsupported message type"},
	131052: {http.StatusBadRequest, "Media download error"},
	131053: {http.StatusBadRequest, "Media upload error"},
	131056: {http.StatusBadRequest, "(Business Account, Consumer Account) pair rate limit hit"},
	131057: {http.StatusInternalServerError, "Account in maintenance mode"},
	131062: {http.StatusBadRequest, "Business-scoped user ID recipients are not supported for this message"},
	132000: {http.StatusBadRequest, "Template Param Count Mismatch"},
	132001: {http.StatusNotFound, "Template does not exist in the translation"},
	132005: {http.StatusBadRequest, "Template Hydrated Text Too Long"},
	132007: {http.StatusBadRequest, "Template Format Character Policy Violated"},
	132012: {http.StatusBadRequest, "Template Parameter Format Mismatch"},
	132015: {http.StatusBadRequest, "Template is Paused"},
	132016: {http.StatusBadRequest, "Template is Disabled"},
	132018: {http.StatusBadRequest, "There was a problem with a parameter of the template"},
	133010: {http.StatusBadRequest, "Phone number Not Registered"},
	137000: {http.StatusBadRequest, "Recipient identity key hash mismatch"},
}

// refusal is an error by its code. Details may quote the request, as Meta's do: a
// client that logs them is caught doing so.
func refusal(code int, format string, args ...any) *apiError {
	return &apiError{code: code, details: fmt.Sprintf(format, args...)}
}

// unknownObject is what the Graph API says of an id it does not know, or may not show.
func unknownObject(method, object string) *apiError {
	e := refusal(100, "Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing "+
		"permissions, or does not support this operation", method, object)
	e.subcode = 33
	return e
}

func (e *apiError) status() int {
	if f, ok := apiFailures[e.code]; ok {
		return f.status
	}
	return http.StatusBadRequest
}

func (e *apiError) title() string {
	if f, ok := apiFailures[e.code]; ok {
		return f.title
	}
	return "Error"
}

type errorBody struct {
	Error struct {
		Message   string     `json:"message"`
		Type      string     `json:"type"`
		Code      int        `json:"code"`
		Subcode   int        `json:"error_subcode,omitempty"`
		Data      *errorData `json:"error_data,omitempty"`
		Transient bool       `json:"is_transient,omitempty"`
		Trace     string     `json:"fbtrace_id"`
	} `json:"error"`
}

type errorData struct {
	Product string `json:"messaging_product,omitempty"`
	Details string `json:"details"`
}

func (w *WhatsApp) refuse(rw http.ResponseWriter, e *apiError) { w.refuseAs(rw, e, e.status()) }

func (w *WhatsApp) refuseAs(rw http.ResponseWriter, e *apiError, status int) {
	var b errorBody
	b.Error.Message = fmt.Sprintf("(#%d) %s", e.code, e.title())
	b.Error.Type = "OAuthException"
	b.Error.Code, b.Error.Subcode = e.code, e.subcode
	b.Error.Data = &errorData{Product: "whatsapp", Details: e.details}
	b.Error.Transient = status >= http.StatusInternalServerError
	w.mu.Lock()
	b.Error.Trace = w.id("A")
	w.mu.Unlock()
	writeJSON(rw, status, b)
}

// writeJSON answers in one piece, so that a client has the whole answer before
// anything that follows from it can reach it.
func writeJSON(rw http.ResponseWriter, status int, body any) {
	writeJSONAs(rw, "application/json; charset=UTF-8", status, body)
}

func writeJSONAs(rw http.ResponseWriter, contentType string, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{}`) // bodies are ours and can be marshalled
	}
	rw.Header().Set("Content-Type", contentType)
	rw.Header().Set("Content-Length", strconv.Itoa(len(b)))
	rw.WriteHeader(status)
	_, _ = rw.Write(b) // where the client is gone, nobody is left to tell
	if f, ok := rw.(http.Flusher); ok {
		f.Flush()
	}
}
