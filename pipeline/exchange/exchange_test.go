package exchange_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// credential is what goes to one host and into no text.
const credential = "canary-credential"

const words = "canary-words"

func credentials() http.Header { return http.Header{"Authorization": {"Bearer " + credential}} }

// to returns the address of a server, with something to hide in its query.
func to(t *testing.T, base string) *url.URL {
	t.Helper()
	u, err := url.Parse(base + "/messages?to=canary-query")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// client closes its connections with the test.
func client(t *testing.T) *exchange.Client {
	c := exchange.New()
	t.Cleanup(c.Transport.CloseIdleConnections)
	return c
}

// both are the two kinds of requests, each with the credential. What they give is copied.
func both(ctx context.Context, c *exchange.Client, u *url.URL, limit int64) map[string]func() (exchange.Answer, *pipeline.Error) {
	return map[string]func() (exchange.Answer, *pipeline.Error){
		"Do": func() (answer exchange.Answer, fault *pipeline.Error) {
			fault = c.Do(ctx, exchange.Request{
				Op: "op", URL: u, Header: credentials(), Size: int64(len(words)), Open: func() io.Reader { return strings.NewReader(words) },
			}, func(a exchange.Answer) {
				answer = a
				answer.Body = bytes.Clone(a.Body)
			})
			return answer, fault
		},
		"Get": func() (exchange.Answer, *pipeline.Error) { return c.Get(ctx, "op", u, credentials(), limit) },
	}
}

// A redirect is an answer like any other: whoever it points to gets neither the credential nor the words.
func TestRedirectsAreAnswers(t *testing.T) {
	var followed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var asked atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer "+credential {
				asked.Add(1)
			}
			w.Header().Set("Location", elsewhere.URL+"/elsewhere")
			w.WriteHeader(status)
		}))
		for name, request := range both(t.Context(), client(t), to(t, server.URL), exchange.AnswerLimit) {
			a, fault := request()
			if fault != nil || a.Status != status || a.OK() || a.Header.Get("Location") == "" {
				t.Errorf("%s, %d: got %d, OK %t, %v, with the Location %q", name, status, a.Status, a.OK(), fault, a.Header.Get("Location"))
			}
		}
		if n := asked.Load(); n != 2 {
			t.Errorf("%d: the host that was named got the credential %d times, want 2", status, n)
		}
		server.Close()
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d requests went to another host", n)
	}
}

// The headers are those of many requests at once.
func TestHeadersStayAsTheyAre(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "id=1") }))
	defer server.Close()
	header, c := credentials(), client(t)
	for range 2 {
		if _, fault := c.Get(t.Context(), "op", to(t, server.URL), header, 10); fault != nil {
			t.Fatal(fault)
		}
	}
	if got, want := fmt.Sprint(header), fmt.Sprint(credentials()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnswersAreReadToALimit(t *testing.T) {
	const own = 1000 // of Get
	for name, limit := range map[string]int{"Do": exchange.AnswerLimit, "Get": own} {
		for _, c := range []struct {
			name          string
			sent, claimed int
			read          int
			whole         bool
		}{
			{"nothing", 0, 0, 0, true},
			{"one byte less", limit - 1, limit - 1, limit - 1, true},
			{"as much as is read", limit, limit, limit, true},
			{"one byte more", limit + 1, limit + 1, limit + 1, false},
			{"much more", 100 * limit, 100 * limit, limit + 1, false},
			{"cut off", limit / 2, limit - 1, limit / 2, false},
		} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Length", fmt.Sprint(c.claimed))
				_, _ = w.Write(bytes.Repeat([]byte("x"), c.sent))
			}))
			a, fault := both(t.Context(), client(t), to(t, server.URL), own)[name]()
			if fault != nil || a.Status != http.StatusOK || len(a.Body) != c.read || a.Whole != c.whole {
				t.Errorf("%s, %s: got %d bytes, whole %t, %v; want %d, %t", name, c.name, len(a.Body), a.Whole, fault, c.read, c.whole)
			}
			server.Close()
		}
	}
}

// A body that has no end is left, with its connection.
func TestAnswerWithoutEnd(t *testing.T) {
	for _, name := range []string{"Do", "Get"} {
		left := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(left)
			_, _ = io.Copy(io.Discard, r.Body)
			for piece := bytes.Repeat([]byte("x"), 1<<10); ; {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
		}))
		a, fault := both(t.Context(), client(t), to(t, server.URL), exchange.AnswerLimit)[name]()
		if fault != nil || a.Whole || len(a.Body) != exchange.AnswerLimit+1 {
			t.Errorf("%s: got %d bytes, whole %t, %v", name, len(a.Body), a.Whole, fault)
		}
		<-left
		server.Close()
	}
}

