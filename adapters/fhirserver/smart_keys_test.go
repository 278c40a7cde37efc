package fhirserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/adapters/sandbox"
)

func TestScopes(t *testing.T) {
	for _, test := range []struct{ name, asks, has, want string }{
		{"all", "system/Patient.rs system/Task.c", "system/Patient.rs system/Task.cs", ""},
		{"letters", "system/Appointment.rus", "system/Appointment.rs", "system/Appointment.u"},
		{"a type", "system/Patient.rs system/Task.c", "system/Patient.rs", "system/Task.c"},
		{"any type", "system/Patient.rs system/Task.c", "system/*.cruds", ""},
		{"old words", "system/Patient.read system/Task.write", "system/Patient.rs system/Task.c", "system/Task.ud"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := trust(t, "P-384", sandbox.SMARTConfig{Scopes: strings.Fields(test.has)}, func(a *fhirserver.Auth) { a.Scopes = strings.Fields(test.asks) })
			for range 2 {
				access, err := w.client.Access(t.Context())
				if err != nil || strings.Join(access.Lacking, " ") != test.want {
					t.Errorf("lacking %q, %v", access.Lacking, err)
				}
				w.clock.move(5 * time.Minute)
			}
			said := strings.Count(w.log.String(), "lacking="+test.want)
			if test.want != "" && said != 1 || test.want == "" && w.log.Len() > 0 {
				t.Errorf("said %d times:\n%s", said, w.log)
			}
		})
	}
	w := trust(t, "P-384", sandbox.SMARTConfig{Scopes: []string{"system/Task.c"}}, nil)
	if got := w.read(t); got != "transient forbidden 403 halt" {
		t.Errorf("what is not granted: %s", got)
	}
	w = trust(t, "P-384", sandbox.SMARTConfig{Scopes: []string{}}, nil)
	if got := w.read(t); got != "transient invalid_scope token 400 halt" {
		t.Errorf("nothing is granted: %s", got)
	}
}

// TestKeyKinds reads keys as people have them.
func TestKeyKinds(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it is to be refused
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	scalar, _ := ecKey.Bytes()
	number := func(n *big.Int) string { return encode(n.Bytes()) }
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	jwk := func(members ...string) string {
		m := map[string]string{}
		for i := 0; i < len(members); i += 2 {
			m[members[i]] = members[i+1]
		}
		b, _ := json.Marshal(m)
		return string(b)
	}
	whole := jwk("kty", "RSA", "kid", "mine", "n", number(rsaKey.N), "e", "AQAB", "d", number(rsaKey.D), "p", number(rsaKey.Primes[0]), "q", number(rsaKey.Primes[1]))
	for _, test := range []struct{ name, file, want, kid string }{
		{"PKCS #1", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), "", ""},
		{"SEC 1 after the parameters of its curve", block("EC PARAMETERS", []byte{6, 5, 0x2b, 0x81, 4, 0, 0x22}) + block("EC PRIVATE KEY", sec1), "", ""},
		{"JWK of RSA", whole, "", "mine"},
		{"JWK of EC", jwk("kty", "EC", "crv", "P-384", "kid", "ours", "d", encode(scalar)), "", "ours"},
		{"JWK without its secret", jwk("kty", "RSA", "n", number(rsaKey.N), "e", "AQAB"), "holds a JWK that is no private", ""},
		{"JWK that is wrong", strings.Replace(whole, "AQAB", "AQAF", 1), "holds a JWK that is no private", ""},
		{"JWK of another curve", jwk("kty", "EC", "crv", "P-256", "d", encode(scalar)), "holds a JWK that is no private", ""},
		{"a secret", jwk("kty", "oct", "k", "c2VjcmV0"), "holds a JWK that is no private", ""},
		{"small", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small)), "holds an RSA key of 1024 bits; it must have 2048 or more", ""},
		{"another curve", string(newKey(t, "P-256")), "holds an EC key on another curve than P-384", ""},
		{"a passphrase", block("ENCRYPTED PRIVATE KEY", []byte("x")), "holds a key with a passphrase", ""},
		{"a certificate", block("CERTIFICATE", []byte("x")), "holds no private key", ""},
		{"a word", "secret", "holds no private key", ""},
		{"nothing", "", "holds no private key", ""},
		{"half", block("PRIVATE KEY", []byte("secret")), "holds a private key that cannot be read", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			auth := fhirserver.Auth{Type: "smart", ClientID: "bridge", KeyFile: put(t, t.TempDir(), "key", []byte(test.file))}
			c, err := fhirserver.New(fhirserver.Config{BaseURL: "https://ehr.example.org/fhir", Auth: auth})
			if test.want != "" {
				if err == nil || !strings.HasPrefix(err.Error(), "auth.key_file: "+test.want) || strings.Contains(err.Error(), "secret") {
					t.Errorf("got %v, want %s", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := gjson.GetBytes(c.JWKS(), "keys.0.kid").String()
			if test.kid != "" && got != test.kid || len(got) == 0 {
				t.Errorf("published as %q, want %q", got, test.kid)
			}
			if text := fmt.Sprintf("%v %+v %#v", c, auth, c.JWKS()); strings.Contains(text, number(rsaKey.D)) {
				t.Error("the key prints itself")
			}
		})
	}
}
