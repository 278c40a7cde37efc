package exchange_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"fhirbridge/pipeline/exchange"
)

// Whoever loads a secret again gets what its file holds by then.
func TestSecretFilesAreReadAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	var none exchange.Secret
	for _, text := range []string{"first", "second\n", "\n\tthird \r\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := none.Load("token", path)
		if want := strings.TrimSpace(text); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got, err := none.Load("token", path); err == nil || got != "" {
		t.Errorf("of a file that is gone: got %q, %v", got, err)
	}
}

// What is wrong with a secret is told by its key, and without it.
func TestFaultsOfSecretsDoNotTellThem(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	load := func(text string) error {
		_, err := exchange.Secret{}.Load("token", file(text))
		return err
	}
	read := func(text string) error {
		var c struct {
			Token exchange.Secret `yaml:"token"`
		}
		return yaml.Unmarshal([]byte(text), &c)
	}
	sound := exchange.NewSecret("canary")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"given twice":        {sound.Problem("token", "file", true), "token: given twice"},
		"required":           {exchange.Secret{}.Problem("token", "", true), "token: required"},
		"of two lines":       {exchange.NewSecret("canary\ncanary").Problem("token", "", true), "token: has spaces"},
		"not ASCII":          {exchange.NewSecret("canäry canary").Problem("token", "", false), "token: has spaces"},
		"file of two words":  {load("canary canary"), "token_file: "},
		"file of two lines":  {load("canary\ncanary"), "token_file: "},
		"file with NUL":      {load("canary\x00"), "token_file: "},
		"file not in ASCII":  {load("\ufeffcanary"), "token_file: "},
		"file with nothing":  {load(" \r\n"), "token_file: "},
		"a list":             {read("token: [canary]"), "want text"},
		"a mapping":          {read("token: {canary: canary}"), "want text"},
		"a truth":            {read("token: true"), "want text"},
		"fine, and required": {sound.Problem("token", "", true), ""},
		"fine, in a file":    {exchange.Secret{}.Problem("token", "file", true), ""},
		"none, and optional": {exchange.Secret{}.Problem("token", "", false), ""},
	} {
		got := ""
		if c.err != nil {
			got = c.err.Error()
		}
		if !strings.Contains(got, c.want) || (c.want == "") != (c.err == nil) || strings.Contains(got, "canary") {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestSecretsAreTakenAsWritten(t *testing.T) {
	for text, want := range map[string]string{
		"token: 00123":          "00123",
		"token: 1e3":            "1e3",
		"token: 0x1F":           "0x1F",
		"token: 1_000":          "1_000",
		"token: 12.50":          "12.50",
		"token: abc # for this": "abc",
		"token: 'a''b'":         "a'b",
		"token: |\n  abc\n":     "abc",
		"token:":                "",
		"token: null":           "",
	} {
		var c struct {
			Token exchange.Secret `yaml:"token"`
		}
		if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()); err != nil || c.Token.Reveal() != want {
			t.Errorf("%s: got %q, %v; want %q", text, c.Token.Reveal(), err, want)
		}
	}
}

func TestBaseURLProblem(t *testing.T) {
	for base, want := range map[string]string{
		"":                                "",
		"https://api.example.org":         "",
		"https://api.example.org:8443/v3": "",
		"http://localhost:8090":           "",
		"http://127.0.0.1:8090":           "",
		"http://127.9.9.9":                "",
		"http://[::1]:8090/":              "",
		"http://api.example.org":          "the key would travel in the clear",
		"http://localhost.example.org":    "the key would travel in the clear",
		"http://127.0.0.1.example.org":    "the key would travel in the clear",
		"http://192.0.2.1":                "the key would travel in the clear",
		"http://0.0.0.0":                  "the key would travel in the clear",
		"api.example.org":                 "want a URL like https://api.example.com",
		"ftp://api.example.org":           "want a URL like https://api.example.com",
		"https:///v3":                     "want a URL like https://api.example.com",
		"https://:443":                    "want a URL like https://api.example.com",
		"https://api.example.org:canary":  "want a URL like https://api.example.com",
		"https://a:canary@example.org":    "want no user, query or fragment",
		"https://api.example.org/?canary": "want no user, query or fragment",
		"https://api.example.org?":        "want no user, query or fragment",
		"https://api.example.org/#canary": "want no user, query or fragment",
		"https://api.example.org/#":       "want no user, query or fragment",
	} {
		got := ""
		if err := exchange.BaseURLProblem(base, "https://api.example.com", "the key"); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || (got == "") != (want == "") || strings.Contains(got, "canary") {
			t.Errorf("%s: got %q, want %q", base, got, want)
		}
	}
}
