package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirbridge/adapters/envelope"
	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// letters is a dead-letter topic.
type letters chan pipeline.Record

func (l letters) Publish(_ context.Context, _, key string, headers map[string]string, value []byte) error {
	l <- pipeline.Record{Value: value, Headers: headers, Source: pipeline.Source{Key: pipeline.NewPrivate(key)}}
	return nil
}

// station is intake over a ledger of its own, with a clock to set.
type station struct {
	*pipeline.Intake
	t    *testing.T
	now  time.Time
	dead letters
}

// stationBook is read once for all stations.
var stationBook = sync.OnceValues(func() (*journey.Book, error) {
	return loadJourneys(&Config{Facility: FacilityConfig{Name: "Harbour Hospital", Timezone: clinicZone, Language: "en", Country: "DE", Emergency: "112"}})
})

func newStation(t *testing.T, shapes envelope.Config, now time.Time) *station {
	t.Helper()
	ledger, err := sqlledger.New(sqlledger.Config{URL: "sqlite::memory:", Plaintext: true})
	must(t, err)
	t.Cleanup(func() { _ = ledger.Close() })
	book, err := stationBook()
	must(t, err)
	s := &station{t: t, now: now, dead: make(letters, 8)}
	s.Intake = &pipeline.Intake{
		Decoder: envelope.New(shapes), Ledger: ledger, Journeys: book, Resolver: pipeline.NewResolver(ledger),
		DeadLetters: &pipeline.DeadLetters{Publisher: s.dead, Topic: "dead", Explain: explain},
		Log:         slog.New(slog.DiscardHandler), Now: func() time.Time { return s.now }, MaxAge: 24 * time.Hour,
	}
	return s
}

// takes takes in a record of the event topic.
func (s *station) takes(offset int64, recorded time.Time, value string) {
	s.t.Helper()
	source := pipeline.Source{Topic: "ehr.fhir", Offset: offset, Time: recorded}
	must(s.t, s.Handle(s.t.Context(), pipeline.Record{Value: []byte(value), Source: source}))
}

// givesUp waits until what is parked has become a dead letter.
func (s *station) givesUp() string {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan error)
	go func() { ended <- (&pipeline.Parking{Intake: s.Intake, Log: s.Log}).Run(ctx) }()
	letter := <-s.dead
	stop()
	must(s.t, <-ended)
	return string(letter.Value)
}

// state is what is planned for the visit, and what is kept of its place. The key of news has the version of the event in
// it: that of an event which tells none is the place of its record, and no other record has the same.
func (s *station) state(versioned bool) string {
	s.t.Helper()
	known, err := s.Ledger.KnownOf(s.t.Context(), "Appointment/a1")
	must(s.t, err)
	list := make([]string, 0, len(known.Open))
	for _, n := range known.Open {
		if n.Edge && !versioned {
			n.Key = "any"
		}
		list = append(list, fmt.Sprintln(n.Step, n.Key, n.Recipient, n.Due.UTC(), n.Expires.UTC()))
	}
	slices.Sort(list)
	place, ok, err := s.Ledger.Resource(s.t.Context(), "Location/l1")
	must(s.t, err)
	return strings.Join(list, "") + fmt.Sprint("place ", ok, " ", place.Version)
}

// replayCase is a record whose patient is not known when it comes.
type replayCase struct {
	name   string
	shapes envelope.Config
	value  string
	bundle bool // what the dead letter is
	// unversioned is set for a record that tells no version and no time.
	unversioned bool
}

