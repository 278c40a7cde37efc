package kafka_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/twmb/franz-go/pkg/kfake"

	"fhirbridge/adapters/kafka"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		yaml string
		want []string // the beginning of each problem
	}{
		{"the least", `brokers: [127.0.0.1:9092]`, nil},
		{"everything", `{brokers: ["kafka.example.org:9093"], group: bridge, tls: {server_name: kafka}, sasl: {mechanism: scram-sha-512, username: bridge, password: secret}}`, nil},
		{"empty tls block", `{brokers: ["a:1"], tls: {}}`, nil},
		{"nothing", `{}`, []string{"brokers: required"}},
		{"brokers that are no addresses", `brokers: ["a:1", b, ":9092"]`, []string{"brokers[1]: must be host:port", "brokers[2]: must be host:port"}},
		{"files that are not there", `{brokers: ["a:1"], tls: {ca_file: /absent/ca.pem, cert_file: /absent/c.pem, key_file: /absent/k.pem}}`, []string{"tls.ca_file: ", "tls.cert_file: ", "tls.key_file: "}},
		{"half a certificate", `{brokers: ["a:1"], tls: {key_file: /absent/k.pem}}`, []string{"tls.cert_file: required"}},
		{"the other half", `{brokers: ["a:1"], tls: {cert_file: /absent/c.pem}}`, []string{"tls.key_file: required"}},
		{"empty sasl block", `{brokers: ["a:1"], sasl: {}}`, []string{"sasl.username: required", "sasl.password: required", "sasl.mechanism: must be"}},
		{"unknown mechanism", `{brokers: ["a:1"], sasl: {mechanism: gssapi, username: u, password: p}}`, []string{"sasl.mechanism: must be"}},
		{"two passwords", `{brokers: ["a:1"], sasl: {mechanism: plain, username: u, password: p, password_file: f}}`, []string{"sasl.password_file: cannot"}},
		{"password file that is not there", `{brokers: ["a:1"], sasl: {mechanism: plain, username: u, password_file: /absent}}`, []string{"sasl.password_file: "}},
		{"problems everywhere", `{tls: {cert_file: /absent/c.pem}, sasl: {mechanism: plain, username: u}}`, []string{"brokers: required", "tls.key_file: required", "sasl.password: required"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var c kafka.Config
			if err := yaml.UnmarshalWithOptions([]byte(test.yaml), &c, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := c.Validate(); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(test.want) {
				t.Fatalf("got %q, want %q", got, test.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], test.want[i]) {
					t.Errorf("got %q, want %q", got[i], test.want[i])
				}
			}
		})
	}
	if _, err := kafka.NewPublisher(kafka.Config{}); err == nil {
		t.Error("NewPublisher took a configuration without brokers")
	}
	if _, err := kafka.NewSubscriber(kafka.SubscriberConfig{Config: kafka.Config{Brokers: []string{"a:1"}}}); err == nil {
		t.Error("NewSubscriber took a configuration without a group")
	}
}

func TestTLSAndSASL(t *testing.T) {
	t.Parallel()
	certificate, roots := selfSigned(t)
	directory := t.TempDir()
	password := filepath.Join(directory, "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}}), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "p", "secret"), kfake.Superuser("SCRAM-SHA-256", "s256", "secret"),
		kfake.Superuser("SCRAM-SHA-512", "s512", "secret"), kfake.SeedTopics(1, "events"))
	addrs := cluster.ListenAddrs()
	trust := &kafka.TLS{CAFile: roots}
	tests := []struct {
		name string
		tls  *kafka.TLS
		sasl *kafka.SASL
		ok   bool
	}{
		{"plain", trust, &kafka.SASL{Mechanism: "plain", Username: "p", Password: "secret"}, true},
		{"scram-sha-256", trust, &kafka.SASL{Mechanism: "scram-sha-256", Username: "s256", Password: "secret"}, true},
		{"scram-sha-512, password in a file", trust, &kafka.SASL{Mechanism: "scram-sha-512", Username: "s512", PasswordFile: password}, true},
		{"wrong password", trust, &kafka.SASL{Mechanism: "scram-sha-512", Username: "s512", Password: "wrong"}, false},
		{"no user", trust, nil, false},
		{"authority that is not trusted", &kafka.TLS{}, &kafka.SASL{Mechanism: "plain", Username: "p", Password: "secret"}, false},
		{"other server name", &kafka.TLS{CAFile: roots, ServerName: "other"}, &kafka.SASL{Mechanism: "plain", Username: "p", Password: "secret"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := kafka.Config{Brokers: addrs, Group: test.name, TLS: test.tls, SASL: test.sasl}
			publisher, err := kafka.NewPublisher(c)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = publisher.Close() }()
			if err := publisher.Ping(t.Context()); (err == nil) != test.ok {
				t.Fatalf("got %v, want success: %v", err, test.ok)
			}
			if !test.ok {
				return
			}
			publish(t, publisher, "events", keyed("a", "1"))
			receive(t, subscribe(t, newSubscriber(t, addrs, "", func(s *kafka.SubscriberConfig) { s.Config = c }), "events")).Ack()
		})
	}
}

// selfSigned returns a certificate for loopback and the file that holds its root.
func selfSigned(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
