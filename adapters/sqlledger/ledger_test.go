package sqlledger_test

import (
	"path/filepath"
	"testing"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/porttest"
)

func TestPort(t *testing.T) {
	for name, open := range map[string]func(*testing.T) pipeline.Ledger{
		"file": func(t *testing.T) pipeline.Ledger { return openFile(t, t.TempDir()) },
		"memory": func(t *testing.T) pipeline.Ledger {
			l, err := sqlledger.New(sqlledger.Config{URL: "sqlite::memory:", Plaintext: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return l
		},
	} {
		t.Run(name, func(t *testing.T) { porttest.Ledger(t, open) })
	}
}

func TestReopen(t *testing.T) {
	porttest.LedgerReopen(t, func(t *testing.T, dir string) pipeline.Ledger {
		l, err := sqlledger.New(config(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		return l
	})
}

func TestOrder(t *testing.T) {
	porttest.LedgerOrder(t, func(t *testing.T, dir string) pipeline.Ledger {
		l, err := sqlledger.New(config(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		return l
	})
}

// config names a ledger in dir, with a key.
func config(tb testing.TB, dir string) sqlledger.Config {
	tb.Helper()
	return sqlledger.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyFile: keyFile(tb, dir)}
}
