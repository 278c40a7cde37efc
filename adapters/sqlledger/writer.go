package sqlledger

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"fhirbridge/pipeline"
)

const (
	// groupSize bounds how many calls share a transaction.
	groupSize = 512
	// queueSize is how many calls may wait before callers are held up.
	queueSize = 4 * groupSize
)

// writer runs every changing call in the one goroutine that owns the writing
// connection. Calls that wait at the same time share a transaction: it takes
// what waits, runs it, commits once, and answers all. It never waits for
// company: an only call is a transaction of its own.
type writer struct {
	conn *conn
	now  func() time.Time
	// ids is the last id given to a row. One counter serves all tables.
	ids int64

	mu     sync.RWMutex // held for reading while a call is being queued
	closed bool
	queue  chan *call
	ended  chan struct{}
	// busy is told how many calls each group had.
	busy func(calls int)
}

// call is one changing call on its way through the writer.
type call struct {
	run   func(*tx) error
	alone bool        // outside of any transaction
	taken atomic.Bool // by the writer, or by a caller who gave up waiting
	err   error
	done  chan struct{}
}

// tx is what a call sees of the transaction it runs in.
type tx struct {
	*conn
	w *writer
	// now is the time of the transaction, the same for all of its calls.
	now    time.Time
	counts []tallied
}

type tallied struct {
	what counted
	n    int64
}

func (t *tx) count(what counted, n int64) { t.counts = append(t.counts, tallied{what, n}) }

// id returns the id of a new row.
func (t *tx) id() int64 {
	t.w.ids++
	return t.w.ids
}

// do queues run and returns when its transaction is on disk, or with why it is
// not. A caller whose context ends before run has begun takes it back; once
// begun it is waited for, so that the answer is never in doubt.
//
// run may be called a second time, after everything of the first has been
// rolled back: it sets its results at its end.
func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	return w.submit(ctx, &call{run: run, done: make(chan struct{})})
}

func (w *writer) submit(ctx context.Context, c *call) error {
	if err := w.enqueue(ctx, c); err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		<-c.done
	}
	return c.err
}

func (w *writer) enqueue(ctx context.Context, c *call) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.queue <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errClosed = &pipeline.Error{Op: "sqlledger.store", Kind: pipeline.Transient, Reason: "closed"}

// close lets what is queued finish and ends the writer.
func (w *writer) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.ended
}

func (w *writer) loop() {
	defer close(w.ended)
	group := make([]*call, 0, groupSize)
	for first := range w.queue {
		group = w.gather(append(group[:0], first))
		w.run(group)
		w.busy(len(group))
		clear(group)
	}
}

// gather adds what waits. Callers that the last group has just answered get one
// turn on the processor to come back with their next call.
func (w *writer) gather(group []*call) []*call {
	for yielded := false; len(group) < groupSize; {
		select {
		case c, ok := <-w.queue:
			if !ok {
				return group
			}
			group = append(group, c)
		default:
			if yielded {
				return group
			}
			runtime.Gosched()
			yielded = true
		}
	}
	return group
}

// run runs the calls of a group and answers them.
func (w *writer) run(group []*call) {
	together := group[:0:len(group)]
	for _, c := range group {
		switch {
		case !c.taken.CompareAndSwap(false, true): // its caller has gone
		case c.alone:
			c.err = w.guard(c, &tx{conn: w.conn, w: w, now: w.now()})
			close(c.done)
		default:
			together = append(together, c)
		}
	}
	if len(together) == 0 {
		return
	}
	if !w.transact(together) {
		for i := range together {
			w.transact(together[i : i+1])
		}
	}
	for _, c := range together {
		close(c.done)
	}
}

// transact runs calls in one transaction. A call that fails before it has
// changed anything fails alone. If one has changed something, or the database
// fails, nothing of the group is kept and false is returned.
func (w *writer) transact(calls []*call) bool {
	t := &tx{conn: w.conn, w: w, now: w.now()}
	err := func() error {
		if _, err := w.conn.exec(w.conn.dialect.begin); err != nil {
			return err
		}
		for _, c := range calls {
			w.conn.wrote = false
			counts := len(t.counts)
			if c.err = w.guard(c, t); c.err == nil {
				continue
			}
			if w.conn.wrote {
				return c.err
			}
			t.counts = t.counts[:counts]
		}
		if err := t.flush(); err != nil {
			return err
		}
		_, err := w.conn.exec("COMMIT")
		return err
	}()
	if err == nil {
		return true
	}
	_, _ = w.conn.exec("ROLLBACK") // it may have rolled itself back
	if len(calls) == 1 && calls[0].err == nil {
		calls[0].err = err
	}
	return false
}

// guard runs one call and makes its panic an error.
func (w *writer) guard(c *call, t *tx) (err error) {
	defer func() {
		if recover() != nil { // what it panicked with may hold patient data
			err = &pipeline.Error{Op: "sqlledger.call", Kind: pipeline.Malformed, Reason: "panic"}
		}
	}()
	return c.run(t)
}

// flush brings the tallies up to date.
func (t *tx) flush() error {
	sums := make(map[counted]int64, 8)
	for _, c := range t.counts {
		sums[c.what] += c.n
	}
	for what, n := range sums {
		if n == 0 {
			continue
		}
		_, err := t.exec(`INSERT INTO tally (kind, name, reason, n) VALUES (?, ?, ?, ?)
			ON CONFLICT (kind, name, reason) DO UPDATE SET n = tally.n + excluded.n`, what.kind, what.name, what.reason, n)
		if err != nil {
			return err
		}
	}
	return nil
}
