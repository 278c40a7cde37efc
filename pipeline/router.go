package pipeline

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
)

// Handler takes one record in. nil acks it: its work is durable. An error
// brings it again, after the subscriber's pause.
type Handler func(ctx context.Context, rec Record) error

// Router connects handlers to topics, and is the only place that knows
// Watermill: whatever implements its Subscriber and Publisher can stand in.
// https://watermill.io/docs/messages-router/
type Router struct {
	router *message.Router
	dead   *DeadLetters
	log    *slog.Logger
}

// NewRouter returns a router without handlers. A record on which a handler
// panics goes to dead.
func NewRouter(dead *DeadLetters, log *slog.Logger) (*Router, error) {
	// Watermill logs each message's UUID and error; what is worth logging, lanes log themselves.
	r, err := message.NewRouter(message.RouterConfig{CloseTimeout: sendTimeout}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	return &Router{router: r, dead: dead, log: log}, nil
}

// Handle lets h take the records of a topic. The subscriber keeps records of one key in order.
func (r *Router) Handle(name, topic string, from message.Subscriber, h Handler) {
	r.router.AddConsumerHandler(name+" "+topic, topic, from, func(m *message.Message) error {
		rec := Record{Value: m.Payload, Headers: m.Metadata, Source: SourceFrom(m.Context())}
		err := r.guarded(m.Context(), name, rec, h)
		if err != nil && m.Context().Err() == nil {
			r.log.Error("record not taken; it comes again", "lane", name, "source", rec.Source.String(), "error", err)
		}
		return err
	})
}

// guarded makes a dead letter of a record on which a handler panics: it would
// do so for ever. The panic's value may quote a payload and is not kept.
func (r *Router) guarded(ctx context.Context, lane string, rec Record, h Handler) (err error) {
	defer func() {
		if recover() == nil {
			return
		}
		r.log.Error("panic; dead letter", "lane", lane, "source", rec.Source.String(), "stack", stack())
		fault := &Error{Op: "router.handle", Kind: Malformed, Reason: "panic"}
		err = r.dead.Write(ctx, rec, lane, []error{fault})
	}()
	return h(ctx, rec)
}

// Limited lets at most n records be handled by h at once. The window of a subscriber bounds what
// is read ahead; this bounds what stands in the ledger's queue before somebody who is being sent to.
func Limited(n int, h Handler) Handler {
	slots := make(chan struct{}, n)
	return func(ctx context.Context, rec Record) error {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-slots }()
		return h(ctx, rec)
	}
}

// Run runs the handlers until ctx ends, and waits for those under way.
func (r *Router) Run(ctx context.Context) error { return r.router.Run(ctx) }

// Running is closed once every handler is subscribed.
func (r *Router) Running() <-chan struct{} { return r.router.Running() }

// NewPublisher makes a Watermill publisher a Publisher. keyMetadata is the
// metadata entry that it takes for a record's key.
func NewPublisher(to message.Publisher, keyMetadata string) Publisher {
	return publisher{to: to, key: keyMetadata}
}

type publisher struct {
	to  message.Publisher
	key string
}

func (p publisher) Publish(ctx context.Context, topic, key string, headers map[string]string, value []byte) error {
	m := message.NewMessageWithContext(ctx, watermill.NewUUID(), value)
	for k, v := range headers {
		m.Metadata.Set(k, v)
	}
	delete(m.Metadata, p.key)
	if key != "" {
		m.Metadata.Set(p.key, key)
	}
	if err := p.to.Publish(topic, m); err != nil {
		var known *Error
		if errors.As(err, &known) {
			return err
		}
		return &Error{Op: "kafka.publish", Kind: Transient, Reason: "not_published"}
	}
	return nil
}
