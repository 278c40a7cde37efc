package sqlledger_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirbridge/adapters/sqlledger"
)

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		config sqlledger.Config
		want   []string // beginnings of the problems, in order
	}{
		"a file with a key":       {sqlledger.Config{URL: "sqlite:bridge.db", KeyFile: "key"}, nil},
		"plaintext, said":         {sqlledger.Config{URL: "sqlite::memory:", Plaintext: true}, nil},
		"nothing":                 {sqlledger.Config{}, []string{"url: ", "key_file: "}},
		"no key":                  {sqlledger.Config{URL: "sqlite:bridge.db"}, []string{"key_file: "}},
		"another database":        {sqlledger.Config{URL: "postgres://localhost/bridge", KeyFile: "key"}, []string{"url: "}},
		"no file":                 {sqlledger.Config{URL: "sqlite:", KeyFile: "key"}, []string{"url: "}},
		"a key that is not meant": {sqlledger.Config{URL: "sqlite:bridge.db", KeyFile: "key", Plaintext: true}, []string{"plaintext: "}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			if err := c.config.Validate(); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %d problems", got, len(c.want))
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]) {
					t.Errorf("got %q, want it to begin with %q", got[i], c.want[i])
				}
			}
		})
	}
}

func TestKeyFile(t *testing.T) {
	key := strings.Repeat("0123456789abcdef", 4)
	for name, c := range map[string]struct {
		content string
		want    string // of the error; "" for none
	}{
		"base64":            {sqlledger.NewKey(), ""},
		"with a line break": {sqlledger.NewKey() + "\r\n", ""},
		"hexadecimal":       {key, ""},
		"too short":         {key[:62], "key_file: "},
		"not encoded":       {"correct horse battery staple", "key_file: "},
		"empty":             {"", "key_file: "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "key")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := sqlledger.New(sqlledger.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyFile: path})
			if err == nil {
				err = l.Close()
			}
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want none", err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
				t.Errorf("got %v, want it to begin with %q", err, c.want)
			case err != nil && c.content != "" && strings.Contains(err.Error(), c.content):
				t.Error("the error holds the key")
			}
		})
	}
	if a, b := sqlledger.NewKey(), sqlledger.NewKey(); a == b {
		t.Error("two new keys are the same")
	}
}

func TestWrongKey(t *testing.T) {
	dir := t.TempDir()
	first := config(t, dir)
	other := config(t, t.TempDir())
	other.URL = first.URL
	plain := sqlledger.Config{URL: first.URL, Plaintext: true}
	reopen := func(c sqlledger.Config) error {
		l, err := sqlledger.New(c)
		if err != nil {
			return err
		}
		return l.Close()
	}
	if err := reopen(first); err != nil {
		t.Fatalf("new: %v", err)
	}
	for name, c := range map[string]struct {
		config sqlledger.Config
		want   string
	}{"another key": {other, "key_file: "}, "no key": {plain, "plaintext: "}} {
		if err := reopen(c.config); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want it to begin with %q", name, err, c.want)
		}
	}
	if err := reopen(first); err != nil {
		t.Errorf("the right key again: %v", err)
	}
	unencrypted := sqlledger.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"), Plaintext: true}
	if err := reopen(unencrypted); err != nil {
		t.Fatalf("plaintext: %v", err)
	}
	encrypted := unencrypted
	encrypted.Plaintext, encrypted.KeyFile = false, first.KeyFile
	if err := reopen(encrypted); err == nil || !strings.HasPrefix(err.Error(), "key_file: ") {
		t.Errorf("a key for an unencrypted one: got %v", err)
	}
}

func TestFileIsPrivate(t *testing.T) {
	dir := t.TempDir()
	openFile(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "ledger.db*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files: got %v, %v; want the database and its log", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: got mode %o, want 600", filepath.Base(f), got)
		}
	}
}
