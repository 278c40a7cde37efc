package sqlledger

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	sqlite3 "zombiezen.com/go/sqlite"

	"fhirbridge/pipeline"
)

// conn is one connection with its prepared statements, which live as long as it
// does. It belongs to one goroutine at a time.
//
// Statements run without a deadline: they are short, and one that could be
// cancelled would cost a goroutine each.
type conn struct {
	raw     *sqlite3.Conn
	dialect dialect
	stmts   map[string]*stmt
	// wrote is set by every exec, and bound counts the bytes that statements were given. The writer clears both.
	wrote bool
	bound int
}

type stmt struct {
	*sqlite3.Stmt
	dest row
}

// connect opens path, "" for memory, and runs the pragmas.
func connect(d dialect, path string, pragmas ...string) (*conn, error) {
	raw, err := sqlite3.OpenConn(uri(path), sqlite3.OpenReadWrite, sqlite3.OpenCreate, sqlite3.OpenURI)
	if err != nil {
		return nil, storeError(err)
	}
	c := &conn{raw: raw, dialect: d, stmts: map[string]*stmt{}}
	for _, p := range pragmas {
		if _, err := c.exec("PRAGMA " + p); err != nil {
			_ = c.close() // the error that led here says more
			return nil, err
		}
	}
	return c, nil
}

// close closes the statements and the connection.
func (c *conn) close() error {
	for _, s := range c.stmts {
		_ = s.Finalize() // says again why the last use of it failed
	}
	return storeError(c.raw.Close())
}

func (c *conn) prepare(query string) (*stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	text := query
	if c.dialect.bind != nil {
		text = c.dialect.bind(query)
	}
	prepared, rest, err := c.raw.PrepareTransient(text)
	if err != nil {
		return nil, storeError(err)
	}
	if strings.TrimSpace(text[len(text)-rest:]) != "" {
		_ = prepared.Finalize()
		return nil, storeError(errors.New("more than one statement"))
	}
	s := &stmt{Stmt: prepared, dest: make(row, prepared.ColumnCount())}
	c.stmts[query] = s
	return s, nil
}

// bind puts args in place. Only int64, string, []byte and nil are used.
func (s *stmt) bind(args []any) error {
	if want := s.BindParamCount(); want != len(args) {
		return fmt.Errorf("%d parameters, and %d arguments", want, len(args))
	}
	for i, a := range args {
		switch a := a.(type) {
		case int64:
			s.BindInt64(i+1, a)
		case string:
			s.BindText(i+1, a)
		case []byte:
			if a == nil {
				s.BindNull(i + 1)
			} else {
				s.BindBytes(i+1, a)
			}
		case nil:
			s.BindNull(i + 1)
		default:
			return fmt.Errorf("parameter %d is a %T", i+1, a)
		}
	}
	return nil
}

// run begins a statement with its arguments; the caller resets it.
func (c *conn) run(query string, args []any) (*stmt, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return s, storeError(s.bind(args))
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(query string, args ...any) (int64, error) {
	c.wrote = true
	for _, a := range args {
		if value, ok := a.([]byte); ok {
			c.bound += len(value)
		}
	}
	s, err := c.run(query, args)
	if err != nil {
		return 0, err
	}
	for more := true; more; {
		if more, err = s.Step(); err != nil { // it is reset then
			return 0, storeError(err)
		}
	}
	return int64(c.raw.Changes()), storeError(s.Reset())
}

// query calls each for every row. The row is valid until the next one; its
// strings and bytes may be kept. each must not run the same query again.
func (c *conn) query(each func(row) error, query string, args ...any) (err error) {
	s, err := c.run(query, args)
	if err != nil {
		return err
	}
	defer func() {
		if ended := s.Reset(); err == nil {
			err = storeError(ended)
		}
	}()
	for {
		more, err := s.Step()
		if err != nil || !more {
			return storeError(err)
		}
		s.read()
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

// row is one row of a result. Its accessors take NULL, and what is of another type, for the zero value.
type row []value

type value struct {
	null   bool
	number int64
	text   string
	bytes  []byte
}

// read copies the row that a statement stands at.
func (s *stmt) read() {
	for i := range s.dest {
		v := value{}
		switch s.ColumnType(i) {
		case sqlite3.TypeInteger:
			v.number = s.ColumnInt64(i)
		case sqlite3.TypeText:
			v.text = s.ColumnText(i)
		case sqlite3.TypeBlob:
			v.bytes = make([]byte, s.ColumnLen(i))
			s.ColumnBytes(i, v.bytes)
		default:
			v.null = true
		}
		s.dest[i] = v
	}
}

func (r row) number(i int) int64 { return r[i].number }

func (r row) text(i int) string { return r[i].text }

func (r row) bytes(i int) []byte { return r[i].bytes }

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
	if code := sqlite3.ErrCode(err); code != sqlite3.ResultError {
		e.Code = strconv.Itoa(int(code))
	}
	return e
}
