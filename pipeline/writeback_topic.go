package pipeline

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Headers of a record on the communications topic; docs/topic.md is about them.
const (
	// HeaderType is the type of the resource.
	HeaderType = "fhir-resource-type"
	// HeaderKey is the same for the same record, and for no other: what a crash has published twice is recognised by it.
	HeaderKey = "bridge-write-key"
	// HeaderFollows is set on a record that says what has become of another: it is that one's HeaderKey.
	HeaderFollows = "bridge-follows-key"
)

// topicPause is the least time between two looks for what is owed to the topic, unless there is more than is taken at once. Records
// that go together cost less than half, and those of a time when messages are sent are made in the same processors.
const topicPause = 20 * time.Millisecond

// joined reports whether a write goes to the topic together with others.
func (b *WriteBack) joined(w Write) bool {
	return b.Sink == SinkTopic && w.Kind != WriteDecision && w.Kind != WriteFile && w.Kind != WriteWish
}

// tryTopic makes the records of a group one after the other, puts them on the topic together and settles each on its own.
func (b *WriteBack) tryTopic(ctx context.Context, group []Write) {
	asked, bodies := make([]Write, 0, len(group)), make([][]byte, 0, len(group))
	for _, w := range group {
		var body []byte
		err := b.sound(w, func() (err error) {
			body, err = b.recordOf(w)
			return err
		})
		if err != nil {
			b.settle(ctx, w, WriteResult{}, nil, err)
			continue
		}
		asked, bodies = append(asked, w), append(bodies, body)
		runtime.Gosched() // sending comes first
	}
	if len(asked) == 0 {
		return
	}
	errs := make([]error, len(asked))
	each(asked, func(i int, w Write) {
		err := b.sound(w, func() error { return b.put(ctx, w, bodies[i]) })
		b.settle(ctx, w, WriteResult{}, nil, err)
		errs[i] = err
	})
	dealt := slices.IndexFunc(errs, func(err error) bool { return err == nil || KindOf(err) == Refused })
	if dealt >= 0 { // the topic is well; those it has not taken come again
		b.heed(asked[dealt], errs[dealt])
		return
	}
	for i, w := range asked {
		b.heed(w, errs[i])
	}
}

// sound does a part of a write. What panics is given up.
func (b *WriteBack) sound(w Write, do func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = b.panicked(w)
		}
	}()
	return do()
}

// recordOf is a resource as it is put on the topic.
func (b *WriteBack) recordOf(w Write) ([]byte, error) {
	body := b.made(w)
	return body, b.check(body)
}

// put puts it there. The record's key is the queue: the patient.
func (b *WriteBack) put(ctx context.Context, w Write, body []byte) error {
	return b.Publisher.Publish(ctx, b.Topic, w.Order, recordHeaders(w), body)
}

// publish puts the resource of one write on the communications topic.
func (b *WriteBack) publish(ctx context.Context, w Write) error {
	body, err := b.recordOf(w)
	if err != nil {
		return err
	}
	return b.put(ctx, w, body)
}

// recordHeaders are the headers of a write's record. Of a resource that follows what has become of a message there are several,
// of one write: each has a key of its own, made of what it says.
func recordHeaders(w Write) map[string]string {
	headers := map[string]string{HeaderType: w.Type, HeaderKey: w.Key, "content-type": "application/fhir+json"}
	if w.Kind == WriteFollow {
		name, sink, _ := strings.Cut(w.Key, "@")
		headers[HeaderKey] = name + ":" + opaque(w.Body.Reveal())[:8] + "@" + sink
		headers[HeaderFollows] = w.Answers
	}
	return headers
}
