package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
)

// hook takes callbacks, and answers 200 unless it is told otherwise.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	header http.Header
	status int
}

func newHook(t *testing.T) *hook {
	h := &hook{status: http.StatusOK}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.bodies, h.header = append(h.bodies, string(body)), r.Header
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) events() (list []gjson.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.bodies {
		list = append(list, gjson.Parse(b))
	}
	return list
}

func (h *hook) names() (list []string) {
	for _, e := range h.events() {
		list = append(list, e.Get("event").String())
	}
	return list
}