// piped gives the client connections to serve, which run in the test's own time.
func piped(c *exchange.Client, serve func(net.Conn)) {
	c.Transport.Proxy = nil
	c.Transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go serve(theirs)
		return ours, nil
	}
}

// takes reads everything, and answers nothing.
func takes(conn net.Conn) {
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
}

// A request ends with its context; only one whose words were taken may have been acted upon.
func TestRequestsEndWithTheirContext(t *testing.T) {
	for _, name := range []string{"Do", "Get"} {
		synctest.Test(t, func(t *testing.T) {
			c := client(t)
			piped(c, takes)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			begun := time.Now()
			_, fault := both(ctx, c, to(t, "http://api.example.org"), 10)[name]()
			if fault == nil {
				t.Fatalf("%s: an answer that nobody sent", name)
			}
			if took := time.Since(begun); took != 10*time.Second {
				t.Errorf("%s: ended after %s", name, took)
			}
			if got, want := fault.Error(), "op: transient no_answer: context deadline exceeded"; got != want || fault.Unknown != (name == "Do") {
				t.Errorf("%s: got %s, unknown %t; want %s", name, got, fault.Unknown, want)
			}
		})
	}
}

// A server that says nothing when a connection begins is left after five seconds, however long the caller would wait.
func TestNoHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(t)
		piped(c, takes)
		begun := time.Now()
		_, fault := both(t.Context(), c, to(t, "https://api.example.org"), 10)["Do"]()
		if fault == nil {
			t.Fatal("an answer that nobody sent")
		}
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("ended after %s", took)
		}
		if got, want := fault.Error(), "op: transient not_sent: context deadline exceeded"; got != want || fault.Unknown {
			t.Errorf("got %s, unknown %t; want %s", got, fault.Unknown, want)
		}
	})
}

// What a server says, by whatever it breaks the protocol, is in no error, nor is what was asked of it.
func TestNothingSaidIsInAnError(t *testing.T) {
	long := strings.Repeat("canary-answer", exchange.AnswerLimit)
	for name, answer := range map[string]string{
		"no HTTP":                  "canary-answer\r\n\r\n",
		"a status that is none":    "HTTP/1.1 canary-answer\r\n\r\n",
		"a header that is none":    "HTTP/1.1 200 OK\r\ncanary-answer\r\n\r\n",
		"a length that is none":    "HTTP/1.1 200 OK\r\nContent-Length: canary-answer\r\n\r\n",
		"an encoding that is none": "HTTP/1.1 200 OK\r\nTransfer-Encoding: canary-answer\r\n\r\n",
		"headers without end":      "HTTP/1.1 200 OK\r\nX-Long: " + long + "\r\n\r\n",
		"half a header":            "HTTP/1.1 200 OK\r\nX-Half: canary-answer",
	} {
		for _, kind := range []string{"Do", "Get"} {
			c := client(t)
			piped(c, func(conn net.Conn) {
				defer func() { _ = conn.Close() }()
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				_, _ = io.WriteString(conn, answer)
			})
			_, fault := both(t.Context(), c, to(t, "http://api.example.org"), 10)[kind]()
			wantSilent(t, name+", "+kind, fault)
			if fault.Unknown != (kind == "Do") {
				t.Errorf("%s, %s: unknown %t", name, kind, fault.Unknown)
			}
		}
	}
}

// A proxy that lets nothing through says why in words of its own.
func TestNothingOfAProxyIsInAnError(t *testing.T) {
	c := client(t)
	piped(c, func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 407 canary-answer\r\n\r\n")
	})
	c.Transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example.org", User: url.UserPassword("bridge", credential)})
	_, fault := both(t.Context(), c, to(t, "https://api.example.org"), 10)["Do"]()
	wantSilent(t, "a proxy", fault)
	if fault.Unknown || fault.Reason != exchange.ReasonNotSent {
		t.Errorf("got %v, unknown %t; want not_sent", fault, fault.Unknown)
	}
}

// wantSilent wants a failure whose text has nothing of the request or of the answer.
func wantSilent(t *testing.T, name string, fault *pipeline.Error) {
	t.Helper()
	if fault == nil {
		t.Fatalf("%s: no failure", name)
	}
	for _, text := range []string{fault.Error(), fmt.Sprintf("%+v", fault), fmt.Sprintf("%#v", fault.Err)} {
		if strings.Contains(text, "canary") {
			t.Errorf("%s: an error says %s", name, text)
		}
	}
}
