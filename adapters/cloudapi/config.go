package cloudapi

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"fhirbridge/pipeline"
)

// Defaults of Config.
const (
	DefaultBaseURL = "https://graph.facebook.com"
	// DefaultVersion is served until July 2028.
	// https://developers.facebook.com/docs/graph-api/changelog
	DefaultVersion = "v25.0"
)

// Config is one WhatsApp business number. Each secret is given either as itself
// or as the path of a file that holds it.
type Config struct {
	// BaseURL is where the Graph API is; "" means DefaultBaseURL. Plain http is for this machine only.
	BaseURL string `yaml:"base_url"`
	// Version is the pinned version of the Graph API; "" means DefaultVersion.
	Version string `yaml:"version"`
	// PhoneNumberID is Meta's id of the business number, which is not the number itself.
	PhoneNumberID string `yaml:"phone_number_id"`
	// WABAID is the WhatsApp Business Account, for template management; optional.
	WABAID string `yaml:"waba_id"`
	// AccessToken is a system user's token with whatsapp_business_messaging.
	AccessToken     Secret `yaml:"access_token"`
	AccessTokenFile string `yaml:"access_token_file"`
	// AppSecret is the key of webhook signatures.
	AppSecret     Secret `yaml:"app_secret"`
	AppSecretFile string `yaml:"app_secret_file"`
	// AppSecretPrevious is accepted too while the secret is being changed; optional.
	AppSecretPrevious     Secret `yaml:"app_secret_previous"`
	AppSecretPreviousFile string `yaml:"app_secret_previous_file"`
	// VerifyToken is what Meta must say when it subscribes.
	VerifyToken     Secret `yaml:"verify_token"`
	VerifyTokenFile string `yaml:"verify_token_file"`
}

// Secret is a configured secret. Like pipeline.Private it cannot print itself.
type Secret struct{ pipeline.Private }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{pipeline.NewPrivate(text)} }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// UnmarshalYAML takes the secret as it is written: read as a number, 00123 would become 83.
func (s *Secret) UnmarshalYAML(node ast.Node) error {
	switch n := node.(type) {
	case *ast.StringNode:
		*s = NewSecret(n.Value)
	case *ast.LiteralNode:
		*s = NewSecret(strings.TrimSpace(n.Value.Value))
	case *ast.IntegerNode, *ast.FloatNode:
		*s = NewSecret(n.GetToken().Value)
	case *ast.NullNode:
		*s = Secret{}
	default:
		return errors.New("want text")
	}
	return nil
}

var (
	versionForm = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)
	idForm      = regexp.MustCompile(`^[0-9]{1,32}$`)
)

// Validate returns every problem at once, each beginning with its key. It opens no file.
func (c Config) Validate() error {
	errs := append(c.receiverProblems(), c.baseURLProblem())
	if c.Version != "" && !versionForm.MatchString(c.Version) {
		errs = append(errs, fmt.Errorf("version: want the form %s", DefaultVersion))
	}
	if c.WABAID != "" && !idForm.MatchString(c.WABAID) {
		errs = append(errs, errors.New("waba_id: want digits"))
	}
	errs = append(errs, secretProblem("access_token", c.AccessToken, c.AccessTokenFile, true))
	return errors.Join(errs...)
}

// receiverProblems is the part of Validate that a Receiver needs.
func (c Config) receiverProblems() []error {
	var errs []error
	if !idForm.MatchString(c.PhoneNumberID) {
		errs = append(errs, errors.New("phone_number_id: required, digits: Meta's id of the number, not the number itself"))
	}
	return append(errs,
		secretProblem("app_secret", c.AppSecret, c.AppSecretFile, true),
		secretProblem("app_secret_previous", c.AppSecretPrevious, c.AppSecretPreviousFile, false),
		secretProblem("verify_token", c.VerifyToken, c.VerifyTokenFile, true))
}

func (c Config) baseURLProblem() error {
	if c.BaseURL == "" {
		return nil
	}
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return fmt.Errorf("base_url: want a URL like %s", DefaultBaseURL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("base_url: want no user, query or fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("base_url: http is for this machine only, the access token would travel in the clear")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func secretProblem(key string, s Secret, file string, required bool) error {
	switch {
	case !s.Empty() && file != "":
		return fmt.Errorf("%s: given twice, also as %s_file", key, key)
	case s.Empty() && file == "" && required:
		return fmt.Errorf("%s: required (or %s_file)", key, key)
	case !visible(s.Reveal()):
		return fmt.Errorf("%s: has spaces or characters that are not ASCII", key)
	}
	return nil
}

// load returns the secret itself, or what its file holds without the white space around it.
func load(key string, s Secret, file string) (string, error) {
	if file == "" {
		return s.Reveal(), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_file: %w", key, err)
	}
	text := strings.TrimSpace(string(data))
	if text == "" || !visible(text) {
		return "", fmt.Errorf("%s_file: %s holds no secret", key, file)
	}
	return text, nil
}

// visible reports whether s consists of printable ASCII without spaces, as
// header values, tokens and ids do.
func visible(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
