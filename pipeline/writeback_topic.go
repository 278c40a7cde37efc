package pipeline

import (
	"context"
	"strings"
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

// publish puts the resource on the communications topic. Its key is the queue: the patient.
func (b *WriteBack) publish(ctx context.Context, w Write) error {
	body := b.made(w)
	if err := b.check(body); err != nil {
		return err
	}
	return b.Publisher.Publish(ctx, b.Topic, w.Order, recordHeaders(w), body)
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
