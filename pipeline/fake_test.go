package pipeline_test

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// The fakes are structs of functions. A nil function that is called panics: the
// test did not expect it.

type ledger struct {
	pipeline.Ledger
	apply       func(pipeline.Event, pipeline.Decide) (pipeline.Applied, error)
	revise      func(ref, version string, d pipeline.Decide) (pipeline.Applied, error)
	park        func(pipeline.Event, pipeline.Reason, time.Time) error
	parked      func(now time.Time, limit int) ([]pipeline.ParkedEvent, error)
	unpark      func(pipeline.Source, string) error
	resource    func(ref string) (pipeline.Versioned, bool, error)
	fetched     func(pipeline.Versioned, time.Time) error
	stale       func(dueBefore, fetchedBefore time.Time, limit int) ([]string, error)
	receive     func(pipeline.Receipt, func(pipeline.SentMessage) []pipeline.Write) (pipeline.Received, error)
	hear        func(pipeline.Reply, func(pipeline.Thread) (pipeline.Heard, error)) (bool, error)
	abandon     func(before, now time.Time) (int, error)
	lapse       func(before, now time.Time) (int, int, error)
	census      func() (pipeline.Census, error)
	written     func(key string) (string, error)
	writes      func(sink pipeline.Sink, now time.Time, limit int) ([]pipeline.Write, error)
	trace       func(ref string) ([]pipeline.TraceEntry, error)
	settleWrite func(key string, r pipeline.WriteResult, more []pipeline.Write) error
	wake        map[pipeline.Sink]chan struct{}
}

func (l *ledger) Apply(_ context.Context, ev pipeline.Event, d pipeline.Decide) (pipeline.Applied, error) {
	return l.apply(ev, d)
}

func (l *ledger) Revise(_ context.Context, ref, version string, d pipeline.Decide) (pipeline.Applied, error) {
	return l.revise(ref, version, d)
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

func (l *ledger) Abandon(_ context.Context, before, now time.Time) (int, error) {
	return l.abandon(before, now)
}

func (l *ledger) Lapse(_ context.Context, before, now time.Time, _ func(pipeline.SentMessage) []pipeline.Write) (int, int, error) {
	return l.lapse(before, now)
}

func (l *ledger) Census(context.Context) (pipeline.Census, error) { return l.census() }

func (l *ledger) Written(_ context.Context, key string) (string, error) { return l.written(key) }

func (l *ledger) Trace(_ context.Context, ref string) ([]pipeline.TraceEntry, error) {
	return l.trace(ref)
}

func (l *ledger) Writes(_ context.Context, sink pipeline.Sink, now time.Time, limit int) ([]pipeline.Write, error) {
	return l.writes(sink, now, limit)
}

func (l *ledger) SettleWrite(_ context.Context, key string, r pipeline.WriteResult, more ...pipeline.Write) error {
	return l.settleWrite(key, r, more)
}

func (l *ledger) WakeWrites(sink pipeline.Sink) <-chan struct{} { return l.wake[sink] }

type journeys struct {
	needs      func(fhir.Resource) []string
	decide     func(pipeline.Change) ([]pipeline.Notification, error)
	compose    func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error)
	understand func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error)
}

func (j *journeys) Needs(r fhir.Resource) []string { return j.needs(r) }

func (j *journeys) Decide(c pipeline.Change) (pipeline.Plan, error) {
	wanted, err := j.decide(c)
	return pipeline.Plan{Wanted: wanted}, err
}

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

func (channel) Download(context.Context, pipeline.InboundMedia, int64) (pipeline.Media, error) {
	return pipeline.Media{}, nil
}

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
	// Without one of these a server takes no whole resources, and has declared nothing.
	update   func(ref, version string, body []byte) error
	declared func(resourceType string) pipeline.Declared
	post     func(body []byte) (string, error)
	search   func(resourceType, query string) ([]pipeline.Versioned, error)
	ping     func() error
}

func (s *server) Post(_ context.Context, body []byte) (string, error) { return s.post(body) }

func (s *server) Search(_ context.Context, resourceType, query string) ([]pipeline.Versioned, error) {
	return s.search(resourceType, query)
}

func (s *server) Ping(context.Context) error { return s.ping() }

func (s *server) Update(_ context.Context, ref, version string, body []byte) error {
	if s.update == nil {
		return refused("405")
	}
	return s.update(ref, version, body)
}

func (s *server) Declared(resourceType string) (d pipeline.Declared) {
	if s.declared != nil {
		d = s.declared(resourceType)
	}
	return d
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
	split            func(body []byte) []pipeline.InboundPart
	parse            func(body []byte, received time.Time) (pipeline.Updates, error)
}

func (w *webhook) Signed(http.Header) bool { return w.signed }

func (w *webhook) Verify(http.Header, []byte) bool { return w.verified }

func (w *webhook) Handshake(q url.Values) (string, bool) {
	return q.Get("challenge"), q.Get("token") == w.token
}

func (w *webhook) Split(body []byte) []pipeline.InboundPart {
	if w.split != nil {
		return w.split(body)
	}
	return []pipeline.InboundPart{{Key: w.key, Body: body}}
}

func (w *webhook) Parse(body []byte, received time.Time) (pipeline.Updates, error) {
	return w.parse(body, received)
}
