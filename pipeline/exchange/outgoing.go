package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

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

// Cause keeps of a transport failure what is known to hold no byte of an
// answer. The texts of the others quote what the server sent.
func Cause(ctx context.Context, err error) error {
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

const day = 24 * time.Hour

// RetryAfter reads the header of that name, seconds or date, between one second and a day.
func RetryAfter(header http.Header, otherwise time.Duration) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return min(max(time.Duration(min(seconds, 1<<20))*time.Second, time.Second), day)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), time.Second), day)
	}
	return otherwise
}
