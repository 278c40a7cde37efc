package cloudapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"fhirbridge/pipeline"
)

const (
	sendTimeout   = 10 * time.Second
	uploadTimeout = 2 * time.Minute
	// answerLimit is how much of an answer is read; Meta's are below 2 KB.
	answerLimit = 64 << 10
)

// newTransport keeps enough connections to one host for every send in flight.
// It speaks HTTP/2 where the server offers it. The RoundTripper is used without an
// http.Client: nothing follows a redirect with the access token.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        50 * time.Second,
		MaxResponseHeaderBytes: answerLimit,
		DisableCompression:     true, // answers are a few hundred bytes
	}
}

// outgoing is a request body that can be called back: after a failure it tells
// for certain whether the transport had begun to take it. A request whose body
// was not taken cannot have been acted upon, whatever became of the connection.
type outgoing struct {
	open    func() io.Reader
	current atomic.Pointer[taking]
}

// taking is one reading of the body.
type taking struct {
	io.Reader
	state atomic.Int32 // untouched, taken or withdrawn
}

const (
	untouched int32 = iota
	taken
	withdrawn
)

var errWithdrawn = errors.New("request withdrawn")

func (t *taking) Read(p []byte) (int, error) {
	if !t.state.CompareAndSwap(untouched, taken) && t.state.Load() == withdrawn {
		return 0, errWithdrawn
	}
	return t.Reader.Read(p)
}

func (*taking) Close() error { return nil }

// body begins a new reading. The transport asks for another one (http.Request.GetBody) only
// when it knows that the server has not seen the one before, so that one does not count any more.
func (o *outgoing) body() io.ReadCloser {
	t := &taking{Reader: o.open()}
	o.current.Store(t)
	return t
}

// withdraw makes the body unreadable and reports whether it had not been touched.
func (o *outgoing) withdraw() bool {
	return o.current.Load().state.CompareAndSwap(untouched, withdrawn)
}

// request is one POST.
type request struct {
	op     string
	url    *url.URL
	header http.Header // shared between requests: the transport only reads it
	size   int64
	open   func() io.Reader
}

// answer is what came back, with a body of at most answerLimit.
type answer struct {
	status int
	header http.Header
	body   []byte
	whole  bool // the body was read to its end
}

// exchange posts r and hands the answer to read, which must not keep its body.
// The error is a failure of transport; what an answer means is for read.
func (c *Client) exchange(ctx context.Context, r request, read func(answer)) *pipeline.Error {
	out := &outgoing{open: r.open}
	req := (&http.Request{
		Method:        http.MethodPost,
		URL:           r.url,
		Host:          r.url.Host,
		Header:        r.header,
		Body:          out.body(),
		GetBody:       func() (io.ReadCloser, error) { return out.body(), nil },
		ContentLength: r.size,
	}).WithContext(ctx)
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		e := &pipeline.Error{Op: r.op, Kind: pipeline.Transient, Reason: reasonNoAnswer, Unknown: !out.withdraw(), Err: cause(ctx, err)}
		if !e.Unknown {
			e.Reason = reasonNotSent
		}
		return e
	}
	buffer := c.buffers.Get().(*bytes.Buffer)
	defer c.buffers.Put(buffer)
	buffer.Reset()
	// One byte more than the limit tells whether there was more. Closing a body that was read to
	// its end keeps the connection; any other is closed with its connection.
	n, err := buffer.ReadFrom(io.LimitReader(res.Body, answerLimit+1))
	_ = res.Body.Close()
	read(answer{status: res.StatusCode, header: res.Header, body: buffer.Bytes(), whole: err == nil && n <= answerLimit})
	return nil
}

// cause keeps of a transport failure what is known to hold no byte of an
// answer. The texts of the others quote what the server sent.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var (
		name    *net.DNSError
		op      *net.OpError
		trust   *tls.CertificateVerificationError
		number  syscall.Errno
		timeout net.Error
	)
	switch {
	case errors.As(err, &name):
		return name
	case errors.As(err, &op) && op.Op == "dial":
		return op
	case errors.As(err, &trust):
		return trust
	case errors.As(err, &number):
		return number
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.As(err, &timeout) && timeout.Timeout():
		return context.DeadlineExceeded
	}
	return errors.New("connection failed")
}
