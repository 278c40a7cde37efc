package sqlledger_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	_ "modernc.org/sqlite" // a look at the file that is not the ledger's own

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// crashDir names the folder in which a child process of TestCrash works.
const crashDir = "SQLLEDGER_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// crashChild applies events by many callers until it is killed, and prints the
// number of each when Apply has returned.
func crashChild(dir string) error {
	first, err := strconv.ParseInt(os.Getenv(crashDir+"_FIRST"), 10, 64)
	if err != nil {
		return err
	}
	l, err := sqlledger.New(sqlledger.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyFile: filepath.Join(dir, "key")})
	if err != nil {
		return err
	}
	now := time.Now()
	spread(16, 1<<30, func(i int64) {
		ev := appointment(first + i)
		if _, err := l.Apply(context.Background(), ev, wanted(ev, now)); err == nil {
			fmt.Printf("%d\n", first+i) // one write of one line: it is there or it is not
		}
	})
	return nil
}

// crashCommand is a process that works on the ledger in dir until it is killed.
func crashCommand(t *testing.T, dir string, first int64) *exec.Cmd {
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("%s_FIRST=%d", crashDir, first))
	child.Stderr = os.Stderr
	return child
}

// TestCrash kills a process with SIGKILL again and again while it works on one
// ledger. Whatever it said was applied must be there, whole.
func TestCrash(t *testing.T) {
	const kills = 12
	dir := t.TempDir()
	keyFile(t, dir)
	applied := map[int64]bool{}
	for kill := range int64(kills) {
		child := crashCommand(t, dir, kill<<32)
		said, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		enough := 1 + rand.IntN(150)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			n, err := strconv.ParseInt(lines.Text(), 10, 64)
			if err != nil {
				continue // the line that the kill cut off
			}
			applied[n] = true
			if enough--; enough == 0 {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // it was killed
	}
	l := openFile(t, dir)
	for n := range applied {
		ev := appointment(n)
		if _, ok, err := l.Resource(t.Context(), ev.Ref()); !ok || err != nil {
			t.Fatalf("event %x: applied, and not there: %v", n, err)
		}
		if known, err := l.KnownOf(t.Context(), ev.Ref()); err != nil || len(known.Open) != 4 {
			t.Fatalf("event %x: got %d planned, %v; want 4", n, len(known.Open), err)
		}
	}
	if len(applied) < kills {
		t.Errorf("only %d events were applied over %d kills", len(applied), kills)
	}
	var check string
	db := database(t, dir)
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&check); err != nil || check != "ok" {
		t.Errorf("integrity: got %q, %v", check, err)
	}
}

// database opens the file of a ledger as such.
func database(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t *testing.T, dir, statement string) {
	t.Helper()
	if _, err := database(t, dir).Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// TestFailedCopy: once the main file may lack what was copied into it, the log is not begun anew, and nothing is promised any more.
func TestFailedCopy(t *testing.T) {
	dir := t.TempDir()
	l, err := sqlledger.New(config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.BreakFile(); err != nil {
		t.Fatal(err)
	}
	kept := int64(0)
	for ; kept < 200 && err == nil; kept++ {
		ev := appointment(kept)
		ev.Resource = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		_, err = l.Apply(t.Context(), ev, nil)
	}
	if err == nil || l.Ping(t.Context()) == nil {
		t.Fatalf("%d changes after the file was lost: %v; want them refused", kept, err)
	}
	_ = l.Close() // it cannot be closed well
	l = openFile(t, dir)
	for i := range kept - 1 {
		if _, ok, err := l.Resource(t.Context(), appointment(i).Ref()); !ok || err != nil {
			t.Fatalf("%s after the next start: %v, %v; want it", appointment(i).Ref(), ok, err)
		}
	}
}

// TestFailedSync: a call whose change may not be on disk must not succeed, nor any after it.
func TestFailedSync(t *testing.T) {
	l, err := sqlledger.New(config(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // its log is broken: it cannot be closed well
	if err := l.BreakLog(); err != nil {
		t.Fatal(err)
	}
	for i := range int64(2) {
		if _, err := l.Apply(t.Context(), appointment(i), nil); err == nil || pipeline.KindOf(err) != pipeline.Transient {
			t.Errorf("Apply %d: got %v, want it Transient", i, err)
		}
	}
	ev := appointment(7) // dispatch may hear of what is committed before it is on disk, and must not begin it
	if _, err := l.Apply(t.Context(), ev, wanted(ev, time.Now())); err == nil {
		t.Error("Apply with a plan: got no error")
	}
	due, _, err := l.Due(t.Context(), time.Now(), 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("due: %d, %v; want what is committed", len(due), err)
	}
	a := pipeline.Attempt{ID: pipeline.NewAttempt(), Notification: due[0].Key, SubjectVersion: due[0].Subject.Version, Begun: time.Now()}
	if begun, err := l.Begin(t.Context(), a); begun || err == nil {
		t.Errorf("Begin: got %v, %v; want an error", begun, err)
	}
	if err := l.Ping(t.Context()); err == nil {
		t.Error("Ping: got no error")
	}
}
