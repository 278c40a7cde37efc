package kafka

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"

	"fhirbridge/pipeline"
)

const (
	// MetadataKey is the metadata entry that is a record's key, both ways. A
	// message without it is published with a null key, to any partition.
	MetadataKey = "kafka_key"
	// HeaderUUID is the record header that carries a message's UUID. It is the
	// one that Watermill's own Kafka adapter uses.
	HeaderUUID = "_watermill_message_uuid"
)

// record is what was fetched, until it is acked.
type record struct {
	offset  int64
	time    time.Time
	key     []byte // nil for a null key
	value   []byte // nil for a tombstone
	headers []kafka.Header
}

func (r *record) size() int {
	n := len(r.key) + len(r.value)
	for _, h := range r.headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// message returns a new message for one delivery of r. Of headers with the
// same name the last one counts. A record of a producer that is not Watermill
// gets its position as UUID, which stays the same when it comes again.
func (r *record) message(ctx context.Context, topic string, partition int) *message.Message {
	source := pipeline.Source{
		Topic: topic, Partition: partition, Offset: r.offset,
		Time: r.time, Key: pipeline.NewPrivate(string(r.key)),
	}
	m := message.NewMessageWithContext(pipeline.WithSource(ctx, source), "", r.value)
	for _, h := range r.headers {
		if h.Key == HeaderUUID {
			m.UUID = string(h.Value)
		} else {
			m.Metadata[h.Key] = string(h.Value)
		}
	}
	if r.key != nil {
		m.Metadata[MetadataKey] = string(r.key)
	}
	if m.UUID == "" {
		m.UUID = source.String()
	}
	return m
}

// newRecord is the way back.
func newRecord(m *message.Message, now time.Time) *record {
	r := &record{time: now, value: m.Payload, headers: make([]kafka.Header, 0, len(m.Metadata)+1)}
	if m.UUID != "" {
		r.headers = append(r.headers, kafka.Header{Key: HeaderUUID, Value: []byte(m.UUID)})
	}
	for name, value := range m.Metadata {
		if name == MetadataKey {
			r.key = []byte(value)
		} else {
			r.headers = append(r.headers, kafka.Header{Key: name, Value: []byte(value)})
		}
	}
	return r
}
