package main

import (
	"cmp"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"fhirbridge/adapters/sqlledger"
)

// TestRunRefusesALedgerInUse: two bridges on one ledger would send everything twice.
func TestRunRefusesALedgerInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	other, err := sqlledger.New(sqlledger.Config{URL: "sqlite:" + filepath.Join(w.dir, "bridge.db"), KeyFile: filepath.Join(w.dir, "ledger.key")})
	must(t, err)
	c, err := w.load(w.config(cmp.Or(w.api, w.whatsapp.URL())))
	must(t, err)
	a, err := newApp(c, newLog(slog.LevelInfo, true))
	if err == nil {
		t.Fatal("a second one runs", a.close())
	}
	if got := err.Error(); !strings.HasPrefix(got, "ledger: url: ") || !strings.Contains(got, "another process works with this ledger") {
		t.Errorf("got %q, want it to say what is wrong", got)
	}
	must(t, other.Close())
	w.run()
}
