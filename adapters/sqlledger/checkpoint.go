package sqlledger

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	sqlite3 "zombiezen.com/go/sqlite"
)

const (
	// checkpointCalls and checkpointBytes are after how many calls, or bytes of resources, what is
	// committed is copied from the write-ahead log into the main file. While it is, commits wait for the same
	// disk: little and often keeps that short.
	checkpointCalls = 1000
	checkpointBytes = 4 << 20
	// checkpointRest is the least time between two, unless four times as much has come together: pages that
	// change often are copied once for all their changes.
	checkpointRest = 500 * time.Millisecond
	// logPages is how long the log may become, in pages, before the writer itself copies the
	// rest and begins it anew.
	logPages = 16384
)

// checkpointer keeps the write-ahead log short. It copies beside the writer,
// so that no call waits for it; since the writer goes on meanwhile, it never
// copies all, and the log would only grow. When it has become long, the
// writer is asked to copy the little that is left and to begin the log anew.
//
// SQLite syncs the main file only when all is copied, so that the writer would have to wait for
// everything that was copied since the log began. It is synced here before.
type checkpointer struct {
	conn *conn
	w    *writer
	log  *slog.Logger
	// sync returns when what was copied into the main file is on disk.
	sync func() error
	// calls and bytes are counted by the writer's goroutine, since the last kick.
	calls, bytes int
	kicked       time.Time

	kick  chan struct{}
	stop  chan struct{}
	ended chan struct{}
}

// busy is called by the writer after every group.
func (c *checkpointer) busy(calls, bytes int) {
	c.calls, c.bytes = c.calls+calls, c.bytes+bytes
	switch much := max(c.calls/checkpointCalls, c.bytes/checkpointBytes); {
	case much == 0:
		return
	case much < 4 && time.Since(c.kicked) < checkpointRest:
		return
	}
	c.calls, c.bytes, c.kicked = 0, 0, time.Now()
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

func (c *checkpointer) loop() {
	defer close(c.ended)
	for {
		select {
		case <-c.stop:
			return
		case <-c.kick:
		}
		if c.w.failed.Load() != nil {
			continue
		}
		// It works for some 10 ms without letting go of its processor, and has been woken by the writer, together with those who wait
		// for what was committed: they would stand behind it.
		runtime.Gosched()
		err := c.run()
		if sqlite3.ErrCode(err) == sqlite3.ResultIOErrFsync {
			err = c.w.fail(err)
		}
		if err != nil && !errors.Is(err, errClosed) {
			c.log.Error("ledger: write-ahead log not copied; it grows until the next time", "error", err)
		}
	}
}

func (c *checkpointer) run() error {
	pages, err := checkpoint(c.conn, c.conn.dialect.checkpoint)
	if err != nil || pages < logPages {
		return err
	}
	for range 2 { // the second time, it is what was committed during the first
		if err := c.sync(); err != nil {
			return c.w.fail(err) // the log, which has all, must not begin anew
		}
		if _, err := checkpoint(c.conn, c.conn.dialect.checkpoint); err != nil {
			return err
		}
	}
	return c.w.submit(context.Background(), &call{alone: true, done: make(chan struct{}), run: func(t *tx) error {
		_, err := checkpoint(t.conn, t.dialect.restart)
		return err
	}})
}

// checkpoint runs one and returns how many pages are in the log.
func checkpoint(c *conn, statement string) (pages int64, err error) {
	if statement == "" {
		return 0, nil
	}
	result, ok, err := c.one(statement)
	if err != nil || !ok {
		return 0, err
	}
	return result.number(1), nil
}
