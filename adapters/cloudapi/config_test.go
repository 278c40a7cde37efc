package cloudapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline/exchange"
)

func TestConfigFromYAML(t *testing.T) {
	const text = `
base_url: https://graph.example.org
version: v24.0
phone_number_id: "106540352242922"
waba_id: "102290129340398"
access_token: EAAGtoken # of the system user
app_secret: "0123456789abcdef"
app_secret_previous: |
  former
verify_token: 00123
`
	var got cloudapi.Config
	if err := yaml.UnmarshalWithOptions([]byte(text), &got, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("Validate: %v", err)
	}
	want := cloudapi.Config{
		BaseURL: "https://graph.example.org", Version: "v24.0", PhoneNumberID: numberID, WABAID: "102290129340398",
		AccessToken: exchange.NewSecret("EAAGtoken"), AppSecret: exchange.NewSecret("0123456789abcdef"),
		AppSecretPrevious: exchange.NewSecret("former"), VerifyToken: exchange.NewSecret("00123"),
	}
	for name, pair := range map[string][2]exchange.Secret{
		"access_token": {got.AccessToken, want.AccessToken}, "app_secret": {got.AppSecret, want.AppSecret},
		"app_secret_previous": {got.AppSecretPrevious, want.AppSecretPrevious}, "verify_token": {got.VerifyToken, want.VerifyToken},
	} {
		if !pair[0].Equal(pair[1].Private) {
			t.Errorf("%s = %q, want %q", name, pair[0].Reveal(), pair[1].Reveal())
		}
	}
	if got.BaseURL != want.BaseURL || got.Version != want.Version || got.PhoneNumberID != want.PhoneNumberID || got.WABAID != want.WABAID {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestConfigValidate(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*cloudapi.Config)
		want  []string // the keys, in order
	}{
		{"sound", func(*cloudapi.Config) {}, nil},
		{"sound, https elsewhere", func(c *cloudapi.Config) { c.BaseURL = "https://waba.example.org/graph" }, nil},
		{"sound, http on this machine", func(c *cloudapi.Config) { c.BaseURL = "http://localhost:8090" }, nil},
		{"empty", func(c *cloudapi.Config) { *c = cloudapi.Config{} }, []string{"phone_number_id", "app_secret", "verify_token", "access_token"}},
		{"phone number for its id", func(c *cloudapi.Config) { c.PhoneNumberID = "+15550783881" }, []string{"phone_number_id"}},
		{"http elsewhere", func(c *cloudapi.Config) { c.BaseURL = "http://graph.example.org" }, []string{"base_url"}},
		{"no URL", func(c *cloudapi.Config) { c.BaseURL = "graph.example.org" }, []string{"base_url"}},
		{"URL with a query", func(c *cloudapi.Config) { c.BaseURL = "https://graph.example.org?x=1" }, []string{"base_url"}},
		{"URL with a user", func(c *cloudapi.Config) { c.BaseURL = "https://a:b@graph.example.org" }, []string{"base_url"}},
		{"version without a v", func(c *cloudapi.Config) { c.Version = "25.0" }, []string{"version"}},
		{"account that is a name", func(c *cloudapi.Config) { c.WABAID = "clinic" }, []string{"waba_id"}},
		{"secret twice", func(c *cloudapi.Config) { c.AppSecretFile = "/run/secrets/app" }, []string{"app_secret"}},
		{"secret with a line break", func(c *cloudapi.Config) { c.AccessToken = exchange.NewSecret("a\nb") }, []string{"access_token"}},
		{"many", func(c *cloudapi.Config) { c.BaseURL, c.Version, c.VerifyToken = "x", "y", exchange.Secret{} }, []string{"verify_token", "base_url", "version"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := config("")
			c.spoil(&cfg)
			err := cfg.Validate()
			var got []string
			if err != nil {
				for line := range strings.Lines(err.Error()) {
					key, _, _ := strings.Cut(line, ":")
					got = append(got, key)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("problems with %v, want %v (%v)", got, c.want, err)
			}
			if _, errNew := cloudapi.New(cfg); (errNew == nil) != (err == nil) {
				t.Errorf("New = %v, Validate = %v", errNew, err)
			}
		})
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cfg := cloudapi.Config{
		PhoneNumberID: numberID, AccessTokenFile: write("token", accessToken+"\n"),
		AppSecretFile: write("secret", appSecret+"\r\n"), VerifyTokenFile: write("verify", verifyToken),
	}
	client, err := cloudapi.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if !client.Verify(map[string][]string{"X-Hub-Signature-256": {sign(appSecret, "x")}}, []byte("x")) {
		t.Error("the secret of the file is not the one that verifies")
	}
	for name, path := range map[string]string{
		"missing": filepath.Join(dir, "none"), "empty": write("empty", "\n"), "two lines": write("two", "canary\ncanary\n"),
	} {
		bad := cfg
		bad.AppSecretFile = path
		_, err := cloudapi.New(bad)
		if err == nil || !strings.HasPrefix(err.Error(), "app_secret_file: ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: New = %v, want an error about app_secret_file", name, err)
		}
	}
}

// The receiver alone needs no access token.
func TestReceiverNeedsNoToken(t *testing.T) {
	cfg := config("")
	cfg.AccessToken = exchange.Secret{}
	if _, err := cloudapi.NewReceiver(cfg); err != nil {
		t.Errorf("NewReceiver: %v", err)
	}
	_, err := cloudapi.NewReceiver(cloudapi.Config{})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("NewReceiver of nothing = %v, want three problems", err)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	cfg := config("https://graph.example.org")
	client, err := cloudapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := cloudapi.NewReceiver(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, v := range []any{cfg, &cfg, cfg.AccessToken, client, *receiver, receiver, struct{ c *cloudapi.Client }{client}, struct{ r *cloudapi.Receiver }{receiver}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		asJSON, _ := json.Marshal(v)
		asYAML, _ := yaml.Marshal(v)
		out.Write(asJSON)
		out.Write(asYAML)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	}
	for _, secret := range []string{accessToken, appSecret, verifyToken, fmt.Sprintf("%x", appSecret), fmt.Sprintf("%d", []byte(appSecret))} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("a secret was printed: %s", secret)
		}
	}
	if !strings.Contains(out.String(), "[private]") {
		t.Error("nothing was printed at all")
	}
}
