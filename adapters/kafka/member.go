package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

// member is one member of a consumer group, subscribed to one topic. It speaks
// the classic group protocol: join, sync, heartbeat, commit, leave.
// See https://cwiki.apache.org/confluence/display/KAFKA/Kafka+Client-side+Assignment+Proposal.
type member struct {
	cluster   *cluster
	group     string
	topic     string
	session   time.Duration
	rebalance time.Duration

	id string // the coordinator's name for this member; "" before it has one
}

// generation is what the group agreed on until the next rebalance.
type generation struct {
	id int
	// offsets holds the assigned partitions and where each is to be read from;
	// -1 where nothing was committed.
	offsets map[int]int64
	// topics holds what the leader assigned from: the partitions of each topic
	// that anyone in the group reads. It is nil for the others.
	topics map[string]int
}

const consumerProtocol = "consumer"

// errLost means that the group has gone on without this member: its partitions
// may have another reader already and its commits are not accepted any more.
var errLost = errors.New("the group has gone on without this member")

// errRebalance means that the generation is over and that commits are still
// accepted until this member joins the next one.
var errRebalance = errors.New("the group is rebalancing")

// join waits for the group to agree on a new generation.
func (m *member) join(ctx context.Context) (*generation, error) {
	joined, err := m.enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("joining: %w", err)
	}
	g := &generation{id: joined.GenerationID}
	var shares []kafka.SyncGroupRequestAssignment
	if joined.LeaderID == joined.MemberID {
		if shares, g.topics, err = m.assign(ctx, joined.Members); err != nil {
			return nil, fmt.Errorf("assigning partitions: %w", err)
		}
	}
	assigned, err := m.sync(ctx, g.id, joined.ProtocolName, shares)
	if err != nil {
		return nil, fmt.Errorf("synchronising: %w", err)
	}
	if g.offsets, err = m.offsets(ctx, assigned); err != nil {
		return nil, fmt.Errorf("fetching offsets: %w", err)
	}
	return g, nil
}

// enter sends JoinGroup, twice for a new member: the first answer gives it its
// id (KIP-394). The first request is not cancelled, for a member whose id
// nobody knows cannot leave.
func (m *member) enter(ctx context.Context) (*kafka.JoinGroupResponse, error) {
	for {
		request := ctx
		if m.id == "" {
			request = context.WithoutCancel(ctx)
		}
		request, cancel := context.WithTimeout(request, m.rebalance+m.session+requestTimeout)
		joined, err := m.cluster.client.JoinGroup(request, &kafka.JoinGroupRequest{
			GroupID: m.group, MemberID: m.id, ProtocolType: consumerProtocol,
			SessionTimeout: m.session, RebalanceTimeout: m.rebalance,
			Protocols: []kafka.GroupProtocol{{
				Name:     kafka.RangeGroupBalancer{}.ProtocolName(),
				Metadata: kafka.GroupProtocolSubscription{Topics: []string{m.topic}},
			}},
		})
		cancel()
		if err != nil {
			return nil, err
		}
		switch {
		case joined.Error == nil:
			m.id = joined.MemberID
			return joined, nil
		case errors.Is(joined.Error, kafka.MemberIDRequired):
			m.id = joined.MemberID
		default:
			return nil, m.verdict(joined.Error)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// assign is the leader's part: it shares out the partitions of all topics that
// the members subscribe to. A topic that does not exist has none.
func (m *member) assign(ctx context.Context, members []kafka.JoinGroupResponseMember) ([]kafka.SyncGroupRequestAssignment, map[string]int, error) {
	var topics []string
	seen := map[string]bool{}
	group := make([]kafka.GroupMember, 0, len(members))
	for _, other := range members {
		group = append(group, kafka.GroupMember{ID: other.ID, Topics: other.Metadata.Topics})
		for _, topic := range other.Metadata.Topics {
			if !seen[topic] {
				seen[topic] = true
				topics = append(topics, topic)
			}
		}
	}
	counts, err := m.cluster.partitions(ctx, topics...)
	if err != nil {
		return nil, nil, err
	}
	var partitions []kafka.Partition
	for topic, count := range counts {
		for id := range count {
			partitions = append(partitions, kafka.Partition{Topic: topic, ID: id})
		}
	}
	shares := kafka.RangeGroupBalancer{}.AssignGroups(group, partitions)
	out := make([]kafka.SyncGroupRequestAssignment, 0, len(group))
	for _, other := range group {
		out = append(out, kafka.SyncGroupRequestAssignment{
			MemberID:   other.ID,
			Assignment: kafka.GroupProtocolAssignment{AssignedPartitions: shares[other.ID]},
		})
	}
	return out, counts, nil
}

// sync returns the partitions of the member's topic that are its own.
func (m *member) sync(ctx context.Context, generation int, protocol string, shares []kafka.SyncGroupRequestAssignment) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, m.rebalance+requestTimeout)
	defer cancel()
	answer, err := m.cluster.client.SyncGroup(ctx, &kafka.SyncGroupRequest{
		GroupID: m.group, GenerationID: generation, MemberID: m.id,
		ProtocolType: consumerProtocol, ProtocolName: protocol, Assignments: shares,
	})
	if errors.Is(err, io.ErrUnexpectedEOF) {
		// kafka-go reads the assignment before the error code, and an answer with
		// an error has no assignment. Joining again is right in any case.
		return nil, errRebalance
	}
	if err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, m.verdict(answer.Error)
	}
	return answer.Assignment.AssignedPartitions[m.topic], nil
}

