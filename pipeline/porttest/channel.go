// Package porttest holds a conformance suite for each port of the pipeline that
// has, or may get, more than one implementation. An adapter runs the suite of its
// port in its own tests; what passes can be put in place of any other.
package porttest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// Answer is what a stand-in for a provider answers to one request.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// ChannelProvider is what the suite must know of a provider in order to play it.
// Functions that take echo put it into every free-text member of the answer, as providers
// that quote what they were sent do.
type ChannelProvider struct {
	// Open returns a channel that finds its provider at baseURL (http://127.0.0.1:port).
	Open func(t *testing.T, baseURL string) pipeline.Channel
	// Accepted takes a message under this id.
	Accepted func(id string) Answer
	// Stored takes an uploaded file under this id.
	Stored func(id string) Answer
	// Refused says no for good, with this code of the provider's.
	Refused func(echo string) Answer
	// RefusedCode is that code.
	RefusedCode string
	// Throttled says that there were too many messages, and names no wait.
	Throttled func(echo string) Answer
	// Pair says that this recipient must wait; nil if the provider knows no such limit.
	Pair func(echo string) Answer
	// Unauthorized says that the credentials are not taken.
	Unauthorized func(echo string) Answer
	// Broken says that something went wrong, nobody knows how far it came.
	Broken func(echo string) Answer
	// Serves plays a provider that has a file under the id "file-1". With elsewhere it says that the file
	// is at that address.
	Serves func(data []byte, contentType, elsewhere string) http.HandlerFunc
	// Gone says that there is no such file any more.
	Gone func(echo string) Answer
}

// Channel is the conformance suite of pipeline.Channel: what the lanes rely on,
// whatever the provider. It takes a few seconds.
func Channel(t *testing.T, p ChannelProvider) {
	t.Run("takes every kind of message", func(t *testing.T) { channelKinds(t, p) })
	t.Run("tells failures apart", func(t *testing.T) { channelFailures(t, p) })
	t.Run("knows what was not sent", func(t *testing.T) { channelNotSent(t, p) })
	t.Run("does not claim to know what may have been sent", func(t *testing.T) { channelPerhaps(t, p) })
	t.Run("refuses what is no message", func(t *testing.T) { channelInvalid(t, p) })
	t.Run("follows no redirect", func(t *testing.T) { channelRedirect(t, p) })
	t.Run("sends concurrently", func(t *testing.T) { channelConcurrent(t, p) })
	t.Run("uploads", func(t *testing.T) { channelUpload(t, p) })
	t.Run("downloads", func(t *testing.T) { channelDownload(t, p) })
}

func channelKinds(t *testing.T, p ChannelProvider) {
	for name, m := range channelMessages() {
		t.Run(name, func(t *testing.T) {
			stand := newStand(t, p.Accepted("message-1"))
			before := time.Now()
			got, err := p.Open(t, stand.URL).Send(t.Context(), m)
			if err != nil {
				t.Fatalf("Send: %v", err)
			}
			if got.MessageID != "message-1" || got.State != pipeline.Accepted || got.Attempt != m.Attempt {
				t.Errorf("receipt = {%q %q %q}, want {message-1 accepted %q}", got.MessageID, got.State, got.Attempt, m.Attempt)
			}
			if got.At.Before(before.Add(-time.Second)) || got.At.After(time.Now().Add(time.Second)) {
				t.Errorf("receipt is of %v, want about now", got.At)
			}
			requests := stand.requests()
			if len(requests) != 1 {
				t.Fatalf("provider got %d requests, want 1", len(requests))
			}
			for _, part := range []string{m.Attempt, strings.TrimPrefix(channelNumber, "+")} {
				if !strings.Contains(requests[0], part) {
					t.Errorf("request does not hold %q", part)
				}
			}
			if name != "location" && !strings.Contains(requests[0], channelWords) {
				t.Error("request does not hold the words")
			}
		})
	}
}

// channelFailure is an answer, and what of it lanes decide by.
type channelFailure struct {
	name   string
	answer Answer
	want   pipeline.Error
}

func channelFailureCases(p ChannelProvider) []channelFailure {
	var (
		refused   = pipeline.Error{Kind: pipeline.Refused}
		throttled = pipeline.Error{Kind: pipeline.Throttled}
		halted    = pipeline.Error{Kind: pipeline.Transient, Halt: true}
		unknown   = pipeline.Error{Kind: pipeline.Transient, Unknown: true}
		coded     = pipeline.Error{Kind: pipeline.Refused, Code: p.RefusedCode}
		waiting   = pipeline.Error{Kind: pipeline.Throttled, After: 17 * time.Second}
		wait      = p.Throttled(channelEcho)
	)
	wait.Header = http.Header{"Retry-After": {"17"}}
	cases := []channelFailure{
		{"refused", p.Refused(channelEcho), coded},
		{"refused by something in front", Answer{Status: 400, Body: channelEcho}, refused},
		{"throttled", p.Throttled(channelEcho), throttled},
		{"throttled with a wait", wait, waiting},
		{"throttled without a word", Answer{Status: 429}, throttled},
		{"unauthorized", p.Unauthorized(channelEcho), halted},
		{"unauthorized without a word", Answer{Status: 401}, halted},
		{"broken", p.Broken(channelEcho), unknown},
		{"bad gateway", Answer{Status: 502, Body: channelEcho}, unknown},
		{"gateway timeout", Answer{Status: 504}, unknown},
		{"taken, but in words", Answer{Status: 200, Body: channelEcho}, unknown},
		{"taken, without a word", Answer{Status: 200}, unknown},
		{"taken, without an id", p.Accepted(""), unknown},
		{"taken, in 8 MB", Answer{Status: 200, Body: strings.Repeat(" ", 8<<20)}, unknown},
	}
	if p.Pair != nil {
		cases = append(cases, channelFailure{"recipient throttled", p.Pair(channelEcho), pipeline.Error{Kind: pipeline.Throttled, Pair: true}})
	}
	return cases
}

