package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// clientID is what brokers call the program in their logs and quotas.
const clientID = "bridge"

// Config says where the cluster is and how to be let in. It is the kafka block
// of the configuration.
type Config struct {
	// Brokers are host:port addresses to start from; one that answers is enough.
	Brokers []string `yaml:"brokers"`
	// Group is the consumer group; publishers do not need one.
	Group string `yaml:"group"`
	// TLS, if not nil, encrypts every connection; an empty block trusts the system's roots.
	TLS *TLS `yaml:"tls"`
	// SASL, if not nil, authenticates every connection.
	SASL *SASL `yaml:"sasl"`
}

// TLS names files in PEM format. They are read once, when a Publisher or
// Subscriber is made.
type TLS struct {
	// CAFile holds the roots to trust instead of the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are the client's certificate, for mutual TLS.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ServerName is what the brokers' certificates must say, if not their host.
	ServerName string `yaml:"server_name"`
}

// SASL is a user and how it proves itself.
type SASL struct {
	// Mechanism is plain, scram-sha-256 or scram-sha-512.
	Mechanism string `yaml:"mechanism"`
	Username  string `yaml:"username"`
	// Password or PasswordFile, not both; white space around a file's content is dropped.
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
}

// Validate returns every problem at once, each beginning with its key. It
// reads the files that the block names.
func (c Config) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("brokers: required"))
	}
	for i, broker := range c.Brokers {
		if host, port, err := net.SplitHostPort(broker); err != nil || host == "" || port == "" {
			errs = append(errs, fmt.Errorf("brokers[%d]: must be host:port", i))
		}
	}
	if c.TLS != nil {
		_, err := c.TLS.config()
		errs = append(errs, err)
	}
	if c.SASL != nil {
		_, err := c.SASL.mechanism()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (t *TLS) config() (*tls.Config, error) {
	var errs []error
	out := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		out.RootCAs = x509.NewCertPool()
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("tls.ca_file: %w", err))
		case !out.RootCAs.AppendCertsFromPEM(pem):
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
		cert, errCert := os.ReadFile(t.CertFile)
		if errCert != nil {
			errs = append(errs, fmt.Errorf("tls.cert_file: %w", errCert))
		}
		key, errKey := os.ReadFile(t.KeyFile)
		if errKey != nil {
			errs = append(errs, fmt.Errorf("tls.key_file: %w", errKey))
		}
		if errCert != nil || errKey != nil {
			break
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			errs = append(errs, fmt.Errorf("tls.cert_file: %w", err))
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, errors.Join(errs...)
}

func (s *SASL) mechanism() (sasl.Mechanism, error) {
	var errs []error
	password := s.Password
	if s.Username == "" {
		errs = append(errs, errors.New("sasl.username: required"))
	}
	switch {
	case s.Password != "" && s.PasswordFile != "":
		errs = append(errs, errors.New("sasl.password_file: cannot be given together with sasl.password"))
	case s.PasswordFile != "":
		text, err := os.ReadFile(s.PasswordFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("sasl.password_file: %w", err))
		} else if password = strings.TrimSpace(string(text)); password == "" {
			errs = append(errs, errors.New("sasl.password_file: is empty"))
		}
	case s.Password == "":
		errs = append(errs, errors.New("sasl.password: required"))
	}
	algorithms := map[string]scram.Algorithm{"plain": nil, "scram-sha-256": scram.SHA256, "scram-sha-512": scram.SHA512}
	algorithm, known := algorithms[s.Mechanism]
	if !known {
		errs = append(errs, errors.New("sasl.mechanism: must be plain, scram-sha-256 or scram-sha-512"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if algorithm == nil {
		return plain.Mechanism{Username: s.Username, Password: password}, nil
	}
	mechanism, err := scram.Mechanism(algorithm, s.Username, password)
	if err != nil { // the user's name or password is not valid Unicode for SCRAM; the cause could quote it
		return nil, errors.New("sasl.username: or sasl.password: not usable with SCRAM")
	}
	return mechanism, nil
}

// transport makes the connections of one Publisher or Subscriber.
func (c Config) transport() (*kafka.Transport, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}
	transport := &kafka.Transport{Dial: dialer.DialContext, ClientID: clientID}
	var err error
	if c.TLS != nil {
		if transport.TLS, err = c.TLS.config(); err != nil {
			return nil, fmt.Errorf("kafka: %w", err)
		}
	}
	if c.SASL != nil {
		if transport.SASL, err = c.SASL.mechanism(); err != nil {
			return nil, fmt.Errorf("kafka: %w", err)
		}
	}
	return transport, nil
}
