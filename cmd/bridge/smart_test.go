package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// keyFile writes a private key: "rsa", or a curve.
func keyFile(t testing.TB, file, kind string) {
	t.Helper()
	var key any
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

// publishedKeys is the key set as the bridge serves it.
func (w *world) publishedKeys() gjson.Result {
	w.t.Helper()
	answer, err := http.Get("http://" + w.webhooks + jwksPath)
	must(w.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(w.t, err)
	if answer.StatusCode != http.StatusOK {
		return gjson.Result{}
	}
	return gjson.ParseBytes(body).Get("keys")
}

// TestSMARTWithKeyRotation runs the bridge against a server that reads its keys from it, grants tokens for a second each, and takes
// nothing without the scope for it. The key is changed while messages and answers pass: nothing is lost, nothing comes twice.
func TestSMARTWithKeyRotation(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	key, next := filepath.Join(folder, "key.pem"), filepath.Join(folder, "next.pem")
	keyFile(t, key, "rsa")
	w := newWorld(t, worldOptions{
		fhir: func(c *sandbox.FHIRConfig) {
			c.SMART = &sandbox.SMARTConfig{ClientID: "bridge", Life: time.Second}
		},
		server: fmt.Sprintf(`, auth: {type: smart, client_id: bridge, key_file: %q, next_key_file: %q}`, key, next),
	})
	ehr := w.ehr.(*sandbox.FHIRServer)
	ehr.RegisterJWKS("http://" + w.webhooks + jwksPath)
	b := w.run()
	start := time.Now().Add(10 * 24 * time.Hour)
	const round = 12
	said := 0
	converse := func() { // each is told, and confirms
		t.Helper()
		for range round {
			said++
			id, number := fmt.Sprintf("s%d", said), fmt.Sprintf("+1555012%04d", said)
			w.knows(patient(id, "Amara", number, "en"))
			w.knows(appointment(id, id, "booked", start))
		}
		for i := said - round + 1; i <= said; i++ {
			phone := w.whatsapp.Phone(fmt.Sprintf("+1555012%04d", i))
			w.await("the message", func() bool { return len(phone.Messages()) > 0 })
			booked, _ := phone.Last()
			_, err := phone.Tap(booked.ID, 0)
			must(t, err)
		}
	}
	converse()
	first := w.publishedKeys()
	if n := len(first.Array()); n != 1 {
		t.Fatalf("%d keys are published at first", n)
	}
	keyFile(t, next, "P-384")
	converse()
	both := w.publishedKeys()
	if n := len(both.Array()); n != 2 || both.Get("0.kid").String() != first.Get("0.kid").String() {
		t.Errorf("published before the change: %s", both)
	}
	must(t, os.Rename(next, key))
	converse()
	w.await("all Communications", func() bool { return len(w.said()) >= 3*said })
	w.await("the second key to have signed", func() bool {
		must(t, b.app.server.Ping(t.Context())) // when a token ends that the first has signed
		return slices.Contains(ehr.SignedBy(), both.Get("1.kid").String())
	})
	w.await("nothing under way", func() bool { return w.settled(b) })
	checkRotation(t, w, b, said)
	after := w.publishedKeys()
	if n := len(after.Array()); n != 2 || after.Get("0.kid").String() != both.Get("1.kid").String() {
		t.Errorf("published after the change: %s", after)
	}
	for _, name := range []string{"d", "p", "q"} {
		if after.Get("#."+name).String() != "[]" {
			t.Errorf("the key set tells %q", name)
		}
	}
}

// checkRotation looks at what has arrived, and at what was said meanwhile.
func checkRotation(t *testing.T, w *world, b *bridge, said int) {
	t.Helper()
	if n := len(w.said()); n != 3*said { // beside the headers of conversations
		t.Errorf("%d Communications, want %d: each was told, has answered, and was thanked", n, 3*said)
	}
	if d := w.ehr.Duplicates("Communication"); len(d) > 0 {
		t.Errorf("filed twice: %v", d)
	}
	for i := 1; i <= said; i++ {
		a, _ := w.ehr.Resource(fmt.Sprintf("Appointment/s%d", i))
		if got := gjson.GetBytes(a, "participant.0.status").String(); got != "accepted" {
			t.Errorf("visit %d: %s", i, got)
		}
	}
	log := b.log.String()
	for _, word := range []string{"Bearer", "PRIVATE", "lacking", "forbidden"} {
		if strings.Contains(log, word) {
			t.Errorf("the log says %q", word)
		}
	}
	if !strings.Contains(log, "another key signs for the FHIR server") {
		t.Error("the log does not say that the key was changed")
	}
}

// TestNoKeysWithoutSMART has nothing to publish.
func TestNoKeysWithoutSMART(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{fhir: func(c *sandbox.FHIRConfig) {
		c.Basic = &sandbox.FHIRUser{Name: "bridge", Password: "sesame"}
	}, server: `, auth: {type: basic, user: bridge, password: sesame}`})
	b := w.run()
	if got := w.publishedKeys(); got.Exists() {
		t.Errorf("published %s", got)
	}
	must(t, b.app.server.Ping(t.Context()))
	w.knows(patient("p1", "Amara", "+15550100101", "en"))
	w.knows(appointment("a1", "p1", "booked", time.Now().Add(10*24*time.Hour)))
	w.await("the message in the chart", func() bool { return len(w.said()) == 1 })
}

// TestJWKSCommand prints what a server is to be given.
func TestJWKSCommand(t *testing.T) {
	folder := t.TempDir()
	key := filepath.Join(folder, "key.pem")
	keyFile(t, key, "P-384")
	text := strings.Replace(soundConfig, "/fhir\"", `/fhir", auth: {type: smart, client_id: "${BRIDGE_TEST_UNSET}", key_file: "`+key+`"}`, 1)
	for _, c := range []struct{ name, text, want string }{
		{"smart", text, `{"keys":[{"kty":"EC","kid":"`},
		{"none", soundConfig, ""},
	} {
		file := filepath.Join(folder, c.name+".yaml")
		must(t, os.WriteFile(file, []byte(c.text), 0o600))
		out := &bytes.Buffer{}
		cmd := root()
		cmd.SetArgs([]string{"jwks", "--config", file})
		cmd.SetOut(out)
		err := cmd.Execute()
		if (err == nil) != (c.want != "") || !strings.HasPrefix(out.String(), c.want) || strings.Contains(out.String(), `"d"`) {
			t.Errorf("%s: got %s, %v", c.name, out, err)
		}
	}
}

// TestFHIRAuthProblems shows that `bridge check` finds what is wrong with who we are, where it is.
func TestFHIRAuthProblems(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	keyFile(t, at("good.pem"), "P-384")
	keyFile(t, at("other.pem"), "P-256")
	must(t, os.WriteFile(at("empty"), nil, 0o600))
	smart := func(more string) string { return "auth: {type: smart, client_id: bridge, " + more + "}" }
	good := "key_file: " + at("good.pem")
	for _, c := range []struct{ name, server, want string }{
		{"smart", smart(good), ""},
		{"smart with all of it", smart(good + ", next_key_file: " + at("none") + ", token_url: 'https://ehr.example.org/token', scopes: [system/Patient.rs]"), ""},
		{"basic", "auth: {type: basic, user: bridge, password: sesame}", ""},
		{"a key that is not there", smart("key_file: " + at("none")), `test.yaml:3:97: fhir.auth.key_file: open `},
		{"a key of another kind", smart("key_file: " + at("other.pem")), `test.yaml:3:97: fhir.auth.key_file: holds an EC key on another curve than P-384`},
		{"a next key of another kind", smart(good + ", next_key_file: " + at("empty")), `fhir.auth.next_key_file: holds no private key`},
		{"no key", "auth: {type: smart, client_id: bridge}", `test.yaml:3:`},
		{"no client", "auth: {type: smart, " + good + "}", `fhir.auth.client_id: required for smart`},
		{"misspelt", smart("key_fil: x, " + good), `test.yaml:3:87: fhir.auth.key_fil: unknown key; did you mean key_file?`},
		{"a token URL without TLS", smart(good + ", token_url: 'http://tokens.example.org'"), `fhir.auth.token_url: must be an https URL`},
		{"two scopes in one", smart(good + ", scopes: [system/Patient.rs system/Task.c]"), `fhir.auth.scopes[0]: must be one scope`},
		{"a key without smart", "auth: {type: none, " + good + "}", `fhir.auth.key_file: needs auth.type: smart`},
		{"no password", "auth: {type: basic, user: bridge}", `fhir.auth.password: required for basic, or auth.password_file`},
		{"a password that is not there", "auth: {type: basic, user: bridge, password_file: " + at("none") + "}", `fhir.auth.password_file: open `},
		{"a password that is empty", "auth: {type: basic, user: bridge, password_file: " + at("empty") + "}", `fhir.auth.password_file: holds no password`},
		{"a user with a colon", "auth: {type: basic, user: 'a:b', password: c}", `fhir.auth.user: required for basic, without a colon`},
		{"another type", "auth: {type: kerberos}", `fhir.auth.type: "kerberos" is none of none, basic, bearer, smart`},
		{"TLS without TLS", "tls: {ca_file: " + at("good.pem") + "}", `fhir.tls: needs a base_url with https`},
		{"no root", "tls: {ca_file: " + at("good.pem") + "}", `fhir.tls.ca_file: holds no certificate in PEM format`},
		{"roots that are not there", "tls: {ca_file: " + at("none") + "}", `fhir.tls.ca_file: open `},
		{"a certificate without its key", "tls: {cert_file: " + at("empty") + "}", `fhir.tls.key_file: required with tls.cert_file`},
		{"a certificate that is none", "tls: {cert_file: " + at("empty") + ", key_file: " + at("good.pem") + "}", `fhir.tls.cert_file: tls: failed to find any PEM data`},
		{"misspelt TLS", "tls: {cafile: x}", `fhir.tls.cafile: unknown key; did you mean ca_file?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := (&loader{file: "test.yaml", env: os.LookupEnv, reader: forCheck}).parse([]byte(strings.Replace(soundConfig, "/fhir\"", "/fhir\", "+c.server, 1)))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}