func channelFailures(t *testing.T, p ChannelProvider) {
	for _, c := range channelFailureCases(p) {
		t.Run(c.name, func(t *testing.T) {
			stand := newStand(t, c.answer)
			_, err := p.Open(t, stand.URL).Send(t.Context(), channelMessages()["template"])
			got := channelError(t, err)
			if got.Kind != c.want.Kind || got.Unknown != c.want.Unknown || got.Halt != c.want.Halt || got.Pair != c.want.Pair {
				t.Errorf("got %v, unknown %t, halt %t, pair %t; want %v, %t, %t, %t", got.Kind, got.Unknown, got.Halt, got.Pair,
					c.want.Kind, c.want.Unknown, c.want.Halt, c.want.Pair)
			}
			if c.want.Code != "" && got.Code != c.want.Code {
				t.Errorf("code = %q, want %q", got.Code, c.want.Code)
			}
			if got.Kind == pipeline.Throttled && got.After <= 0 {
				t.Error("a throttled failure names no wait")
			}
			if c.want.After != 0 && got.After != c.want.After {
				t.Errorf("wait = %v, want %v", got.After, c.want.After)
			}
			if n := len(stand.requests()); n != 1 {
				t.Errorf("provider got %d requests, want 1: a channel does not retry", n)
			}
		})
	}
}

func channelNotSent(t *testing.T, p ChannelProvider) {
	m := channelMessages()["template"]
	t.Run("connection refused", func(t *testing.T) {
		_, err := p.Open(t, deadURL(t)).Send(t.Context(), m)
		if got := channelError(t, err); got.Kind != pipeline.Transient || got.Unknown || got.Halt {
			t.Errorf("got %v, unknown %t, halt %t; want transient, not unknown, no halt", got.Kind, got.Unknown, got.Halt)
		}
	})
	t.Run("cancelled before", func(t *testing.T) {
		stand := newStand(t, p.Accepted("message-1"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := p.Open(t, stand.URL).Send(ctx, m)
		if got := channelError(t, err); got.Kind != pipeline.Transient || got.Unknown {
			t.Errorf("got %v, unknown %t; want transient, not unknown", got.Kind, got.Unknown)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v does not wrap context.Canceled", err)
		}
		if n := len(stand.requests()); n != 0 {
			t.Errorf("provider got %d requests, want none", n)
		}
	})
	t.Run("no handshake", func(t *testing.T) {
		// A server that takes the connection and closes it before TLS: the https request cannot have left.
		url := strings.Replace(hangUpURL(t), "http://", "https://", 1)
		_, err := p.Open(t, url).Send(t.Context(), m)
		if got := channelError(t, err); got.Kind != pipeline.Transient || got.Unknown {
			t.Errorf("got %v, unknown %t; want transient, not unknown", got.Kind, got.Unknown)
		}
	})
}

func channelPerhaps(t *testing.T, p ChannelProvider) {
	m := channelMessages()["text"]
	cases := map[string]func(w http.ResponseWriter, cancel func()){
		"cut off before the answer": func(w http.ResponseWriter, _ func()) { hangUp(w, "") },
		"cut off in the head": func(w http.ResponseWriter, _ func()) {
			hangUp(w, "HTTP/1.1 "+channelEcho)
		},
		"cut off in the answer": func(w http.ResponseWriter, _ func()) {
			hangUp(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"")
		},
		"cancelled meanwhile": func(w http.ResponseWriter, cancel func()) { cancel() },
	}
	for name, do := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stand := newStandFunc(t, func(w http.ResponseWriter, r *http.Request) {
				do(w, cancel)
				<-ctx.Done()
			})
			_, err := p.Open(t, stand.URL).Send(ctx, m)
			cancel()
			if got := channelError(t, err); got.Kind != pipeline.Transient || !got.Unknown {
				t.Errorf("got %v, unknown %t; want transient, unknown", got.Kind, got.Unknown)
			}
			if n := len(stand.requests()); n != 1 {
				t.Errorf("provider got %d requests, want 1: a channel does not retry", n)
			}
		})
	}
}
