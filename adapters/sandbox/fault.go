package sandbox

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Fault is what goes wrong with one HTTP request. The zero value is no fault.
type Fault struct {
	// Latency passes before the server does anything. A client that gave up meanwhile is
	// served all the same: its request had arrived.
	Latency time.Duration
	// Act makes the server do what it was asked although the answer below says
	// otherwise. With Cut or a 5xx this is the ambiguous outcome: it happened, and
	// the client cannot know.
	Act bool
	// Cut closes the connection without an answer.
	Cut bool
	// Status is the HTTP status of the answer; 0 leaves the answer as it is.
	Status int
	// RetryAfter is sent in whole seconds if above 0.
	RetryAfter time.Duration
	// ContentType and Body are the answer as it is, for proxies that send HTML.
	// With an empty Body the server's own error format is used.
	ContentType string
	Body        string
}

// instead reports whether the request is answered by the fault and not by the server.
func (f *Fault) instead() bool { return f.Cut || f.Status != 0 }

// answer gives the fault's answer. The plain func writes the server's own error.
func (f *Fault) answer(rw http.ResponseWriter, plain func(status int)) {
	if f.Cut {
		panic(http.ErrAbortHandler) // the documented way to cut a connection without an answer
	}
	if f.RetryAfter > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
	}
	if f.Body == "" {
		plain(f.Status)
		return
	}
	if f.ContentType != "" {
		rw.Header().Set("Content-Type", f.ContentType)
	}
	rw.WriteHeader(f.Status)
	_, _ = rw.Write([]byte(f.Body))
}

func (f *Fault) wait(ctx context.Context) { pause(ctx, f.Latency) }
