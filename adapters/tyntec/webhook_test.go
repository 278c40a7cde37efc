package tyntec_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/tyntec"
	"fhirbridge/pipeline/exchange"
)

func mac(h func() hash.Hash, key, stamp, body string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(stamp + "\n" + body))
	return m.Sum(nil)
}

func sign(key, stamp, body string) string {
	return base64.RawURLEncoding.EncodeToString(mac(sha256.New, key, stamp, body))
}

const event = `{"event":"MessageStatus::seen","messageId":"m-1","x":"\u00fc"}`

func TestVerifySignature(t *testing.T) {
	now := time.Now().UTC()
	stamp := now.Format(time.RFC3339)
	good := sign(secret, stamp, event)
	cases := []struct {
		name            string
		header          http.Header
		signed, genuine bool
	}{
		{"genuine", headers(good, stamp, "V1.0"), true, true},
		{"no version", headers(good, stamp), true, true},
		{"padded", headers(base64.URLEncoding.EncodeToString(mac(sha256.New, secret, stamp, event)), stamp), true, true},
		{"previous secret", headers(sign("formersecret", stamp, event), stamp), true, true},
		{"seconds", headers(sign(secret, fmt.Sprint(now.Unix()), event), fmt.Sprint(now.Unix())), true, true},
		{"milliseconds", headers(sign(secret, fmt.Sprint(now.UnixMilli()), event), fmt.Sprint(now.UnixMilli())), true, true},
		{"no zone", headers(sign(secret, now.Format("2006-01-02T15:04:05.000"), event), now.Format("2006-01-02T15:04:05.000")), true, true},
		{"other secret", headers(sign("x", stamp, event), stamp), true, false},
		{"other timestamp", headers(good, now.Add(time.Second).Format(time.RFC3339)), true, false},
		{"body alone", headers(base64.RawURLEncoding.EncodeToString(hmacOf(secret, event)), stamp), true, false},
		{"old", at(now.Add(-6 * time.Minute)), true, false},
		{"of tomorrow", at(now.Add(6 * time.Minute)), true, false},
		{"of no time", headers(sign(secret, "today", event), "today"), true, false},
		{"no timestamp", http.Header{"X-Signature": {good}}, false, false},
		{"none", http.Header{}, false, false},
		{"empty", headers("", stamp), false, false},
		{"two", http.Header{"X-Signature": {good, good}, "X-Request-Timestamp": {stamp}}, false, false},
		{"other version", headers(good, stamp, "V2.0"), false, false},
		{"too short", headers(good[:40], stamp), false, false},
		{"hexadecimal", headers(strings.Repeat("ab", 32), stamp), false, false},
		{"HS512", headers(base64.RawURLEncoding.EncodeToString(mac(sha512.New, secret, stamp, event)), stamp), false, false},
	}
	c := config("")
	c.CallbackSecretPrevious = exchange.NewSecret("formersecret")
	receiver, err := tyntec.NewReceiver(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := receiver.Signed(c.header); got != c.signed {
				t.Errorf("Signed = %t, want %t", got, c.signed)
			}
			if got := receiver.Verify(c.header, []byte(event)); got != c.genuine {
				t.Errorf("Verify = %t, want %t", got, c.genuine)
			}
			if receiver.Verify(c.header, []byte(strings.Replace(event, `\u00fc`, "ü", 1))) {
				t.Error("a body that was written anew verifies")
			}
		})
	}
	if _, ok := receiver.Handshake(nil); ok {
		t.Error("there is no handshake")
	}
}

func headers(signature, stamp string, version ...string) http.Header {
	h := http.Header{"X-Signature": {signature}, "X-Request-Timestamp": {stamp}}
	if version != nil {
		h["X-Signature-Version"] = version
	}
	return h
}

func at(when time.Time) http.Header {
	stamp := when.Format(time.RFC3339)
	return headers(sign(secret, stamp, event), stamp)
}

func hmacOf(key, body string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(body))
	return m.Sum(nil)
}

// What is configured must hold: each alone, and both where there are both.
func TestVerifyByWhatIsConfigured(t *testing.T) {
	const token = "canarytoken"
	stamp := time.Now().UTC().Format(time.RFC3339)
	signed, headed := headers(sign(secret, stamp, event), stamp), http.Header{"X-Token": {token}}
	both, wrong := signed.Clone(), signed.Clone()
	both.Set("X-Token", token)
	wrong.Set("X-Token", "canarytokem")
	long := headers(base64.RawURLEncoding.EncodeToString(mac(sha512.New, secret, stamp, event)), stamp)
	stale := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	old := headers(sign(secret, stale, event), stale)
	cases := map[string]struct {
		config func(*tyntec.Config)
		want   map[string]bool
	}{
		"a signature": {func(*tyntec.Config) {}, map[string]bool{"signed": true, "both": true, "wrong": true}},
		"a header": {func(c *tyntec.Config) {
			c.CallbackSecret, c.CallbackHeader, c.CallbackToken = exchange.Secret{}, "X-Token", exchange.NewSecret(token)
		},
			map[string]bool{"headed": true, "both": true}},
		"both": {func(c *tyntec.Config) { c.CallbackHeader, c.CallbackToken = "X-Token", exchange.NewSecret(token) },
			map[string]bool{"both": true}},
		"HS512":             {func(c *tyntec.Config) { c.CallbackMethod = "HS512" }, map[string]bool{"long": true}},
		"signed at any age": {func(c *tyntec.Config) { c.CallbackAge = -1 }, map[string]bool{"signed": true, "both": true, "wrong": true, "old": true}},
	}
	given := map[string]http.Header{"signed": signed, "headed": headed, "both": both, "wrong": wrong, "long": long, "old": old, "nothing": {}}
	for name, c := range cases {
		settings := config("")
		c.config(&settings)
		receiver, err := tyntec.NewReceiver(settings)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for what, header := range given {
			if got := receiver.Verify(header, []byte(event)); got != c.want[what] {
				t.Errorf("configured: %s, given: %s: Verify = %t", name, what, got)
			}
		}
	}
}

func TestOrderKey(t *testing.T) {
	receiver := open(t, "")
	key := func(body string) string { return receiver.Split([]byte(body))[0].Key }
	number := key(`{"event":"MoMessage","from":"15550100123"}`)
	if len(number) != 32 || strings.Contains(number, "5550100") {
		t.Errorf("key %q", number)
	}
	for name, body := range map[string]string{
		"with a plus":        `{"from":"+15550100123"}`,
		"of a status":        `{"whatsapp":{"userPhoneNumber":"15550100123"}}`,
		"of an echo to them": `{"from":"` + "4989202451100" + `","whatsapp":{"userPhoneNumber":"15550100123"}}`,
	} {
		if got := key(body); got != number {
			t.Errorf("%s: got %q, want that of the number", name, got)
		}
	}
	if a, b := key(`{"messageId":"a"}`), key(`{"messageId":"b"}`); a == "" || a == b || key(`{"x":1}`) != "" {
		t.Errorf("keys of statuses without a person: %q %q", a, b)
	}
}
