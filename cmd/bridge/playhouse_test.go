package main

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/tidwall/gjson"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/configs"
	"fhirbridge/pipeline"
)

// playhouse is a world whose clock goes where it is set to, with the whole bridge in it: broker, ledger on disk, WhatsApp and FHIR
// server are those of every other test. Only the listeners are not those of the configuration, so that many can stand side by side.
type playhouse struct {
	*world
	clock atomic.Int64 // in nanoseconds since 1970
	api   *recorder    // before WhatsApp
	fhir  *recorder    // before the FHIR server
	pages *httptest.Server
	refs  []string // of whoever and whatever was on the feed
	fed   int      // how many records were
	said  int      // how many replies
}

func (p *playhouse) now() time.Time { return time.Unix(0, p.clock.Load()) }

// exampleFacility is what the facility of the examples has besides a name and a place.
const exampleFacility = `, phone: "+1 555 0100 100", emergency: "112", hours: [{days: [monday, tuesday, wednesday, thursday, friday], from: "07:00", to: "19:00"}]`

// shippedTemplates are those that the binary carries, as Meta has approved them. They are read once for all.
var shippedTemplates = sync.OnceValues(func() ([]sandbox.Template, error) {
	book, err := loadJourneys(exampleConfig())
	if err != nil {
		return nil, err
	}
	return approved(book.MetaTemplates())
})

// newPlayhouse starts everything at a time. journeys is a folder; the rungs are how decisions reach the EHR; provider is of WhatsApp,
// "" for that of every world; more are further blocks of the configuration.
func newPlayhouse(t testing.TB, at time.Time, journeys, rungs, provider, more string) *playhouse {
	t.Helper()
	p := &playhouse{}
	p.clock.Store(at.UnixNano())
	templates, err := shippedTemplates()
	must(t, err)
	p.world = newWorld(t, worldOptions{
		provider: provider, partitions: 1, journeys: journeys, documents: "ask", facility: exampleFacility, templates: templates, writeTo: "[server, topic], appointment_writeback: " + rungs, more: more,
		whatsapp: func(c *sandbox.WhatsAppConfig) { c.Clock = p.now },
		fhir:     func(c *sandbox.FHIRConfig) { c.Clock = p.now },
	})
	p.api, p.fhir = newRecorder(t, p.whatsapp), newRecorder(t, p.ehr)
	p.start()
	return p
}

// start runs the bridge until the end of the test, or of end.
func (p *playhouse) start() {
	t := p.t
	t.Helper()
	c, err := p.load(p.config(p.api.URL))
	must(t, err)
	c.FHIR.Server.BaseURL = p.fhir.URL + "/fhir"
	b := &bridge{log: &safeBuffer{}, ran: make(chan error, 1)}
	b.app, err = newAppAt(p.withBook(c), slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})), p.now)
	must(t, err)
	b.app.registry.Unregister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})) // rests asks often, and it reads much
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	webhooks := httptest.NewServer(b.app.webhookMux())
	p.pages = httptest.NewServer(b.app.adminMux())
	go func() {
		defer webhooks.Close()
		defer p.pages.Close()
		b.ran <- b.app.lanes(ctx)
	}()
	p.bridge = b
	t.Cleanup(func() { b.end(t) })
	p.whatsapp.SetWebhook(webhooks.URL + "/webhooks/main")
	p.await("the bridge to run", func() bool {
		select {
		case <-b.app.router.Running():
			return true
		default:
			return false
		}
	})
}

// lanes runs what run does, but for the listeners.
func (a *app) lanes(ctx context.Context) error {
	if err := a.settler.Recover(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.router.Run(ctx) })
	for _, lane := range a.background {
		g.Go(func() error { return lane(ctx) })
	}
	g.Go(func() error { learn(ctx, a.server.Ping, a.log); return nil })
	return g.Wait()
}

