package fhirserver

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// maxKeyFile bounds what is read of a file of keys or certificates.
	maxKeyFile = 1 << 20
	// minRSA is what https://www.rfc-editor.org/rfc/rfc7518#section-3.3 asks for.
	minRSA = 2048
)

// jwk is a public key as servers read it (https://www.rfc-editor.org/rfc/rfc7517).
type jwk struct {
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
}

// signingKey is a private key with what others know of it. It has no text of its own to print.
type signingKey struct {
	private crypto.Signer
	method  jwt.SigningMethod
	public  jwk
}

// Format implements fmt.Formatter and hides the key.
func (*signingKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[private key]") }

// readKey reads a private key. Its errors hold no byte of the file.
func readKey(file string) (*signingKey, error) {
	raw, err := readBounded(file)
	if err != nil {
		return nil, err
	}
	return parseKey(raw)
}

// readBounded reads a file of keys.
func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}

// parseKey reads PEM (PKCS #8, PKCS #1, SEC 1) or a JWK.
func parseKey(raw []byte) (*signingKey, error) {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return parseJWK(raw)
	}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		var private any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			private, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("holds a key with a passphrase; it must have none")
		default: // parameters of a curve, a certificate
			continue
		}
		if err != nil || block.Headers["DEK-Info"] != "" {
			return nil, errors.New("holds a private key that cannot be read")
		}
		return newKey(private, "")
	}
	return nil, errors.New("holds no private key, neither in PEM nor as a JWK")
}

// newKey takes the keys that SMART knows. Without a kid it is the key's thumbprint.
func newKey(private any, kid string) (*signingKey, error) {
	encode := base64.RawURLEncoding.EncodeToString
	k := &signingKey{public: jwk{Use: "sig"}}
	var thumb string // https://www.rfc-editor.org/rfc/rfc7638#section-3
	switch key := private.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < minRSA {
			return nil, fmt.Errorf("holds an RSA key of %d bits; it must have %d or more", key.N.BitLen(), minRSA)
		}
		k.private, k.method = key, jwt.SigningMethodRS384
		k.public.Kty, k.public.N, k.public.E = "RSA", encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes())
		thumb = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, k.public.E, k.public.N)
	case *ecdsa.PrivateKey:
		point, err := key.PublicKey.Bytes()
		if err != nil || key.Curve != elliptic.P384() {
			return nil, errors.New("holds an EC key on another curve than P-384")
		}
		k.private, k.method = key, jwt.SigningMethodES384
		x, y := point[1:1+len(point)/2], point[1+len(point)/2:] // after the sign of an uncompressed point
		k.public.Kty, k.public.Crv, k.public.X, k.public.Y = "EC", "P-384", encode(x), encode(y)
		thumb = fmt.Sprintf(`{"crv":"P-384","kty":"EC","x":%q,"y":%q}`, k.public.X, k.public.Y)
	default:
		return nil, errors.New("holds a key of another kind than RSA or EC on P-384")
	}
	if kid == "" {
		sum := sha256.Sum256([]byte(thumb))
		kid = encode(sum[:])
	}
	k.public.Alg, k.public.Kid = k.method.Alg(), kid
	return k, nil
}

var errJWK = errors.New("holds a JWK that is no private RSA key and no private EC key on P-384")

// parseJWK reads a private key as a JWK (https://www.rfc-editor.org/rfc/rfc7518#section-6).
func parseJWK(raw []byte) (*signingKey, error) {
	var k struct {
		Kty, Kid, Crv, N, E, D, P, Q string
	}
	if json.Unmarshal(raw, &k) != nil || k.D == "" {
		return nil, errJWK
	}
	number := func(text string) *big.Int {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return new(big.Int) // no key has it, so the checks below refuse it
		}
		return new(big.Int).SetBytes(b)
	}
	switch {
	case k.Kty == "RSA":
		e := number(k.E)
		if !e.IsInt64() || e.Int64() > 1<<31-1 {
			return nil, errJWK
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: number(k.N), E: int(e.Int64())}, D: number(k.D), Primes: []*big.Int{number(k.P), number(k.Q)}}
		if key.N.BitLen() > 16<<10 || key.Validate() != nil {
			return nil, errJWK
		}
		key.Precompute()
		return newKey(key, k.Kid)
	case k.Kty == "EC" && k.Crv == "P-384":
		d := number(k.D)
		if d.BitLen() > 384 {
			return nil, errJWK
		}
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), d.FillBytes(make([]byte, 48)))
		if err != nil {
			return nil, errJWK
		}
		return newKey(key, k.Kid)
	}
	return nil, errJWK
}
