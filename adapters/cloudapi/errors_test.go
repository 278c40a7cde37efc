package cloudapi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// The table in the words of Meta's advice: R safe to repeat, W much later, A
// ambiguous, N never, S stop the sender. P is R or W for one recipient or template only.
func TestCodes(t *testing.T) {
	classes := map[string][]int{
		"R": {4, 80007, 130429, 133008, 133009, 133015, 133016},
		"P": {131049, 131056, 132015, 132069, 134101},
		"A": {1, 2, 131000, 131016, 131053, 131057, 133004, 2494100},
		"S": {0, 3, 10, 33, 104, 190, 200, 210, 299, 368, 131005, 131031, 131037, 131042, 131045, 131048, 131064, 133000, 133010},
		"N": {100, 470, 1026, 130403, 130472, 130497, 131008, 131009, 131021, 131026, 131030, 131035, 131036, 131047, 131050, 131051,
			131052, 131055, 131059, 131062, 131063, 132000, 132001, 132005, 132007, 132012, 132016, 132018, 132068, 133005, 133006,
			134011, 134100, 135000, 137000, 139000, 2388019, 2388039, 2388293},
	}
	want := map[string]pipeline.Error{
		"R": {Kind: pipeline.Throttled}, "P": {Kind: pipeline.Throttled, Pair: true},
		"A": {Kind: pipeline.Transient, Unknown: true}, "S": {Kind: pipeline.Transient, Halt: true}, "N": {Kind: pipeline.Refused},
	}
	for class, codes := range classes {
		for _, code := range codes {
			t.Run(fmt.Sprintf("%s %d", class, code), func(t *testing.T) {
				got := sendError(t, 400, fmt.Sprintf(`{"error":{"code":%d}}`, code))
				w := want[class]
				if got.Kind != w.Kind || got.Pair != w.Pair || got.Unknown != w.Unknown || got.Halt != w.Halt {
					t.Errorf("got %v, pair %t, unknown %t, halt %t", got.Kind, got.Pair, got.Unknown, got.Halt)
				}
				if got.Code != fmt.Sprint(code) || got.Reason == "" {
					t.Errorf("code %q, reason %q", got.Code, got.Reason)
				}
				if (got.After > 0) != (got.Kind == pipeline.Throttled) {
					t.Errorf("wait = %v", got.After)
				}
			})
		}
	}
}

func TestAnswers(t *testing.T) {
	cases := []struct {
		name   string
		status int
		file   string
		body   string
		want   string // the whole text of the error
	}{
		{name: "trace id is kept", status: 400, file: "pair_rate_131056",
			want: "cloudapi.send: throttled rate_pair (131056): fbtrace_id AbCdEf123_-"},
		{name: "trace id that is text is not", status: 400, file: "trace_that_is_text", want: "cloudapi.send: refused parameter (131009)"},
		{name: "unknown phone number id", status: 400, file: "phone_number_id_unknown_100_33",
			want: "cloudapi.send: transient not_the_api (100): fbtrace_id AbC"},
		{name: "unknown code, transient by its own word", status: 400, file: "code_of_tomorrow_transient",
			want: "cloudapi.send: transient unavailable (139999)"},
		{name: "code that is text", status: 400, file: "code_that_is_text", want: "cloudapi.send: refused refused (400)"},
		{name: "unknown code", status: 400, body: `{"error":{"code":139998}}`, want: "cloudapi.send: refused refused (139998)"},
		{name: "unknown code with 500", status: 500, body: `{"error":{"code":139998}}`, want: "cloudapi.send: transient unavailable (139998)"},
		{name: "unknown code with 429", status: 429, body: `{"error":{"code":139998}}`, want: "cloudapi.send: throttled rate_app (139998)"},
		{name: "known code has precedence over 500", status: 500, body: `{"error":{"code":131047}}`, want: "cloudapi.send: refused window (131047)"},
		{name: "not found without a code", status: 404, body: "<html>", want: "cloudapi.send: transient not_the_api (404)"},
		{name: "forbidden without a code", status: 403, want: "cloudapi.send: transient permission (403)"},
		{name: "too large", status: 413, want: "cloudapi.send: refused refused (413)"},
		{name: "request timeout", status: 408, want: "cloudapi.send: transient unavailable (408)"},
		{name: "taken under an id with a space", status: 200, body: `{"messages":[{"id":"wamid A"}]}`, want: "cloudapi.send: transient unreadable"},
		{name: "refused, code beyond the limit", status: 400, body: `{"pad":"` + strings.Repeat("x", 70_000) + `","error":{"code":130429}}`,
			want: "cloudapi.send: transient unreadable (400)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := c.body
			if c.file != "" {
				data, err := os.ReadFile("testdata/answers/" + c.file + ".json")
				if err != nil {
					t.Fatal(err)
				}
				body = string(data)
			}
			if got := sendError(t, c.status, body).Error(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestWaits(t *testing.T) {
	cases := []struct {
		name, header string
		code         int
		min, max     time.Duration
	}{
		{"pair without a header", "", 131056, 6 * time.Second, 6 * time.Second},
		{"seconds", "30", 130429, 30 * time.Second, 30 * time.Second},
		{"zero", "0", 130429, time.Second, time.Second},
		{"a year", "31536000", 130429, 24 * time.Hour, 24 * time.Hour},
		{"beyond every number", "99999999999999999999", 130429, 2 * time.Second, 2 * time.Second},
		{"date", time.Now().Add(time.Minute).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), 130429, 50 * time.Second, time.Minute},
		{"date that has passed", "Mon, 02 Jan 2006 15:04:05 GMT", 130429, time.Second, time.Second},
		{"words", "soon", 4, time.Minute, time.Minute},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := sendErrorWith(t, 400, fmt.Sprintf(`{"error":{"code":%d}}`, c.code), c.header)
			if got.After < c.min || got.After > c.max {
				t.Errorf("wait = %v, want %v to %v", got.After, c.min, c.max)
			}
		})
	}
}

func sendError(t *testing.T, status int, body string) *pipeline.Error {
	t.Helper()
	return sendErrorWith(t, status, body, "")
}

func asError(t *testing.T, err error) *pipeline.Error {
	t.Helper()
	var e *pipeline.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T (%v), want *pipeline.Error", err, err)
	}
	return e
}

func sendErrorWith(t *testing.T, status int, body, retryAfter string) *pipeline.Error {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	_, err := open(t, server.URL).Send(t.Context(), messages()["text"])
	return asError(t, err)
}
