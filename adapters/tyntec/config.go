package tyntec

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"fhirbridge/pipeline/exchange"
)

// Defaults of Config.
const (
	DefaultBaseURL = "https://api.tyntec.com/conversations/v3"
	// DefaultCallbackAge is what tyntec advises: a couple of minutes at most.
	DefaultCallbackAge = 5 * time.Minute
)

// The methods of signatures.
const (
	methodHS256 = "HS256"
	methodHS512 = "HS512"
)

// Config is one WhatsApp business number at tyntec. Each secret is given either as
// itself or as the path of a file that holds it.
type Config struct {
	// BaseURL is where the Conversations API is; "" means DefaultBaseURL. Plain http is for this machine only.
	BaseURL string `yaml:"base_url"`
	// Number is the business number, in digits with its country code.
	Number string `yaml:"number"`
	// APIKey is a key of the account with the scopes for messages and media.
	APIKey     exchange.Secret `yaml:"api_key"`
	APIKeyFile string          `yaml:"api_key_file"`
	// CallbackURL is where the statuses of messages are to be posted, if that is not the account's messageStatusUrl.
	CallbackURL string `yaml:"callback_url"`
	// CallbackSecret is the key of the signatures of callbacks, as configured at tyntec (signature.secret).
	CallbackSecret     exchange.Secret `yaml:"callback_secret"`
	CallbackSecretFile string          `yaml:"callback_secret_file"`
	// CallbackSecretPrevious is accepted too while the secret is being changed; optional.
	CallbackSecretPrevious     exchange.Secret `yaml:"callback_secret_previous"`
	CallbackSecretPreviousFile string          `yaml:"callback_secret_previous_file"`
	// CallbackMethod is HS256 (the default) or HS512, as configured at tyntec (signature.method).
	CallbackMethod string `yaml:"callback_method"`
	// CallbackAge is how old a signed request may be; 0 means DefaultCallbackAge, negative any age.
	CallbackAge time.Duration `yaml:"callback_age"`
	// CallbackHeader and CallbackToken are the header that tyntec adds to callbacks (header.key, header.value). Where both
	// a secret and a token are configured, both must hold.
	CallbackHeader    string          `yaml:"callback_header"`
	CallbackToken     exchange.Secret `yaml:"callback_token"`
	CallbackTokenFile string          `yaml:"callback_token_file"`
}

// SMSConfig is one number for SMS at tyntec, with the keys of Config.
type SMSConfig Config

var (
	numberForm = regexp.MustCompile(`^\+?[1-9][0-9]{6,14}$`)
	// senderForm also has short codes. A name of letters is none: nobody could reply to it.
	senderForm = regexp.MustCompile(`^\+?[1-9][0-9]{2,14}$`)
	headerForm = regexp.MustCompile(`^[A-Za-z0-9-]{4,125}$`)
)

// Validate returns every problem at once, each beginning with its key. It opens no file.
func (c Config) Validate() error { return errors.Join(c.problems(numberForm)...) }

// Validate returns every problem at once, each beginning with its key. It opens no file.
func (c SMSConfig) Validate() error { return errors.Join(Config(c).problems(senderForm)...) }

// CheckFiles reads the files of the secrets, and returns every problem at once, each beginning with its key.
func (c Config) CheckFiles() error {
	_, errK := c.APIKey.Load("api_key", c.APIKeyFile)
	_, _, _, errR := c.receiverSecrets()
	return errors.Join(errK, errR)
}

// receiverSecrets are those of the receiving half, from their files where they are in files.
func (c Config) receiverSecrets() (secret, previous, token string, err error) {
	secret, errS := c.CallbackSecret.Load("callback_secret", c.CallbackSecretFile)
	previous, errP := c.CallbackSecretPrevious.Load("callback_secret_previous", c.CallbackSecretPreviousFile)
	token, errT := c.CallbackToken.Load("callback_token", c.CallbackTokenFile)
	return secret, previous, token, errors.Join(errS, errP, errT)
}

// CheckFiles is that of Config.
func (c SMSConfig) CheckFiles() error { return Config(c).CheckFiles() }

func (c Config) problems(number *regexp.Regexp) []error {
	errs := append(c.receiverProblems(number), exchange.BaseURLProblem(c.BaseURL, DefaultBaseURL, "the API key"))
	if c.CallbackURL != "" {
		if u, err := url.Parse(c.CallbackURL); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			errs = append(errs, errors.New("callback_url: want a URL with https"))
		}
	}
	return append(errs, c.APIKey.Problem("api_key", c.APIKeyFile, true))
}

// receiverProblems is the part of Validate that a Receiver needs.
func (c Config) receiverProblems(number *regexp.Regexp) []error {
	var errs []error
	if !number.MatchString(c.Number) {
		errs = append(errs, errors.New("number: required, digits with the country code: the number that sends, and to which people reply"))
	}
	signed, headed := !c.CallbackSecret.Empty() || c.CallbackSecretFile != "", !c.CallbackToken.Empty() || c.CallbackTokenFile != ""
	if !signed && !headed {
		errs = append(errs, errors.New("callback_secret: required (or callback_secret_file), or callback_token with callback_header: a callback that proves nothing is not taken"))
	}
	if headed && !headerForm.MatchString(c.CallbackHeader) {
		errs = append(errs, errors.New("callback_header: want the name of the header that holds callback_token, of 4 to 125 letters, digits and dashes"))
	}
	if !headed && c.CallbackHeader != "" {
		errs = append(errs, errors.New("callback_token: required beside callback_header (or callback_token_file)"))
	}
	if c.CallbackMethod != "" && c.CallbackMethod != methodHS256 && c.CallbackMethod != methodHS512 {
		errs = append(errs, errors.New("callback_method: must be HS256 or HS512"))
	}
	return append(errs,
		c.CallbackSecret.Problem("callback_secret", c.CallbackSecretFile, false),
		c.CallbackSecretPrevious.Problem("callback_secret_previous", c.CallbackSecretPreviousFile, false),
		c.CallbackToken.Problem("callback_token", c.CallbackTokenFile, false))
}

// number is the configured number in digits.
func (c Config) number() string { return strings.TrimPrefix(c.Number, "+") }
