package fhirserver

import (
	"errors"
	"net/url"
	"time"
)

// defaultTimeout is that of one request, its answer included.
const defaultTimeout = 10 * time.Second

// Config describes a FHIR R4 server.
type Config struct {
	// BaseURL is the service base, as in https://ehr.example.org/fhir. Required.
	BaseURL string `yaml:"base_url"`
	// Auth says who we are; without it nobody.
	Auth Auth `yaml:"auth"`
	// TLS says whom we trust, and what certificate is ours; without it the system's roots, and none.
	TLS *TLS `yaml:"tls"`
	// Timeout is that of one request, its answer included; default 10 s.
	Timeout time.Duration `yaml:"timeout"`
}

// Validate returns every problem at once, each beginning with its key.
func (c Config) Validate() error {
	var errs []error
	if problem := badBase(c.BaseURL); problem != "" {
		errs = append(errs, errors.New("base_url: "+problem))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("timeout: must not be negative"))
	}
	errs = append(errs, c.TLS.problems(c.BaseURL)...)
	return errors.Join(append(errs, c.Auth.problems(c.BaseURL)...)...)
}

// badBase says what is wrong with a base URL, without quoting it: it may hold a password.
func badBase(base string) string {
	if base == "" {
		return "required"
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "must be an http or https URL"
	case u.User != nil:
		return "must not hold a user; see auth"
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "must not hold a query or fragment"
	}
	return ""
}
