package pipeline_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// body is a request body that tells whether it was read.
type body struct {
	io.Reader
	read bool
}

func (b *body) Read(p []byte) (int, error) {
	b.read = true
	return b.Reader.Read(p)
}

// cut is a body whose sender goes away.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestReceiver(t *testing.T) {
	const largest = 3 << 20
	sound := webhook{signed: true, verified: true, token: "right", key: "digest"}
	cases := []struct {
		name    string
		method  string
		target  string
		body    io.Reader
		hook    webhook
		publish error
		status  int
		answer  string // body
		taken   bool   // put on Kafka
		read    bool   // body read
		counted string
	}{
		{name: "taken", method: "POST", target: "/webhooks/main", body: strings.NewReader(words), hook: sound,
			status: 200, taken: true, read: true, counted: "answer=taken,channel=main"},
		{name: "no signature", method: "POST", target: "/webhooks/main", body: strings.NewReader(words), hook: webhook{verified: true},
			status: 401, counted: "answer=401,channel=main"},
		{name: "wrong signature", method: "POST", target: "/webhooks/main", body: strings.NewReader(words), hook: webhook{signed: true},
			status: 401, read: true, counted: "answer=401,channel=main"},
		{name: "as large as may be", method: "POST", target: "/webhooks/main", body: strings.NewReader(strings.Repeat("x", largest)), hook: sound,
			status: 200, taken: true, read: true, counted: "answer=taken,channel=main"},
		{name: "too large", method: "POST", target: "/webhooks/main", body: strings.NewReader(strings.Repeat("x", largest+1)), hook: sound,
			status: 413, read: true, counted: "answer=413,channel=main"},
		{name: "cut short", method: "POST", target: "/webhooks/main", body: cut{}, hook: sound, status: 400, read: true, counted: "answer=400,channel=main"},
		{name: "empty", method: "POST", target: "/webhooks/main", body: strings.NewReader(""), hook: sound, status: 200, taken: true, read: true, counted: "answer=taken,channel=main"},
		{name: "Kafka is down", method: "POST", target: "/webhooks/main", body: strings.NewReader(words), hook: sound, publish: transient("unreachable"),
			status: 503, taken: true, read: true, counted: "answer=503,channel=main"},
		{name: "Kafka does not take it", method: "POST", target: "/webhooks/main", body: strings.NewReader(words), hook: sound, publish: refused(""),
			status: 503, taken: true, read: true, counted: "answer=503,channel=main"},
		{name: "unknown channel", method: "POST", target: "/webhooks/other", body: strings.NewReader(words), hook: sound,
			status: 404, counted: "answer=404,channel=unknown"},
		{name: "another method", method: "PUT", target: "/webhooks/main", body: strings.NewReader(words), hook: sound,
			status: 405, counted: "answer=405,channel=main"},
		{name: "handshake", method: "GET", target: "/webhooks/main?token=right&challenge=1158201444", hook: sound,
			status: 200, answer: "1158201444", counted: "answer=handshake,channel=main"},
		{name: "handshake with a wrong token", method: "GET", target: "/webhooks/main?token=wrong&challenge=1158201444", hook: sound,
			status: 403, counted: "answer=403,channel=main"},
		{name: "handshake with a page", method: "GET", target: "/webhooks/main?token=right&challenge=%3Cscript%3E", hook: sound,
			status: 200, answer: "<script>", counted: "answer=handshake,channel=main"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			metrics, counted := newMetrics(t)
			log, text := newLog(t)
			var records []published
			mux := http.NewServeMux()
			mux.Handle("/webhooks/{channel}", &pipeline.Receiver{
				Webhooks: map[string]pipeline.Webhook{"main": &c.hook}, Topic: "inbound", Metrics: metrics, Log: log,
				Now: func() time.Time { return recordTime },
				Publisher: publisher(func(p published) error {
					records = append(records, p)
					return c.publish
				}),
			})
			if c.body == nil {
				c.body = http.NoBody
			}
			sent := &body{Reader: c.body}
			r, w := httptest.NewRequestWithContext(t.Context(), c.method, c.target, sent), httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			same(t, "answer", []any{w.Code, w.Body.String()}, []any{c.status, c.answer})
			same(t, "put on Kafka, body read", []any{len(records) == 1, sent.read}, []any{c.taken, c.read})
			if !strings.Contains(counted(), "bridge_webhook_requests_total{"+c.counted+"} 1") {
				t.Errorf("counted:\n%s\nwant %s", counted(), c.counted)
			}
			if silent := c.publish == nil; silent != (text.String() == "") {
				t.Errorf("log: %q, want a line only when Kafka fails", text)
			}
			if c.answer != "" && (w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Header().Get("X-Content-Type-Options") != "nosniff") {
				t.Errorf("the challenge is not plain text: %v", w.Header())
			}
		})
	}
}

func TestReceiverPutsTheRawBodyOnKafka(t *testing.T) {
	const raw = "{ \"raw\":\t\"as it came\" }\r\n"
	log, _ := newLog(t)
	var got published
	rc := &pipeline.Receiver{
		Webhooks: map[string]pipeline.Webhook{"main": &webhook{signed: true, verified: true, key: "digest"}}, Topic: "inbound", Log: log,
		Now: func() time.Time { return time.Date(2026, 3, 1, 13, 0, 0, 5, time.FixedZone("", 3600)) },
		Publisher: publisher(func(p published) error {
			got = p
			return nil
		}),
	}
	r := httptest.NewRequestWithContext(context.Background(), "POST", "/", strings.NewReader(raw))
	r.SetPathValue("channel", "main")
	rc.ServeHTTP(httptest.NewRecorder(), r)
	same(t, "record", []any{got.topic, got.key, string(got.value), got.headers}, []any{"inbound", "digest", raw,
		map[string]string{pipeline.HeaderChannel: "main", pipeline.HeaderReceived: "2026-03-01T12:00:00.000000005Z"}})
}

// TestReceiverSplits: what is about several people is a record of each, and 200 is said when all of them are durable.
func TestReceiverSplits(t *testing.T) {
	for _, failing := range []string{"", "b"} {
		log, _ := newLog(t)
		var mu sync.Mutex
		got := map[string]string{}
		rc := &pipeline.Receiver{
			Webhooks: map[string]pipeline.Webhook{"main": &webhook{signed: true, verified: true, split: func(body []byte) (parts []pipeline.InboundPart) {
				for _, p := range strings.Fields(string(body)) {
					parts = append(parts, pipeline.InboundPart{Key: p, Body: []byte("of " + p)})
				}
				return parts
			}}},
			Topic: "inbound", Log: log, Now: func() time.Time { return recordTime },
			Publisher: publisher(func(p published) error {
				mu.Lock()
				defer mu.Unlock()
				if p.key == failing {
					return transient("unreachable")
				}
				got[p.key] = string(p.value) + " on " + p.headers[pipeline.HeaderChannel]
				return nil
			}),
		}
		r := httptest.NewRequestWithContext(context.Background(), "POST", "/", strings.NewReader("a b c"))
		r.SetPathValue("channel", "main")
		w := httptest.NewRecorder()
		rc.ServeHTTP(w, r)
		want, status := map[string]string{"a": "of a on main", "b": "of b on main", "c": "of c on main"}, 200
		if failing != "" {
			delete(want, failing)
			status = 503
		}
		same(t, "records", got, want)
		same(t, "status", w.Code, status)
	}
}
