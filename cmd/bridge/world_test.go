package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"fhirbridge/adapters/kafka"
	"fhirbridge/adapters/sandbox"
	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// world is everything outside the bridge: a broker, a WhatsApp, a FHIR server.
// It outlives any bridge that is started in it.
type world struct {
	t        testing.TB
	dir      string
	brokers  []string
	topics   TopicsConfig
	group    string
	whatsapp *sandbox.WhatsApp
	sms      *sandbox.WhatsApp // nil without worldOptions.sms
	ehr      ehrServer
	feed     pipeline.Publisher
	client   *kgo.Client // reads what the bridge writes
	webhooks string
	admin    string
	options  worldOptions
	bridge   *bridge // the one that was run last
	known    int     // patients, for benchmarks
	stand    *standIn
	ahead    *atomic.Int64 // how far its clock is ahead of the machine's, in nanoseconds
	api      string        // where the bridge posts, if not to whatsapp
}

type worldOptions struct {
	provider   string // cloudapi, or tyntec; providerEnv if empty
	sms        bool   // there is a number for SMS to fall back to
	partitions int
	grace      string
	whatsapp   func(*sandbox.WhatsAppConfig)
	fhir       func(*sandbox.FHIRConfig)
	writeTo    string
	server     string // further members of fhir, each after a comma
	rate       string
	session    string
	journeys   string             // a folder; those of the binary if empty
	documents  string             // documents.results
	facility   string             // further members of the facility, each after a comma
	more       string             // further blocks of the configuration
	templates  []sandbox.Template // what Meta has approved; those of the journeys if empty
}

const clinicZone = "Europe/Berlin"

// newWorld starts the outside. With BRIDGE_TEST_BROKERS set, Kafka is a real one, with BRIDGE_TEST_FHIR the FHIR server.
func newWorld(t testing.TB, o worldOptions) *world {
	t.Helper()
	if o.partitions == 0 {
		o.partitions = 4
	}
	o.session = cmp.Or(o.session, "6s")
	o.provider = cmp.Or(o.provider, os.Getenv(providerEnv), "cloudapi")
	w := &world{t: t, dir: t.TempDir(), group: "bridge", options: o, ahead: new(atomic.Int64)}
	w.topics = TopicsConfig{
		Events: []string{"ehr.fhir"}, Inbound: "bridge.inbound", Communications: "bridge.communications", DeadLetters: "bridge.dead-letters",
	}
	w.startKafka(o.partitions)
	w.ehr = w.newEHR()
	t.Cleanup(func() { _ = w.ehr.Close() })
	t.Cleanup(w.keep)
	w.webhooks, w.admin = nextAddress(t), nextAddress(t)
	w.startWhatsApp(o)
	publisher, err := kafka.NewPublisher(kafka.Config{Brokers: w.brokers})
	must(t, err)
	t.Cleanup(func() { _ = publisher.Close() })
	w.feed = pipeline.NewPublisher(publisher, kafka.MetadataKey)
	must(t, os.WriteFile(filepath.Join(w.dir, "ledger.key"), []byte(sqlledger.NewKey()), 0o600))
	return w
}

// providerEnv names the provider of worlds that name none: the whole suite runs with any.
const providerEnv = "BRIDGE_TEST_PROVIDER"

// brokersEnv names brokers of Apache Kafka to use instead of the one in this process.
const brokersEnv = "BRIDGE_TEST_BROKERS"

func onApacheKafka() bool { return os.Getenv(brokersEnv) != "" }

func (w *world) startKafka(partitions int) {
	if onApacheKafka() {
		w.brokers = strings.Split(os.Getenv(brokersEnv), ",")
		unique := fmt.Sprintf(".%d", time.Now().UnixNano())
		w.group += unique
		w.topics.Events[0] += unique
		w.topics.Inbound += unique
		w.topics.Communications += unique
		w.topics.DeadLetters += unique
	} else {
		broker, err := sandbox.NewBroker(sandbox.BrokerConfig{MaxMessageBytes: 64 << 20, MinSessionTimeout: time.Second})
		must(w.t, err)
		w.t.Cleanup(broker.Close)
		w.brokers = broker.Addrs()
	}
	var err error
	w.client, err = kgo.NewClient(kgo.SeedBrokers(w.brokers...), kgo.ProducerBatchMaxBytes(64<<20), kgo.MaxBufferedRecords(100_000), kgo.ProducerLinger(0))
	must(w.t, err)
	w.t.Cleanup(w.client.Close)
	req := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range []string{w.topics.Events[0], w.topics.Inbound, w.topics.Communications, w.topics.DeadLetters} {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), 1
		limit := "67108864"
		topic.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "max.message.bytes", Value: &limit}}
		req.Topics = append(req.Topics, topic)
	}
	_, err = req.RequestWith(w.t.Context(), w.client)
	must(w.t, err)
}

