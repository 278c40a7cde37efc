package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"fhirbridge/adapters/kafka"
)

func TestProgressWaitsForWhatWasThere(t *testing.T) {
	now := time.Unix(1000, 0)
	var states []kafka.PartitionState
	var fault error
	p := &progress{
		group: func(context.Context) ([]kafka.PartitionState, error) { return states, fault },
		log:   slog.New(slog.NewTextHandler(io.Discard, nil)), now: func() time.Time { return now },
	}
	at := func(second int64, of ...kafka.PartitionState) time.Time {
		now, states = time.Unix(second, 0), of
		return p.handledUntil()
	}
	first := func(committed, end int64) kafka.PartitionState {
		return kafka.PartitionState{Topic: "t", Committed: committed, HighWater: end}
	}
	other := func(committed, end int64) kafka.PartitionState {
		return kafka.PartitionState{Topic: "t", Partition: 1, Committed: committed, HighWater: end}
	}
	if got := at(999); !got.IsZero() {
		t.Errorf("without partitions: %v", got)
	}
	for _, c := range []struct {
		name   string
		second int64
		of     []kafka.PartitionState
		want   time.Time
	}{
		{"five records wait: marked", 1000, []kafka.PartitionState{first(-1, 5), other(-1, 0)}, time.Time{}},
		{"nothing is committed yet", 1001, []kafka.PartitionState{first(-1, 5), other(-1, 0)}, time.Time{}},
		{"one of the five is not done yet", 1002, []kafka.PartitionState{first(4, 9), other(0, 0)}, time.Time{}},
		{"the five are done; marked anew", 1003, []kafka.PartitionState{first(5, 9), other(0, 3)}, time.Unix(1000, 0)},
		{"nobody reads the other partition", 1004, []kafka.PartitionState{first(9, 9), other(0, 3)}, time.Unix(1000, 0)},
		{"a partition is not in the answer", 1005, []kafka.PartitionState{first(9, 9)}, time.Unix(1000, 0)},
		{"traffic never ceases, and progress is known all the same", 1006, []kafka.PartitionState{first(15, 20), other(3, 9)}, time.Unix(1003, 0)},
	} {
		if got := at(c.second, c.of...); !got.Equal(c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	fault = errors.New("no answer")
	if got := at(1007, first(20, 20), other(9, 9)); !got.Equal(time.Unix(1003, 0)) {
		t.Errorf("without an answer: %v", got)
	}
}

// TestProgressCountsFromBeforeTheAnswer shows that what comes in while the brokers are asked is
// not taken for handled.
func TestProgressCountsFromBeforeTheAnswer(t *testing.T) {
	now := time.Unix(1000, 0)
	p := &progress{now: func() time.Time { return now }, group: func(context.Context) ([]kafka.PartitionState, error) {
		now = now.Add(time.Second)
		return []kafka.PartitionState{{Topic: "t"}}, nil
	}}
	p.handledUntil()
	if got, want := p.handledUntil(), time.Unix(1000, 0); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
