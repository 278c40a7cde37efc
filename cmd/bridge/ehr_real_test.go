package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// fhirEnv is the base URL of a real FHIR server to use instead of the one in this process.
const fhirEnv = "BRIDGE_TEST_FHIR"

func onRealFHIR() bool { return os.Getenv(fhirEnv) != "" }

// realEHR is a real FHIR server, and a proxy before it that the bridge talks to: what goes wrong, goes wrong there. Others
// may have used the server before; what this world has is what has changed since it began.
type realEHR struct {
	t     testing.TB
	base  string
	since time.Time
	front *httptest.Server
	proxy *httputil.ReverseProxy

	mu    sync.Mutex
	fail  func(sandbox.FHIRRequest) *sandbox.FHIRFault
	count int             // requests
	known map[string]bool // what exists, as far as was looked
	codes map[int]int     // how often the server has answered so
}

func newRealEHR(t testing.TB) *realEHR {
	t.Helper()
	base, err := url.Parse(os.Getenv(fhirEnv))
	must(t, err)
	if host := net.ParseIP(base.Hostname()); host == nil || !host.IsLoopback() {
		t.Fatalf("%s is not on loopback: nothing else is written to", fhirEnv)
	}
	c := &realEHR{t: t, base: strings.TrimRight(base.String(), "/"), since: time.Now(), known: map[string]bool{}, codes: map[int]int{}}
	c.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { // the Host stays the proxy's: the server names it in links and locations
			r.Out.URL.Scheme, r.Out.URL.Host = base.Scheme, base.Host
		},
		ErrorLog: log.New(io.Discard, "", 0), // of who was killed
		ModifyResponse: func(r *http.Response) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.codes[r.StatusCode]++
			return nil
		},
	}
	c.front = httptest.NewServer(c)
	return c
}

// URL has the path of the real one: nothing is rewritten but the host.
func (c *realEHR) URL() string { return c.front.URL + strings.TrimPrefix(c.base, origin(c.base)) }

func origin(base string) string {
	u, _ := url.Parse(base)
	return u.Scheme + "://" + u.Host
}

func (c *realEHR) Close() error {
	c.front.Close()
	return nil
}

// ServeHTTP passes a request on, unless something goes wrong. Who has asked may be killed meanwhile: the server does it all the same.
func (c *realEHR) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	f := c.fault(r)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute) // without an end the proxy takes that of who has asked
	defer cancel()
	r = r.WithContext(ctx)
	if !f.Cut && f.Status == 0 {
		c.proxy.ServeHTTP(rw, r)
		return
	}
	if f.Act {
		c.proxy.ServeHTTP(httptest.NewRecorder(), r)
	}
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	rw.WriteHeader(f.Status)
}

func (c *realEHR) fault(r *http.Request) *sandbox.FHIRFault {
	path := strings.Split(strings.TrimPrefix(origin(c.base)+r.URL.Path, c.base+"/"), "/")
	c.mu.Lock()
	c.count++
	q := sandbox.FHIRRequest{
		Method: r.Method, Type: path[0], IfNoneExist: r.Header.Get("If-None-Exist"), IfMatch: r.Header.Get("If-Match"), Number: c.count,
	}
	hook := c.fail
	c.mu.Unlock()
	if len(path) > 1 && path[1] != "_search" {
		q.ID = path[1]
	}
	if hook != nil {
		if f := hook(q); f != nil {
			return f
		}
	}
	return &sandbox.FHIRFault{}
}

func (c *realEHR) Fail(hook func(sandbox.FHIRRequest) *sandbox.FHIRFault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = hook
}

// answered is how often the server has answered with a status.
func (c *realEHR) answered(status int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.codes[status]
}

var literal = regexp.MustCompile(`"reference":\s*"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]+)"`)

// Seed puts resources, and first what they refer to: a server of this kind takes no reference to what it has not.
func (c *realEHR) Seed(raw ...[]byte) error {
	for _, r := range raw {
		own := gjson.GetBytes(r, "resourceType").String() + "/" + gjson.GetBytes(r, "id").String()
		for _, ref := range literal.FindAllSubmatch(r, -1) {
			name := string(ref[1]) + "/" + string(ref[2])
			if name == own || c.exists(name) {
				continue
			}
			if err := c.put(name, fmt.Appendf(nil, `{"resourceType":%q,"id":%q}`, ref[1], ref[2])); err != nil {
				return err
			}
		}
		if err := c.put(own, r); err != nil {
			return err
		}
	}
	return nil
}

func (c *realEHR) exists(ref string) bool {
	c.mu.Lock()
	known := c.known[ref]
	c.mu.Unlock()
	if known {
		return true
	}
	_, ok := c.Resource(ref)
	return ok
}

func (c *realEHR) put(ref string, raw []byte) error {
	status, _, err := c.call(http.MethodPut, c.base+"/"+ref, raw)
	if err == nil && status > 299 {
		err = fmt.Errorf("%s: the server answers %d", ref, status)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[ref] = true
	return nil
}

func (c *realEHR) Resource(ref string) (json.RawMessage, bool) {
	status, raw, err := c.call(http.MethodGet, c.base+"/"+ref, nil)
	must(c.t, err)
	return raw, status == http.StatusOK
}

func (c *realEHR) All(kind string) (all []json.RawMessage) {
	since := url.QueryEscape("ge" + c.since.UTC().Format("2006-01-02T15:04:05.000Z"))
	for next := c.base + "/" + kind + "?_lastUpdated=" + since + "&_sort=_lastUpdated&_count=200"; next != ""; {
		status, raw, err := c.call(http.MethodGet, next, nil)
		must(c.t, err)
		if status != http.StatusOK {
			c.t.Fatalf("searching for %s: the server answers %d", kind, status)
		}
		set := gjson.ParseBytes(raw)
		for _, r := range set.Get("entry.#.resource").Array() {
			all = append(all, json.RawMessage(r.Raw))
		}
		next = set.Get(`link.#(relation=="next").url`).String()
	}
	return all
}

func (c *realEHR) Count(kind string) int { return len(c.All(kind)) }

func (c *realEHR) Duplicates(kind string) (twice []string) {
	seen := map[string]int{}
	for _, raw := range c.All(kind) {
		for _, i := range gjson.GetBytes(raw, "identifier").Array() { // one that is no list is a list of one here
			id := i.Get("system").String() + "|" + i.Get("value").String()
			if seen[id]++; seen[id] == 2 {
				twice = append(twice, id)
			}
		}
	}
	return twice
}

// call asks the real server. It waits a moment, for tests ask again and again.
func (c *realEHR) call(method, to string, body []byte) (int, []byte, error) {
	time.Sleep(20 * time.Millisecond)
	r, err := http.NewRequest(method, to, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Accept", "application/fhir+json")
	r.Header.Set("Content-Type", "application/fhir+json")
	r.Header.Set("Cache-Control", "no-cache") // or HAPI answers with what it has found before
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	return answer.StatusCode, raw, err
}
