package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// loopback is where the doubles listen if not told otherwise: any free port.
const loopback = "127.0.0.1:0"

// server is an HTTP server on a socket of its own.
type server struct {
	addr   string
	secure bool
	http   *http.Server
	done   chan struct{}
}

// serve starts to answer on listen, or on any free loopback port if that is empty.
func serve(listen string, h http.Handler) (*server, error) { return serveTLS(listen, h, nil) }

// serveTLS is serve over TLS, unless its configuration is nil.
func serveTLS(listen string, h http.Handler, over *tls.Config) (*server, error) {
	if listen == "" {
		listen = loopback
	}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &server{
		addr: ln.Addr().String(),
		http: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)},
		done: make(chan struct{}),
	}
	if over != nil {
		s.secure, ln = true, tls.NewListener(ln, over)
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(ln) // always ErrServerClosed once close was called
	}()
	return s, nil
}

func (s *server) url() string {
	if s.secure {
		return "https://" + s.addr
	}
	return "http://" + s.addr
}

// close cuts all connections, as a power failure would.
func (s *server) close() error {
	err := s.http.Close()
	<-s.done
	return err
}

// bell wakes everybody who waits for a change.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

// listen returns a channel that is closed by the next ring.
func (b *bell) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// await returns nil once cond holds; it looks again whenever the bell rings.
func (b *bell) await(ctx context.Context, cond func() bool) error {
	for {
		rung := b.listen()
		if cond() {
			return nil
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return fmt.Errorf("sandbox: what was awaited did not happen: %w", context.Cause(ctx))
		}
	}
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// tooLarge tells a body over its limit from one that was cut.
func tooLarge(err error) bool {
	var limit *http.MaxBytesError
	return errors.As(err, &limit)
}
