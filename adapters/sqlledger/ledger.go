package sqlledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fhirbridge/pipeline"
)

var _ pipeline.Ledger = (*Ledger)(nil)

// readers is how many connections serve what only reads.
const readers = 3

// Ledger is the ledger of one program instance. Safe for concurrent use.
type Ledger struct {
	now  func() time.Time
	log  *slog.Logger
	seal *sealer

	writer *writer
	// lock keeps other processes out; nil in memory.
	lock *conn
	// logFile is what the writer syncs, mainFile what the checkpointer does. They, checkpoint and readers are nil in memory,
	// where the writer reads as well.
	logFile    *os.File
	mainFile   *os.File
	checkpoint *checkpointer
	readers    chan *conn

	leases      leases
	writeLeases writeLeases
	due         chan struct{}
	writes      map[pipeline.Sink]chan struct{}
	// told is the time that Due last called next, in microseconds: what falls due earlier is news.
	told atomic.Int64

	closing sync.Once
	closed  error
}

// Option changes what New makes.
type Option func(*Ledger)

// WithClock replaces time.Now.
func WithClock(now func() time.Time) Option { return func(l *Ledger) { l.now = now } }

// WithLogger sets where the background work reports, which has nobody to return errors to.
func WithLogger(log *slog.Logger) Option { return func(l *Ledger) { l.log = log } }

// New opens the ledger that cfg names and creates it if there is none. It
// refuses a key other than the one the ledger was made with, a ledger that another process
// works with (Refused, in_use), and one of another schema (Refused, other_schema). Its errors begin with the key of the
// configuration that is at fault, where one is.
func New(cfg Config, opts ...Option) (*Ledger, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	key, err := cfg.key()
	if err != nil {
		return nil, err
	}
	path, err := cfg.path()
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		now: time.Now, log: slog.New(slog.DiscardHandler), seal: newSealer(key),
		leases: newLeases(), writeLeases: newWriteLeases(),
		due: make(chan struct{}, 1),
		writes: map[pipeline.Sink]chan struct{}{
			pipeline.SinkServer: make(chan struct{}, 1), pipeline.SinkTopic: make(chan struct{}, 1),
			pipeline.SinkFiles: make(chan struct{}, 1),
		},
	}
	l.told.Store(never)
	for _, o := range opts {
		o(l)
	}
	if err := l.open(path); err != nil {
		return nil, err
	}
	return l, nil
}

// open connects, and starts the writer.
func (l *Ledger) open(path string) (err error) {
	d := sqlite()
	var opened []*conn
	defer func() {
		if err == nil {
			return
		}
		for _, c := range slices.Backward(opened) { // the lock last
			_ = c.close()
		}
	}()
	if path != "" {
		if path, err = own(path); err != nil {
			return fmt.Errorf("url: %w", err)
		}
		if l.lock, err = lock(d, path); err != nil {
			return err
		}
		opened = append(opened, l.lock)
	}
	connection := func(pragmas []string) (*conn, error) {
		c, err := connect(d, path, pragmas...)
		if err == nil {
			opened = append(opened, c)
		}
		return c, err
	}
	main, err := connection(d.writer)
	if err != nil {
		return err
	}
	ids, err := l.prepare(main)
	if err != nil {
		return err
	}
	l.writer = &writer{
		conn: main, now: l.now, ids: ids, queue: make(chan *call, queueSize), committed: make(chan []*call, 1),
		ended: make(chan struct{}), news: l.news, busy: func(int, int) {}, sync: func() error { return nil },
	}
	if path != "" {
		if err := l.beside(path, connection, d); err != nil {
			return err
		}
	}
	go l.writer.loop()
	go l.writer.settle()
	return nil
}

// own makes the file if there is none, and returns the name under which SQLite puts others beside it.
func own(path string) (string, error) {
	if err := create(path); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// create makes the file, for this user only, as is all that SQLite puts beside it. A
// file that is there is not opened: closing it again would drop SQLite's locks on it.
// https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
func create(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// prepare brings schema and key in order and returns the last id that was given.
func (l *Ledger) prepare(main *conn) (ids int64, err error) {
	if err := migrate(main); err != nil {
		return 0, err
	}
	if err := recognise(main, l.seal); err != nil {
		return 0, err
	}
	last, _, err := main.one(`SELECT COALESCE(MAX(id), 0) FROM (
		SELECT MAX(id) AS id FROM resource UNION ALL SELECT MAX(id) FROM attempt UNION ALL SELECT MAX(id) FROM owed) AS every`)
	if err != nil {
		return 0, err
	}
	return last.number(0), nil
}

// beside opens what works beside the writer's connection.
func (l *Ledger) beside(path string, connection func([]string) (*conn, error), d dialect) error {
	l.readers = make(chan *conn, readers)
	for range readers {
		c, err := connection(d.reader)
		if err != nil {
			return err
		}
		l.readers <- c
	}
	c, err := connection(d.writer)
	if err != nil {
		return err
	}
	if d.log != "" {
		if l.logFile, err = os.OpenFile(path+d.log, os.O_RDWR, 0); err != nil {
			return fmt.Errorf("url: %w", err)
		}
		l.writer.sync = l.logFile.Sync
	}
	// It is closed last: closing it drops SQLite's locks on it (see create).
	if l.mainFile, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		if l.logFile != nil {
			_ = l.logFile.Close() // the error that led here says more
		}
		return fmt.Errorf("url: %w", err)
	}
	l.checkpoint = &checkpointer{
		conn: c, w: l.writer, log: l.log, sync: l.mainFile.Sync,
		kick: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	l.writer.busy = l.checkpoint.busy
	go l.checkpoint.loop()
	return nil
}

// Close waits for what has begun, puts everything into the main file and closes it.
// Later calls fail.
func (l *Ledger) Close() error {
	l.closing.Do(func() {
		if l.checkpoint != nil {
			close(l.checkpoint.stop)
			<-l.checkpoint.ended
		}
		l.writer.close()
		var errs []error
		if l.checkpoint != nil {
			errs = append(errs, l.checkpoint.conn.close())
			for range readers {
				errs = append(errs, (<-l.readers).close())
			}
			close(l.readers)
			if l.writer.failed.Load() == nil { // else the next start copies what is in the log
				_, err := checkpoint(l.writer.conn, l.writer.conn.dialect.truncate)
				errs = append(errs, err)
			}
			if l.logFile != nil {
				errs = append(errs, l.logFile.Close())
			}
		}
		errs = append(errs, l.writer.conn.close())
		if l.mainFile != nil {
			errs = append(errs, l.mainFile.Close())
		}
		if l.lock != nil {
			errs = append(errs, l.lock.close())
		}
		l.closed = errors.Join(errs...)
	})
	return l.closed
}

// Wake implements pipeline.Ledger.
func (l *Ledger) Wake() <-chan struct{} { return l.due }

// WakeWrites implements pipeline.Ledger.
func (l *Ledger) WakeWrites(sink pipeline.Sink) <-chan struct{} { return l.writes[sink] }

// never is later than every time.
const never = int64(1) << 62

// news signals what has been planned: the earliest time at which some of it falls due.
func (l *Ledger) news(due int64) {
	if due <= micros(l.now()) || due < l.told.Load() {
		signal(l.due)
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // one stands already, or there is nobody to tell
	}
}

// Ping implements pipeline.Ledger. It fails for good once the disk has refused a sync.
func (l *Ledger) Ping(ctx context.Context) error {
	if failed := l.writer.failed.Load(); failed != nil {
		return *failed
	}
	return l.view(ctx, func(c *conn) error {
		_, _, err := c.one("SELECT name FROM lock")
		return err
	})
}
