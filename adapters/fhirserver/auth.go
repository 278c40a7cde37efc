package fhirserver

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Auth says how requests are authorised. What is read from files is read again when
// it is needed, so that another program may renew them.
type Auth struct {
	// Type is none (the default), basic, bearer or smart.
	Type string `yaml:"type"`

	// Token or TokenFile is the token of bearer.
	Token     string `yaml:"token"`
	TokenFile string `yaml:"token_file"`

	// User, and Password or PasswordFile, are those of basic.
	User         string `yaml:"user"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"`

	// ClientID is who we are to the server's authorisation, for smart: SMART Backend Services
	// (https://hl7.org/fhir/smart-app-launch/backend-services.html).
	ClientID string `yaml:"client_id"`
	// KeyFile holds the private key: RSA (signs RS384) or EC on P-384 (ES384), in PEM, or as a JWK whose kid is kept.
	KeyFile string `yaml:"key_file"`
	// NextKeyFile holds the key that comes after it, if there is one: it is published and does not sign yet.
	NextKeyFile string `yaml:"next_key_file"`
	// TokenURL is where tokens are had; without it the server is asked (.well-known/smart-configuration).
	TokenURL string `yaml:"token_url"`
	// Scopes are asked for; without them DefaultScopes.
	Scopes []string `yaml:"scopes"`
}

// The types of Auth.
const (
	authNone   = "none"
	authBasic  = "basic"
	authBearer = "bearer"
	authSMART  = "smart"
)

var authTypes = []string{authNone, authBasic, authBearer, authSMART}

// problems are those of the block, each beginning with its key. It reads the files.
func (a Auth) problems(base string) []error {
	if a.Type != "" && !slices.Contains(authTypes, a.Type) {
		return []error{fmt.Errorf("auth.type: %q is none of %s", a.Type, strings.Join(authTypes, ", "))}
	}
	errs := a.strangers()
	if u, err := url.Parse(base); a.Type != "" && a.Type != authNone && err == nil && badBase(base) == "" && !secure(u) { // tokens go there
		errs = append(errs, fmt.Errorf("base_url: must be https where auth.type is %s", a.Type))
	}
	switch a.Type {
	case authBearer:
		if a.Token != "" && !isToken(a.Token) {
			errs = append(errs, errors.New("auth.token: holds characters that a token cannot have"))
		}
		errs = append(errs, secret("token", authBearer, a.Token, a.TokenFile, isToken)...)
	case authBasic:
		if a.User == "" || strings.ContainsFunc(a.User, func(r rune) bool { return r < ' ' || r == 0x7f || r == ':' }) {
			errs = append(errs, errors.New("auth.user: required for basic, without a colon"))
		}
		errs = append(errs, secret("password", authBasic, a.Password, a.PasswordFile, isPassword)...)
	case authSMART:
		errs = append(errs, a.smartProblems()...)
	}
	return errs
}

// strangers are keys that another type has.
func (a Auth) strangers() (errs []error) {
	for _, k := range []struct{ key, of, value string }{
		{"token", authBearer, a.Token},
		{"token_file", authBearer, a.TokenFile},
		{"user", authBasic, a.User},
		{"password", authBasic, a.Password},
		{"password_file", authBasic, a.PasswordFile},
		{"client_id", authSMART, a.ClientID},
		{"key_file", authSMART, a.KeyFile},
		{"next_key_file", authSMART, a.NextKeyFile},
		{"token_url", authSMART, a.TokenURL},
		{"scopes", authSMART, strings.Join(a.Scopes, " ")},
	} {
		if k.value != "" && a.Type != k.of {
			errs = append(errs, fmt.Errorf("auth.%s: needs auth.type: %s", k.key, k.of))
		}
	}
	return errs
}

// secret says what is wrong with a secret that is given as a value or as a file.
func secret(name, of, value, file string, good func(string) bool) []error {
	switch {
	case value != "" && file != "":
		return []error{fmt.Errorf("auth.%s_file: give this or auth.%s, not both", name, name)}
	case value == "" && file == "":
		return []error{fmt.Errorf("auth.%s: required for %s, or auth.%s_file", name, of, name)}
	case file == "":
		return nil
	}
	if _, err := readSecret(name, file, good); err != nil {
		return []error{err}
	}
	return nil
}

// readSecret is what a file holds, without the white space around it.
func readSecret(name, file string, good func(string) bool) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("auth.%s_file: %w", name, err)
	}
	text := string(bytes.TrimSpace(b))
	if !good(text) {
		return "", fmt.Errorf("auth.%s_file: holds no %s", name, name)
	}
	return text, nil
}

func (a Auth) smartProblems() (errs []error) {
	if a.ClientID == "" {
		errs = append(errs, errors.New("auth.client_id: required for smart"))
	}
	if a.TokenURL != "" {
		if u, err := url.Parse(a.TokenURL); err != nil || !secure(u) || u.User != nil || u.Fragment != "" {
			errs = append(errs, errors.New("auth.token_url: must be an https URL"))
		}
	}
	if a.KeyFile == "" {
		errs = append(errs, errors.New("auth.key_file: required for smart"))
	} else if err := checkKey(a.KeyFile); err != nil {
		errs = append(errs, fmt.Errorf("auth.key_file: %w", err))
	}
	if a.NextKeyFile != "" {
		if err := checkKey(a.NextKeyFile); err != nil && !errors.Is(err, os.ErrNotExist) { // mostly there is none
			errs = append(errs, fmt.Errorf("auth.next_key_file: %w", err))
		}
	}
	for i, s := range a.Scopes {
		if !isScope(s) {
			errs = append(errs, fmt.Errorf("auth.scopes[%d]: must be one scope, as in system/Patient.rs", i))
		}
	}
	return errs
}

// secure reports whether secrets may go to a URL: over TLS, or without leaving this machine.
func secure(u *url.URL) bool {
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && onThisMachine(u.Hostname()))
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// isToken reports whether s can stand in a header (https://www.rfc-editor.org/rfc/rfc6750#section-2.1).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// isPassword reports whether s can be one (https://www.rfc-editor.org/rfc/rfc7617#section-2).
func isPassword(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// bearer is the value of Authorization.
func (a Auth) bearer() (string, error) {
	if a.TokenFile == "" {
		return "Bearer " + a.Token, nil
	}
	token, err := readSecret("token", a.TokenFile, isToken)
	return "Bearer " + token, err
}

// basic is the value of Authorization.
func (a Auth) basic() (string, error) {
	password, err := a.Password, error(nil)
	if a.PasswordFile != "" {
		password, err = readSecret("password", a.PasswordFile, isPassword)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.User+":"+password)), err
}
