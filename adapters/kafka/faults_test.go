package kafka_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"fhirbridge/adapters/kafka"
)

// TestFaultsThatPass has the broker refuse each kind of request twice, and
// expects nothing but that it takes a little longer.
func TestFaultsThatPass(t *testing.T) {
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
			cluster := fake(t, kfake.SeedTopics(1, "events"))
			addrs := cluster.ListenAddrs()
			publisher := newPublisher(t, addrs)
			subscriber := newSubscriber(t, addrs, "bridge", fast)
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
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
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

func TestAbortedTransactionsAreNotDelivered(t *testing.T) {
	addrs, topic, group := brokers(t), name("topic"), name("group")
	createTopic(t, addrs, topic, 1)
	producer := client(t, addrs, kgo.DefaultProduceTopic(topic), kgo.TransactionalID(name("tx")))
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 3 {
			record := &kgo.Record{Key: []byte("k"), Value: fmt.Appendf(nil, "%d.%d committed: %v", i, j, end == kgo.TryCommit)}
			if err := producer.ProduceSync(t.Context(), record).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := producer.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	subscriber := newSubscriber(t, addrs, group, fast)
	messages := subscribe(t, subscriber, topic)
	for _, want := range []string{"0.0", "0.1", "0.2", "2.0", "2.1", "2.2"} {
		m := receive(t, messages)
		if got := string(m.Payload); got != want+" committed: true" {
			t.Fatalf("got %q, want %s", got, want)
		}
		m.Ack()
	}
	none(t, messages)
	// 12 records and 4 markers: nothing is left that would look like lag.
	eventually(t, "everything is committed", func() bool { return committed(t, addrs, group, topic, 0) == 16 })
}

func TestCompactedTopic(t *testing.T) {
	cluster := fake(t)
	if err := cluster.CreateTopic("events", 1, map[string]string{
		"cleanup.policy": "compact", "min.compaction.lag.ms": "0", "segment.bytes": "200",
	}); err != nil {
		t.Fatal(err)
	}
	addrs := cluster.ListenAddrs()
	producer := client(t, addrs, kgo.DefaultProduceTopic("events"))
	for i := range 20 {
		record := &kgo.Record{Key: fmt.Appendf(nil, "%d", i%2), Value: fmt.Appendf(nil, "%d", i)}
		if err := producer.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	cluster.Compact()
	messages := subscribe(t, newSubscriber(t, addrs, "bridge", fast), "events")
	last := map[string]string{}
	received := 0
	for ; last["0"] != "18" || last["1"] != "19"; received++ {
		m := receive(t, messages)
		last[m.Metadata.Get(kafka.MetadataKey)] = string(m.Payload)
		m.Ack()
	}
	if received >= 20 {
		t.Errorf("got %d records: nothing was compacted", received)
	}
	eventually(t, "everything is committed", func() bool { return committed(t, addrs, "bridge", "events", 0) == 20 })
}

func TestLostRecordsAreSaid(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "events"))
	addrs := cluster.ListenAddrs()
	publisher := newPublisher(t, addrs)
	for i := range 6 {
		publish(t, publisher, "events", keyed("key-of-a-patient", fmt.Sprint(i)))
	}
	var log bytes.Buffer
	logged := func(c *kafka.SubscriberConfig) {
		sequential(c)
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	}
	first := newSubscriber(t, addrs, "bridge", logged)
	receive(t, subscribe(t, first, "events")).Ack()
	eventually(t, "one record is done", func() bool {
		p := first.Partitions()
		return len(p) == 1 && p[0].Committed == 1
	})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cluster.DeleteRecords("events", 0, 4); err != nil {
		t.Fatal(err)
	}
	second := newSubscriber(t, addrs, "bridge", logged)
	m := receive(t, subscribe(t, second, "events"))
	if got := string(m.Payload); got != "4" {
		t.Errorf("got record %s, want 4, the first that is left", got)
	}
	m.Ack()
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "records are lost") || !strings.Contains(text, "wanted=1 first=4") {
		t.Errorf("the log does not say what was lost:\n%s", text)
	}
	if strings.Contains(log.String(), "patient") {
		t.Errorf("the log holds a key:\n%s", log.String())
	}
}
