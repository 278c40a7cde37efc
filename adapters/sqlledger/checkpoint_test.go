package sqlledger_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestLogIsBounded writes more than the write-ahead log may hold, without a pause and with
// readers that are never all away.
func TestLogIsBounded(t *testing.T) {
	const (
		events = 1150
		body   = 128 << 10
		bound  = 112 << 20
	)
	dir := t.TempDir()
	l := openFile(t, dir)
	stop := make(chan struct{})
	var reading sync.WaitGroup
	for range 2 {
		reading.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, _, err := l.Resource(context.Background(), "Appointment/none"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	large := bytes.Repeat([]byte("x"), body)
	spread(16, events, func(i int64) {
		ev := appointment(i)
		ev.Resource = large
		if _, err := l.Apply(context.Background(), ev, nil); err != nil {
			t.Error(err)
		}
	})
	close(stop)
	reading.Wait()
	log, err := os.Stat(filepath.Join(dir, "ledger.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if log.Size() > bound {
		t.Errorf("log: got %d MB after %d MB, want at most %d", log.Size()>>20, events*body>>20, bound>>20)
	}
}
