package sqlledger_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirbridge/adapters/sqlledger"
)

func TestInspect(t *testing.T) {
	dir := t.TempDir()
	c := config(t, dir)
	looks := func(what string, c sqlledger.Config, want sqlledger.Inspection, problem string) {
		t.Helper()
		got, err := sqlledger.Inspect(c)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != want || !strings.HasPrefix(text, problem) || problem == "" && text != "" {
			t.Errorf("%s: got %+v, %q; want %+v, %q", what, got, text, want, problem)
		}
	}
	looks("before the first start", c, sqlledger.Inspection{New: true}, "")
	if files, err := os.ReadDir(dir); err != nil || len(files) > 1 {
		t.Errorf("it has left %d files, want the key only (%v)", len(files), err)
	}
	l, err := sqlledger.New(c)
	if err != nil {
		t.Fatal(err)
	}
	looks("while it is open", c, sqlledger.Inspection{InUse: true}, "")
	wantInUse(t, c)
	if err := l.Ping(t.Context()); err != nil {
		t.Errorf("the ledger, after somebody has looked at it: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	looks("closed", c, sqlledger.Inspection{}, "")
	other := c
	other.KeyFile = filepath.Join(dir, "other.key")
	if err := os.WriteFile(other.KeyFile, []byte(sqlledger.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	looks("another key", other, sqlledger.Inspection{}, "key_file: is not the key")
	looks("no key", sqlledger.Config{URL: c.URL, Plaintext: true}, sqlledger.Inspection{}, "plaintext: the database is encrypted")
	looks("no folder", sqlledger.Config{URL: "sqlite:" + filepath.Join(dir, "none", "x.db"), Plaintext: true}, sqlledger.Inspection{}, "url: its folder is not there")
	looks("in memory", sqlledger.Config{URL: "sqlite::memory:", Plaintext: true}, sqlledger.Inspection{New: true}, "")
	looks("nothing", sqlledger.Config{}, sqlledger.Inspection{}, "url: required")
	openFile(t, dir) // nothing has happened to it
}
