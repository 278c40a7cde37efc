package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// writeBatch is how many writes are leased at once, at least.
	writeBatch = 64
	// outageAfter is how many failures in a row mean that the sink is down, and not only one write in trouble.
	outageAfter = 3
	// senderTries is from which try on the reply is filed without where the server does not say whose number an unknown sender's is.
	senderTries = 5
)

// WriteBack is the lane from pending FHIR writes to one sink. Each sink has a
// lane of its own: the topic does not wait for the server.
type WriteBack struct {
	Sink    Sink
	Ledger  Ledger
	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time
	// Concurrency is how many requests are under way at once, of different queues.
	Concurrency int
	// Busy reports whether messages wait to be sent: the lane lets them, for sending comes first. nil is never.
	Busy func() bool
	// Validate returns what is wrong with a resource as "path rule" lines; nothing faulty leaves.
	Validate func(body []byte) []string

	// Files is for SinkFiles.
	Files *Files
	// Server and Shape are for SinkServer; Ladder, whose Filing makes what was left for later (Write.Of), is for both. Batches,
	// if it is not nil, is that server where it takes several creations in one request, at most Batch of them; for SinkTopic
	// that is how many records go together.
	Server  FHIRServer
	Batches Batches
	Batch   int
	Ladder  *Ladder
	Shape   Shape
	// Rights is what the server lets us write, for SinkServer and SinkFiles, which share it.
	Rights *Rights
	// Publisher and Topic are for SinkTopic.
	Publisher Publisher
	Topic     string

	breaker breaker
	ways    ways
	begun   begun
	// shown is the breaker's state as the metrics have it.
	shown atomic.Value
	// troubled is the latest time until which a write was put off, in nanoseconds since 1970; late is signalled with it.
	troubled atomic.Int64
	late     chan struct{}
}

// try makes one try of a write and settles it.
func (b *WriteBack) try(ctx context.Context, w Write) {
	result, more, err := b.write(ctx, w)
	if !result.Unasked {
		b.heed(w, err)
	}
	b.settle(ctx, w, result, more, err)
}

// settle closes one try of a write.
func (b *WriteBack) settle(ctx context.Context, w Write, result WriteResult, more []Write, err error) {
	result.Done, result.At = err == nil, b.Now()
	if result.Done && !result.Unasked {
		b.Rights.takes(w, result.Ref != "", result.At)
	}
	outcome := "done"
	if err != nil {
		result.Say = nil // nothing has come of it yet
		if outcome = b.failed(w, err, &result); result.GiveUp && w.Decision != nil {
			more = b.Ladder.Filing.Unmet(*w.Decision, result.Reason) // what a patient decided is always somebody's
			result.Say = due(w.Decision.Asked, result.At)
		} else if result.GiveUp && w.File != nil {
			more = b.Files.Filing.Unfetched(*w.File, ReasonOf(err), result.At)
		} else if result.GiveUp && w.Wish != nil {
			more = b.Ladder.Filing.Wished(*w.Wish, result.Reason)
		}
	}
	if err := b.Ledger.SettleWrite(ctx, w.Key, result, more...); err != nil {
		b.Log.Error("write not settled; it will be repeated", "write", w.Key, "error", err)
		return
	}
	b.Metrics.write(w.Sink, w.Kind, outcome)
}

// heed tells the breaker what a try says of the sink.
func (b *WriteBack) heed(w Write, err error) {
	var e *Error
	known := errors.As(err, &e)
	switch kind := KindOf(err); {
	case known && (e.Reason == outcomeUnclear || e.Reason == string(ReasonNotCreated) || e.Reason == outcomeBehind): // it was not asked
	case err == nil && w.Kind == WriteWish: // one that comes too late has asked nobody
	case err == nil && b.Sink == SinkServer && w.Kind == WriteFollow && b.unchangeable(w.Type): // nor has this
	case err == nil, kind == Refused:
		if b.breaker.ok() {
			b.Log.Info("writes are taken again", "sink", string(b.Sink))
		}
	case kind == Malformed: // it was not asked
	case kind == Throttled:
		b.breaker.wait(b.Now().Add(max(e.After, time.Second)))
	case known && (e.Reason == reasonConflict || e.Code == "403"): // the sink is well; what we may not write is nobody else's fault
	case w.Kind == WriteWish: // the search for slots may be all that is in trouble, and nobody else needs it
	default:
		b.breaker.fail(b.Now())
	}
	b.show()
}

