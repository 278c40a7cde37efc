package fhirserver_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/adapters/sandbox"
)

// newKey makes a key in PEM: "rsa", or a curve.
func newKey(t testing.TB, kind string) []byte {
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
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// put writes a file in a folder and returns its name.
func put(t testing.TB, folder, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// trusted is a FHIR server that asks for tokens, and a client that gets them.
type trusted struct {
	*sandbox.FHIRServer
	client *fhirserver.Client
	clock  *clock
	log    *bytes.Buffer
	folder string
}

// trust starts both. The client's key set is registered as it is at first.
func trust(t *testing.T, kind string, smart sandbox.SMARTConfig, change func(*fhirserver.Auth)) *trusted {
	t.Helper()
	w := &trusted{clock: newClock(), log: &bytes.Buffer{}, folder: t.TempDir()}
	auth := fhirserver.Auth{Type: "smart", ClientID: "bridge", KeyFile: put(t, w.folder, "key.pem", newKey(t, kind))}
	if change != nil {
		change(&auth)
	}
	smart.ClientID = "bridge"
	var err error
	if w.FHIRServer, err = sandbox.NewFHIRServer(sandbox.FHIRConfig{Clock: w.clock.now, SMART: &smart}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	if err := w.Seed([]byte(`{"resourceType":"Patient","id":"p1"}`)); err != nil {
		t.Fatal(err)
	}
	w.client = openWith(t, fhirserver.Config{BaseURL: w.URL(), Auth: auth}, fhirserver.WithClock(w.clock.now), fhirserver.WithLogger(slog.New(slog.NewTextHandler(w.log, nil))))
	keys := serve(t, func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(w.client.JWKS()) })
	w.RegisterJWKS(keys.URL)
	return w
}

func (w *trusted) read(t *testing.T) string {
	t.Helper()
	_, err := w.client.Read(t.Context(), "Patient/p1")
	return told(t, err)
}

// published are the ids of the keys in the key set.
func (w *trusted) published(t *testing.T) []string {
	t.Helper()
	var kids []string
	for _, key := range gjson.GetBytes(w.client.JWKS(), "keys").Array() {
		kids = append(kids, key.Get("kid").String())
		for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if key.Get(name).Exists() {
				t.Errorf("the key set tells %q", name)
			}
		}
	}
	return kids
}

func TestSMART(t *testing.T) {
	for kind, algorithm := range map[string]string{"rsa": "RS384", "P-384": "ES384"} {
		t.Run(kind, func(t *testing.T) {
			w := trust(t, kind, sandbox.SMARTConfig{Algorithms: []string{algorithm}}, nil)
			for range 3 {
				if got := w.read(t); got != "" {
					t.Fatal(got)
				}
			}
			if w.TokenRequests() != 1 || !slices.Equal(w.SignedBy(), w.published(t)) {
				t.Errorf("%d tokens, signed by %v, published %v", w.TokenRequests(), w.SignedBy(), w.published(t))
			}
			if got := gjson.GetBytes(w.client.JWKS(), "keys.0.alg").String(); got != algorithm {
				t.Errorf("published for %q", got)
			}
			if _, err := w.client.Create(t.Context(), communication("m1"), identified("m1")); err != nil {
				t.Errorf("Create: %v", err)
			}
			access, err := w.client.Access(t.Context())
			if err != nil || access.Algorithm != algorithm || access.TokenURL == "" || len(access.Lacking) > 0 {
				t.Errorf("Access: %+v, %v", access, err)
			}
			w.clock.move(5*time.Minute - 30*time.Second) // shortly before its end
			if got := w.read(t); got != "" || w.TokenRequests() != 2 {
				t.Errorf("%q, %d tokens", got, w.TokenRequests())
			}
		})
	}
}

// However many find no token, one asks for it.
func TestOneAsksForTheToken(t *testing.T) {
	w := trust(t, "P-384", sandbox.SMARTConfig{}, nil)
	w.FailToken(func(int) *sandbox.Fault { return &sandbox.Fault{Latency: 50 * time.Millisecond} })
	together := func() {
		t.Helper()
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				if got := w.read(t); got != "" {
					t.Error(got)
				}
			})
		}
		all.Wait()
	}
	together()
	if got := w.TokenRequests(); got != 1 {
		t.Errorf("%d tokens were asked for at first", got)
	}
	w.clock.move(2 * time.Second)
	w.Revoke()
	together() // each is refused, and asks for another
	if got := w.TokenRequests(); got != 2 {
		t.Errorf("%d tokens were asked for after the first was taken away", got)
	}
}

