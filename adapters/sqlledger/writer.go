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
// what waits, runs it and commits once. A second goroutine syncs the log and
// then answers, while the first runs the next group; at most two groups are on
// their way, so that a slow disk makes groups larger. Nobody waits for company:
// an only call is a transaction of its own.
type writer struct {
	conn *conn
	now  func() time.Time
	// ids is the last id given to a row. One counter serves all tables.
	ids int64

	mu     sync.RWMutex // held for reading while a call is being queued
	closed bool
	queue  chan *call
	// committed are groups whose transaction is done and not yet known to be on disk.
	committed chan []*call
	// sync returns when everything that is committed is on disk. failed is why it once did not: nobody
	// knows what is on disk since, and nothing is promised any more.
	sync   func() error
	failed atomic.Pointer[error]
	ended  chan struct{}
	// news is told when the earliest falls due of what is planned, once that is committed and before it is on disk: what
	// comes of it is begun in a later transaction, which is not on disk before this one is.
	news func(due int64)
	// busy is told how many calls each group had, and how many bytes they wrote.
	busy func(calls, bytes int)
}

// call is one changing call on its way through the writer.
type call struct {
	run   func(*tx) error
	alone bool        // outside of any transaction
	taken atomic.Bool // by the writer, or by a caller who gave up waiting
	err   error
	done  chan struct{}
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

// loop runs what is queued. The next group begins while the one before is on
// its way to the disk.
func (w *writer) loop() {
	defer close(w.committed)
	for first := range w.queue {
		group := w.gather(append(make([]*call, 0, 64), first))
		calls := len(group)
		if group = w.run(group); len(group) > 0 {
			w.committed <- group
		}
		w.busy(calls, w.conn.bound)
		w.conn.bound = 0
	}
}

// settle answers calls once they are on disk. Groups that were committed meanwhile share one sync.
func (w *writer) settle() {
	defer close(w.ended)
	for group := range w.committed {
		for more := true; more; {
			select {
			case next, ok := <-w.committed:
				group, more = append(group, next...), ok
			default:
				more = false
			}
		}
		failed := w.onDisk()
		for _, c := range group {
			if c.err == nil {
				c.err = failed
			}
			close(c.done)
		}
	}
}

// onDisk syncs, and never again after it has failed: a second sync may say that
// all is well when the system has already dropped what it could not write.
// https://wiki.postgresql.org/wiki/Fsync_Errors
func (w *writer) onDisk() error {
	if failed := w.failed.Load(); failed != nil {
		return *failed
	}
	err := w.sync()
	if err == nil {
		return nil
	}
	return w.fail(err)
}

// fail lets every later change fail: nobody knows what is on disk.
func (w *writer) fail(err error) error {
	failed := storeError(err)
	w.failed.Store(&failed)
	return failed
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

// run runs the calls of a group, and returns those that are to be answered once they are on disk.
func (w *writer) run(group []*call) []*call {
	together := group[:0:len(group)]
	for _, c := range group {
		switch {
		case !c.taken.CompareAndSwap(false, true): // its caller has gone
		case c.alone:
			c.err = w.guard(c, w.tx())
			close(c.done)
		default:
			together = append(together, c)
		}
	}
	if len(together) > 0 && !w.transact(together) {
		for i := range together {
			w.transact(together[i : i+1])
		}
	}
	return together
}

// transact runs calls in one transaction. A call that fails before it has
// changed anything fails alone. If one has changed something, or the database
// fails, nothing of the group is kept and false is returned.
func (w *writer) transact(calls []*call) bool {
	t := w.tx()
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
		if t.due != never {
			w.news(t.due)
		}
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