func (m *member) offsets(ctx context.Context, partitions []int) (map[int]int64, error) {
	if len(partitions) == 0 {
		return nil, nil
	}
	return m.cluster.committed(ctx, m.group, m.topic, partitions)
}

// heartbeat tells the coordinator that the member lives.
func (m *member) heartbeat(ctx context.Context, g *generation) error {
	ctx, cancel := context.WithTimeout(ctx, m.session/3)
	defer cancel()
	message, err := m.cluster.transport.RoundTrip(ctx, m.cluster.addr, heartbeat{m.group, int32(g.id), m.id})
	if err != nil {
		return err
	}
	if answer, ok := message.(heartbeatAnswer); !ok {
		return errors.New("the answer to a heartbeat is something else")
	} else if answer.code != 0 {
		return m.verdict(answer.code)
	}
	return nil
}

// commit stores offsets by partition, in one request.
func (m *member) commit(ctx context.Context, g *generation, offsets map[int]int64) error {
	ctx, cancel := context.WithTimeout(ctx, m.session/3)
	defer cancel()
	commits := make([]kafka.OffsetCommit, 0, len(offsets))
	for partition, offset := range offsets {
		commits = append(commits, kafka.OffsetCommit{Partition: partition, Offset: offset})
	}
	answer, err := m.cluster.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: m.group, GenerationID: g.id, MemberID: m.id,
		Topics: map[string][]kafka.OffsetCommit{m.topic: commits},
	})
	if err != nil {
		return err
	}
	for _, p := range answer.Topics[m.topic] {
		if p.Error != nil {
			return m.verdict(p.Error)
		}
	}
	return nil
}

// leave lets the others take over at once.
func (m *member) leave(ctx context.Context) error {
	if m.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := m.cluster.client.LeaveGroup(ctx, &kafka.LeaveGroupRequest{
		GroupID: m.group, Members: []kafka.LeaveGroupRequestMember{{ID: m.id}},
	})
	if err != nil {
		return err
	}
	m.id = ""
	// The code of the whole answer is not looked at: kafka-go reads it from the
	// wrong place. That of the member is right.
	for _, left := range answer.Members {
		if left.Error != nil && !errors.Is(left.Error, kafka.UnknownMemberId) {
			return left.Error
		}
	}
	return nil
}

// verdict turns the coordinator's codes into what they mean here.
func (m *member) verdict(err error) error {
	switch {
	case errors.Is(err, kafka.RebalanceInProgress):
		return errRebalance
	case errors.Is(err, kafka.UnknownMemberId), errors.Is(err, kafka.FencedInstanceID):
		m.id = ""
		return errLost
	case errors.Is(err, kafka.IllegalGeneration):
		return errLost
	}
	return err
}
