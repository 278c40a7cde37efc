package sqlledger

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"time"

	sqlitedriver "modernc.org/sqlite"

	"fhirbridge/pipeline"
)

// conn is one connection with its prepared statements, which live as long as it
// does. It belongs to one goroutine at a time.
//
// Statements run without a deadline: they are short, and one that could be
// cancelled would cost a goroutine each.
type conn struct {
	raw     driver.Conn
	dialect dialect
	stmts   map[string]*stmt
	// wrote is set by every exec, and bound counts the bytes that statements were given. The writer clears both.
	wrote bool
	bound int
}

type stmt struct {
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	args  []driver.NamedValue
	dest  row
}

func connect(d dialect, name string) (*conn, error) {
	connector, err := sqlitedriver.NewConnector(name)
	if err != nil {
		return nil, storeError(err)
	}
	raw, err := connector.Connect(context.Background())
	if err != nil {
		return nil, storeError(err)
	}
	return &conn{raw: raw, dialect: d, stmts: map[string]*stmt{}}, nil
}

// close closes the statements and the connection.
func (c *conn) close() error {
	for _, s := range c.stmts {
		if closer, ok := s.exec.(io.Closer); ok {
			_ = closer.Close()
		}
	}
	return c.raw.Close()
}

func (c *conn) prepare(query string) (*stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	text := query
	if c.dialect.bind != nil {
		text = c.dialect.bind(query)
	}
	prepared, err := c.raw.(driver.ConnPrepareContext).PrepareContext(context.Background(), text)
	if err != nil {
		return nil, storeError(err)
	}
	s := &stmt{exec: prepared.(driver.StmtExecContext), query: prepared.(driver.StmtQueryContext)}
	c.stmts[query] = s
	return s, nil
}

// bind puts args in place. Only int64, string, []byte and nil are used.
func (s *stmt) bind(args []any) []driver.NamedValue {
	s.args = s.args[:0]
	for i, a := range args {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return s.args
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(query string, args ...any) (int64, error) {
	c.wrote = true
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	for _, a := range args {
		if value, ok := a.([]byte); ok {
			c.bound += len(value)
		}
	}
	result, err := s.exec.ExecContext(context.Background(), s.bind(args))
	if err != nil {
		return 0, storeError(err)
	}
	return result.RowsAffected()
}

// query calls each for every row. The row is valid until the next one; its
// strings and bytes may be kept. each must not run the same query again.
func (c *conn) query(each func(row) error, query string, args ...any) (err error) {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.query.QueryContext(context.Background(), s.bind(args))
	if err != nil {
		return storeError(err)
	}
	defer func() {
		if closing := rows.Close(); closing != nil && err == nil {
			err = storeError(closing)
		}
	}()
	if s.dest == nil {
		s.dest = make(row, len(rows.Columns()))
	}
	for {
		switch err := rows.Next(s.dest); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return storeError(err)
		}
		if err := each(s.dest); err != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
	}
}

// one returns the first row, and whether there is one.
func (c *conn) one(query string, args ...any) (found row, ok bool, err error) {
	err = c.query(func(r row) error {
		found, ok = r, true
		return errEnough
	}, query, args...)
	return found, ok, err
}

// moment runs f, which only reads, in one transaction: all that it asks is answered as of its first question. What SQLite has read
// of the file for one answer serves the next then, however much is committed meanwhile.
func (c *conn) moment(f func() error) (err error) {
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	defer func() { // also when f panics
		if _, ended := c.exec("COMMIT"); err == nil {
			err = ended
		}
	}()
	return f()
}

// errEnough ends a query early.
var errEnough = errors.New("enough")

// row is one row of a result. Its accessors take NULL for the zero value.
type row []driver.Value

func (r row) number(i int) int64 {
	n, _ := r[i].(int64)
	return n
}

func (r row) text(i int) string {
	s, _ := r[i].(string)
	return s
}

func (r row) bytes(i int) []byte {
	b, _ := r[i].([]byte)
	return b
}

func (r row) at(i int) time.Time { return fromMicros(r.number(i)) }

// micros is how times are stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// storeError wraps a failure of the database. The driver's text holds no values:
// all of them are bound, none is part of a statement.
func storeError(err error) error {
	var own *pipeline.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	e := &pipeline.Error{Op: "sqlledger.store", Kind: pipeline.Transient, Reason: "store", Err: err}
	var coded *sqlitedriver.Error
	if errors.As(err, &coded) {
		e.Code = strconv.Itoa(coded.Code())
	}
	return e
}
