package kafka_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"fhirbridge/adapters/kafka"
)

// TestFaultsThatPass has the broker refuse each kind of request twice, and
// expects nothing but that it takes a little longer.
func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	tests := []struct {
		request kmsg.Key
		err     *kerr.Error
		settled bool // the fault hits a member that already reads
	}{
		{kmsg.FindCoordinator, kerr.CoordinatorNotAvailable, false},
		{kmsg.JoinGroup, kerr.CoordinatorLoadInProgress, false},
		{kmsg.SyncGroup, kerr.RebalanceInProgress, false},
		{kmsg.SyncGroup, kerr.NotCoordinator, false},
		{kmsg.OffsetFetch, kerr.CoordinatorLoadInProgress, false},
		{kmsg.ListOffsets, kerr.NotLeaderForPartition, false},
		{kmsg.Fetch, kerr.NotLeaderForPartition, true},
		{kmsg.Fetch, kerr.KafkaStorageError, true},
		{kmsg.Heartbeat, kerr.NotCoordinator, true},
		{kmsg.Heartbeat, kerr.RebalanceInProgress, true},
		{kmsg.Heartbeat, kerr.IllegalGeneration, true},
		{kmsg.Heartbeat, kerr.UnknownMemberID, true},
		{kmsg.OffsetCommit, kerr.CoordinatorNotAvailable, true},
		{kmsg.OffsetCommit, kerr.IllegalGeneration, true},
		{kmsg.Produce, kerr.NotLeaderForPartition, true},
		{kmsg.Produce, kerr.NotEnoughReplicas, true},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s %s", test.request.Name(), test.err.Message), func(t *testing.T) {
			t.Parallel()
			cluster := fake(t, kfake.SeedTopics(1, "events"), kfake.GroupMinSessionTimeout(time.Second))
			addrs := cluster.ListenAddrs()
			publisher := newPublisher(t, addrs)
			subscriber := newSubscriber(t, addrs, "bridge", func(c *kafka.SubscriberConfig) {
				fast(c)
				c.SessionTimeout = time.Second // a member that the group forgot stands in the way as long
			})
			fault := kfake.Fault{Keys: []kmsg.Key{test.request}, Err: test.err, Count: 2}
			var hits *kfake.FaultHandle
			if !test.settled {
				hits = cluster.Fault(fault)
			}
			messages := subscribe(t, subscriber, "events")
			if test.settled {
				publish(t, publisher, "events", keyed("a", "0"))
				receive(t, messages).Ack()
				hits = cluster.Fault(fault)
			} else {
				publish(t, publisher, "events", keyed("a", "0"))
				receive(t, messages).Ack()
			}
			publish(t, publisher, "events", keyed("a", "1"))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for {
				m := receive(t, messages)
				m.Ack()
				if string(m.Payload) == "1" { // "0" may come again
					break
				}
			}
			if err := hits.Wait(ctx, 2); err != nil {
				t.Errorf("the fault was met %d times, want 2", hits.Hits())
			}
			go func() { // what was acked but not yet committed comes again
				for m := range messages {
					m.Ack()
				}
			}()
			eventually(t, "both records are committed", func() bool {
				return committed(t, addrs, "bridge", "events", 0) == 2
			})
		})
	}
}

func TestLeadersAndCoordinatorsMove(t *testing.T) {
	t.Parallel()
	cluster := fake(t, kfake.NumBrokers(3), kfake.SeedTopics(3, "events"))
	addrs := cluster.ListenAddrs()
	publisher := newPublisher(t, addrs)
	messages := subscribe(t, newSubscriber(t, addrs, "bridge", fast), "events")
	const total = 300
	var published sync.WaitGroup
	published.Go(func() {
		for i := range total {
			if i%100 == 50 {
				cluster.ShufflePartitionLeaders()
				cluster.RehashCoordinators()
			}
			if err := publisher.Publish("events", keyed(fmt.Sprint(i%7), fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		}
	})
	seen := map[string]bool{}
	for len(seen) < total {
		m := receive(t, messages)
		seen[string(m.Payload)] = true
		m.Ack()
	}
	published.Wait()
}

func TestBrokerRestarts(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	cluster := fake(t, kfake.SeedTopics(1, "events"), kfake.DataDir(directory))
	addrs := cluster.ListenAddrs()
	_, text, err := net.SplitHostPort(addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	publisher := newPublisher(t, addrs)
	messages := subscribe(t, newSubscriber(t, addrs, "bridge", fast), "events")
	publish(t, publisher, "events", keyed("a", "before"))
	receive(t, messages).Ack()
	eventually(t, "the record is committed", func() bool { return committed(t, addrs, "bridge", "events", 0) == 1 })

	cluster.Close()
	fake(t, kfake.DataDir(directory), kfake.Ports(port))
	publish(t, publisher, "events", keyed("a", "after"))
	if got := string(receive(t, messages).Payload); got != "after" {
		t.Errorf("got %q after the restart, want the record that was published then", got)
	}
}