// failed decides what becomes of a write that was not taken.
func (b *WriteBack) failed(w Write, err error, result *WriteResult) string {
	kind := KindOf(err)
	forbidden := b.forbidden(w, err, result)
	if kind == Refused || kind == Malformed || forbidden {
		result.GiveUp, result.Reason = true, givenUpFor(err, forbidden)
		b.Log.Error("write given up: it waits for a person", "write", w.Key, "type", w.Type, "error", err)
		return "given_up"
	}
	wait := backoff(w.Tries)
	var e *Error
	if errors.As(err, &e) && kind == Throttled {
		wait = max(e.After, time.Second)
	} else if e != nil && e.Reason == outcomeUnclear {
		wait = max(wait, e.After)
	}
	result.Retry, result.Reason = b.Now().Add(wait), ReasonTransient
	b.putOff(result.Retry)
	b.Log.Warn("write not taken, will be tried again", "write", w.Key, "tries", w.Tries+1, "error", err)
	return "retry"
}

// write does it. What panics would do so for ever: it is given up, for people.
func (b *WriteBack) write(ctx context.Context, w Write) (done WriteResult, more []Write, err error) {
	defer func() {
		if recover() != nil {
			done, more, err = WriteResult{Unclear: true}, nil, b.panicked(w)
		}
	}()
	switch {
	case w.Kind == WriteDecision && w.Decision == nil:
		return done, nil, &Error{Op: "writeback.write", Kind: Malformed, Reason: "no_decision"}
	case w.Kind == WriteDecision:
		carried, err := b.Ladder.Carry(ctx, *w.Decision, b.Now())
		b.Metrics.carried(carried.By)
		return WriteResult{Say: due(carried.Say, b.Now())}, carried.Writes, err
	case w.Kind == WriteFile:
		return b.Files.put(ctx, w)
	case w.Kind == WriteWish && w.Wish == nil:
		return done, nil, &Error{Op: "writeback.write", Kind: Malformed, Reason: "no_wish"}
	case w.Kind == WriteWish:
		return b.grant(ctx, *w.Wish)
	case b.Sink == SinkTopic:
		return done, nil, b.publish(ctx, w)
	case w.Kind != WriteCreate && w.Kind != WriteFinal:
		return done, nil, b.Amend(ctx, w)
	}
	body, err := b.whole(ctx, w)
	if err != nil {
		return WriteResult{Unclear: !w.Begun.IsZero()}, nil, err // what was in doubt stays so
	}
	return b.create(ctx, w, body)
}

func (b *WriteBack) panicked(w Write) error {
	b.Log.Error("panic; the write is given up", "write", w.Key, "stack", stack())
	return &Error{Op: "writeback.write", Kind: Malformed, Reason: "panic"}
}

// whole is a resource as it is created.
func (b *WriteBack) whole(ctx context.Context, w Write) ([]byte, error) {
	body, err := b.complete(ctx, w)
	if err != nil {
		return nil, err
	}
	return body, b.check(body)
}

// due returns what is still to be said by now.
func due(list []Notification, now time.Time) []Notification {
	var say []Notification
	for _, n := range list {
		if n.Due = now; now.Before(n.Expires) {
			say = append(say, n)
		}
	}
	return say
}

func (b *WriteBack) check(body []byte) error {
	if len(body) == 0 {
		return &Error{Op: "writeback.validate", Kind: Malformed, Reason: "not_built"}
	}
	if found := b.Validate(body); len(found) > 0 {
		return &Error{Op: "writeback.validate", Kind: Malformed, Reason: "invalid", Path: found[0]}
	}
	return nil
}

// complete puts in what was not known when the write was inserted: the server's references
// of the message it answers and of the conversation, and whose number an unknown sender's is.
func (b *WriteBack) complete(ctx context.Context, w Write) ([]byte, error) {
	body := b.made(w)
	if w.Answers == "" && w.Thread == "" && w.Sender.Empty() || len(body) == 0 {
		return body, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, &Error{Op: "writeback.complete", Kind: Malformed, Reason: "not_json"}
	}
	if err := b.refer(ctx, w, members); err != nil {
		return nil, err
	}
	if !w.Sender.Empty() {
		found, err := b.Server.PatientsByPhone(ctx, w.Sender)
		if _, final := refusal(err); err != nil && !final && w.Tries < senderTries {
			return nil, err
		}
		if err == nil && len(found) == 1 { // two patients with one number: not guessed, the identifier stays
			claim(w.Type, members, found[0])
		}
	}
	return json.Marshal(members)
}
