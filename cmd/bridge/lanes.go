package main

import (
	"fhirbridge/adapters/envelope"
	"fhirbridge/pipeline"
)

// newIntake is the lane that takes events in.
func (a *app) newIntake(filing pipeline.Filing, dead *pipeline.DeadLetters) *pipeline.Intake {
	c := a.config
	return &pipeline.Intake{
		Decoder: envelope.New(c.Intake.Shapes), Ledger: a.ledger, Journeys: a.book, Resolver: a.resolver, Filing: filing,
		DeadLetters: dead, Metrics: a.metrics, Log: a.log, Now: a.now, MaxAge: c.Intake.MaxAge,
	}
}

// newSettler is the lane that settles what nobody answered for.
func (a *app) newSettler(filing pipeline.Filing) *pipeline.Settler {
	return &pipeline.Settler{
		Ledger: a.ledger, Resolver: a.resolver, Server: a.fhirServer(), Log: a.log, Now: a.now, Grace: a.config.Dispatch.Grace,
		HandledUntil: (&progress{group: a.updates.Group, log: a.log, now: a.now}).handledUntil,
		File:         filing.Record,
	}
}

// newDispatch is the lane that sends.
func (a *app) newDispatch(channel pipeline.Channel, list []pipeline.Gate, filing pipeline.Filing) (*pipeline.Dispatch, error) {
	c := a.config
	dispatch := &pipeline.Dispatch{
		Ledger: a.ledger, Journeys: a.book, Resolver: a.resolver, Gates: list,
		Metrics: a.metrics, Log: a.log, Now: a.now,
		Channel: channel, ChannelName: c.Channels[0].Name, Pace: pipeline.NewPace(c.Channels[0].Rate),
		Concurrency: c.Dispatch.Concurrency, Country: c.Facility.Country, File: filing.Later,
		Documents: c.Documents.forDispatch(a.documents()), Errands: filing.Errands, Pictures: c.pictures(),
	}
	var relations pipeline.Relations
	if a.server != nil {
		relations = a.server
	}
	var err error
	dispatch.Proxies, err = proxies(c, a.ledger, a.resolver, relations, a.log, a.now)
	return dispatch, err
}

// writeBacks adds the lanes that write to FHIR, and the one that fetches what patients send.
func (a *app) writeBacks(channel pipeline.Channel, busy func() bool, filing pipeline.Filing, publisher pipeline.Publisher) {
	c, rights := a.config, new(pipeline.Rights)
	for _, sink := range c.FHIR.WriteTo {
		b := a.writeBack(sink, filing, publisher)
		if sink == pipeline.SinkServer {
			b.Rights = rights
		}
		if sink == pipeline.SinkTopic { // it takes what it is given at once: only our own work is in the way of sending
			b.Busy, b.Batch = busy, topicBatch
		}
		if sink == pipeline.SinkServer && a.server != nil {
			b.Concurrency, b.Batches, b.Batch = c.FHIR.Concurrency, a.server, c.FHIR.Batch
		}
		a.sinks = append(a.sinks, b)
		a.background = append(a.background, b.Run)
	}
	files := a.writeBack(pipeline.SinkFiles, filing, publisher)
	files.Rights = rights
	files.Files = &pipeline.Files{
		Channel: channel, Filing: filing, Server: a.fhirServer(), Publisher: publisher, Topic: c.Kafka.Topics.Communications, Validate: explain,
	}
	a.background = append(a.background, files.Run)
}

func (a *app) writeBack(sink pipeline.Sink, filing pipeline.Filing, publisher pipeline.Publisher) *pipeline.WriteBack {
	return a.suited(&pipeline.WriteBack{
		Sink: sink, Ledger: a.ledger, Metrics: a.metrics, Log: a.log, Now: a.now, Concurrency: writeConcurrency[sink],
		Validate: func(raw []byte) []string { return lines(a.valid.Validate(raw)) }, Server: a.fhirServer(),
		Ladder:    &pipeline.Ladder{Server: a.fhirServer(), Rungs: a.config.FHIR.AppointmentWriteback, Filing: filing, Validate: explain},
		Publisher: publisher, Topic: a.config.Kafka.Topics.Communications,
	})
}

// route joins the topics with the lanes that read them.
func (a *app) route(dead *pipeline.DeadLetters, intake *pipeline.Intake, inbound *pipeline.Inbound) (err error) {
	if a.router, err = pipeline.NewRouter(dead, a.log); err != nil {
		return err
	}
	handle := pipeline.Limited(intakeConcurrency, intake.Handle)
	for _, topic := range a.config.Kafka.Topics.Events {
		a.router.Handle("intake", topic, a.events, handle)
	}
	a.router.Handle("inbound", a.config.Kafka.Topics.Inbound, a.updates, inbound.Handle)
	return nil
}

// intakeConcurrency is how many events are taken in at once. More make the ledger's groups no
// better, and a message that is being sent wait longer.
const intakeConcurrency = 128

// writeConcurrency is how many groups of writes are under way at once; for the server the configuration says it. Records go to the
// topic many at a time: more groups would make messages wait for the processor. Files are in memory meanwhile.
var writeConcurrency = map[pipeline.Sink]int{pipeline.SinkTopic: 1, pipeline.SinkFiles: 2}

// topicBatch is how many go to the topic together, at most.
const topicBatch = 256
