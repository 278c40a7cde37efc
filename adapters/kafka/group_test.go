package kafka_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"fhirbridge/adapters/kafka"
	"fhirbridge/pipeline"
)

// TestGroupIsMoreThanWhatIsAssignedHere has a second member that takes its records and
// never acks one, as a process does that was killed and that the group still counts.
func TestGroupIsMoreThanWhatIsAssignedHere(t *testing.T) {
	t.Parallel()
	addrs, topic, group := brokers(t), name("topic"), name("group")
	createTopic(t, addrs, topic, 4)
	first, second := newSubscriber(t, addrs, group, fast), newSubscriber(t, addrs, group, fast)
	if got, err := first.Group(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v before the first subscription, want nothing", got, err)
	}
	messages := subscribe(t, first, topic)
	subscribe(t, second, topic)
	eventually(t, "both have two partitions", func() bool { return len(first.Partitions()) == 2 && len(second.Partitions()) == 2 })
	publisher := newPublisher(t, addrs)
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		publish(t, publisher, topic, keyed(key, key))
	}
	go func() {
		for m := range messages {
			m.Ack()
		}
	}()
	own := first.Partitions()
	ours := func(of kafka.PartitionState) bool {
		return slices.ContainsFunc(own, func(o kafka.PartitionState) bool { return o.Partition == of.Partition })
	}
	var all []kafka.PartitionState
	eventually(t, "the first member has handled its own", func() (handled bool) {
		var err error
		if all, err = first.Group(t.Context()); err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(all, func(p kafka.PartitionState) bool { return ours(p) && p.Committed < p.HighWater })
	})
	var records int64
	for i, p := range all {
		records += p.HighWater
		assigned := ours(p)
		if p.Topic != topic || p.Partition != i {
			t.Errorf("got partition %s/%d at %d", p.Topic, p.Partition, i)
		}
		if handled := p.Committed >= p.HighWater; handled != assigned {
			t.Errorf("partition %d, assigned here %t: got handled %t with %+v", i, assigned, handled, p)
		}
	}
	if len(all) != 4 || records != 12 {
		t.Errorf("got %d partitions with %d records, want 4 with 12", len(all), records)
	}
}

// TestGroupIsNotGuessed shows that half an answer is none.
func TestGroupIsNotGuessed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		request kmsg.Key
		err     *kerr.Error
	}{
		{kmsg.ListOffsets, kerr.NotLeaderForPartition},
		{kmsg.OffsetFetch, kerr.CoordinatorLoadInProgress},
	} {
		t.Run(test.request.Name(), func(t *testing.T) {
			t.Parallel()
			cluster := fake(t, kfake.SeedTopics(2, "updates"), kfake.GroupMinSessionTimeout(time.Second))
			s := newSubscriber(t, cluster.ListenAddrs(), "bridge", fast)
			subscribe(t, s, "updates")
			eventually(t, "both partitions are committed", func() bool {
				all, err := s.Group(t.Context())
				return err == nil && len(all) == 2 && all[0].Committed == 0 && all[1].Committed == 0
			})
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{test.request}, Err: test.err, Count: 1})
			got, err := s.Group(t.Context())
			var e *pipeline.Error
			if !errors.As(err, &e) || e.Op != "kafka.group" || e.Kind != pipeline.Transient || got != nil {
				t.Errorf("got %v, %v, want a transient error of kafka.group", got, err)
			}
		})
	}
}
