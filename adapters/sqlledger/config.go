package sqlledger

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Config is the block "ledger" of the configuration.
type Config struct {
	// URL is "sqlite:" and a path, relative to the working directory or absolute.
	// "sqlite::memory:" keeps everything in memory and is for tests.
	URL string `yaml:"url"`
	// KeyFile holds the key that patient data is encrypted with: 32 bytes in base64 or
	// hexadecimal on one line. Whoever loses it loses the data.
	KeyFile string `yaml:"key_file"`
	// Plaintext stores patient data as it is. It must be said, because it must be meant.
	Plaintext bool `yaml:"plaintext"`
}

const (
	scheme   = "sqlite:"
	memory   = ":memory:"
	keyBytes = 32
)

// Validate returns every problem at once, each beginning with its key. It reads nothing.
func (c Config) Validate() error {
	var errs []error
	switch path, ok := strings.CutPrefix(c.URL, scheme); {
	case c.URL == "":
		errs = append(errs, errors.New("url: required"))
	case !ok:
		errs = append(errs, errors.New("url: must begin with sqlite:"))
	case path == "":
		errs = append(errs, errors.New("url: names no file"))
	}
	switch {
	case c.KeyFile == "" && !c.Plaintext:
		errs = append(errs, errors.New("key_file: required, unless plaintext is true"))
	case c.KeyFile != "" && c.Plaintext:
		errs = append(errs, errors.New("plaintext: contradicts key_file"))
	}
	return errors.Join(errs...)
}

// CheckFiles reads the key file, and says what is wrong with it. The ledger is not opened.
func (c Config) CheckFiles() error {
	if c.KeyFile == "" {
		return nil // Validate says whether there has to be one
	}
	_, err := c.key()
	return err
}

// NewKey returns a new random key as KeyFile holds it, without a final line break.
func NewKey() string {
	var key [keyBytes]byte
	_, _ = rand.Read(key[:]) // crypto/rand.Read never fails: it ends the program instead
	return base64.StdEncoding.EncodeToString(key[:])
}

// key reads the key file; nil in plaintext mode. Its errors hold no byte of the file.
func (c Config) key() ([]byte, error) {
	if c.Plaintext {
		return nil, nil
	}
	content, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	line := strings.TrimSpace(string(content))
	if key, err := hex.DecodeString(line); err == nil && len(key) == keyBytes {
		return key, nil
	}
	if key, err := base64.StdEncoding.DecodeString(line); err == nil && len(key) == keyBytes {
		return key, nil
	}
	return nil, errors.New("key_file: must hold 32 bytes in base64 or hexadecimal on one line")
}

// path returns the absolute path of the database file, "" for one in memory.
func (c Config) path() (string, error) {
	path := strings.TrimPrefix(c.URL, scheme)
	if path == memory {
		return "", nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("url: %w", err)
	}
	return absolute, nil
}

// uri returns the name under which SQLite opens path, "" for memory. https://www.sqlite.org/uri.html
func uri(path string) string {
	if path == "" {
		return "file::memory:"
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
