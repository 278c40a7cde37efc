package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fhirbridge/adapters/kafka"
	"fhirbridge/pipeline"
)

const (
	// inboundBytes is what Meta may post at once.
	inboundBytes = 3 << 20
	// shortRetention is less than the time in which Meta repeats what was not taken.
	shortRetention = 7 * 24 * time.Hour
)

// spaced is a reason as words.
func spaced(reason string) string { return strings.ReplaceAll(reason, "_", " ") }

// kafka looks at the brokers and the topics.
func (x *examination) kafka(ctx context.Context) {
	t := x.config.Kafka.Topics
	names := append(append([]string{}, t.Events...), t.Inbound, t.Communications, t.DeadLetters)
	brokers, states, err := kafka.Inspect(ctx, x.config.Kafka.Cluster, names...)
	if err != nil {
		x.fail("kafka", "not reached, or we are not let in", "see kafka.brokers, kafka.tls and kafka.sasl, and whether the brokers run")
		return
	}
	x.ok("kafka", "%d brokers", brokers)
	most := int64(0)
	for _, s := range states {
		if s.Name != t.DeadLetters {
			most = max(most, s.MaxMessageBytes)
		}
	}
	for _, s := range states {
		x.topic(s, most)
	}
}

// topic looks at one topic; most is the largest record that any of the others takes.
func (x *examination) topic(s kafka.TopicState, most int64) {
	check, t := "kafka topic "+s.Name, x.config.Kafka.Topics
	grow := func(bytes int64) string { return fmt.Sprintf("set max.message.bytes=%d", bytes) }
	switch ours := s.Name == t.Inbound || s.Name == t.Communications || s.Name == t.DeadLetters; {
	case s.Partitions == 0:
		x.fail(check, "there is none", fmt.Sprintf("kafka-topics.sh --create --topic %s --partitions 6 --config max.message.bytes=4194304", s.Name))
	case ours && s.Compacted:
		x.fail(check, "is compacted: of a person's messages only the last would stay", "set cleanup.policy=delete")
	case s.Name == t.Inbound && s.MaxMessageBytes > 0 && s.MaxMessageBytes < inboundBytes:
		x.fail(check, fmt.Sprintf("takes %d bytes, and Meta may post %d", s.MaxMessageBytes, inboundBytes), grow(4<<20))
	case s.Name == t.DeadLetters && s.MaxMessageBytes > 0 && s.MaxMessageBytes < most:
		x.warn(check, fmt.Sprintf("takes %d bytes, and the largest of the others %d", s.MaxMessageBytes, most), grow(most))
	case ours && s.Retention > 0 && s.Retention < shortRetention:
		x.warn(check, fmt.Sprintf("keeps records for %s", s.Retention), "set retention.ms to a week at least, so that what was lost can be replayed")
	case s.Name == t.Communications && len(x.config.FHIR.WriteTo) == 1 && x.config.FHIR.WriteTo[0] == pipeline.SinkTopic && s.MaxMessageBytes > 0 && s.MaxMessageBytes < 16<<20:
		x.warn(check, fmt.Sprintf("takes %d bytes, and files of patients go to it, too", s.MaxMessageBytes), grow(32<<20)+", or lower media.megabytes")
	case s.Replicas == 1:
		x.warn(check, fmt.Sprintf("%d partitions, of one replica", s.Partitions), "outside of tests let it have three: what a broker loses is lost")
	default:
		x.ok(check, "%d partitions, %d replicas", s.Partitions, s.Replicas)
	}
}
