package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// writeBatch is how many writes are leased at once.
const writeBatch = 64

// WriteBack is the lane from pending FHIR writes to one sink. Each sink has a
// lane of its own: the topic does not wait for the server.
type WriteBack struct {
	Sink    Sink
	Ledger  Ledger
	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time
	// Concurrency is how many writes are under way at once, of different queues.
	Concurrency int
	// Validate returns what is wrong with a resource as "path rule" lines; nothing faulty leaves.
	Validate func(body []byte) []string

	// Server and Ladder are for SinkServer.
	Server FHIRServer
	Ladder *Ladder
	// Publisher and Topic are for SinkTopic.
	Publisher Publisher
	Topic     string

	outage pause
}

// Run works the queue of its sink until ctx ends, then finishes what is under way.
func (b *WriteBack) Run(ctx context.Context) error {
	_, wake := b.Ledger.Wake()
	if b.Sink == SinkTopic {
		wake = nil // the other lane takes the signal; this one polls
	}
	for ctx.Err() == nil {
		if wait := b.outage.left(b.Now()); wait > 0 {
			_ = sleep(ctx, min(wait, time.Second))
			continue
		}
		list, err := b.Ledger.Writes(ctx, b.Sink, b.Now(), writeBatch)
		if err != nil && ctx.Err() == nil {
			b.Log.Error("pending writes not read", "sink", string(b.Sink), "error", err)
		}
		if len(list) > 0 {
			b.work(ctx, list)
			continue
		}
		t := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

func (b *WriteBack) work(ctx context.Context, list []Write) {
	slots := make(chan struct{}, b.Concurrency)
	var wg sync.WaitGroup
	for _, w := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			b.try(context.WithoutCancel(ctx), w)
		})
	}
	wg.Wait()
}

// try makes one try of a write and settles it.
func (b *WriteBack) try(ctx context.Context, w Write) {
	ref, more, err := b.write(ctx, w)
	result := WriteResult{Done: err == nil, Ref: ref, At: b.Now()}
	outcome := "done"
	if err != nil {
		outcome = b.failed(w, err, &result)
	} else {
		b.outage.clear()
	}
	if err := b.Ledger.SettleWrite(ctx, w.Key, result, more...); err != nil {
		b.Log.Error("write not settled; it will be repeated", "write", w.Key, "error", err)
		return
	}
	b.Metrics.write(w.Sink, w.Kind, outcome)
}

// failed decides what becomes of a write that was not taken.
func (b *WriteBack) failed(w Write, err error, result *WriteResult) string {
	if kind := KindOf(err); kind == Refused || kind == Malformed {
		result.GiveUp, result.Reason = true, ReasonRefused
		b.Log.Error("write given up: it waits for a person", "write", w.Key, "type", w.Type, "error", err)
		return "given_up"
	}
	wait := backoff(w.Tries)
	var e *Error
	if errors.As(err, &e) && e.Kind == Throttled {
		wait = max(e.After, time.Second)
		b.outage.until(b.Now().Add(wait))
	} else {
		b.outage.begin(b.Now())
	}
	result.Retry, result.Reason = b.Now().Add(wait), ReasonTransient
	b.Log.Warn("write not taken, will be tried again", "write", w.Key, "tries", w.Tries+1, "error", err)
	return "retry"
}

func (b *WriteBack) write(ctx context.Context, w Write) (ref string, more []Write, err error) {
	switch {
	case w.Kind == WriteDecision:
		more, err = b.Ladder.Carry(ctx, *w.Decision)
		return "", more, err
	case b.Sink == SinkTopic:
		return "", nil, b.publish(ctx, w)
	}
	body, err := b.complete(ctx, w)
	if err != nil {
		return "", nil, err
	}
	if err := b.check(body); err != nil {
		return "", nil, err
	}
	ref, err = b.Server.Create(ctx, body, w.IfNoneExist)
	return ref, nil, err
}

// publish puts the resource on the communications topic: key the queue (the patient), headers
// with the type and our key.
func (b *WriteBack) publish(ctx context.Context, w Write) error {
	body := []byte(w.Body.Reveal())
	if err := b.check(body); err != nil {
		return err
	}
	headers := map[string]string{HeaderType: w.Type, HeaderKey: w.Key, "content-type": "application/fhir+json"}
	return b.Publisher.Publish(ctx, b.Topic, w.Order, headers, body)
}

// Headers of a record on the communications topic.
const (
	HeaderType = "fhir-resource-type"
	HeaderKey  = "bridge-write-key"
)

func (b *WriteBack) check(body []byte) error {
	if len(body) == 0 {
		return &Error{Op: "writeback.validate", Kind: Malformed, Reason: "not_built"}
	}
	if found := b.Validate(body); len(found) > 0 {
		return &Error{Op: "writeback.validate", Kind: Malformed, Reason: "invalid", Path: found[0]}
	}
	return nil
}

// complete puts in what was not known when the write was inserted: the server's
// reference of the message it answers, and whose number an unknown sender's is.
func (b *WriteBack) complete(ctx context.Context, w Write) ([]byte, error) {
	body := []byte(w.Body.Reveal())
	if w.Answers == "" && w.Sender.Empty() || len(body) == 0 {
		return body, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, &Error{Op: "writeback.complete", Kind: Malformed, Reason: "not_json"}
	}
	if w.Answers != "" {
		ref, err := b.Ledger.Written(ctx, w.Answers)
		if err != nil {
			return nil, err
		}
		if ref != "" {
			members["inResponseTo"], _ = json.Marshal([]map[string]string{{"reference": ref}})
		}
	}
	if !w.Sender.Empty() {
		found, err := b.Server.PatientsByPhone(ctx, w.Sender)
		if err != nil {
			return nil, err
		}
		if len(found) == 1 { // two patients with one number: not guessed, the identifier stays
			who, _ := json.Marshal(map[string]string{"reference": found[0]})
			members["sender"], members["subject"] = who, who
		}
	}
	return json.Marshal(members)
}
