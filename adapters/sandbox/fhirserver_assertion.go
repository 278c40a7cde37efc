package sandbox

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"
)

// assertion is what a client signs (https://www.rfc-editor.org/rfc/rfc7523#section-3). It is read and verified here by
// hand, so that a client is not held against the library that it uses itself.
type assertion struct {
	header struct{ Alg, Typ, Kid string }
	claims struct {
		Iss, Sub, Aud, Jti string
		Exp, Iat, Nbf      float64
	}
	signed, signature []byte
}

func parseAssertion(token string) (a assertion, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return a, false
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return a, false
		}
	}
	if json.Unmarshal(raw[0], &a.header) != nil || json.Unmarshal(raw[1], &a.claims) != nil {
		return a, false
	}
	a.signed, a.signature = []byte(parts[0]+"."+parts[1]), raw[2]
	return a, true
}

// verify says by which key an assertion is signed, or why it does not count.
func (a *authority) verify(ctx context.Context, token, endpoint string) (kid, why string) {
	t, ok := parseAssertion(token)
	if !ok {
		return "", "That is no JWT"
	}
	c, now := t.claims, float64(a.now().Unix())
	switch {
	case !slices.Contains(a.cfg.Algorithms, t.header.Alg) || t.header.Typ != "JWT" || t.header.Kid == "":
		return "", "alg, typ or kid are not as they must be"
	case c.Iss != a.cfg.ClientID || c.Sub != c.Iss:
		return "", "iss and sub must be the client's id"
	case c.Aud != endpoint:
		return "", "aud must be the token URL"
	case c.Exp <= now || c.Exp > now+300 || c.Iat != 0 && c.Exp-c.Iat > 300:
		return "", "exp must be within five minutes"
	case c.Iat > now || c.Nbf > now:
		return "", "iat and nbf must not be in the future"
	case c.Jti == "":
		return "", "jti is required"
	}
	key, ok := findKey(a.keys(ctx, false), t.header.Kid)
	if !ok {
		key, ok = findKey(a.keys(ctx, true), t.header.Kid)
	}
	if !ok || !key.verifies(t) {
		return "", "No key of the client verifies the signature"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for jti, end := range a.used {
		if !a.now().Before(end) {
			delete(a.used, jti)
		}
	}
	if _, again := a.used[c.Jti]; again {
		return "", "jti was used before"
	}
	a.used[c.Jti] = time.Unix(int64(c.Exp), 0)
	return t.header.Kid, ""
}

// publicKey is one key of a set (https://www.rfc-editor.org/rfc/rfc7517).
type publicKey struct {
	Kty, Kid, Use, Alg, Crv, N, E, X, Y, D string
}

// findKey finds a key by its id. A set that tells a secret is none.
func findKey(set []byte, kid string) (found publicKey, ok bool) {
	var s struct{ Keys []publicKey }
	if json.Unmarshal(set, &s) != nil {
		return found, false
	}
	for _, k := range s.Keys {
		if k.D != "" {
			return publicKey{}, false
		}
		if k.Kid == kid {
			found, ok = k, true
		}
	}
	return found, ok
}

// verifies reports whether the key has signed (https://www.rfc-editor.org/rfc/rfc7518#section-3).
func (k publicKey) verifies(t assertion) bool {
	if k.Alg != "" && k.Alg != t.header.Alg || k.Use != "" && k.Use != "sig" {
		return false
	}
	sum := sha512.Sum384(t.signed)
	decode := func(text string) []byte {
		b, _ := base64.RawURLEncoding.DecodeString(text) // what cannot be decoded is no part of a key
		return b
	}
	switch {
	case t.header.Alg == "RS384" && k.Kty == "RSA":
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(decode(k.N)), E: int(new(big.Int).SetBytes(decode(k.E)).Int64())}
		return key.N.BitLen() >= 2048 && rsa.VerifyPKCS1v15(key, crypto.SHA384, sum[:], t.signature) == nil
	case t.header.Alg == "ES384" && k.Kty == "EC" && k.Crv == "P-384" && len(t.signature) == 96:
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), slices.Concat([]byte{4}, decode(k.X), decode(k.Y)))
		r, s := new(big.Int).SetBytes(t.signature[:48]), new(big.Int).SetBytes(t.signature[48:])
		return err == nil && ecdsa.Verify(key, sum[:], r, s)
	}
	return false
}
