package pipeline

import (
	"context"
	"errors"
)

// batchedBody is the size of a body up to which it goes together with others.
const batchedBody = 64 << 10

// Batches is a FHIRServer that takes several creations in one request.
// https://hl7.org/fhir/R4/http.html#transaction
type Batches interface {
	// Together reports whether a creation may go together with others: the server takes batches, and nothing is to be
	// found out before this resource is asked for.
	Together(resourceType, ifNoneExist string) bool
	// CreateAll does what FHIRServer.Create does, for resources of different queues, and says of each what came of it, in
	// their order: one that is not taken ends none of the others. An error is that of the request as a whole. Then it is
	// not known of any whether it was created; Create finds that out.
	CreateAll(ctx context.Context, list []Creation) ([]Created, error)
}

// Creation is a resource to be created, as FHIRServer.Create takes it.
type Creation struct {
	Body        Private
	IfNoneExist string
}

// Created is what came of a Creation.
type Created struct {
	Ref string
	Err error
}

// most is how many writes are leased at once.
func (b *WriteBack) most() int {
	if b.Batches == nil && b.Sink != SinkTopic {
		return writeBatch
	}
	return max(writeBatch, b.Batch*b.Concurrency)
}

// groups are the requests by which a list of writes is done: each by one of its own, as long as there are no more creations
// than slots. Of a backlog they go together, as many as it takes to fill all slots. The writes of a list are of
// different queues, so that the order in a queue holds whatever becomes of one.
func (b *WriteBack) groups(list []Write) [][]Write {
	together := make([]Write, 0, len(list))
	groups := make([][]Write, 0, len(list))
	for _, w := range list {
		if b.batched(w) {
			together = append(together, w)
		} else {
			groups = append(groups, []Write{w})
		}
	}
	size := min(max(1, b.Batch), (len(together)+b.Concurrency-1)/b.Concurrency)
	for len(together) > 0 {
		n := min(size, len(together))
		groups = append(groups, together[:n:n])
		together = together[n:]
	}
	return groups
}

// batched reports whether a write may go together with others.
func (b *WriteBack) batched(w Write) bool {
	return b.joined(w) || b.Batches != nil && b.Batch > 1 && b.Sink == SinkServer && w.Kind == WriteCreate && w.Sender.Empty() && !b.Shape.alters(w.Type) &&
		len(w.Body.Reveal()) <= batchedBody && b.Batches.Together(w.Type, w.IfNoneExist)
}

// tryAll tries the writes of a group.
func (b *WriteBack) tryAll(ctx context.Context, group []Write) {
	switch {
	case len(group) > 1 && b.Sink == SinkTopic:
		b.tryTopic(ctx, group)
		return
	case len(group) > 1:
		group = b.tryBatch(ctx, group)
	}
	for _, w := range group {
		b.try(ctx, w)
	}
}

// tryBatch makes one request of several writes and settles each on its own. It returns those that are still to be tried.
func (b *WriteBack) tryBatch(ctx context.Context, group []Write) (rest []Write) {
	var asked []Write
	var creations []Creation
	for _, w := range group {
		body, err := b.wholeOf(ctx, w)
		if err != nil {
			b.heed(w, err)
			b.settle(ctx, w, WriteResult{}, nil, err)
			continue
		}
		asked = append(asked, w)
		creations = append(creations, Creation{Body: NewPrivate(string(body)), IfNoneExist: w.IfNoneExist})
	}
	if len(asked) == 0 {
		return nil
	}
	created, err := b.createAll(ctx, creations)
	if err == nil && len(created) != len(asked) {
		return asked
	}
	if err != nil {
		created = make([]Created, len(asked))
		for i := range created {
			created[i].Err = err
		}
	}
	b.heed(asked[0], judged(created))
	came := make(map[string]Created, len(asked))
	for i, w := range asked {
		came[w.Key] = created[i]
	}
	each(asked, func(_ int, w Write) { b.settle(ctx, w, WriteResult{Ref: came[w.Key].Ref}, nil, came[w.Key].Err) })
	return nil
}

// wholeOf is whole for one of several: what panics is given up by itself.
func (b *WriteBack) wholeOf(ctx context.Context, w Write) (body []byte, err error) {
	err = b.sound(w, func() (err error) {
		body, err = b.whole(ctx, w)
		return err
	})
	return body, err
}

// createAll asks for several. Where that panics it returns nothing, and each is tried by itself.
func (b *WriteBack) createAll(ctx context.Context, list []Creation) (created []Created, err error) {
	defer func() {
		if recover() != nil {
			b.Log.Error("panic; the writes are tried one by one", "count", len(list), "stack", stack())
			created, err = nil, nil
		}
	}()
	return b.Batches.CreateAll(ctx, list)
}

// judged is what a request says of the sink: the wait that it asks for, else nothing as long as it has dealt with
// any of what was asked, else the first failure.
func judged(created []Created) (failure error) {
	dealt := false
	for _, c := range created {
		var e *Error
		switch {
		case errors.As(c.Err, &e) && e.Kind == Throttled:
			return c.Err
		case c.Err == nil || KindOf(c.Err) == Refused:
			dealt = true
		case failure == nil && KindOf(c.Err) != Malformed:
			failure = c.Err
		}
	}
	if dealt {
		return nil
	}
	return failure
}
