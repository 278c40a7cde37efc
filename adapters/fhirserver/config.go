package fhirserver

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
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
	// Timeout is that of one request, its answer included; default 10 s.
	Timeout time.Duration `yaml:"timeout"`
}

// Auth says how requests are authorised.
type Auth struct {
	// Type is none (the default) or bearer.
	Type string `yaml:"type"`
	// Token is the bearer token. One of Token and TokenFile is required for bearer.
	Token string `yaml:"token"`
	// TokenFile holds the bearer token. It is read for each request, so that another
	// program may renew it.
	TokenFile string `yaml:"token_file"`
}

// The types of Auth.
const (
	authNone   = "none"
	authBearer = "bearer"
)

var authTypes = []string{authNone, authBearer}

// Validate returns every problem at once, each beginning with its key.
func (c Config) Validate() error {
	var errs []error
	if problem := badBase(c.BaseURL); problem != "" {
		errs = append(errs, errors.New("base_url: "+problem))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("timeout: must not be negative"))
	}
	return errors.Join(append(errs, c.Auth.problems()...)...)
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

func (a Auth) problems() []error {
	var errs []error
	switch {
	case a.Type != "" && !slices.Contains(authTypes, a.Type):
		errs = append(errs, fmt.Errorf("auth.type: %q is none of %s", a.Type, strings.Join(authTypes, ", ")))
	case a.Type == authBearer && a.Token == "" && a.TokenFile == "":
		errs = append(errs, errors.New("auth.token: required for bearer, or auth.token_file"))
	case a.Type != authBearer && a.Token != "":
		errs = append(errs, errors.New("auth.token: needs auth.type: bearer"))
	case a.Type != authBearer && a.TokenFile != "":
		errs = append(errs, errors.New("auth.token_file: needs auth.type: bearer"))
	}
	if a.Token != "" && a.TokenFile != "" {
		errs = append(errs, errors.New("auth.token_file: give this or auth.token, not both"))
	}
	if a.Token != "" && !isToken(a.Token) {
		errs = append(errs, errors.New("auth.token: holds characters that a token cannot have"))
	}
	return errs
}

// isToken reports whether s can stand in a header (https://www.rfc-editor.org/rfc/rfc6750#section-2.1).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// authorization returns the value of the header, "" for none.
func (a Auth) authorization() (string, error) {
	if a.Type != authBearer {
		return "", nil
	}
	token := a.Token
	if a.TokenFile != "" {
		b, err := os.ReadFile(a.TokenFile)
		if err != nil {
			return "", fmt.Errorf("auth.token_file: %w", err)
		}
		token = string(bytes.TrimSpace(b))
	}
	if !isToken(token) {
		return "", errors.New("auth.token_file: holds no token")
	}
	return "Bearer " + token, nil
}
