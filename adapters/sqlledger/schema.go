package sqlledger

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// migrations are run in the order of their names, each once. One that was
// published is never changed.
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
	for _, name := range names {
		if done[name] {
			continue
		}
		if err := c.within(func() error { return step(c, name) }); err != nil {
			return err
		}
	}
	for name := range done {
		if !slices.Contains(names, name) {
			return errors.New("url: the database was written by a newer version of the bridge")
		}
	}
	return nil
}

func step(c *conn, name string) error {
	script, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	for statement := range strings.SplitSeq(uncomment(string(script)), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := c.exec(c.dialect.words.Replace(statement)); err != nil {
			return err
		}
	}
	_, err = c.exec("INSERT INTO migration (name) VALUES (?)", name)
	return err
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
