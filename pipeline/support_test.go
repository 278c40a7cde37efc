package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// What must never be seen outside of the ledger, the channel and the chart: the
// fixtures hold it, and every log is searched for it at the end of its test.
const (
	number    = "+15550100123"
	newNumber = "+15550100199"
	surname   = "Zebedee"
	words     = "purple elephant"
)

var markers = []string{"5550100", surname, "elephant", "1987-03-04"}

func leaks(text string) string {
	for _, m := range markers {
		if strings.Contains(text, m) {
			return m
		}
	}
	return ""
}

// journal is a log that a test can read.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func newLog(t testing.TB) (*slog.Logger, *journal) {
	t.Helper()
	j := &journal{}
	t.Cleanup(func() {
		if m := leaks(j.String()); m != "" {
			t.Errorf("log holds %q:\n%s", m, j)
		}
	})
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug})), j
}

// ledger is a Ledger of functions. A nil one that is called panics: the test
// did not expect it.
type ledger struct {
	pipeline.Ledger
	apply       func(pipeline.Event, pipeline.Decide) (pipeline.Applied, error)
	park        func(pipeline.Event, pipeline.Reason, time.Time) error
	parked      func(now time.Time, limit int) ([]pipeline.ParkedEvent, error)
	unpark      func(pipeline.Source, string) error
	resource    func(ref string) (pipeline.Versioned, bool, error)
	fetched     func(pipeline.Versioned, time.Time) error
	stale       func(dueBefore, fetchedBefore time.Time, limit int) ([]string, error)
	receive     func(pipeline.Receipt, func(pipeline.SentMessage) []pipeline.Write) (pipeline.Received, error)
	hear        func(pipeline.Reply, func(pipeline.Thread) (pipeline.Heard, error)) (bool, error)
	stopped     func(pipeline.Private) (bool, error)
	abandon     func(before, now time.Time) (int, error)
	lapse       func(before, now time.Time) (int, int, error)
	census      func() (pipeline.Census, error)
	written     func(key string) (string, error)
	writes      func(sink pipeline.Sink, now time.Time, limit int) ([]pipeline.Write, error)
	settleWrite func(key string, r pipeline.WriteResult, more []pipeline.Write) error
	wake        chan struct{}
}

func (l *ledger) Apply(_ context.Context, ev pipeline.Event, d pipeline.Decide) (pipeline.Applied, error) {
	return l.apply(ev, d)
}

func (l *ledger) Park(_ context.Context, ev pipeline.Event, why pipeline.Reason, retry time.Time) error {
	return l.park(ev, why, retry)
}

func (l *ledger) Parked(_ context.Context, now time.Time, limit int) ([]pipeline.ParkedEvent, error) {
	return l.parked(now, limit)
}

func (l *ledger) Unpark(_ context.Context, s pipeline.Source, ref string) error {
	return l.unpark(s, ref)
}

func (l *ledger) Resource(_ context.Context, ref string) (pipeline.Versioned, bool, error) {
	return l.resource(ref)
}

func (l *ledger) Fetched(_ context.Context, v pipeline.Versioned, at time.Time) error {
	return l.fetched(v, at)
}

func (l *ledger) Stale(_ context.Context, due, fetched time.Time, limit int) ([]string, error) {
	return l.stale(due, fetched, limit)
}

func (l *ledger) Receive(_ context.Context, r pipeline.Receipt, file func(pipeline.SentMessage) []pipeline.Write) (pipeline.Received, error) {
	return l.receive(r, file)
}

func (l *ledger) Hear(_ context.Context, r pipeline.Reply, u func(pipeline.Thread) (pipeline.Heard, error)) (bool, error) {
	return l.hear(r, u)
}

func (l *ledger) Stopped(_ context.Context, address pipeline.Private) (bool, error) {
	return l.stopped(address)
}

func (l *ledger) Abandon(_ context.Context, before, now time.Time) (int, error) {
	return l.abandon(before, now)
}

func (l *ledger) Lapse(_ context.Context, before, now time.Time) (int, int, error) {
	return l.lapse(before, now)
}

func (l *ledger) Census(context.Context) (pipeline.Census, error) { return l.census() }

func (l *ledger) Written(_ context.Context, key string) (string, error) { return l.written(key) }

func (l *ledger) Writes(_ context.Context, sink pipeline.Sink, now time.Time, limit int) ([]pipeline.Write, error) {
	return l.writes(sink, now, limit)
}

func (l *ledger) SettleWrite(_ context.Context, key string, r pipeline.WriteResult, more ...pipeline.Write) error {
	return l.settleWrite(key, r, more)
}

func (l *ledger) Wake() (due, writes <-chan struct{}) { return l.wake, l.wake }

type journeys struct {
	needs      func(fhir.Resource) []string
	decide     func(pipeline.Change) ([]pipeline.Notification, error)
	compose    func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error)
	understand func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error)
}

func (j *journeys) Needs(r fhir.Resource) []string { return j.needs(r) }

func (j *journeys) Decide(c pipeline.Change) ([]pipeline.Notification, error) { return j.decide(c) }

func (j *journeys) Compose(n pipeline.Notification, f pipeline.Facts, attempt string) (pipeline.Composed, error) {
	return j.compose(n, f, attempt)
}

