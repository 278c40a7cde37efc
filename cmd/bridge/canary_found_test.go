package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// markSentence is what a patient of the leaks below has written.
const markSentence = "Ich kann nicht kommen, schön"

// leaks put a mark where none may be, each as a program does it that leaks, and return what the tests look at.
var leaks = map[string]func(*testing.T) string{
	"an error in a log": func(*testing.T) string {
		return logged(func(l *slog.Logger) { l.Error("not planned", "error", errors.New("no visit for "+markFamily)) })
	},
	"words in a log": func(*testing.T) string {
		return logged(func(l *slog.Logger) { l.Debug("reply", "text", markSentence) })
	},
	"folded words in a log": func(*testing.T) string {
		return logged(func(l *slog.Logger) { l.Debug("reply", "word", strings.ToLower(markSentence)) })
	},
	"quoted words in a log": func(*testing.T) string {
		return logged(func(l *slog.Logger) { l.Debug(fmt.Sprintf("%+q is no word", markSentence)) })
	},
	"bytes in a log": func(*testing.T) string {
		return logged(func(l *slog.Logger) { l.Debug(hex.EncodeToString([]byte("sum of " + markBirth))) })
	},
	"a message id in a log": func(*testing.T) string {
		return logged(func(l *slog.Logger) {
			l.Info("taken", "message", "wamid."+base64.StdEncoding.EncodeToString([]byte("\x1c\x18\x0b"+markNumber+"\x15\x02\x00")))
		})
	},
	"a label of a metric": func(t *testing.T) string {
		registry := prometheus.NewRegistry()
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sent_total"}, []string{"to"})
		registry.MustRegister(c)
		c.WithLabelValues("+" + markNumber).Inc()
		answer := httptest.NewRecorder()
		(&app{registry: registry}).adminMux().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
		return answer.Body.String()
	},
	"the URL of a search": func(t *testing.T) string {
		seen, _ := asks(t, "/Patient?"+url.Values{"telecom": {"+" + markNumber}}.Encode(), nil, "", "")
		return seen
	},
	"an escaped name in a URL": func(t *testing.T) string {
		seen, _ := asks(t, "/Task/"+url.PathEscape(markSentence), nil, "", "")
		return seen
	},
	"a condition in a header": func(t *testing.T) string {
		id := base64.URLEncoding.EncodeToString([]byte("id of " + markBirth))
		seen, _ := asks(t, "/Communication", http.Header{"If-None-Exist": {"identifier=urn:x|" + id}}, "", "{}")
		return seen
	},
	"the payload of a button": func(t *testing.T) string {
		_, seen := asks(t, "/messages", nil, "application/json",
			`{"template":{"components":[{"type":"button","parameters":[{"type":"payload","payload":"cancel `+markVisit+`"}]}]}}`)
		return seen
	},
	"the id of a reply button": func(t *testing.T) string {
		_, seen := asks(t, "/messages", nil, "application/json", `{"interactive":{"action":{"buttons":[{"reply":{"id":"`+markGiven+`"}}]}}}`)
		return seen
	},
	"the name of a template": func(t *testing.T) string {
		_, seen := asks(t, "/messages", nil, "application/json", `{"template":{"name":"`+strings.ToLower(markReason)+`"}}`)
		return seen
	},
	"callback data": func(t *testing.T) string {
		_, seen := asks(t, "/messages", nil, "application/json", `{"biz_opaque_callback_data":"`+markNumber+`"}`)
		return seen
	},
	"the name of an uploaded file": func(t *testing.T) string {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		_, err := form.CreateFormFile("file", markTitle+".pdf")
		must(t, err)
		must(t, form.Close())
		_, seen := asks(t, "/media", nil, form.FormDataContentType(), body.String())
		return seen
	},
	"a header of a dead letter": func(t *testing.T) string {
		return headers(t, []*kgo.Record{{Headers: []kgo.RecordHeader{{Key: "bridge-reason", Value: []byte("no status " + markResult)}}}})
	},
	"the key of what is filed": func(t *testing.T) string {
		return headers(t, []*kgo.Record{{Key: []byte(markNumber)}})
	},
	"the ledger": func(t *testing.T) string {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "bridge.db-wal"), []byte("\x00\x01"+markStreet+"\x02"), 0o600))
		return files(t, dir)
	},
	"a ledger in the clear": func(t *testing.T) string {
		dir := t.TempDir()
		l, err := sqlledger.New(sqlledger.Config{URL: "sqlite:" + filepath.Join(dir, "bridge.db"), Plaintext: true})
		must(t, err)
		_, err = l.Apply(t.Context(), pipeline.Event{Type: "Patient", ID: "1", Version: "1", Resource: []byte(`{"birthDate":"` + markBirth + `"}`)}, nil)
		must(t, err)
		must(t, l.Close())
		return files(t, dir)
	},
	"the name of a file": func(t *testing.T) string {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, markNumber+".pdf"), nil, 0o600))
		return names(t, dir)
	},
}

// TestTheCanaryCanBeFound leaks, and looks with the eyes of the tests.
func TestTheCanaryCanBeFound(t *testing.T) {
	c := newCanary()
	c.hear(markSentence)
	c.hear("ok") // of which nobody can say whose words they are
	for name, leak := range leaks {
		t.Run(name, func(t *testing.T) {
			seen := &complaints{TB: t}
			c.check(seen, map[string]string{name: leak(t)})
			if seen.errors != 1 {
				t.Errorf("%d complaints about one leak", seen.errors)
			}
		})
	}
	_, handles := asks(t, "/messages", nil, "application/json",
		`{"to":"`+markNumber+`","template":{"name":"booked","components":[{"type":"body","parameters":[{"type":"text","text":"`+markGiven+`"}]}]}}`)
	for name, text := range map[string]string{
		"what is said to the patient": handles, "others": "reply of Patient/1 read as confirm: ok 15550177124 1987-11-24 " + hex.EncodeToString([]byte("Zebra")),
	} {
		seen := &complaints{TB: t}
		if c.check(seen, map[string]string{name: text}); seen.errors != 0 {
			t.Errorf("%s: a leak is seen where there is none", name)
		}
	}
	seen := &complaints{TB: t}
	if c.check(seen, map[string]string{"a place": ""}); seen.errors != 1 {
		t.Error("a place that nobody has looked at passes")
	}
}

// complaints are counted, and fail nothing.
type complaints struct {
	testing.TB
	errors int
}

func (c *complaints) Helper()               {}
func (c *complaints) Errorf(string, ...any) { c.errors++ }

func logged(say func(*slog.Logger)) string {
	var b safeBuffer
	say(slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	return b.String()
}

// asks sends a request to a server with a recorder before it, and returns what was noted.
func asks(t *testing.T, path string, header http.Header, kind, body string) (requests, handles string) {
	t.Helper()
	r := newRecorder(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+path, strings.NewReader(body))
	must(t, err)
	for name, values := range header {
		request.Header[name] = values
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	must(t, answer.Body.Close())
	return r.seen()
}