// config is the configuration file of a bridge in this world.
func (w *world) config(api string) string {
	writeTo, grace, rate := cmp.Or(w.options.writeTo, "[server, topic]"), cmp.Or(w.options.grace, "6s"), cmp.Or(w.options.rate, "-1")
	journeys := ""
	if w.options.journeys != "" {
		journeys += fmt.Sprintf("journeys: %q\n", w.options.journeys)
	}
	documents, portal := w.options.withDocuments()
	return journeys + documents + fmt.Sprintf(`
kafka:
  brokers: [%q]
  group: %s
  session_timeout: %s
  topics: {events: [%s], inbound: %s, communications: %s, dead_letters: %s}
fhir: {base_url: %q, write_to: %s%s}
channels:
%s
ledger: {url: "sqlite:%s", key_file: %q}
http: {webhooks: %q, admin: %q}
facility: {name: Harbour Hospital, timezone: %s, language: en, country: DE%s}
dispatch: {grace: %s}
`, strings.Join(w.brokers, `", "`), w.group, w.options.session, w.topics.Events[0], w.topics.Inbound, w.topics.Communications, w.topics.DeadLetters,
		w.ehr.URL(), writeTo, w.options.server, w.channels(api, rate),
		filepath.Join(w.dir, "bridge.db"), filepath.Join(w.dir, "ledger.key"), w.webhooks, w.admin, clinicZone, w.options.facility+portal, grace) + w.options.more
}

func (w *world) load(text string) (*Config, error) {
	l := &loader{file: "test.yaml", env: os.LookupEnv}
	return l.parse([]byte(text))
}

// bridge is a running bridge in this process.
type bridge struct {
	app  *app
	log  *safeBuffer
	stop context.CancelFunc
	ran  chan error
}

// run starts a bridge and waits until it takes events and webhooks.
func (w *world) run() *bridge {
	w.t.Helper()
	c, err := w.load(w.config(cmp.Or(w.api, w.whatsapp.URL())))
	must(w.t, err)
	b := &bridge{log: &safeBuffer{}, ran: make(chan error, 1)}
	b.app, err = newAppAt(w.withBook(c), slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})), w.now)
	must(w.t, err)
	w.bridge = b
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go func() { b.ran <- b.app.run(ctx) }()
	w.t.Cleanup(func() { b.end(w.t) })
	w.await("the bridge to run", func() bool {
		select {
		case err := <-b.ran:
			b.ran <- err
			w.t.Fatalf("the bridge does not run: %v", err)
			return false
		case <-b.app.router.Running():
			return w.whatsapp.Handshake(w.t.Context()) == nil
		default:
			return false
		}
	})
	return b
}

// end drains and closes the bridge; a second call does nothing.
func (b *bridge) end(t testing.TB) {
	t.Helper()
	if b.stop == nil {
		return
	}
	b.stop()
	b.stop = nil
	if err := <-b.ran; err != nil {
		t.Errorf("the bridge ended with %v", err)
	}
	if err := b.app.close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	end := time.Now().Add(2 * time.Minute) // on a busy machine, with the race detector
	for !ok() {
		if time.Now().After(end) {
			w.t.Fatalf("waited in vain for %s\n%s", what, w.lately())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// lately is what the bridge has logged last; nobody's data is in it.
func (w *world) lately() string {
	if w.bridge == nil {
		return ""
	}
	text := w.bridge.log.String()
	return text[max(0, len(text)-4000):]
}

// publish puts a record on the event feed.
func (w *world) publish(key string, value []byte) {
	w.t.Helper()
	w.await("a record to be published", func() bool { return w.feed.Publish(w.t.Context(), w.topics.Events[0], key, nil, value) == nil })
}

// knows makes a resource known to the EHR's server and puts it on the feed.
func (w *world) knows(raw string) {
	w.t.Helper()
	must(w.t, w.ehr.Seed([]byte(raw)))
	var head struct{ ResourceType, ID string }
	must(w.t, json.Unmarshal([]byte(raw), &head))
	ref := head.ResourceType + "/" + head.ID
	stored, ok := w.ehr.Resource(ref)
	if !ok {
		w.t.Fatalf("%s was not stored", ref)
	}
	w.publish(ref, stored)
}

// records reads a topic from its beginning until n records are there.
func (w *world) records(topic string, n int) []*kgo.Record {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxBytes(100<<20), kgo.BrokerMaxReadBytes(200<<20), kgo.FetchMaxPartitionBytes(80<<20))
	must(w.t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	var all []*kgo.Record
	for len(all) < n {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			w.t.Fatalf("topic %s has %d records, want %d", topic, len(all), n)
		}
		all = append(all, fetches.Records()...)
	}
	return all
}

func (w *world) metrics() string {
	w.t.Helper()
	answer, err := http.Get("http://" + w.admin + "/metrics")
	must(w.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(w.t, err)
	return string(body)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