func (j *journeys) Understand(r pipeline.Reply, t pipeline.Thread) (pipeline.Outcome, error) {
	return j.understand(r, t)
}

type decoder func(value []byte, source pipeline.Source) ([]pipeline.Event, error)

func (d decoder) Decode(value []byte, _ map[string]string, source pipeline.Source) ([]pipeline.Event, error) {
	return d(value, source)
}

type channel func(context.Context, pipeline.Message) (pipeline.Receipt, error)

func (c channel) Send(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
	return c(ctx, m)
}

func (channel) Upload(context.Context, pipeline.Media) (string, error) { return "", nil }

// published is a record that a test's publisher was given.
type published struct {
	topic, key string
	headers    map[string]string
	value      []byte
}

type publisher func(published) error

func (p publisher) Publish(_ context.Context, topic, key string, headers map[string]string, value []byte) error {
	return p(published{topic, key, headers, value})
}

type server struct {
	pipeline.FHIRServer
	read    func(ref string) (pipeline.Versioned, error)
	lookup  func(ref string) (pipeline.Versioned, error)
	byPhone func(pipeline.Private) ([]string, error)
	create  func(body []byte, ifNoneExist string) (string, error)
	patch   func(ref, version string, patch []byte) error
}

func (s *server) Read(_ context.Context, ref string) (pipeline.Versioned, error) { return s.read(ref) }

func (s *server) Lookup(_ context.Context, ref string) (pipeline.Versioned, error) {
	return s.lookup(ref)
}

func (s *server) PatientsByPhone(_ context.Context, n pipeline.Private) ([]string, error) {
	return s.byPhone(n)
}

func (s *server) Create(_ context.Context, body []byte, ifNoneExist string) (string, error) {
	return s.create(body, ifNoneExist)
}

func (s *server) Patch(_ context.Context, ref, version string, patch []byte) error {
	return s.patch(ref, version, patch)
}

type webhook struct {
	signed, verified bool
	token            string
	key              string
	parse            func(body []byte, received time.Time) (pipeline.Updates, error)
}

func (w *webhook) Signed(http.Header) bool { return w.signed }

func (w *webhook) Verify(http.Header, []byte) bool { return w.verified }

func (w *webhook) Handshake(q url.Values) (string, bool) {
	return q.Get("challenge"), q.Get("token") == w.token
}

func (w *webhook) OrderKey([]byte) string { return w.key }

func (w *webhook) Parse(body []byte, received time.Time) (pipeline.Updates, error) {
	return w.parse(body, received)
}

// Fixtures.

func patientJSON(id, phone string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"family":%q}],"birthDate":"1987-03-04",
		"telecom":[{"system":"phone","use":"mobile","value":%q}]}`, id, surname, phone))
}

// visit is an Appointment to be written as JSON.
type visit struct {
	id, version, status, participant, start, actor string
}

func (v visit) json() json.RawMessage {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	start := or(v.start, visitStart)
	return json.RawMessage(fmt.Sprintf(`{"resourceType":"Appointment","id":%q,"meta":{"versionId":%q},"status":%q,
		"start":%q,"end":%q,"description":%q,"participant":[
		{"actor":{"reference":"Practitioner/9"},"status":"accepted"},
		{"actor":{"reference":%q},"status":%q}]}`,
		or(v.id, "a1"), or(v.version, "1"), or(v.status, "booked"), start, start, surname,
		or(v.actor, "Patient/p1"), or(v.participant, "needs-action")))
}

// visitStart is after every test's clock: synctest begins at 2000-01-01.
const visitStart = "2000-02-01T10:00:00Z"

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// directory keeps resources by reference and knows nothing else.
func directory(kept map[string]json.RawMessage) func(string) (pipeline.Versioned, bool, error) {
	var mu sync.Mutex
	return func(ref string) (pipeline.Versioned, bool, error) {
		mu.Lock()
		defer mu.Unlock()
		raw, ok := kept[ref]
		return pipeline.Versioned{Resource: raw, Version: "1"}, ok, nil
	}
}

// newMetrics returns metrics and what they count, as "name{label=value,…} n".
func newMetrics(t testing.TB) (*pipeline.Metrics, func() string) {
	t.Helper()
	r := prometheus.NewRegistry()
	m := pipeline.NewMetrics(r)
	return m, func() string { return gathered(t, r) }
}

func gathered(t testing.TB, r *prometheus.Registry) string {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatalf("Gather: %v", err)
	}
	var b strings.Builder
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := make([]string, 0, len(m.GetLabel()))
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			fmt.Fprintf(&b, "%s{%s} %v\n", f.GetName(), strings.Join(labels, ","), value)
		}
	}
	return b.String()
}

// same fails unless got is want, both as they print.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func transient(reason string) error {
	return &pipeline.Error{Op: "test.fake", Kind: pipeline.Transient, Reason: reason}
}

func refused(code string) error {
	return &pipeline.Error{Op: "test.fake", Kind: pipeline.Refused, Code: code}
}

func broken(reason string) error {
	return &pipeline.Error{Op: "test.fake", Kind: pipeline.Malformed, Reason: reason}
}
