package fhirserver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const (
	fhirJSON  = "application/fhir+json"
	patchJSON = "application/json-patch+json"

	// maxAnswer is the size of an answer that is read; reports may hold PDFs.
	maxAnswer = 16 << 20
	// maxConns bounds the connections to the server; requests beyond wait for one.
	maxConns = 32
	// maxRedirects on the same host.
	maxRedirects = 5
)

// Client talks to one server.
type Client struct {
	base   *url.URL
	who    credentials
	auth   string // the type of who
	limit  time.Duration
	http   *http.Client
	now    func() time.Time
	log    *slog.Logger
	cache  *cache
	doubts doubts
	// paused is the time before which the server does not want to be called, in Unix nanoseconds.
	paused atomic.Int64
	// declared is what the server said of itself when it was last asked; nil before.
	declared atomic.Pointer[capability]
	// batches is whether the server is sent any.
	batches batches
	// noPost is set once the server has refused to be searched by POST.
	noPost atomic.Bool
}

var _ pipeline.FHIRServer = (*Client)(nil)

// Option changes a Client.
type Option func(*Client)

// WithClock sets the clock of waits and of the cache; default time.Now. Timeouts
// of requests do not follow it.
func WithClock(now func() time.Time) Option { return func(c *Client) { c.now = now } }

// WithLogger sets where it is said that files cannot be used, and that less is granted than is needed; default nowhere.
func WithLogger(log *slog.Logger) Option { return func(c *Client) { c.log = log } }

// New returns a client. It does not call the server; it fails on what Validate finds.
func New(cfg Config, options ...Option) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	base, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/"))
	if err != nil { // Validate has parsed it
		return nil, errors.New("base_url: must be an http or https URL")
	}
	c := &Client{base: base, auth: cmp.Or(cfg.Auth.Type, authNone), limit: cfg.Timeout, now: time.Now, log: slog.New(slog.DiscardHandler)}
	if c.limit == 0 {
		c.limit = defaultTimeout
	}
	for _, option := range options {
		option(c)
	}
	if c.cache, err = newCache(c.now); err != nil {
		return nil, err
	}
	connections, err := newConnections(cfg.TLS, c.log)
	if err != nil {
		return nil, err
	}
	c.http = &http.Client{CheckRedirect: c.redirect, Transport: connections}
	if c.who, err = newCredentials(c, cfg.Auth); err != nil {
		return nil, err
	}
	return c, nil
}

var (
	errForeign  = errors.New("another host")
	errCircling = errors.New("too many redirects")
)

// redirect follows redirects on the same host, unless they would turn a write
// into something else.
func (c *Client) redirect(next *http.Request, via []*http.Request) error {
	switch {
	case !c.own(next.URL):
		return errForeign
	case len(via) > maxRedirects:
		return errCircling
	case next.Method != via[0].Method:
		return http.ErrUseLastResponse
	}
	return nil
}

// own reports whether a URL is on our server.
func (c *Client) own(u *url.URL) bool { return u.Scheme == c.base.Scheme && u.Host == c.base.Host }

// request is what we ask.
type request struct {
	op     string // for errors
	method string
	url    string
	header map[string]string
	body   []byte
	// acts is set if the server changes something: then the lack of an answer leaves the outcome unknown.
	acts bool
	// most is the size of an answer that is read, 0 for maxAnswer; limit the time for it, 0 for the configured one.
	most  int
	limit time.Duration
}

// answer is what the server says to a request that it has not refused: a 2xx.
type answer struct {
	status int
	header http.Header
	url    *url.URL // after redirects
	body   []byte
	// cut is set if the body did not arrive whole; a write has happened all the same.
	cut bool
	// acted is the request's acts.
	acted bool
}

// at is the URL of a path below the base.
func (c *Client) at(path string) string { return c.base.String() + "/" + path }

// do sends a request as who we are and returns the answer, or what went wrong.
func (c *Client) do(ctx context.Context, q request) (answer, error) {
	if wait := time.Unix(0, c.paused.Load()).Sub(c.now()); wait > 0 {
		return answer{}, &pipeline.Error{Op: q.op, Kind: pipeline.Throttled, Reason: "throttled", After: wait}
	}
	return c.authorised(ctx, q)
}

// send sends a request once, with that value of Authorization.
func (c *Client) send(ctx context.Context, q request, authorization string) (answer, error) {
	most := cmp.Or(q.most, maxAnswer)
	limited, cancel := context.WithTimeout(ctx, max(q.limit, c.limit))
	defer cancel()
	r, err := http.NewRequestWithContext(limited, q.method, q.url, bytes.NewReader(q.body))
	if err != nil || !c.own(r.URL) { // its text holds the URL
		return answer{}, &pipeline.Error{Op: q.op, Kind: pipeline.Refused, Reason: "bad_reference"}
	}
	r.Header.Set("Accept", fhirJSON)
	r.Header.Set("Cache-Control", "no-cache") // HAPI answers a search with what the same one has found in the minute before
	r.Header.Set("User-Agent", "fhirbridge")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{}, silence(ctx, q, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return answer{}, c.refusal(q, resp)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, url: resp.Request.URL, acted: q.acts}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	switch {
	case q.acts:
		a.cut = err != nil || len(a.body) > most
	case err != nil:
		return answer{}, silence(ctx, q, err)
	case len(a.body) > most:
		return answer{}, &pipeline.Error{Op: q.op, Kind: pipeline.Refused, Reason: pipeline.ReasonTooLarge, Code: statusCode(resp.StatusCode)}
	}
	return a, nil
}

// fhirOrEmpty reports whether an answer to a write can be the server's own, rather
// than a proxy's page.
func (a answer) fhirOrEmpty() bool {
	if a.cut || len(bytes.TrimSpace(a.body)) == 0 {
		return true
	}
	_, err := fhir.Peek(a.body)
	return err == nil
}
