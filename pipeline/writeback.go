package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// writeBatch is how many writes are leased at once.
	writeBatch = 64
	// outageAfter is how many failures in a row mean that the sink is down, and not only one write in trouble.
	outageAfter = 3
	// senderTries is how often it is asked whose number an unknown sender's is, before the reply is filed without.
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
	// Concurrency is how many writes are under way at once, of different queues.
	Concurrency int
	// Validate returns what is wrong with a resource as "path rule" lines; nothing faulty leaves.
	Validate func(body []byte) []string

	// Files is for SinkFiles.
	Files *Files
	// Server and Ladder are for SinkServer.
	Server FHIRServer
	Ladder *Ladder
	// Publisher and Topic are for SinkTopic.
	Publisher Publisher
	Topic     string

	outage  pause
	untaken untaken
	// failures counts those in a row that may pass.
	failures atomic.Int32
	// troubled is the latest time until which a write was put off, in nanoseconds since 1970.
	troubled atomic.Int64
}

// Run works the queue of its sink until ctx ends, then finishes what is under way.
func (b *WriteBack) Run(ctx context.Context) error {
	wake := b.Ledger.WakeWrites(b.Sink)
	for ctx.Err() == nil {
		if wait := b.outage.left(b.Now()); wait > 0 {
			_ = sleep(ctx, min(wait, time.Second))
			continue
		}
		limit := writeBatch
		if b.outage.doubtful() {
			limit = 1 // to see whether it has passed
		}
		list, err := b.Ledger.Writes(ctx, b.Sink, b.Now(), limit)
		if err != nil && ctx.Err() == nil {
			b.Log.Error("pending writes not read", "sink", string(b.Sink), "error", err)
		}
		if len(list) > 0 {
			b.work(ctx, list)
			continue
		}
		t := time.NewTimer(b.poll())
		select {
		case <-ctx.Done():
		case <-wake:
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

// poll is how long to rest without a signal: a second while something that was put off comes due.
func (b *WriteBack) poll() time.Duration {
	if b.Now().UnixNano() < b.troubled.Load()+int64(time.Second) {
		return time.Second
	}
	return idlePoll
}

// putOff notes until when a write is put off.
func (b *WriteBack) putOff(until time.Time) {
	for {
		known := b.troubled.Load()
		if until.UnixNano() <= known || b.troubled.CompareAndSwap(known, until.UnixNano()) {
			return
		}
	}
}

// work tries each write of the list. When ctx ends, what is not begun is left to its lease;
// when the sink asks to wait, it is given back.
func (b *WriteBack) work(ctx context.Context, list []Write) {
	slots := make(chan struct{}, b.Concurrency)
	var wg sync.WaitGroup
	for _, w := range list {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		if wait := b.outage.left(b.Now()); wait > 0 {
			<-slots
			b.giveBack(ctx, w, wait)
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			b.try(context.WithoutCancel(ctx), w)
		})
	}
	wg.Wait()
}

func (b *WriteBack) giveBack(ctx context.Context, w Write, wait time.Duration) {
	now := b.Now()
	b.putOff(now.Add(wait))
	if err := b.Ledger.SettleWrite(ctx, w.Key, WriteResult{Retry: now.Add(wait), Reason: ReasonTransient, At: now}); err != nil {
		b.Log.Error("write not given back; its lease will end", "write", w.Key, "error", err)
	}
}

// try makes one try of a write and settles it.
func (b *WriteBack) try(ctx context.Context, w Write) {
	result, more, err := b.write(ctx, w)
	result.Done, result.At = err == nil, b.Now()
	outcome := "done"
	if err != nil {
		if outcome = b.failed(w, err, &result); result.GiveUp && w.Decision != nil {
			more = b.Ladder.Filing.Unmet(*w.Decision, result.Reason) // what a patient decided is always somebody's
		} else if result.GiveUp && w.File != nil {
			more = b.Files.Filing.Unfetched(*w.File, ReasonOf(err), result.At)
		} else if result.GiveUp && w.Wish != nil {
			more = b.Ladder.Filing.Wished(*w.Wish, result.Reason)
		}
	} else if w.Kind != WriteWish { // one that comes too late has asked nobody
		b.taken()
	}
	if err := b.Ledger.SettleWrite(ctx, w.Key, result, more...); err != nil {
		b.Log.Error("write not settled; it will be repeated", "write", w.Key, "error", err)
		return
	}
	b.Metrics.write(w.Sink, w.Kind, outcome)
}

// taken notes that the sink has dealt with a write.
func (b *WriteBack) taken() {
	b.failures.Store(0)
	if b.outage.clear() {
		b.Log.Info("writes are taken again", "sink", string(b.Sink))
	}
}

// failed decides what becomes of a write that was not taken.
func (b *WriteBack) failed(w Write, err error, result *WriteResult) string {
	if kind := KindOf(err); kind == Refused || kind == Malformed {
		if kind == Refused {
			b.taken()
		}
		result.GiveUp, result.Reason = true, ReasonRefused
		b.Log.Error("write given up: it waits for a person", "write", w.Key, "type", w.Type, "error", err)
		return "given_up"
	}
	wait := backoff(w.Tries)
	var e *Error
	switch known := errors.As(err, &e); {
	case known && e.Kind == Throttled:
		wait = max(e.After, time.Second)
		b.outage.until(b.Now().Add(wait))
	case known && e.Reason == reasonConflict: // the sink is well
	case w.Kind == WriteWish: // the search for slots may be all that is in trouble, and nobody else needs it
	case b.failures.Add(1) >= outageAfter || b.outage.doubtful():
		b.outage.begin(b.Now())
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
			b.Log.Error("panic; the write is given up", "write", w.Key, "stack", stack())
			done, more, err = WriteResult{}, nil, &Error{Op: "writeback.write", Kind: Malformed, Reason: "panic"}
		}
	}()
	switch {
	case w.Kind == WriteDecision && w.Decision == nil:
		return done, nil, &Error{Op: "writeback.write", Kind: Malformed, Reason: "no_decision"}
	case w.Kind == WriteDecision:
		carried, err := b.Ladder.Carry(ctx, *w.Decision, b.Now())
		return WriteResult{Say: due(carried.Say, b.Now())}, carried.Writes, err
	case w.Kind == WriteFile:
		return b.Files.put(ctx, w)
	case w.Kind == WriteWish && w.Wish == nil:
		return done, nil, &Error{Op: "writeback.write", Kind: Malformed, Reason: "no_wish"}
	case w.Kind == WriteWish:
		return b.grant(ctx, *w.Wish)
	case b.Sink == SinkTopic:
		return done, nil, b.publish(ctx, w)
	case w.Kind != WriteCreate:
		return done, nil, b.Amend(ctx, w)
	}
	body, err := b.complete(ctx, w)
	if err != nil {
		return done, nil, err
	}
	if err := b.check(body); err != nil {
		return done, nil, err
	}
	done.Ref, err = b.Server.Create(ctx, body, w.IfNoneExist)
	return done, nil, err
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

// complete puts in what was not known when the write was inserted: the server's references
// of the message it answers and of the conversation, and whose number an unknown sender's is.
func (b *WriteBack) complete(ctx context.Context, w Write) ([]byte, error) {
	body := []byte(w.Body.Reveal())
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
	if !w.Sender.Empty() && w.Tries < senderTries {
		found, err := b.Server.PatientsByPhone(ctx, w.Sender)
		if _, final := refusal(err); err != nil && !final {
			return nil, err
		}
		if err == nil && len(found) == 1 { // two patients with one number: not guessed, the identifier stays
			claim(w.Type, members, found[0])
		}
	}
	return json.Marshal(members)
}
