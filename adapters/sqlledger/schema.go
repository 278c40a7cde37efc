package sqlledger

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"fhirbridge/pipeline"
)

// migrations are run in the order of their names, each once. The ledger keeps a digest of what it was
// made with: a step that was changed since makes another schema, and the ledger is refused. Until the
// first release that is how the schema changes, and ledgers begin anew; one that was published is never changed.
//
//go:embed schema/*.sql
var migrations embed.FS

// migrate brings the schema up to date. Each step is one transaction.
func migrate(c *conn) error {
	if _, err := c.exec("CREATE TABLE IF NOT EXISTS migration (name TEXT NOT NULL PRIMARY KEY)"); err != nil {
		return err
	}
	done := map[string]bool{}
	err := c.query(func(r row) error {
		done[r.text(0)] = true
		return nil
	}, "SELECT name FROM migration")
	if err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "schema/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	for name := range done {
		if !slices.Contains(names, name) {
			return otherSchema()
		}
	}
	for _, name := range names {
		if done[name] {
			err = sameStep(c, name)
		} else {
			err = c.within(func() error { return step(c, name) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// otherSchema refuses a ledger that this program would misread.
func otherSchema() error {
	return fmt.Errorf("url: %w", &pipeline.Error{
		Op: "sqlledger.open", Kind: pipeline.Refused, Reason: "other_schema", Err: errors.New("another version of the bridge made this ledger"),
	})
}

// step takes one step, and keeps with which text.
func step(c *conn, name string) error {
	script, digest, err := scriptOf(name)
	if err != nil {
		return err
	}
	for statement := range strings.SplitSeq(script, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := c.exec(c.dialect.words.Replace(statement)); err != nil {
			return err
		}
	}
	if _, err := c.exec("INSERT INTO lock (name, value) VALUES (?, ?)", name, digest); err != nil {
		return err
	}
	_, err = c.exec("INSERT INTO migration (name) VALUES (?)", name)
	return err
}

// sameStep refuses a step that was taken with another text.
func sameStep(c *conn, name string) error {
	_, digest, err := scriptOf(name)
	if err != nil {
		return err
	}
	kept, ok, err := c.one("SELECT value FROM lock WHERE name = ?", name)
	if err != nil {
		return err
	}
	if !ok || !bytes.Equal(kept.bytes(0), digest) {
		return otherSchema()
	}
	return nil
}

// scriptOf returns a step's statements without comments, and their digest.
func scriptOf(name string) (script string, digest []byte, err error) {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return "", nil, err
	}
	script = uncomment(string(text))
	sum := sha256.Sum256([]byte(script))
	return script, sum[:], nil
}

func uncomment(script string) string {
	var out strings.Builder
	for line := range strings.Lines(script) {
		if !strings.HasPrefix(line, "--") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// within runs f in a transaction.
func (c *conn) within(f func() error) error {
	if _, err := c.exec(c.dialect.begin); err != nil {
		return err
	}
	if err := f(); err != nil {
		_, _ = c.exec("ROLLBACK") // the error that led here says more
		return err
	}
	_, err := c.exec("COMMIT")
	return err
}

// recognise compares the key with the one that the database was made with, and
// remembers it in a new one.
func recognise(c *conn, s *sealer) error {
	kept, ok, err := c.one("SELECT value FROM lock WHERE name = 'key'")
	if err != nil {
		return err
	}
	if !ok {
		_, err := c.exec("INSERT INTO lock (name, value) VALUES ('key', ?)", s.check())
		return err
	}
	switch value := kept.bytes(0); {
	case bytes.Equal(value, s.check()):
		return nil
	case s.key == nil:
		return errors.New("plaintext: the database is encrypted")
	case string(value) == "plaintext":
		return errors.New("key_file: the database is not encrypted; it can only be opened with plaintext: true")
	}
	return errors.New("key_file: is not the key that the database was encrypted with")
}
