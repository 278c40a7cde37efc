package fhirserver

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// TLS names files in PEM format. They are read again for each request, and what is new counts from the next
// connection on: nobody needs to restart anything to renew a certificate. Both the FHIR server and its token
// endpoint are met with it.
type TLS struct {
	// CAFile holds the roots to trust instead of the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are our certificate, for mutual TLS.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ServerName is what the server's certificate must say, if not its host. A token endpoint on another host needs the same name.
	ServerName string `yaml:"server_name"`
}

// problems are those of the block, each beginning with its key. It reads the files.
func (t *TLS) problems(base string) []error {
	if t == nil {
		return nil
	}
	var errs []error
	if badBase(base) == "" && !strings.HasPrefix(strings.ToLower(base), "https:") {
		errs = append(errs, errors.New("tls: needs a base_url with https"))
	}
	raw, err := t.read()
	if err == nil {
		_, err = t.config(raw)
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return append(errs, joined.Unwrap()...)
	} else if err != nil {
		errs = append(errs, err)
	}
	return errs
}

// pems are what the files hold.
type pems struct{ ca, cert, key []byte }

func (p pems) equal(q pems) bool {
	return bytes.Equal(p.ca, q.ca) && bytes.Equal(p.cert, q.cert) && bytes.Equal(p.key, q.key)
}

func (t *TLS) read() (p pems, err error) {
	var errs []error
	for _, f := range []struct {
		key, name string
		to        *[]byte
	}{{"ca_file", t.CAFile, &p.ca}, {"cert_file", t.CertFile, &p.cert}, {"key_file", t.KeyFile, &p.key}} {
		if f.name == "" {
			continue
		}
		if *f.to, err = readBounded(f.name); err != nil {
			errs = append(errs, fmt.Errorf("tls.%s: %w", f.key, err))
		}
	}
	return p, errors.Join(errs...)
}

// config makes a configuration of what the files hold. Its errors hold nothing of that.
func (t *TLS) config(p pems) (*tls.Config, error) {
	var errs []error
	out := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(p.ca) {
			errs = append(errs, errors.New("tls.ca_file: holds no certificate in PEM format"))
		}
	}
	switch {
	case t.CertFile == "" && t.KeyFile == "":
	case t.CertFile == "":
		errs = append(errs, errors.New("tls.cert_file: required with tls.key_file"))
	case t.KeyFile == "":
		errs = append(errs, errors.New("tls.key_file: required with tls.cert_file"))
	default:
		pair, err := tls.X509KeyPair(p.cert, p.key)
		if err != nil {
			errs = append(errs, fmt.Errorf("tls.cert_file: %w", err))
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, errors.Join(errs...)
}

// connections makes connections, anew once the files have changed.
type connections struct {
	tls *TLS
	log *slog.Logger

	mu   sync.Mutex
	seen pems // as they were looked at last
	with *http.Transport
	// blind is set while the files cannot be read.
	blind bool
}

// newConnections returns what makes the connections to the server.
func newConnections(t *TLS, log *slog.Logger) (http.RoundTripper, error) {
	if t == nil {
		return newTransport(&tls.Config{MinVersion: tls.VersionTLS12}), nil
	}
	raw, err := t.read()
	if err != nil {
		return nil, err
	}
	config, err := t.config(raw)
	if err != nil {
		return nil, err
	}
	return &connections{tls: t, log: log, seen: raw, with: newTransport(config)}, nil
}

func newTransport(config *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		MaxConnsPerHost:        maxConns,
		MaxIdleConnsPerHost:    maxConns,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        config,
	}
}

// RoundTrip implements http.RoundTripper.
func (c *connections) RoundTrip(r *http.Request) (*http.Response, error) {
	return c.current().RoundTrip(r)
}

// current is the transport by the files as they are now. Files that cannot be used change nothing: certificate and key
// may not fit together yet.
func (c *connections) current() *http.Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := c.tls.read()
	if err != nil {
		if !c.blind {
			c.log.Error("the certificates for the FHIR server cannot be read; those before stay", "error", err)
		}
		c.blind = true
		return c.with
	}
	c.blind = false
	if raw.equal(c.seen) {
		return c.with
	}
	c.seen = raw
	config, err := c.tls.config(raw)
	if err != nil {
		c.log.Error("the certificates for the FHIR server cannot be used; those before stay", "error", err)
		return c.with
	}
	c.with.CloseIdleConnections() // what is under way ends as it began
	c.with = newTransport(config)
	c.log.Info("the certificates for the FHIR server are new")
	return c.with
}
