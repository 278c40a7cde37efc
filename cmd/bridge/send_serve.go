package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

const (
	// rehearsalHolds is for how long an order may follow its rehearsal.
	rehearsalHolds = time.Hour
	// sendLimit bounds how long an order is worked on: many thousand patients.
	sendLimit = 10 * time.Minute
	// sendConcurrency is how many requests are being put on the topic at once.
	sendConcurrency = 32
	// firstVersion is that of the requests of a broadcast, lastVersion that of those that are taken back.
	firstVersion, lastVersion = "1", "2"
)

// broadcasts sends one message to many, as requests on the topic of events: from there on they are as durable, and
// as much bound to gates and gone through once, as any other event. It never sends what was not rehearsed.
type broadcasts struct {
	ledger    pipeline.Ledger
	book      *journey.Book
	resolver  *pipeline.Resolver
	gates     []pipeline.Gate
	publisher pipeline.Publisher
	topic     string
	// shape is the only one that the topic takes, "" if it takes all.
	shape   string
	zone    *time.Location
	country string
	// fallback is the channel for numbers that are not on WhatsApp, nil if there is none.
	fallback *pipeline.Fallback
	log      *slog.Logger
	now      func() time.Time

	mu        sync.Mutex
	rehearsed map[[sha256.Size]byte]time.Time
}

// newBroadcasts asks these gates in a rehearsal.
func (a *app) newBroadcasts(gates []pipeline.Gate, publisher pipeline.Publisher) (*broadcasts, error) {
	zone, err := time.LoadLocation(a.config.Facility.Timezone)
	if err != nil {
		return nil, err
	}
	return &broadcasts{
		ledger: a.ledger, book: a.book, resolver: a.resolver, gates: gates, publisher: publisher, topic: a.config.Kafka.Topics.Events[0],
		shape: a.config.Intake.Shapes.Envelopes[a.config.Kafka.Topics.Events[0]],
		zone:  zone, country: a.config.Facility.Country, log: a.log, now: time.Now,
	}, nil
}

// serve answers POST /send.
func (b *broadcasts) serve(w http.ResponseWriter, r *http.Request) {
	var o sendOrder
	if !ordered(w, r, &o) {
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendLimit)) // without it a long order has no answer, and is done all the same
	x, err := b.do(r.Context(), &o)
	var fault orderError
	switch {
	case errors.As(err, &fault):
		http.Error(w, fault.Error(), http.StatusConflict)
		return
	case err != nil:
		b.log.Error("broadcast not done", "broadcast", o.Name, "error", err)
		http.Error(w, "not all of it is done: the ledger or Kafka does not answer. The same order can be given again", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(x)
}

// do rehearses an order, carries it out, or takes it back.
func (b *broadcasts) do(ctx context.Context, o *sendOrder) (*sendOutlook, error) {
	if err := o.check(b.book, b.now()); err != nil {
		return nil, orderError{err}
	}
	if b.shape != "" && b.shape != "resource" {
		return nil, orderError{fmt.Errorf("the topic %s takes nothing but %s (intake.envelopes), and a broadcast puts bare resources on it", b.topic, b.shape)}
	}
	if o.Revoke {
		return b.revoke(ctx, o)
	}
	to, err := b.find(ctx, o)
	if err != nil {
		return nil, err
	}
	digest := o.digest(to.patients)
	if o.Rehearsal {
		x, err := b.rehearse(ctx, o, to)
		if err == nil {
			b.note(digest)
		}
		return x, err
	}
	if o.Yes != len(to.patients) || !b.noted(digest) {
		return nil, orderError{fmt.Errorf("it goes to %d patients, and nobody has rehearsed just that in the last hour: run it with --dry-run", len(to.patients))}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sendConcurrency)
	for _, patient := range to.patients {
		group.Go(func() error {
			raw, err := o.request(patient, firstVersion, fhir.RequestActive, b.now())
			if err != nil {
				return err
			}
			return b.publish(ctx, raw)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	b.log.Info("broadcast sent", "broadcast", o.Name, "template", o.Template, "patients", len(to.patients))
	return &sendOutlook{
		Name: o.Name, Template: o.Template, Visits: to.visits, Patients: len(to.patients), Before: len(to.before), Unnamed: to.unnamed, Sent: true,
	}, nil
}

// publish puts a request on the topic of events.
func (b *broadcasts) publish(ctx context.Context, raw []byte) error {
	h, err := fhir.Peek(raw)
	if err != nil {
		return err
	}
	return b.publisher.Publish(ctx, b.topic, h.Ref(), nil, raw)
}

// revoke takes back every request of a broadcast. What has been sent stays sent.
func (b *broadcasts) revoke(ctx context.Context, o *sendOrder) (*sendOutlook, error) {
	x := &sendOutlook{Name: o.Name}
	err := b.each(ctx, "CommunicationRequest", func(kept pipeline.KeptResource) error {
		if !pipeline.OfBroadcast(kept.Ref) {
			return nil
		}
		decoded, err := fhir.Decode(kept.Resource)
		if err != nil {
			return nil // it was never planned either
		}
		r, ok := decoded.(*fhir.CommunicationRequest)
		if !ok || r.Group().Value != o.Name || r.Status() != fhir.RequestActive {
			return nil
		}
		was := sendOrder{Name: o.Name, Template: r.Template(), Parameters: map[string]string{}, At: r.From().Time, Expires: r.Until().Time}
		for _, p := range r.Parameters() {
			was.Parameters[p.Name] = p.Value
		}
		raw, err := was.request(r.Subject().String(), lastVersion, fhir.RequestRevoked, b.now())
		if err != nil {
			return err
		}
		x.Revoked++
		return b.publish(ctx, raw)
	})
	if err != nil {
		return nil, err
	}
	b.log.Info("broadcast revoked", "broadcast", o.Name, "requests", x.Revoked)
	return x, nil
}

// note remembers a rehearsal.
func (b *broadcasts) note(digest [sha256.Size]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.rehearsed == nil {
		b.rehearsed = map[[sha256.Size]byte]time.Time{}
	}
	for other, at := range b.rehearsed {
		if now.Sub(at) > rehearsalHolds {
			delete(b.rehearsed, other)
		}
	}
	b.rehearsed[digest] = now
}

// noted reports whether just that was rehearsed not long ago.
func (b *broadcasts) noted(digest [sha256.Size]byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.rehearsed[digest]
	return ok && b.now().Sub(at) <= rehearsalHolds
}