// A token endpoint that lies is found out by a 401, which costs one more token, and never a third request.
func TestTokenLife(t *testing.T) {
	for _, test := range []struct {
		says  string
		reuse time.Duration // for how long the token is used, if nobody refuses it
	}{
		{"300", 270 * time.Second}, {"null", 270 * time.Second}, {`"600"`, 570 * time.Second}, {`"soon"`, 270 * time.Second}, {"0", 270 * time.Second},
		{"-5", 270 * time.Second}, {"1", 4500 * time.Millisecond}, {"1e300", time.Hour - 30*time.Second}, {"99999999999999", time.Hour - 30*time.Second},
		{`{"in":"300"}`, 270 * time.Second}, {`"NaN"`, 270 * time.Second}, {"0.001", 4500 * time.Millisecond},
	} {
		t.Run(test.says, func(t *testing.T) {
			w := trust(t, "P-384", sandbox.SMARTConfig{ExpiresIn: test.says, Life: 2 * time.Hour}, nil)
			for _, step := range []struct {
				after time.Duration
				want  int
			}{{0, 1}, {test.reuse - time.Millisecond, 1}, {time.Millisecond, 2}} {
				w.clock.move(step.after)
				if got := w.read(t); got != "" || w.TokenRequests() != step.want {
					t.Errorf("%q, %d tokens, want %d", got, w.TokenRequests(), step.want)
				}
			}
		})
	}
	w := trust(t, "P-384", sandbox.SMARTConfig{ExpiresIn: "3600", Life: time.Minute}, nil)
	for want := 1; want < 4; want++ {
		if got := w.read(t); got != "" || w.TokenRequests() != want {
			t.Errorf("%q, %d tokens, want %d", got, w.TokenRequests(), want)
		}
		w.clock.move(time.Minute)
	}
	w = trust(t, "P-384", sandbox.SMARTConfig{Life: time.Nanosecond}, nil)
	asked := 0
	w.Fail(func(sandbox.FHIRRequest) *sandbox.FHIRFault { asked++; return nil })
	w.clock.move(time.Second)
	for want := 1; want < 4; want++ {
		w.FHIRServer.Revoke()
		w.clock.move(time.Second)
		if got := w.read(t); got != "transient expired 401 halt" && got != "" {
			t.Error(got)
		}
		if got := w.TokenRequests(); got > 2*want {
			t.Errorf("%d tokens for %d requests", got, want)
		}
	}
}

// TestKeyRotation changes the key while the client runs.
func TestKeyRotation(t *testing.T) {
	next := ""
	w := trust(t, "rsa", sandbox.SMARTConfig{Life: time.Minute}, func(a *fhirserver.Auth) {
		a.NextKeyFile = filepath.Join(filepath.Dir(a.KeyFile), "next.pem")
		next = a.NextKeyFile
	})
	step := func(name string, keys int) []string {
		t.Helper()
		w.clock.move(time.Minute)
		if got := w.read(t); got != "" {
			t.Errorf("%s: %s", name, got)
		}
		kids := w.published(t)
		if len(kids) != keys || w.SignedBy()[len(w.SignedBy())-1] != kids[0] {
			t.Errorf("%s: signed by %v, published %v", name, w.SignedBy(), kids)
		}
		return kids
	}
	first := step("one key", 1)
	put(t, w.folder, "next.pem", newKey(t, "P-384"))
	both := step("the next is there", 2)
	if both[0] != first[0] {
		t.Errorf("the next key signs already")
	}
	put(t, w.folder, "key.pem", []byte("-----BEGIN PRIVATE KEY-----\nhalf"))
	step("half written", 2)
	if got := strings.Count(w.log.String(), "cannot be used"); got != 1 || strings.Contains(w.log.String(), "half") {
		t.Errorf("said %d times that the key cannot be used:\n%s", got, w.log)
	}
	if err := os.Rename(next, filepath.Join(w.folder, "key.pem")); err != nil {
		t.Fatal(err)
	}
	after := step("the next has come", 2)
	if after[0] != both[1] || after[1] != both[0] {
		t.Errorf("published %v, then %v", both, after)
	}
	if err := os.Remove(filepath.Join(w.folder, "key.pem")); err != nil {
		t.Fatal(err)
	}
	step("the file is gone", 2)
	w.clock.move(time.Hour)
	step("the first is forgotten", 1)
}
