package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"
)

// partition reads one partition for one generation of the group and delivers
// its records: in order per key, in parallel across keys.
//
// It lives under two contexts. When reading ends nothing more is delivered, but
// what a handler holds may still be acked. When work ends too, what is not
// acked is abandoned: it stays above the watermark and comes again.
type partition struct {
	topic   string
	id      int
	config  *SubscriberConfig
	cluster *cluster
	log     *slog.Logger
	out     chan<- *message.Message
	window  *window

	highWater atomic.Int64 // -1 until the first answer
	committed atomic.Int64 // -1 if nothing is

	handling sync.WaitGroup
	mu       sync.Mutex
	lanes    map[string][]task // what waits behind the record that each busy key is at
}

type task struct {
	record *record
	slot   *slot
}

func newPartition(s *subscription, id int, committed int64) *partition {
	p := &partition{
		topic: s.topic, id: id, config: s.config, cluster: s.cluster, out: s.out,
		log:    s.log.With("partition", id),
		window: newWindow(s.config.Window, s.config.WindowBytes),
		lanes:  map[string][]task{},
	}
	p.highWater.Store(-1)
	p.committed.Store(committed)
	if committed >= 0 {
		p.window.skip(committed)
	}
	return p
}

// run returns when reading has ended and every delivered record is acked,
// nacked or abandoned.
func (p *partition) run(reading, work context.Context) {
	defer p.handling.Wait()
	offset := p.committed.Load()
	for attempt := 0; reading.Err() == nil; {
		next, err := p.read(reading, work, offset)
		if err == nil {
			offset, attempt = next, 0
			continue
		}
		if reading.Err() != nil {
			return
		}
		attempt++
		p.log.Warn("kafka: reading failed, trying again", "offset", offset, "attempt", attempt, "error", err)
		p.cluster.refresh()
		sleep(reading, backoff(attempt, 50*time.Millisecond, 5*time.Second))
	}
}

// read fetches once from offset on, hands out what came, and returns where to
// go on.
func (p *partition) read(reading, work context.Context, offset int64) (int64, error) {
	if offset < 0 {
		return p.start(reading, "")
	}
	got, err := p.cluster.fetch(reading, p.topic, p.id, offset)
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return p.start(reading, "kafka: records are lost: the log does not reach back to the committed offset, or begins anew")
	}
	if err != nil {
		return offset, err
	}
	p.highWater.Store(got.highWater)
	for _, r := range got.records {
		slot := p.window.add(reading, r)
		if slot == nil {
			return offset, reading.Err()
		}
		p.hand(reading, work, task{r, slot})
		offset = r.offset + 1
	}
	if got.next > offset { // markers, aborted transactions, compacted records
		p.window.skip(got.next)
	}
	return got.next, nil
}

// start returns the first offset that the log still has. A complaint is logged,
// with how far that is from where reading was.
func (p *partition) start(ctx context.Context, complaint string) (int64, error) {
	first, next, err := p.cluster.bounds(ctx, p.topic, p.id)
	if err != nil {
		return p.committed.Load(), err
	}
	if complaint != "" {
		wanted, _ := p.window.position()
		p.log.Error(complaint, "wanted", wanted, "first", first, "next", next)
	}
	p.window.skip(first)
	p.highWater.Store(next)
	return first, nil
}

// hand starts t, or queues it behind the record of the same key.
func (p *partition) hand(reading, work context.Context, t task) {
	key := p.config.OrderKey(t.record.key, t.record.value)
	if key == "" {
		p.handling.Go(func() { p.deliver(reading, work, t) })
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting, busy := p.lanes[key]
	if busy {
		p.lanes[key] = append(waiting, t)
		return
	}
	p.lanes[key] = nil
	p.handling.Go(func() {
		for more := true; more && p.deliver(reading, work, t); {
			t, more = p.next(key)
		}
	})
}

// next takes what waits behind a finished record, or frees the key.
func (p *partition) next(key string) (task, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting := p.lanes[key]
	if len(waiting) == 0 {
		delete(p.lanes, key)
		return task{}, false
	}
	p.lanes[key] = waiting[1:]
	return waiting[0], true
}

// deliver sends t until it is acked. It returns false when the generation ended
// first.
func (p *partition) deliver(reading, work context.Context, t task) bool {
	for attempt := 1; ; attempt++ {
		ctx, cancel := context.WithCancel(work)
		m := t.record.message(ctx, p.topic, p.id)
		select {
		case p.out <- m:
		case <-reading.Done():
			cancel()
			return false
		}
		select {
		case <-m.Acked():
			cancel()
			p.window.finish(t.slot)
			return true
		case <-m.Nacked():
			cancel()
			if !sleep(reading, backoff(attempt, p.config.RetryMin, p.config.RetryMax)) {
				return false
			}
		case <-work.Done():
			cancel()
			return false
		}
	}
}
