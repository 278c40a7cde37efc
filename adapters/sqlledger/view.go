package sqlledger

import "context"

// view runs f, which only reads, on a connection of its own.
func (l *Ledger) view(ctx context.Context, f func(*conn) error) error {
	if l.readers == nil {
		return l.writer.submit(ctx, &call{alone: true, done: make(chan struct{}), run: func(t *tx) error { return f(t.conn) }})
	}
	select {
	case c, ok := <-l.readers:
		if !ok {
			return errClosed
		}
		defer func() { l.readers <- c }()
		return f(c)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// moment is view of one moment.
func (l *Ledger) moment(ctx context.Context, f func(*conn) error) error {
	return l.view(ctx, func(c *conn) error { return c.moment(func() error { return f(c) }) })
}
