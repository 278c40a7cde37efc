package kafka

import (
	"context"
	"sync"
)

// window holds the records of one partition from the first unfinished one on,
// and with it the offset that may be committed. It bounds how many those are
// and how many bytes of them are unfinished.
type window struct {
	limit      int
	limitBytes int

	mu        sync.Mutex
	slots     []*slot // in the order of the log; the first one is unfinished
	bytes     int
	unsettled int
	watermark int64 // everything below is finished
	room      chan struct{}
}

// slot is the place of one record.
type slot struct {
	next int64 // the offset after the record
	size int
	done bool
}

func newWindow(limit, limitBytes int) *window {
	return &window{limit: limit, limitBytes: limitBytes, watermark: -1}
}

// add makes a place for r, the next record of the log, as soon as there is
// room. It returns nil when ctx ended first. A record that is larger than the
// limit is let in when no other one is unfinished.
func (w *window) add(ctx context.Context, r *record) *slot {
	s := &slot{next: r.offset + 1, size: r.size()}
	for {
		w.mu.Lock()
		if len(w.slots) < w.limit && (w.unsettled == 0 || w.bytes+s.size <= w.limitBytes) {
			w.slots = append(w.slots, s)
			w.bytes += s.size
			w.unsettled++
			w.mu.Unlock()
			return s
		}
		if w.room == nil {
			w.room = make(chan struct{})
		}
		room := w.room
		w.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return nil
		}
	}
}

// finish marks the record of s as done.
func (w *window) finish(s *slot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.done = true
	w.bytes -= s.size
	w.unsettled--
	w.advance()
	if w.room != nil {
		close(w.room)
		w.room = nil
	}
}

// skip says that nothing else is to be read below next.
func (w *window) skip(next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slots = append(w.slots, &slot{next: next, done: true})
	w.advance()
}

func (w *window) advance() {
	for len(w.slots) > 0 && w.slots[0].done {
		w.watermark = w.slots[0].next
		w.slots[0] = nil
		w.slots = w.slots[1:]
	}
}

// position returns the offset that may be committed, -1 if none is known, and
// how many records are unfinished.
func (w *window) position() (offset int64, unfinished int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.watermark, w.unsettled
}
