package cloudapi_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fhirbridge/pipeline"
)

// tlsServer speaks HTTP/2, as Meta does.
func tlsServer(t *testing.T, handle http.HandlerFunc) (server *httptest.Server, opened *atomic.Int64) {
	t.Helper()
	opened = new(atomic.Int64)
	server = httptest.NewUnstartedServer(handle)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, opened
}

func TestSendOverHTTP2(t *testing.T) {
	const sends = 200
	var other atomic.Int64
	server, opened := tlsServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			other.Add(1)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.OUT1"}]}`)
	})
	client := open(t, server.URL)
	client.Trust(server.Certificate())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range sends / 20 {
				if _, err := client.Send(t.Context(), messages()["template_named"]); err != nil {
					t.Errorf("Send: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if n := other.Load(); n != 0 {
		t.Errorf("%d of %d requests did not come over HTTP/2", n, sends)
	}
	if n := opened.Load(); n > 20 {
		t.Errorf("opened %d connections for 20 senders", n)
	}
}

// What the transport says of a broken stream is not kept: it can quote the server.
func TestSendCutOffOverHTTP2(t *testing.T) {
	server, _ := tlsServer(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
	client := open(t, server.URL)
	client.Trust(server.Certificate())
	_, err := client.Send(t.Context(), messages()["text"])
	if got, want := err.Error(), "cloudapi.send: transient no_answer: connection failed"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !asError(t, err).Unknown {
		t.Error("the message may have been sent, but the error is not Unknown")
	}
}

func TestSendToUntrustedServer(t *testing.T) {
	server, _ := tlsServer(t, func(http.ResponseWriter, *http.Request) {
		t.Error("a request reached a server that is not trusted")
	})
	_, err := open(t, server.URL).Send(t.Context(), messages()["text"])
	if e := asError(t, err); e.Kind != pipeline.Transient || e.Unknown || e.Reason != "not_sent" || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, unknown %t; want not_sent, with the word certificate", err, e.Unknown)
	}
}
