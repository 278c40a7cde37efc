package sqlledger_test

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// wantInUse tries to open a ledger that somebody works with.
func wantInUse(t *testing.T, c sqlledger.Config) {
	t.Helper()
	l, err := sqlledger.New(c)
	if err == nil {
		_ = l.Close()
		t.Fatal("a ledger that is in use: opened a second time")
	}
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Kind != pipeline.Refused || e.Reason != "in_use" {
		t.Errorf("got %v, want it Refused, in_use", err)
	}
}

// TestOneProcess: a ledger has one process, until that ends, be it by SIGKILL.
func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	c := config(t, dir)
	child := crashCommand(t, dir, 0)
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	if !lines.Scan() {
		t.Fatal("the other process does not work")
	}
	wantInUse(t, c)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // until it is gone: what it says must not stop it before
	}
	_ = child.Wait() // it was killed
	openFile(t, dir)
}

// TestOneLedger: a second one in the same process would be as wrong, by whatever name.
func TestOneLedger(t *testing.T) {
	dir, links := t.TempDir(), t.TempDir()
	c := config(t, dir)
	l, err := sqlledger.New(c)
	if err != nil {
		t.Fatal(err)
	}
	wantInUse(t, c)
	link := filepath.Join(links, "other.db")
	if err := os.Symlink(filepath.Join(dir, "ledger.db"), link); err != nil {
		t.Fatal(err)
	}
	byLink := c
	byLink.URL = "sqlite:" + link
	wantInUse(t, byLink)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := sqlledger.New(byLink)
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	if _, err := again.Apply(t.Context(), appointment(1), nil); err != nil {
		t.Errorf("by its other name: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
