package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
)

// Record is one Kafka record on its way through a lane.
type Record struct {
	Value   []byte
	Headers map[string]string
	Source  Source
}

// Format implements fmt.Formatter: whatever the verb, a record prints as its source.
func (r Record) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, r.Source.String()) }

// MarshalText implements encoding.TextMarshaler, and with it JSON: a record is its source.
func (r Record) MarshalText() ([]byte, error) { return []byte(r.Source.String()), nil }

// LogValue implements slog.LogValuer: a record is logged as its source.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.Source.String()) }

// Headers of a dead letter. Its value, key and other headers are those of the source record;
// of an event that waited in vain the value is that event alone, see Parking.
const (
	HeaderLane      = "bridge-lane"
	HeaderReason    = "bridge-reason"
	HeaderPath      = "bridge-path"
	HeaderFaults    = "bridge-faults"
	HeaderTopic     = "bridge-source-topic"
	HeaderPartition = "bridge-source-partition"
	HeaderOffset    = "bridge-source-offset"
	// HeaderValue is "left_at_source" if the record is larger than the dead-letter topic takes: then
	// the value is empty, and the record is to be found where the source headers say.
	HeaderValue = "bridge-value"
)

// ours are the headers that a dead letter which is tried again must not keep of its last failure.
var ours = []string{HeaderLane, HeaderReason, HeaderPath, HeaderFaults, HeaderTopic, HeaderPartition, HeaderOffset, HeaderValue}

// DeadLetters writes records that can never be handled to their own topic,
// whole, with what is wrong in the headers: fixed words and element paths.
type DeadLetters struct {
	Publisher Publisher
	Topic     string
	Metrics   *Metrics
	// Explain tells more about a faulty FHIR record: "path rule" lines, no values. May be nil.
	Explain func(value []byte) []string
}

const (
	maxFaults = 8
	// laneIntake is the lane whose records are FHIR.
	laneIntake = "intake"
)

// Write puts rec on the dead-letter topic. Only when it returns nil may the
// record's offset be committed.
func (d *DeadLetters) Write(ctx context.Context, rec Record, lane string, faults []error) error {
	headers := make(map[string]string, len(rec.Headers)+7)
	for k, v := range rec.Headers {
		if !slices.Contains(ours, k) {
			headers[k] = v
		}
	}
	headers[HeaderLane] = lane
	headers[HeaderTopic] = rec.Source.Topic
	headers[HeaderPartition] = strconv.Itoa(rec.Source.Partition)
	headers[HeaderOffset] = strconv.FormatInt(rec.Source.Offset, 10)
	headers[HeaderReason] = ReasonOf(faults[0])
	var first *Error
	if errors.As(faults[0], &first) && first.Path != "" {
		headers[HeaderPath] = first.Path
	}
	headers[HeaderFaults] = d.list(rec.Value, lane, faults)
	err := d.Publisher.Publish(ctx, d.Topic, rec.Source.Key.Reveal(), headers, rec.Value)
	if err != nil && KindOf(err) == Refused { // a record must not stop its partition because it is large
		headers[HeaderValue] = "left_at_source"
		err = d.Publisher.Publish(ctx, d.Topic, rec.Source.Key.Reveal(), headers, []byte{})
	}
	if err != nil {
		return err
	}
	d.Metrics.deadLetter(lane, headers[HeaderReason])
	return nil
}

// list names every fault as "reason path", then what the strict validator finds in FHIR.
func (d *DeadLetters) list(value []byte, lane string, faults []error) string {
	var lines []string
	for _, fault := range faults {
		var e *Error
		if errors.As(fault, &e) {
			lines = append(lines, strings.TrimSpace(e.Reason+" "+e.Path))
		} else {
			lines = append(lines, "other")
		}
	}
	if d.Explain != nil && lane == laneIntake {
		for _, line := range d.Explain(value) {
			lines = append(lines, "strict: "+line)
		}
	}
	if len(lines) > maxFaults {
		lines = append(lines[:maxFaults], fmt.Sprintf("and %d more", len(lines)-maxFaults))
	}
	return strings.Join(lines, "; ")
}
