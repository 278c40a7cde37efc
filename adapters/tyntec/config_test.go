package tyntec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"fhirbridge/adapters/tyntec"
	"fhirbridge/pipeline/exchange"
)

func TestConfigFromYAML(t *testing.T) {
	const text = `
base_url: https://api.example.org/conversations/v3
number: +4989202451100
api_key: 00123
callback_url: https://mw.example.org/webhooks/main
callback_secret: "0123456789abcdef"
callback_secret_previous: |
  former12
callback_method: HS512
callback_age: 2m
callback_header: X-Token
callback_token: token123
`
	var got tyntec.Config
	if err := yaml.UnmarshalWithOptions([]byte(text), &got, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("Validate: %v", err)
	}
	if got.APIKey.Reveal() != "00123" || got.CallbackSecretPrevious.Reveal() != "former12" || got.CallbackAge != 2*time.Minute || got.CallbackMethod != "HS512" {
		t.Errorf("got %q %q %v %s", got.APIKey.Reveal(), got.CallbackSecretPrevious.Reveal(), got.CallbackAge, got.CallbackMethod)
	}
	var sms tyntec.SMSConfig
	if err := yaml.UnmarshalWithOptions([]byte(strings.Replace(text, "+4989202451100", "12345", 1)), &sms, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := sms.Validate(); err != nil {
		t.Errorf("a short code: %v", err)
	}
}

func TestConfigValidate(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*tyntec.Config)
		want  []string // the keys, in order
	}{
		{"sound", func(*tyntec.Config) {}, nil},
		{"nothing", func(c *tyntec.Config) { *c = tyntec.Config{} }, []string{"number", "callback_secret", "api_key"}},
		{"number", func(c *tyntec.Config) { c.Number = "089 2024" }, []string{"number"}},
		{"base URL", func(c *tyntec.Config) { c.BaseURL = "http://example.org" }, []string{"base_url"}},
		{"base URL with a query", func(c *tyntec.Config) { c.BaseURL = "https://example.org?x=1" }, []string{"base_url"}},
		{"callback URL", func(c *tyntec.Config) { c.CallbackURL = "http://example.org" }, []string{"callback_url"}},
		{"method", func(c *tyntec.Config) { c.CallbackMethod = "MD5" }, []string{"callback_method"}},
		{"token without its header", func(c *tyntec.Config) { c.CallbackToken = exchange.NewSecret("token123") }, []string{"callback_header"}},
		{"header without its token", func(c *tyntec.Config) { c.CallbackHeader = "X-Token" }, []string{"callback_token"}},
		{"twice", func(c *tyntec.Config) { c.APIKeyFile = "key" }, []string{"api_key"}},
		{"spaces", func(c *tyntec.Config) { c.CallbackSecret = exchange.NewSecret("a b") }, []string{"callback_secret"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			settings := config("https://api.example.org")
			c.spoil(&settings)
			var got []string
			if err := settings.Validate(); err != nil {
				for _, line := range strings.Split(err.Error(), "\n") {
					key, _, _ := strings.Cut(line, ":")
					got = append(got, key)
					if strings.Contains(line, "a b") {
						t.Errorf("%q quotes a secret", line)
					}
				}
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSecretsFromFiles(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c := config("https://api.example.org")
	c.APIKey, c.APIKeyFile = exchange.Secret{}, file("  key\n")
	c.CallbackSecret, c.CallbackSecretFile = exchange.Secret{}, file(secret+"\n")
	client, err := tyntec.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if !client.Verify(at(time.Now().UTC()), []byte(event)) {
		t.Error("the secret of the file does not verify")
	}
	c.APIKeyFile = file(" \n")
	if _, err := tyntec.New(c); err == nil || !strings.Contains(err.Error(), "holds no secret") {
		t.Errorf("an empty file: %v", err)
	}
	c.APIKeyFile = filepath.Join(t.TempDir(), "none")
	if _, err := tyntec.New(c); err == nil || !strings.HasPrefix(err.Error(), "api_key_file: ") {
		t.Errorf("no file: %v", err)
	}
}

// Nothing that is printed, however it is, shows a secret.
func TestNothingPrintsSecrets(t *testing.T) {
	c := config("https://api.example.org")
	c.CallbackHeader, c.CallbackToken = "X-Token", exchange.NewSecret("canarytoken")
	client, err := tyntec.New(c)
	if err != nil {
		t.Fatal(err)
	}
	sms, err := tyntec.NewSMS(tyntec.SMSConfig(c))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range []any{c, &c, tyntec.SMSConfig(c), client, client.Receiver, *client.Receiver, sms, &sms} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&out, verb, v)
		}
		log.Info("it", "is", v)
		_ = json.NewEncoder(&out).Encode(v)
	}
	if strings.Contains(out.String(), "canary") || strings.Contains(out.String(), fmt.Sprintf("%x", "canary")) {
		t.Errorf("a secret was printed:\n%s", out.String())
	}
}
