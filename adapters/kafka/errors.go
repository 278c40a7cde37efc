package kafka

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"fhirbridge/pipeline"
)

// Reasons of the errors that Publish returns.
const (
	ReasonRecordTooLarge = "record_too_large" // Refused: above what the topic takes
	ReasonUnknownTopic   = "unknown_topic"    // Transient: somebody may create it
	ReasonNotAllowed     = "not_allowed"      // Transient with Halt: credentials or ACLs
	ReasonUnreachable    = "unreachable"      // Transient: no broker answered in time
	ReasonBroker         = "broker_fault"     // Transient: Code is Kafka's error code
	ReasonClosed         = "closed"           // Transient: the Publisher was closed
)

// publishError names a failure to publish. kafka-go's errors hold addresses,
// topics and codes, never a record.
func publishError(err error) *pipeline.Error {
	e := &pipeline.Error{Op: "kafka.publish", Reason: ReasonBroker, Err: err}
	var code kafka.Error
	switch {
	case errors.Is(err, kafka.MessageSizeTooLarge), errors.Is(err, kafka.RecordListTooLarge):
		e.Kind, e.Reason = pipeline.Refused, ReasonRecordTooLarge
	case errors.Is(err, kafka.UnknownTopicOrPartition), errors.Is(err, kafka.InvalidTopic), unrouted(err):
		e.Reason = ReasonUnknownTopic
	case errors.Is(err, kafka.TopicAuthorizationFailed), errors.Is(err, kafka.ClusterAuthorizationFailed),
		errors.Is(err, kafka.SASLAuthenticationFailed), errors.Is(err, kafka.UnsupportedSASLMechanism):
		e.Reason, e.Halt = ReasonNotAllowed, true
	case errors.As(err, &code):
	default: // without an answer the broker may have written the records all the same
		var dial *net.OpError
		e.Reason, e.Unknown = ReasonUnreachable, !errors.As(err, &dial) || dial.Op != "dial"
	}
	return e
}

// unrouted reports whether the request was not sent, because in the cluster's
// layout as it is known the partition is not there or has no leader.
func unrouted(err error) bool {
	return errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition) || errors.Is(err, protocol.ErrNoLeader)
}

// passes reports whether a fault may be gone at the next attempt.
func passes(err error) bool {
	var code kafka.Error
	if errors.As(err, &code) {
		return code.Temporary()
	}
	var network net.Error
	return unrouted(err) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed)
}
