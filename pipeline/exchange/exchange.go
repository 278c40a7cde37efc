// Package exchange is what the adapters of all providers of channels have in common. It makes HTTP requests, and tells for
// certain whether one that failed may have been acted upon; it reads configured secrets and addresses; and it makes texts
// fit to be sent, kept or counted. It knows no provider: what an answer means, and how a message is written, is for
// the adapter that asked.
//
// It follows no redirect, retries nothing, and keeps no byte of an answer in an error.
package exchange

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"fhirbridge/pipeline"
)

// AnswerLimit is how much of an answer to Do is read; those of providers are below 2 KB.
const AnswerLimit = 64 << 10

// Reasons of the failures.
const (
	ReasonNotSent  = "not_sent"  // no connection: the request did not leave
	ReasonNoAnswer = "no_answer" // it may have left, and no answer came
)

// Client keeps connections to one provider. It is safe for concurrent use.
type Client struct {
	// Transport is used without an http.Client: nothing follows a redirect with the credentials.
	Transport *http.Transport
	buffers   sync.Pool // of *bytes.Buffer
}

// New returns a client. It connects to nothing.
func New() *Client {
	c := &Client{Transport: NewTransport()}
	c.buffers.New = func() any { return new(bytes.Buffer) }
	return c
}

// NewTransport keeps enough connections to one host for every send in flight.
// It speaks HTTP/2 where the server offers it.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        50 * time.Second,
		MaxResponseHeaderBytes: AnswerLimit,
		DisableCompression:     true, // answers are a few hundred bytes
	}
}

// Request is one POST.
type Request struct {
	// Op is where failures happened: Error.Op.
	Op  string
	URL *url.URL
	// Header is shared between requests: the transport only reads it.
	Header http.Header
	// Size is that of the body, Open begins a reading of it.
	Size int64
	Open func() io.Reader
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	// Body is no longer than was asked for; Whole says that it was read to its end.
	Body  []byte
	Whole bool
}

// OK reports whether the status is one of success.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status <= 299 }

// Do posts r and hands the answer to read, which must not keep its body.
// The error is a failure of transport; what an answer means is for read.
func (c *Client) Do(ctx context.Context, r Request, read func(Answer)) *pipeline.Error {
	out := &outgoing{open: r.Open}
	req := (&http.Request{
		Method:        http.MethodPost,
		URL:           r.URL,
		Host:          r.URL.Host,
		Header:        r.Header,
		Body:          out.body(),
		GetBody:       func() (io.ReadCloser, error) { return out.body(), nil },
		ContentLength: r.Size,
	}).WithContext(ctx)
	res, err := c.Transport.RoundTrip(req)
	if err != nil {
		e := &pipeline.Error{Op: r.Op, Kind: pipeline.Transient, Reason: ReasonNoAnswer, Unknown: !out.withdraw(), Err: Cause(ctx, err)}
		if !e.Unknown {
			e.Reason = ReasonNotSent
		}
		return e
	}
	buffer := c.buffers.Get().(*bytes.Buffer)
	defer c.buffers.Put(buffer)
	buffer.Reset()
	// One byte more than the limit tells whether there was more. Closing a body that was read to
	// its end keeps the connection; any other is closed with its connection.
	n, err := buffer.ReadFrom(io.LimitReader(res.Body, AnswerLimit+1))
	_ = res.Body.Close()
	read(Answer{Status: res.StatusCode, Header: res.Header, Body: buffer.Bytes(), Whole: err == nil && n <= AnswerLimit})
	return nil
}

// Get makes one GET, and reads the answer up to a limit: a body that is not whole has a byte more.
func (c *Client) Get(ctx context.Context, op string, u *url.URL, header http.Header, limit int64) (Answer, *pipeline.Error) {
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: header}).WithContext(ctx)
	res, err := c.Transport.RoundTrip(req)
	if err != nil {
		return Answer{}, &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: ReasonNoAnswer, Err: Cause(ctx, err)}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	_ = res.Body.Close()
	return Answer{Status: res.StatusCode, Header: res.Header, Body: body, Whole: err == nil && int64(len(body)) <= limit}, nil
}
