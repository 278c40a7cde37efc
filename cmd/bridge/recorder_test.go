package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recorder stands before a server and notes what others can see of the requests to it: the method, the URL, the headers, of a
// multipart body the headers of its parts, and of a message those members that are names and handles and no words.
type recorder struct {
	*httptest.Server
	mu                sync.Mutex
	requests, handles strings.Builder
}

func newRecorder(t testing.TB, before http.Handler) *recorder {
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.note(req, body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		before.ServeHTTP(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) note(req *http.Request, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests.WriteString(req.Method + " " + req.RequestURI + "\n")
	writeHeader(&r.requests, req.Header)
	kind, parameters, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	switch kind {
	case "multipart/form-data":
		parts := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
		for p, err := parts.NextPart(); err == nil; p, err = parts.NextPart() {
			writeHeader(&r.handles, http.Header(p.Header))
		}
	case "application/json":
		var message any
		if json.Unmarshal(body, &message) == nil {
			writeHandles(&r.handles, message)
		}
	}
}

func writeHeader(to *strings.Builder, h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		to.WriteString(name + ": " + strings.Join(h[name], ", ") + "\n")
	}
}

// wordless are the members of a message that hold no words for a patient: names of templates and files, payloads and ids of
// buttons, rows and media, links, and what comes back with each status.
var wordless = []string{"name", "payload", "id", "filename", "link", "biz_opaque_callback_data", "code", "type", "templateId", "context", "url"}

func writeHandles(to *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if text, ok := v[key].(string); ok && slices.Contains(wordless, key) {
				to.WriteString(key + "=" + text + "\n")
			}
			writeHandles(to, v[key])
		}
	case []any:
		for _, item := range v {
			writeHandles(to, item)
		}
	}
}

// seen returns what was noted of the requests, and of the messages in them.
func (r *recorder) seen() (requests, handles string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests.String(), r.handles.String()
}
