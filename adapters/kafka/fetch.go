package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

const (
	// fetchBytes is what one answer holds at most. A first record that is
	// larger comes all the same, alone: brokers see to that since 0.10.1.
	fetchBytes = 1 << 20
	// fetchWait is how long a broker holds back an answer without records. It
	// costs no latency: the answer leaves with the first record.
	fetchWait = 500 * time.Millisecond

	readCommitted = 1
	abortMarker   = 0
)

// fetched is the answer to one fetch.
type fetched struct {
	records   []*record
	next      int64 // where to go on; it can be beyond the last record
	highWater int64 // the offset that the next record of the partition will get
}

// fetch reads from offset on and waits up to fetchWait for the first record.
// It leaves out transaction markers and the records of aborted transactions.
func (c *cluster) fetch(ctx context.Context, topic string, partition int, offset int64) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWait+2*requestTimeout)
	defer cancel()
	message, err := c.transport.RoundTrip(ctx, c.addr, &fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(fetchWait / time.Millisecond),
		MinBytes:       1,
		MaxBytes:       fetchBytes,
		IsolationLevel: readCommitted,
		SessionEpoch:   -1,
		Topics: []fetch.RequestTopic{{Topic: topic, Partitions: []fetch.RequestPartition{{
			Partition: int32(partition), CurrentLeaderEpoch: -1, FetchOffset: offset,
			LogStartOffset: -1, PartitionMaxBytes: fetchBytes,
		}}}},
	})
	if err != nil {
		return fetched{}, err
	}
	answer, ok := message.(*fetch.Response)
	switch {
	case !ok || len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1:
		return fetched{}, errors.New("the answer to a fetch does not hold one partition")
	case answer.ErrorCode != 0:
		return fetched{}, kafka.Error(answer.ErrorCode)
	}
	p := &answer.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		return fetched{}, kafka.Error(p.ErrorCode)
	}
	out := fetched{next: offset, highWater: p.HighWatermark}
	return out, out.add(p, offset)
}

// add takes the records from offset on out of p.
func (f *fetched) add(p *fetch.ResponsePartition, offset int64) error {
	stream, ok := p.RecordSet.Records.(*protocol.RecordStream)
	if !ok {
		return nil // no records
	}
	var aborted abortedTransactions = p.AbortedTransactions
	for _, batch := range stream.Records {
		skip := false
		switch b := batch.(type) {
		case *protocol.ControlBatch:
			// A batch can be empty when its records were compacted away.
			f.next = max(f.next, b.BaseOffset+1)
			if err := f.addMarkers(b, &aborted); err != nil {
				return err
			}
			continue
		case *protocol.RecordBatch:
			f.next = max(f.next, b.BaseOffset+1)
			skip = b.Attributes.Transactional() && aborted.include(b.ProducerID, b.BaseOffset)
		}
		if err := f.addBatch(batch, offset, skip); err != nil {
			return err
		}
	}
	return nil
}

func (f *fetched) addMarkers(b *protocol.ControlBatch, aborted *abortedTransactions) error {
	for {
		marker, err := b.ReadControlRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a transaction marker: %w", err)
		}
		f.next = max(f.next, marker.Offset+1)
		if marker.Type == abortMarker {
			aborted.end(b.ProducerID, marker.Offset)
		}
	}
}

// addBatch takes what is at or after offset: brokers answer with whole batches,
// and the first one may begin earlier.
func (f *fetched) addBatch(batch protocol.RecordReader, offset int64, skip bool) error {
	for {
		r, err := batch.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a record batch: %w", err)
		}
		f.next = max(f.next, r.Offset+1)
		key, err := take(r.Key)
		if err != nil {
			return err
		}
		value, err := take(r.Value)
		if err != nil {
			return err
		}
		if r.Offset >= offset && !skip {
			f.records = append(f.records, &record{
				offset: r.Offset, time: r.Time, key: key, value: value, headers: r.Headers,
			})
		}
	}
}

// take copies b out of the answer's pages and gives them back.
func take(b protocol.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer func() { _ = b.Close() }() // it only counts references
	return protocol.ReadAll(b)
}

// abortedTransactions lists the aborted transactions that an answer has records
// of: whose they are and where each begins. A transaction ends at its marker.
// See https://kafka.apache.org/protocol.html#The_Messages_Fetch.
type abortedTransactions []fetch.ResponseTransaction

func (a abortedTransactions) include(producer, offset int64) bool {
	for _, t := range a {
		if t.ProducerID == producer && t.FirstOffset <= offset {
			return true
		}
	}
	return false
}

// end drops the earliest transaction of producer that begins before offset.
func (a *abortedTransactions) end(producer, offset int64) {
	first := -1
	for i, t := range *a {
		if t.ProducerID == producer && t.FirstOffset <= offset && (first < 0 || t.FirstOffset < (*a)[first].FirstOffset) {
			first = i
		}
	}
	if first >= 0 {
		(*a)[first] = (*a)[len(*a)-1]
		*a = (*a)[:len(*a)-1]
	}
}
