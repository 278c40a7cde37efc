package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"fhirbridge/adapters/envelope"
	"fhirbridge/adapters/fhirserver"
	"fhirbridge/adapters/kafka"
	"fhirbridge/adapters/sqlledger"
	"fhirbridge/fhir/strict"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// app is the whole program: four lanes around one ledger, and two listeners.
type app struct {
	config   *Config
	log      *slog.Logger
	registry *prometheus.Registry
	metrics  *pipeline.Metrics
	now      func() time.Time
	valid    *strict.Memory // of what is written

	ledger     *sqlledger.Ledger
	kafka      *kafka.Publisher
	events     *kafka.Subscriber
	updates    *kafka.Subscriber
	server     *fhirserver.Client // nil without a FHIR server
	book       *journey.Book
	resolver   *pipeline.Resolver
	router     *pipeline.Router
	receiver   *pipeline.Receiver
	settler    *pipeline.Settler
	dead       *pipeline.DeadLetters
	dispatch   *pipeline.Dispatch // nil for the receiver alone
	broadcasts *broadcasts
	sinks      []*pipeline.WriteBack
	background []func(context.Context) error
}

// newApp builds everything and starts nothing. The caller closes it.
func newApp(c *Config, log *slog.Logger) (*app, error) { return newAppAt(c, log, time.Now) }

// newAppAt is newApp by another clock.
func newAppAt(c *Config, log *slog.Logger, now func() time.Time) (a *app, err error) {
	a = &app{config: c, log: log, registry: prometheus.NewRegistry(), now: now, valid: strict.NewMemory()}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.metrics = pipeline.NewMetrics(a.registry)
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if err := a.open(); err != nil {
		return a, err
	}
	a.registry.MustRegister(pipeline.NewCensus(a.ledger), lag{a})
	return a, a.wire()
}

// open connects to what is outside.
func (a *app) open() (err error) {
	c := a.config
	if a.ledger, err = sqlledger.New(c.Ledger, sqlledger.WithLogger(a.log), sqlledger.WithClock(a.now)); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if a.kafka, err = kafka.NewPublisher(c.Kafka.Cluster); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	subscriber := kafka.SubscriberConfig{
		Config: c.Kafka.Cluster, Logger: a.log, SessionTimeout: c.Kafka.SessionTimeout,
		HeartbeatInterval: c.Kafka.SessionTimeout / 3, DrainTimeout: c.Kafka.SessionTimeout / 2,
	}
	subscriber.OrderKey = envelope.OrderKey
	if a.events, err = kafka.NewSubscriber(subscriber); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	subscriber.OrderKey = nil
	if a.updates, err = kafka.NewSubscriber(subscriber); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	if c.FHIR.Server.BaseURL != "" {
		if a.server, err = fhirserver.New(c.FHIR.Server, fhirserver.WithClock(a.now), fhirserver.WithLogger(a.log)); err != nil {
			return fmt.Errorf("fhir: %w", err)
		}
	}
	return nil
}

