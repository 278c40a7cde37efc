package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// pass lets time go by in a bubble until all else rests again. After a mere Sleep nothing says that what the others did in
// that time was before what follows.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
