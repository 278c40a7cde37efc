package main

import (
	"testing"
	"time"

	"fhirbridge/adapters/kafka"
)

func TestProgressWaitsForWhatWasThere(t *testing.T) {
	now := time.Unix(1000, 0)
	var states []kafka.PartitionState
	p := &progress{partitions: func() []kafka.PartitionState { return states }, now: func() time.Time { return now }}
	at := func(second int64, committed, end int64) time.Time {
		now = time.Unix(second, 0)
		states = []kafka.PartitionState{{Topic: "t", Partition: 0, Committed: committed, HighWater: end}}
		return p.handledUntil()
	}
	if got := p.handledUntil(); !got.IsZero() {
		t.Errorf("without partitions: %v", got)
	}
	for _, c := range []struct {
		second, committed, end int64
		want                   time.Time
	}{
		{1000, -1, -1, time.Time{}},        // assigned, and nothing fetched yet
		{1000, 0, -1, time.Time{}},         // still not
		{1001, 0, 5, time.Time{}},          // five records wait: marked
		{1002, 4, 9, time.Time{}},          // one of the five is not done yet
		{1003, 5, 9, time.Unix(1001, 0)},   // the five are done; marked anew at 9
		{1004, 8, 20, time.Unix(1001, 0)},  // not yet
		{1005, 15, 20, time.Unix(1003, 0)}, // traffic never ceases, and progress is known all the same
	} {
		if got := at(c.second, c.committed, c.end); !got.Equal(c.want) {
			t.Errorf("at %d: got %v, want %v", c.second, got, c.want)
		}
	}
	states = nil
	if got := p.handledUntil(); !got.Equal(time.Unix(1003, 0)) {
		t.Errorf("after losing all partitions: %v", got)
	}
}
