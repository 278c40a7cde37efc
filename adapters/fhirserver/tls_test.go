package fhirserver_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/adapters/sandbox"
)

// issuer signs certificates of this machine.
type issuer struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	a := &issuer{t: t}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	der, a.key = a.sign(a.cert)
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign signs a certificate for a new key; the first is the issuer's own.
func (a *issuer) sign(c *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key
}

// issue returns certificate and key for a name, valid until then.
func (a *issuer) issue(name string, until time.Time) (cert, key []byte) {
	a.t.Helper()
	der, private := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-24 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})
}

// speaks is the configuration of a server.
func (a *issuer) speaks(until time.Time) *tls.Config {
	a.t.Helper()
	pair, err := tls.X509KeyPair(a.issue("ehr.example.org", until))
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

// TestMutualTLS meets a server that wants to see a certificate, and renews it while the client runs.
func TestMutualTLS(t *testing.T) {
	ours, theirs := newIssuer(t), newIssuer(t)
	over := theirs.speaks(time.Now().Add(time.Hour))
	over.ClientAuth, over.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	over.ClientCAs.AddCert(ours.cert)
	var seen []string
	over.VerifyConnection = func(c tls.ConnectionState) error {
		seen = append(seen, c.PeerCertificates[0].Subject.CommonName)
		return nil
	}
	ehr, err := sandbox.NewFHIRServer(sandbox.FHIRConfig{TLS: over})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ehr.Close() }()
	if err := ehr.Seed([]byte(`{"resourceType":"Patient","id":"p1"}`)); err != nil {
		t.Fatal(err)
	}
	folder, log := t.TempDir(), &bytes.Buffer{}
	place := func(name string, until time.Time) {
		cert, key := ours.issue(name, until)
		put(t, folder, "client.pem", cert)
		put(t, folder, "client.key", key)
	}
	place("first", time.Now().Add(time.Hour))
	cfg := fhirserver.Config{BaseURL: ehr.URL(), TLS: &fhirserver.TLS{
		CAFile: put(t, folder, "ca.pem", theirs.pem), CertFile: folder + "/client.pem", KeyFile: folder + "/client.key",
	}}
	c := openWith(t, cfg, fhirserver.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	read := func() string {
		_, err := c.Read(t.Context(), "Patient/p1")
		return told(t, err)
	}
	for range 2 {
		if got := read(); got != "" {
			t.Error(got)
		}
	}
	put(t, folder, "client.key", newKey(t, "P-256")) // as it is while files are being copied
	if got := read(); got != "" || strings.Count(log.String(), "cannot be used") != 1 {
		t.Errorf("a key that does not fit: %s\n%s", got, log)
	}
	place("second", time.Now().Add(time.Hour))
	if got := read(); got != "" || strings.Join(seen, " ") != "first second" {
		t.Errorf("%s, seen %v", got, seen)
	}
	place("third", time.Now().Add(-time.Hour)) // the server says so after its part of the handshake, or just ends
	if got := read(); got != "transient client_certificate halt" && got != "transient connection_lost" {
		t.Errorf("a certificate of ours that is over: %s", got)
	}
	place("fourth", time.Now().Add(time.Hour))
	put(t, folder, "ca.pem", ours.pem)
	if got := read(); got != "transient certificate" {
		t.Errorf("a server of another issuer: %s", got)
	}
	put(t, folder, "ca.pem", theirs.pem)
	if got := read(); got != "" {
		t.Error(got)
	}
}

// With SMART the certificate counts for the token endpoint, too.
func TestMutualTLSWithSMART(t *testing.T) {
	authority := newIssuer(t)
	over := authority.speaks(time.Now().Add(time.Hour))
	over.ClientAuth, over.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	over.ClientCAs.AddCert(authority.cert)
	ehr, err := sandbox.NewFHIRServer(sandbox.FHIRConfig{TLS: over, SMART: &sandbox.SMARTConfig{ClientID: "bridge"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ehr.Close() }()
	folder := t.TempDir()
	cert, key := authority.issue("bridge", time.Now().Add(time.Hour))
	c := openWith(t, fhirserver.Config{
		BaseURL: ehr.URL(),
		TLS:     &fhirserver.TLS{CAFile: put(t, folder, "ca.pem", authority.pem), CertFile: put(t, folder, "cert.pem", cert), KeyFile: put(t, folder, "cert.key", key)},
		Auth:    fhirserver.Auth{Type: "smart", ClientID: "bridge", KeyFile: put(t, folder, "key.pem", newKey(t, "rsa"))},
	})
	keys := serve(t, func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(c.JWKS()) })
	ehr.RegisterJWKS(keys.URL)
	if _, err := c.Create(t.Context(), communication("m1"), identified("m1")); err != nil {
		t.Error(err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// secureServer is an httptest server over TLS.
func secureServer(t *testing.T, over *tls.Config, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS, s.Config.ErrorLog = over, slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
