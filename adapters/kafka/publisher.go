package kafka

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"

	"fhirbridge/pipeline"
)

const (
	// batchBytes is where a batch is cut. Brokers take 1 MiB by default; a
	// single record may be larger, what is too large is the broker's decision.
	batchBytes = 900 << 10
	// deliveryTimeout is how long Publish tries before it reports a fault that may pass.
	deliveryTimeout = 5 * time.Second
)

// Publisher writes messages to topics. It is safe for concurrent use, and
// concurrent calls share requests: while one request to a partition is under
// way, what is published meanwhile becomes the next one.
type Publisher struct {
	cluster  *cluster
	balancer kafka.Murmur2Balancer

	mu     sync.Mutex
	lanes  map[lane]*sender
	counts map[string]counted
	closed bool
	calls  sync.WaitGroup
}

var _ message.Publisher = (*Publisher)(nil)

type lane struct {
	topic     string
	partition int
}

// NewPublisher checks c and makes a Publisher. It opens no connection yet.
func NewPublisher(c Config) (*Publisher, error) {
	cluster, err := newCluster(c)
	if err != nil {
		return nil, err
	}
	return &Publisher{cluster: cluster, lanes: map[lane]*sender{}, counts: map[string]counted{}}, nil
}

// Publish writes messages to topic and returns once all in-sync replicas have
// them. Messages with the same MetadataKey are written in the order of the call.
//
// A failure is a *pipeline.Error with one of the Reasons of this package; what
// may pass was tried for 5 s by then, and the caller retries. Some messages of the call may have been written then, and one
// whose answer got lost is written twice when it is published again. Refused
// means that a message is larger than the topic takes.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return &pipeline.Error{Op: "kafka.publish", Reason: ReasonClosed}
	}
	p.calls.Add(1)
	p.mu.Unlock()
	defer p.calls.Done()
	if len(messages) == 0 {
		return nil
	}

	count, err := p.partitions(topic)
	if err != nil {
		return publishError(err)
	}
	numbers := make([]int, count)
	for i := range numbers {
		numbers[i] = i
	}
	now := time.Now()
	receipt := &receipt{}
	receipt.pending.Add(len(messages))
	byPartition := map[int][]parcel{}
	for _, m := range messages {
		r := newRecord(m, now)
		partition := p.balancer.Balance(kafka.Message{Key: r.key}, numbers...)
		byPartition[partition] = append(byPartition[partition], parcel{r, receipt})
	}
	for partition, parcels := range byPartition {
		p.sender(lane{topic, partition}).add(parcels)
	}
	receipt.pending.Wait()
	if receipt.err != nil {
		return publishError(receipt.err)
	}
	return nil
}

// Ping makes a round trip to a broker.
func (p *Publisher) Ping(ctx context.Context) error { return p.cluster.ping(ctx) }

// Close waits for the calls of Publish under way and closes the connections.
func (p *Publisher) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.calls.Wait()
	p.cluster.close()
	return nil
}

func (p *Publisher) sender(l lane) *sender {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.lanes[l]
	if s == nil {
		s = &sender{cluster: p.cluster, lane: l}
		p.lanes[l] = s
	}
	return s
}

// receipt collects what became of the records of one Publish call.
type receipt struct {
	pending sync.WaitGroup
	mu      sync.Mutex
	err     error // the first one
}

func (r *receipt) settle(err error) {
	if err != nil {
		r.mu.Lock()
		if r.err == nil {
			r.err = err
		}
		r.mu.Unlock()
	}
	r.pending.Done()
}

type parcel struct {
	record  *record
	receipt *receipt
}

// sender writes to one partition, one request at a time, so that order holds
// through retries.
type sender struct {
	cluster *cluster
	lane    lane

	mu      sync.Mutex
	queue   []parcel
	running bool
}

func (s *sender) add(parcels []parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, parcels...)
	if !s.running {
		s.running = true
		go s.run()
	}
}

func (s *sender) run() {
	for {
		s.mu.Lock()
		batch := s.cut()
		s.running = len(batch) > 0
		s.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		s.send(batch)
	}
}

// cut takes as many records off the queue as make one request.
func (s *sender) cut() []parcel {
	size, n := 0, 0
	for ; n < len(s.queue); n++ {
		size += s.queue[n].record.size()
		if n > 0 && size > batchBytes {
			break
		}
	}
	batch := s.queue[:n:n]
	s.queue = s.queue[n:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	return batch
}

// send settles every record of the batch. A batch that is too large for the
// topic is halved until the record that is to blame stands alone.
func (s *sender) send(batch []parcel) {
	err := s.deliver(batch)
	tooLarge := errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
	if tooLarge && len(batch) > 1 {
		s.send(batch[:len(batch)/2])
		s.send(batch[len(batch)/2:])
		return
	}
	for _, p := range batch {
		p.receipt.settle(err)
	}
}

// deliver retries what may pass until deliveryTimeout.
func (s *sender) deliver(batch []parcel) error {
	ctx, cancel := context.WithTimeout(context.Background(), deliveryTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := s.produce(ctx, batch)
		if err == nil || !passes(err) {
			return err
		}
		s.cluster.refresh()
		if !sleep(ctx, backoff(attempt, 20*time.Millisecond, time.Second)) {
			return err
		}
	}
}

func (s *sender) produce(ctx context.Context, batch []parcel) error {
	answer, err := s.cluster.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: s.lane.topic, Partition: s.lane.partition,
		RequiredAcks: kafka.RequireAll, Records: &batchReader{parcels: batch},
	})
	if err != nil {
		return err
	}
	return answer.Error
}

// batchReader shows a batch to kafka-go's encoder.
type batchReader struct {
	parcels []parcel
	current kafka.Record
}

func (b *batchReader) ReadRecord() (*kafka.Record, error) {
	if len(b.parcels) == 0 {
		return nil, io.EOF
	}
	r := b.parcels[0].record
	b.parcels = b.parcels[1:]
	b.current = kafka.Record{
		Time: r.time, Key: kafka.NewBytes(r.key), Value: kafka.NewBytes(r.value), Headers: r.headers,
	}
	return &b.current, nil
}
