package cloudapi

import (
	"errors"
	"fmt"
	"regexp"

	"fhirbridge/pipeline/exchange"
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
	AccessToken     exchange.Secret `yaml:"access_token"`
	AccessTokenFile string          `yaml:"access_token_file"`
	// AppSecret is the key of webhook signatures.
	AppSecret     exchange.Secret `yaml:"app_secret"`
	AppSecretFile string          `yaml:"app_secret_file"`
	// AppSecretPrevious is accepted too while the secret is being changed; optional.
	AppSecretPrevious     exchange.Secret `yaml:"app_secret_previous"`
	AppSecretPreviousFile string          `yaml:"app_secret_previous_file"`
	// VerifyToken is what Meta must say when it subscribes.
	VerifyToken     exchange.Secret `yaml:"verify_token"`
	VerifyTokenFile string          `yaml:"verify_token_file"`
}

var (
	versionForm = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)
	idForm      = regexp.MustCompile(`^[0-9]{1,32}$`)
)

// Validate returns every problem at once, each beginning with its key. It opens no file.
func (c Config) Validate() error {
	errs := append(c.receiverProblems(), exchange.BaseURLProblem(c.BaseURL, DefaultBaseURL, "the access token"))
	if c.Version != "" && !versionForm.MatchString(c.Version) {
		errs = append(errs, fmt.Errorf("version: want the form %s", DefaultVersion))
	}
	if c.WABAID != "" && !idForm.MatchString(c.WABAID) {
		errs = append(errs, errors.New("waba_id: want digits"))
	}
	errs = append(errs, c.AccessToken.Problem("access_token", c.AccessTokenFile, true))
	return errors.Join(errs...)
}

// receiverProblems is the part of Validate that a Receiver needs.
func (c Config) receiverProblems() []error {
	var errs []error
	if !idForm.MatchString(c.PhoneNumberID) {
		errs = append(errs, errors.New("phone_number_id: required, digits: Meta's id of the number, not the number itself"))
	}
	return append(errs,
		c.AppSecret.Problem("app_secret", c.AppSecretFile, true),
		c.AppSecretPrevious.Problem("app_secret_previous", c.AppSecretPreviousFile, false),
		c.VerifyToken.Problem("verify_token", c.VerifyTokenFile, true))
}

// CheckFiles reads the files of the secrets, and returns every problem at once, each beginning with its key.
func (c Config) CheckFiles() error {
	_, errA := c.AccessToken.Load("access_token", c.AccessTokenFile)
	_, _, _, errR := c.receiverSecrets()
	return errors.Join(errA, errR)
}

// receiverSecrets are those of the receiving half, from their files where they are in files.
func (c Config) receiverSecrets() (secret, previous, token string, err error) {
	secret, errS := c.AppSecret.Load("app_secret", c.AppSecretFile)
	previous, errP := c.AppSecretPrevious.Load("app_secret_previous", c.AppSecretPreviousFile)
	token, errT := c.VerifyToken.Load("verify_token", c.VerifyTokenFile)
	return secret, previous, token, errors.Join(errS, errP, errT)
}
