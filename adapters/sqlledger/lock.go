package sqlledger

import (
	"errors"
	"fmt"

	sqlite3 "zombiezen.com/go/sqlite"

	"fhirbridge/pipeline"
)

// lockFile is what is added to the path for the file that keeps other processes out: leases,
// the last id and the sync of the log are this process's own.
const lockFile = ".lock"

// lock takes the ledger at path for this process, and returns what holds it until it is closed.
// It is a lock of SQLite's on an empty database of its own, the same on every system; the system
// takes it back when the process ends, however that is. https://www.sqlite.org/lockingv3.html
func lock(d dialect, path string) (*conn, error) {
	path += lockFile
	if err := create(path); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	c, err := connect(d, path, "busy_timeout(250)") // Inspect holds it for a moment
	if err != nil {
		return nil, err
	}
	if _, err := c.exec("BEGIN EXCLUSIVE"); err != nil {
		_ = c.close() // the error that led here says more
		return nil, inUse(err)
	}
	return c, nil
}

// inUse says in words what SQLITE_BUSY means here.
func inUse(err error) error {
	if sqlite3.ErrCode(err).ToPrimary() != sqlite3.ResultBusy {
		return err
	}
	return fmt.Errorf("url: %w", &pipeline.Error{
		Op: "sqlledger.open", Kind: pipeline.Refused, Reason: "in_use", Err: errors.New("another process works with this ledger"),
	})
}
