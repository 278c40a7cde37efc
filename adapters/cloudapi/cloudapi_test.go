package cloudapi_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
	"fhirbridge/pipeline/porttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	accessToken = "EAAGcanarytoken"
	appSecret   = "canaryappsecret"
	verifyToken = "canaryverifytoken"
	numberID    = "106540352242922"
)

func config(baseURL string) cloudapi.Config {
	return cloudapi.Config{
		BaseURL: baseURL, PhoneNumberID: numberID, AccessToken: exchange.NewSecret(accessToken),
		AppSecret: exchange.NewSecret(appSecret), VerifyToken: exchange.NewSecret(verifyToken),
	}
}

func open(t testing.TB, baseURL string) *cloudapi.Client {
	t.Helper()
	c, err := cloudapi.New(config(baseURL))
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return c
}

// serve answers every request with status and body.
func serve(t testing.TB, status int, body string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// golden compares got with a file, or writes the file under -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got:\n%s\nwant (%s):\n%s", got, filepath.Base(path), want)
	}
}

func TestPort(t *testing.T) {
	fault := func(status, code int) func(string) porttest.Answer {
		return func(echo string) porttest.Answer {
			body, _ := json.Marshal(map[string]any{"error": map[string]any{
				"message": echo, "type": echo, "code": code, "fbtrace_id": echo,
				"error_data": map[string]any{"messaging_product": "whatsapp", "details": echo},
			}})
			return porttest.Answer{Status: status, Body: string(body)}
		}
	}
	porttest.Channel(t, porttest.ChannelProvider{
		Open: func(t *testing.T, baseURL string) pipeline.Channel { return open(t, baseURL) },
		Accepted: func(id string) porttest.Answer {
			return porttest.Answer{Status: 200, Body: `{"messaging_product":"whatsapp","contacts":[{"input":"+15550100123","wa_id":"15550100123"}],` +
				`"messages":[{"id":"` + id + `"}]}`}
		},
		Stored:       func(id string) porttest.Answer { return porttest.Answer{Status: 200, Body: `{"id":"` + id + `"}`} },
		Refused:      fault(400, 131026),
		RefusedCode:  "131026",
		Throttled:    fault(400, 130429),
		Pair:         fault(400, 131056),
		Unauthorized: fault(401, 190),
		Broken:       fault(500, 131000),
		Serves:       serves,
		Gone:         fault(400, 100),
	})
}