func bundleOf(kind string, entries ...string) string {
	return `{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.Join(entries, ",") + `]}`
}

func replayCases(begun time.Time) []replayCase {
	start, updated := begun.Add(30*24*time.Hour).Format(time.RFC3339), begun.Format(time.RFC3339)
	visit := func(meta, place string) string {
		return `{"resourceType":"Appointment","id":"a1",` + meta + `"status":"booked","start":"` + start + `","end":"` + start +
			`","participant":[{"actor":{"reference":"Patient/p1"},"status":"needs-action"},{"actor":{"reference":"` + place + `"},"status":"accepted"}]}`
	}
	const (
		place = `{"resourceType":"Location","id":"l1","meta":{"versionId":"5"},"name":"House 2"}`
		urn   = "urn:uuid:6f1c4f0a-0000-4000-8000-000000000001"
		other = `{"resourceType":"Location","name":"Somewhere"}` // without id: it has a name inside its Bundle only
	)
	meta := `"meta":{"versionId":"2","lastUpdated":"` + updated + `"},`
	plain := visit(meta, "Location/l1")
	both := bundleOf("collection", `{"resource":`+plain+`}`, `{"resource":`+place+`}`)
	pin := func(shape string) envelope.Config {
		return envelope.Config{Envelopes: map[string]string{"ehr.fhir": shape}}
	}
	return []replayCase{
		{"a resource", envelope.Config{}, plain, false, false},
		{"a resource that tells no version and no time", envelope.Config{}, visit("", "Location/l1"), true, true},
		{"with its place", envelope.Config{}, both, true, false},
		{"with its place, by a name of the Bundle", envelope.Config{}, bundleOf("transaction",
			`{"resource":`+visit(meta, urn)+`,"request":{"method":"PUT","url":"Appointment/a1"}}`,
			`{"fullUrl":"`+urn+`","resource":`+place+`,"request":{"method":"PUT","url":"Location/l1"}}`), true, false},
		{"with a place that a search has brought along", envelope.Config{}, bundleOf("searchset",
			`{"resource":`+plain+`,"search":{"mode":"match"}}`, `{"resource":`+place+`,"search":{"mode":"include"}}`), true, false},
		{"with a place that only the Bundle names", envelope.Config{}, bundleOf("searchset",
			`{"resource":`+visit(meta, urn)+`,"search":{"mode":"match"}}`, `{"fullUrl":"`+urn+`","resource":`+other+`,"search":{"mode":"include"}}`), true, false},
		{"the answer tells the version and the time", envelope.Config{}, bundleOf("transaction-response",
			`{"resource":`+visit("", "Location/l1")+`,"response":{"status":"200","etag":"W/\"2\"","lastModified":"`+updated+`"}}`), true, false},
		{"where only resources are taken", pin("resource"), plain, false, false},
		{"where only Bundles are taken", pin("bundle"), bundleOf("collection", `{"resource":`+plain+`}`), true, false},
		{"on a line", pin("ndjson"), plain + "\n", false, false},
		{"a Bundle on a line", pin("ndjson"), both, true, false},
	}
}

// TestReplayOfAnEventThatWaitedInVain: once the patient is there the dead letter leads to what the
// record would have led to, had the patient been there before.
func TestReplayOfAnEventThatWaitedInVain(t *testing.T) {
	begun := time.Now().UTC().Truncate(time.Second)
	for _, c := range replayCases(begun) {
		for _, back := range []struct {
			name  string
			after time.Duration
			news  bool
		}{{"within max_age", 13 * time.Hour, true}, {"later", 25 * time.Hour, false}} {
			t.Run(c.name+" "+back.name, func(t *testing.T) { replay(t, c, begun, back.after, back.news) })
		}
	}
}

// replay lets an event of begun wait in vain and puts its dead letter back after a time, together with the patient; news is
// whether what has happened is still told then.
func replay(t *testing.T, c replayCase, begun time.Time, after time.Duration, news bool) {
	t.Helper()
	person := patient("p1", "Amara", "+15550100101", "en")
	if len(c.shapes.Envelopes) > 0 && c.bundle {
		person = bundleOf("collection", `{"resource":`+person+`}`)
	}
	late := begun.Add(after)
	waited := newStation(t, c.shapes, begun)
	waited.takes(1, begun, c.value)
	waited.now = late
	letter := waited.givesUp()
	if got := strings.Contains(letter, `"Bundle"`); got != c.bundle {
		t.Errorf("the dead letter is a Bundle: %v, want %v", got, c.bundle)
	}
	waited.takes(2, late, person)
	waited.takes(3, late, letter)

	straight := newStation(t, c.shapes, late)
	straight.takes(1, begun, person)
	straight.takes(2, begun, c.value)

	got, want := waited.state(!c.unversioned), straight.state(!c.unversioned)
	if got != want || strings.Count(want, "reminder_") != 3 || strings.Contains(want, "booked") != news {
		t.Errorf("got\n%s\nwant, three reminders and the booking told: %v,\n%s", got, news, want)
	}
	if len(waited.dead)+len(straight.dead) > 0 {
		t.Error("there is another dead letter")
	}
}