// alone is a folder with one of the shipped journeys, without its examples, and with what answers free messages. If it is that
// which does so, all are there: somebody must have been told something before.
func alone(t testing.TB, file string) string {
	t.Helper()
	dir := t.TempDir()
	names, err := fs.Glob(configs.Journeys(), "*.yaml")
	must(t, err)
	own, err := fs.ReadFile(configs.Journeys(), file)
	must(t, err)
	free := freely(own)
	for _, name := range names {
		raw, err := fs.ReadFile(configs.Journeys(), name)
		must(t, err)
		if !free && name != file && !freely(raw) {
			continue
		}
		rules, _, _ := strings.Cut(string(raw), "\nexamples:")
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(rules), 0o600))
	}
	return dir
}

// freely reports whether a journey is on messages.
func freely(rules []byte) bool { return bytes.Contains(rules, []byte("\non: message")) }

// feeds puts a record on the feed, of the time that the clock shows.
func (p *playhouse) feeds(key string, value []byte) {
	p.t.Helper()
	record := &kgo.Record{Topic: p.topics.Events[0], Key: []byte(key), Value: value, Timestamp: p.now()}
	must(p.t, p.client.ProduceSync(p.t.Context(), record).FirstErr())
	p.fed++
	if !slices.Contains(p.refs, key) {
		p.refs = append(p.refs, key)
	}
}

// learns makes a resource known to the EHR's server, stamped with the time, and puts it on the feed.
func (p *playhouse) learns(raw []byte) {
	p.t.Helper()
	must(p.t, p.ehr.Seed(raw))
	ref := gjson.GetBytes(raw, "resourceType").String() + "/" + gjson.GetBytes(raw, "id").String()
	stored, ok := p.ehr.Resource(ref)
	if !ok {
		p.t.Fatalf("%s was not stored", ref)
	}
	p.feeds(ref, stored)
}

// loses deletes a resource, there and on the feed.
func (p *playhouse) loses(ref string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodDelete, p.ehr.URL()+"/"+ref, http.NoBody)
	must(p.t, err)
	answer, err := http.DefaultClient.Do(request)
	must(p.t, err)
	must(p.t, answer.Body.Close())
	p.feeds(ref, nil)
}

// goesOn lets time pass: each thing that falls due is said at its time.
func (p *playhouse) goesOn(until time.Time) {
	p.t.Helper()
	for {
		_, at, err := p.bridge.app.ledger.Due(p.t.Context(), p.now(), 0)
		must(p.t, err)
		if at.IsZero() || at.After(until) {
			break
		}
		p.set(at)
		p.quiet()
	}
	p.set(until)
}

// set moves the clock, and wakes the lane that waits for it.
func (p *playhouse) set(to time.Time) {
	p.t.Helper()
	if to.Before(p.now()) {
		p.t.Fatalf("the clock is set back to %v", to)
	}
	p.clock.Store(to.UnixNano())
	p.wake(to)
}

// quiet waits until nothing is under way anywhere.
func (p *playhouse) quiet() {
	p.t.Helper()
	for still, end := 0, time.Now().Add(3*time.Minute); still < 2; { // twice, for what was between two places at the first time
		if still++; !p.rests() {
			still = 0
		}
		if time.Now().After(end) {
			p.t.Fatal("it does not come to rest")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// rests reports whether all that was fed and said is taken in, and nothing that is due is owed to anybody.
func (p *playhouse) rests() bool {
	ctx, app := p.t.Context(), p.bridge.app
	must(p.t, p.whatsapp.Drain(ctx))
	if p.counted("bridge_events_total") < p.fed || p.counted("bridge_replies_total") < p.said {
		return false
	}
	posted := p.endOf(p.topics.Inbound, 0)
	for _, at := range app.updates.Partitions() {
		if at.InFlight > 0 || at.HighWater < int64(posted) && posted > 0 {
			return false
		}
	}
	census, err := app.ledger.Census(ctx)
	must(p.t, err)
	if census.Writes["server"]+census.Writes["topic"]+census.Parked+count(census, pipeline.Sending)+count(census, pipeline.StateUnknown) > 0 {
		return false
	}
	for _, n := range p.trace() {
		if n.Notification.State == pipeline.Planned && !n.Notification.Due.After(p.now()) {
			return false
		}
	}
	return true
}
