package sqlledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fhirbridge/pipeline"
)

// Inspection is what can be told of a ledger without opening it for work.
type Inspection struct {
	// New is set if there is none yet: the first start makes it.
	New bool
	// InUse is set if a process works with it now.
	InUse bool
}

// Inspect looks at the ledger that cfg names: that it can be read, or its folder written, that the key is its own, and the
// schema this program's. It changes nothing, and may be asked while a bridge works with the ledger. Its errors are New's.
func Inspect(cfg Config) (found Inspection, err error) {
	if err := cfg.Validate(); err != nil {
		return found, err
	}
	key, err := cfg.key()
	if err != nil {
		return found, err
	}
	path, err := cfg.path()
	if err != nil || path == "" {
		return Inspection{New: true}, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		if folder, err := os.Stat(filepath.Dir(path)); err != nil || !folder.IsDir() {
			return found, errors.New("url: its folder is not there")
		}
		return Inspection{New: true}, nil
	} else if err != nil {
		return found, fmt.Errorf("url: %w", err)
	}
	found.InUse = taken(path)
	c, err := connect(sqlite(), path, "busy_timeout(10000)", "query_only(on)")
	if err != nil {
		return found, err
	}
	defer func() { _ = c.close() }()
	return found, ours(c, newSealer(key))
}

// ours holds schema and key against this program's and the given one.
func ours(c *conn, s *sealer) error {
	steps, err := fs.Glob(migrations, "schema/*.sql")
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := sameStep(c, step); err != nil {
			return err
		}
	}
	_, ok, err := c.one("SELECT value FROM lock WHERE name = 'key'")
	if err == nil && !ok {
		err = otherSchema()
	}
	if err != nil {
		return err
	}
	return recognise(c, s)
}

// taken reports whether a process holds the ledger's lock.
func taken(path string) bool {
	if _, err := os.Stat(path + lockFile); err != nil {
		return false
	}
	c, err := connect(sqlite(), path+lockFile, "busy_timeout(0)", "query_only(on)")
	if err != nil {
		return false
	}
	defer func() { _ = c.close() }()
	_, _, err = c.one("SELECT COUNT(*) FROM sqlite_master")
	var own *pipeline.Error
	return errors.As(inUse(err), &own) && own.Reason == "in_use"
}
