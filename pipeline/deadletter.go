package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Record is one Kafka record on its way through a lane.
type Record struct {
	Value   []byte
	Headers map[string]string
	Source  Source
}

// Headers of a dead letter. Its value and key are those of the source record.
const (
	HeaderLane      = "bridge-lane"
	HeaderReason    = "bridge-reason"
	HeaderPath      = "bridge-path"
	HeaderFaults    = "bridge-faults"
	HeaderTopic     = "bridge-source-topic"
	HeaderPartition = "bridge-source-partition"
	HeaderOffset    = "bridge-source-offset"
)

// DeadLetters writes records that can never be handled to their own topic,
// whole, with what is wrong in the headers: fixed words and element paths.
type DeadLetters struct {
	Publisher Publisher
	Topic     string
	Metrics   *Metrics
	// Explain tells more about a faulty FHIR record: "path rule" lines, no values. May be nil.
	Explain func(value []byte) []string
}

const maxFaults = 8

// Write puts rec on the dead-letter topic. Only when it returns nil may the
// record's offset be committed.
func (d *DeadLetters) Write(ctx context.Context, rec Record, lane string, faults []error) error {
	headers := make(map[string]string, len(rec.Headers)+7)
	for k, v := range rec.Headers {
		if !strings.HasPrefix(k, "bridge-source-") { // a replayed dead letter tells of its last failure
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
	headers[HeaderFaults] = d.list(rec.Value, faults)
	if err := d.Publisher.Publish(ctx, d.Topic, rec.Source.Key.Reveal(), headers, rec.Value); err != nil {
		return err
	}
	d.Metrics.deadLetter(lane, headers[HeaderReason])
	return nil
}

// list names every fault as "reason path", then what the strict validator finds.
func (d *DeadLetters) list(value []byte, faults []error) string {
	var lines []string
	for _, fault := range faults {
		var e *Error
		if errors.As(fault, &e) {
			lines = append(lines, strings.TrimSpace(e.Reason+" "+e.Path))
		} else {
			lines = append(lines, "other")
		}
	}
	if d.Explain != nil {
		for _, line := range d.Explain(value) {
			lines = append(lines, "strict: "+line)
		}
	}
	if len(lines) > maxFaults {
		lines = append(lines[:maxFaults], fmt.Sprintf("and %d more", len(lines)-maxFaults))
	}
	return strings.Join(lines, "; ")
}
