package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Operation is what an envelope says happened to a resource.
type Operation int

const (
	// Unknown means only "this is its state now".
	Unknown Operation = iota
	// Create means that the resource is new on its server.
	Create
	// Update means that the resource was changed.
	Update
	// Delete means that the resource is gone; the event carries no resource.
	Delete
	// Snapshot marks an initial load: state is kept, nothing about it is news.
	Snapshot
)

var operationNames = [...]string{"unknown", "create", "update", "delete", "snapshot"}

// String returns the name in lower case.
func (o Operation) String() string {
	if o < 0 || int(o) >= len(operationNames) {
		return fmt.Sprintf("operation(%d)", int(o))
	}
	return operationNames[o]
}

// Event is one change of one FHIR resource, out of its envelope.
type Event struct {
	// Type and ID name the resource. Both are always set.
	Type, ID string
	// Version is meta.versionId or what the envelope says of it; "" if neither does.
	Version string
	// LastUpdated is meta.lastUpdated, else the envelope's time, else zero.
	LastUpdated time.Time
	// Operation is what happened; never guessed.
	Operation Operation
	// Resource is the raw JSON, byte for byte; nil for Delete.
	Resource json.RawMessage
	// Context holds raw resources that came along in the same envelope (Bundle
	// entries), by "Type/id" and, where the entry had one, by its fullUrl.
	Context map[string]json.RawMessage
	// Source says where the record came from.
	Source Source
}

// Ref returns "Type/id".
func (e Event) Ref() string { return e.Type + "/" + e.ID }

// Format implements fmt.Formatter: whatever the verb, an event prints as "Type/id".
func (e Event) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, e.Ref()) }

// MarshalText implements encoding.TextMarshaler, and with it JSON: an event is "Type/id".
func (e Event) MarshalText() ([]byte, error) { return []byte(e.Ref()), nil }

// LogValue implements slog.LogValuer: an event is logged as "Type/id".
func (e Event) LogValue() slog.Value { return slog.StringValue(e.Ref()) }

// Source is the position of a record in Kafka. It is the unique id of the
// record, and all that is ever logged of one.
type Source struct {
	Topic     string
	Partition int
	Offset    int64
	// Time is the record's timestamp.
	Time time.Time
	// Key is the record's key. It may identify a patient: it is not logged.
	Key Private
}

// String returns topic/partition/offset.
func (s Source) String() string { return fmt.Sprintf("%s/%d/%d", s.Topic, s.Partition, s.Offset) }

type sourceKey struct{}

// WithSource returns a context that carries s. Watermill messages have no other
// place for the position of a record that would not come back as a header.
func WithSource(ctx context.Context, s Source) context.Context {
	return context.WithValue(ctx, sourceKey{}, s)
}

// SourceFrom returns the position that a subscriber put into ctx, or the zero Source.
func SourceFrom(ctx context.Context) Source {
	s, _ := ctx.Value(sourceKey{}).(Source)
	return s
}
