package tyntec_test

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirbridge/adapters/tyntec"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
	"fhirbridge/pipeline/porttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	apiKey = "canaryapikey"
	secret = "canarysecret"
	number = "4989202451100"
)

func config(baseURL string) tyntec.Config {
	return tyntec.Config{BaseURL: baseURL, Number: "+" + number, APIKey: exchange.NewSecret(apiKey), CallbackSecret: exchange.NewSecret(secret)}
}

func open(t testing.TB, baseURL string) *tyntec.Client {
	t.Helper()
	c, err := tyntec.New(config(baseURL))
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return c
}

func openSMS(t testing.TB, baseURL string) tyntec.SMS {
	t.Helper()
	c, err := tyntec.NewSMS(tyntec.SMSConfig(config(baseURL)))
	if err != nil {
		t.Fatalf("NewSMS: %v", err)
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

// asError returns the *pipeline.Error in err, and fails the test if there is none or it says a secret.
func asError(t *testing.T, err error) *pipeline.Error {
	t.Helper()
	var e *pipeline.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T %v, want *pipeline.Error", err, err)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("error says %q", err)
	}
	return e
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
	problem := func(status int) func(string) porttest.Answer {
		return func(echo string) porttest.Answer {
			body, _ := json.Marshal(map[string]any{
				"type": "https://docs.tyntec.com/problems/" + echo, "title": echo, "status": status, "detail": echo,
				"violations": []any{map[string]string{"field": echo, "message": echo}},
			})
			return porttest.Answer{Status: status, Body: string(body), Header: http.Header{"Content-Type": {"application/problem+json"}}}
		}
	}
	porttest.Channel(t, porttest.ChannelProvider{
		Open: func(t *testing.T, baseURL string) pipeline.Channel { return open(t, baseURL) },
		Accepted: func(id string) porttest.Answer {
			return porttest.Answer{Status: 202, Body: `{"messageId":"` + id + `","timestamp":"2026-05-03T08:00:00Z"}`}
		},
		Stored: func(id string) porttest.Answer {
			return porttest.Answer{Status: 200, Body: `{"mediaId":"` + id + `","url":"https://api.tyntec.com/x","quota":100,"usage":1}`}
		},
		Refused:      problem(400),
		RefusedCode:  "400",
		Throttled:    problem(429),
		Unauthorized: problem(401),
		Broken:       problem(500),
		Serves:       serves,
		Gone:         problem(404),
	})
}

// serves plays the API with one file. An API that wants the file to be fetched elsewhere can only redirect.
func serves(data []byte, contentType, elsewhere string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("apikey") != apiKey:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path != "/media/file-1":
			w.WriteHeader(http.StatusNotFound)
		case elsewhere != "":
			http.Redirect(w, r, elsewhere, http.StatusFound)
		default:
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write(data)
		}
	}
}
