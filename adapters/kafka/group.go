package kafka

import (
	"context"
	"errors"
	"slices"

	"github.com/segmentio/kafka-go"

	"fhirbridge/pipeline"
)

// Group asks the brokers how far the group is in every partition of the
// subscribed topics, sorted by topic and number: also in those that another
// member has. Partitions is no answer to "is everything handled": a process
// that was killed while it joined gets partitions in the next generation, and
// nobody reads them for a session timeout.
//
// The high-water marks are from after the call and InFlight is 0. A partition
// that was added less than a WatchInterval ago may be absent, as is a topic
// that does not exist. Group does not retry; an error is a *pipeline.Error,
// Transient, and comes without any state.
func (s *Subscriber) Group(ctx context.Context) ([]PartitionState, error) {
	out := []PartitionState{}
	for _, topic := range s.topics() {
		of, err := s.cluster.group(ctx, s.config.Group, topic)
		if err != nil {
			return nil, &pipeline.Error{Op: "kafka.group", Reason: ReasonBroker, Err: err}
		}
		out = append(out, of...)
	}
	return out, nil
}

// topics returns what is subscribed to, sorted.
func (s *Subscriber) topics() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for sub := range s.subscriptions {
		out = append(out, sub.topic)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// group returns the state of every partition of topic, sorted.
func (c *cluster) group(ctx context.Context, group, topic string) ([]PartitionState, error) {
	counts, err := c.partitions(ctx, topic)
	if err != nil || counts[topic] == 0 {
		return nil, err
	}
	all := make([]int, counts[topic])
	for id := range all {
		all[id] = id
	}
	ends, err := c.ends(ctx, topic, all)
	if err != nil {
		return nil, err
	}
	committed, err := c.committed(ctx, group, topic, all)
	if err != nil {
		return nil, err
	}
	out := make([]PartitionState, 0, len(all))
	for _, id := range all {
		out = append(out, PartitionState{Topic: topic, Partition: id, Committed: committed[id], HighWater: ends[id]})
	}
	return out, nil
}

// ends returns the offset that the next record of each partition will get.
func (c *cluster) ends(ctx context.Context, topic string, partitions []int) (map[int]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	requests := make([]kafka.OffsetRequest, 0, len(partitions))
	for _, id := range partitions {
		requests = append(requests, kafka.LastOffsetOf(id))
	}
	answer, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: requests}})
	if err != nil {
		return nil, err
	}
	ends := make(map[int]int64, len(partitions))
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		ends[p.Partition] = p.LastOffset
	}
	if len(ends) != len(partitions) {
		return nil, errIncomplete
	}
	return ends, nil
}

var errIncomplete = errors.New("the answer does not hold every partition")

// committed returns the offset that group has committed for each partition, -1
// where it has committed none.
func (c *cluster) committed(ctx context.Context, group, topic string, partitions []int) (map[int]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := c.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: group, Topics: map[string][]int{topic: partitions},
	})
	if err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, answer.Error
	}
	offsets := make(map[int]int64, len(partitions))
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		offsets[p.Partition] = p.CommittedOffset
	}
	if len(offsets) != len(partitions) {
		return nil, errIncomplete
	}
	return offsets, nil
}