// wire joins lanes, ports and ledger.
func (a *app) wire() error {
	c := a.config
	book, err := loadJourneys(c)
	if err != nil {
		return err
	}
	a.book = book
	webhooks, channel, err := openChannels(c)
	if err != nil {
		return err
	}
	templates, err := a.ledger.Templates(context.Background())
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	publisher := pipeline.NewPublisher(a.kafka, kafka.MetadataKey)
	a.resolver = pipeline.NewResolver(a.ledger)
	filing := pipeline.Filing{
		Facility: c.Facility.Name, Sinks: c.FHIR.WriteTo, SMS: c.Channels[0].Fallback, Files: c.Media.rules(), Final: c.FHIR.Of.loaded.Communication.Wait,
	}
	a.dead = &pipeline.DeadLetters{
		Publisher: publisher, Topic: c.Kafka.Topics.DeadLetters, Metrics: a.metrics, Explain: explain,
	}
	list, err := gates(c, a.ledger, pipeline.GateTemplate{States: templates, Metrics: a.metrics})
	if err != nil {
		return err
	}
	dispatch, err := a.newDispatch(channel, list, filing)
	if err != nil {
		return err
	}
	if dispatch.Fallback, err = openFallback(c); err != nil {
		return err
	}
	a.dispatch = dispatch
	a.settler = a.newSettler(filing)
	if a.broadcasts, err = a.newBroadcasts(list, publisher); err != nil {
		return err
	}
	a.broadcasts.fallback = dispatch.Fallback
	a.receiver = a.newReceiver(webhooks, publisher)
	intake := a.newIntake(filing, a.dead)
	inbound := &pipeline.Inbound{
		Webhooks: webhooks, Ledger: a.ledger, Journeys: book, Filing: filing, Templates: templates,
		DeadLetters: a.dead, Metrics: a.metrics, Log: a.log, Now: a.now, Elsewhere: dispatch.Fallback != nil, Pictures: dispatch.Pictures,
	}
	parking := &pipeline.Parking{Intake: intake, Server: a.fhirServer(), Log: a.log}
	a.background = []func(context.Context) error{dispatch.Run, a.settler.Run, parking.Run}
	if dispatch.Proxies != nil {
		a.background = append(a.background, dispatch.Proxies.Run)
	}
	a.polls(channel, dispatch.Fallback, inbound)
	a.writeBacks(channel, dispatch.Busy, filing, publisher)
	return a.route(a.dead, intake, inbound)
}

// fhirServer is the client as a port: nil, and not a nil client, without a server.
func (a *app) fhirServer() pipeline.FHIRServer {
	if a.server == nil {
		return nil
	}
	return a.server
}

// documents is the client as a port: nil, and not a nil client, without a server.
func (a *app) documents() pipeline.DocumentSource {
	if a.server == nil {
		return nil
	}
	return a.server
}

func (a *app) newReceiver(webhooks map[string]pipeline.Webhook, to pipeline.Publisher) *pipeline.Receiver {
	return &pipeline.Receiver{
		Webhooks: webhooks, Publisher: to, Topic: a.config.Kafka.Topics.Inbound,
		Metrics: a.metrics, Log: a.log, Now: a.now,
	}
}

// openChannels makes the configured channel and the webhooks by name.
func openChannels(c *Config) (map[string]pipeline.Webhook, pipeline.Channel, error) {
	webhooks, err := openWebhooks(c)
	if err != nil {
		return nil, nil, err
	}
	entry := c.Channels[0]
	channel, err := providers[entry.Provider].channel(entry.node)
	if err != nil {
		return nil, nil, fmt.Errorf("channels.%s: %w", entry.Name, err)
	}
	return webhooks, channel, nil
}

// run works until ctx ends, then drains: no new records, what is under way is
// finished, and the ledger is closed last.
func (a *app) run(ctx context.Context) error {
	if err := a.settler.Recover(ctx); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(ctx, a.config.HTTP.Webhooks, a.webhookMux()) })
	g.Go(func() error { return serve(ctx, a.config.HTTP.Admin, a.adminMux()) })
	g.Go(func() error { return a.router.Run(ctx) })
	for _, lane := range a.background {
		g.Go(func() error { return lane(ctx) })
	}
	if a.server != nil {
		g.Go(func() error { learn(ctx, a.server.Ping, a.log); return nil })
	}
	a.log.Info("running", "webhooks", a.config.HTTP.Webhooks, "admin", a.config.HTTP.Admin, "version", version())
	a.config.warnOfMaps(a.log)
	err := g.Wait()
	a.log.Info("drained")
	return err
}

// learn asks the FHIR server what it can do until it has said so. Once it is known to take
// conditions, what is owed to it is created in one request, and not searched for first.
func learn(ctx context.Context, ask func(context.Context) error, log *slog.Logger) {
	for wait := time.Second; ; wait = min(2*wait, learnMax) {
		err := ask(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		log.Warn("the FHIR server does not say what it can do; it will be asked again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// learnMax bounds the wait before the FHIR server is asked again.
const learnMax = time.Minute

func (a *app) close() error {
	var errs []error
	for _, s := range []*kafka.Subscriber{a.events, a.updates} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	if a.kafka != nil {
		errs = append(errs, a.kafka.Close())
	}
	if a.ledger != nil {
		errs = append(errs, a.ledger.Close())
	}
	return errors.Join(errs...)
}
