package cloudapi_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline/exchange"
)

func sign(secret, body string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

func TestVerify(t *testing.T) {
	cfg := config("")
	cfg.AppSecretPrevious = exchange.NewSecret("formersecret")
	receiver, err := cloudapi.NewReceiver(cfg)
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"object":"whatsapp_business_account","entry":[{"x":"\u00fc"}]}`
	good := sign(appSecret, body)
	cases := []struct {
		name            string
		values          []string
		signed, genuine bool
	}{
		{"genuine", []string{good}, true, true},
		{"previous secret", []string{sign("formersecret", body)}, true, true},
		{"other secret", []string{sign("x", body)}, true, false},
		{"body written anew", []string{sign(appSecret, strings.Replace(body, `\u00fc`, "ü", 1))}, true, false},
		{"order key as signature", []string{"sha256=" + strings.Repeat(receiver.Split([]byte(`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"messages":[{"from":"1"}]}}]}]}`))[0].Key, 2)}, true, false},
		{"none", nil, false, false},
		{"empty", []string{""}, false, false},
		{"two", []string{good, good}, false, false},
		{"no digest", []string{"sha256="}, false, false},
		{"too short", []string{good[:70]}, false, false},
		{"too long", []string{good + "00"}, false, false},
		{"no prefix", []string{good[7:]}, false, false},
		{"other algorithm", []string{"sha1=" + good[7:]}, false, false},
		{"no hexadecimal", []string{good[:70] + "g"}, false, false},
		{"space", []string{" " + good}, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			header := http.Header{}
			for _, v := range c.values {
				header.Add("X-Hub-Signature-256", v)
			}
			if got := receiver.Signed(header); got != c.signed {
				t.Errorf("Signed = %t, want %t", got, c.signed)
			}
			if got := receiver.Verify(header, []byte(body)); got != c.genuine {
				t.Errorf("Verify = %t, want %t", got, c.genuine)
			}
		})
	}
}

func TestHandshake(t *testing.T) {
	receiver := open(t, "")
	good := url.Values{"hub.mode": {"subscribe"}, "hub.challenge": {"1158201444"}, "hub.verify_token": {verifyToken}}
	if challenge, ok := receiver.Handshake(good); !ok || challenge != "1158201444" {
		t.Errorf("Handshake = %q, %t; want 1158201444, true", challenge, ok)
	}
	for key, value := range map[string]string{"hub.mode": "unsubscribe", "hub.challenge": "", "hub.verify_token": verifyToken[1:]} {
		bad := url.Values{}
		for k, v := range good {
			bad[k] = v
		}
		bad.Set(key, value)
		if challenge, ok := receiver.Handshake(bad); ok || challenge != "" {
			t.Errorf("with %s=%q: Handshake = %q, %t; want nothing", key, value, challenge, ok)
		}
	}
	if _, ok := receiver.Handshake(url.Values{}); ok {
		t.Error("an empty query is taken")
	}
}

func TestOrderKey(t *testing.T) {
	receiver := open(t, "")
	key := func(name string) string {
		t.Helper()
		body, err := os.ReadFile("testdata/webhooks/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		return receiver.Split(body)[0].Key
	}
	person := key("text")
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(person) {
		t.Fatalf("key = %q, want 32 hexadecimal digits", person)
	}
	for _, same := range []string{"template_button", "status_sent", "status_failed_131026", "several_entries_and_changes"} {
		if got := key(same); got != person {
			t.Errorf("%s has another key than a text of the same person", same)
		}
	}
	if got, want := key("text_from_user_id_only"), key("status_for_user_id_only"); got != want || got == "" || got == person {
		t.Errorf("keys of a user id = %q and %q", got, want)
	}
	for _, none := range []string{"field_template_paused", "account_error_131035", "without_entries", "parts_of_the_wrong_type"} {
		if got := key(none); got != "" {
			t.Errorf("%s: key = %q, want none", none, got)
		}
	}
	other := config("")
	other.AppSecret = exchange.NewSecret("othersecret")
	r, err := cloudapi.NewReceiver(other)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := os.ReadFile("testdata/webhooks/text.json")
	if r.Split(body)[0].Key == person {
		t.Error("the key does not depend on the secret")
	}
	if receiver.Split([]byte("no JSON"))[0].Key != "" {
		t.Error("what is no JSON has a key")
	}
}
