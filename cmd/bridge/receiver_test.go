package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// receives is a configuration with nothing in it but what `bridge webhook` needs: no ledger, no FHIR server and no access token.
func (w *world) receives() string {
	return fmt.Sprintf(`
kafka:
  brokers: [%q]
  topics: {events: [of-others], inbound: %s}
channels:
  - {name: main, provider: cloudapi, phone_number_id: %q, app_secret: %s, verify_token: demo, access_token: "${BRIDGE_TEST_UNSET}"}
http: {webhooks: %q, admin: %q}
`, strings.Join(w.brokers, `", "`), w.topics.Inbound, demoNumber, demoSecret, w.webhooks, w.admin)
}

// posts posts a body to the webhook, signed with that secret, and returns the answer's status. The body is asked for only
// once the receiver wants to read it.
func (w *world) posts(secret, signed string, body io.Reader) (int, error) {
	to, client := "http://"+w.webhooks+"/webhooks/main", &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, to, body)
	if err != nil {
		return 0, err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(signed))
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	req.Header.Set("Expect", "100-continue")
	answer, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// slowly is a body that tells when it is asked for, and comes when it may.
type slowly struct {
	io.Reader
	asked, may chan struct{}
	once       sync.Once
}

func (s *slowly) Read(p []byte) (int, error) {
	s.once.Do(func() { close(s.asked); <-s.may })
	return s.Reader.Read(p)
}

// receive runs the receiver alone, and waits until it answers the handshake.
func (w *world) receive(ctx context.Context, log io.Writer) <-chan error {
	w.t.Helper()
	file := filepath.Join(w.dir, "receiver.yaml")
	must(w.t, os.WriteFile(file, []byte(w.receives()), 0o600))
	c, _, err := load(file, forReceiver)
	must(w.t, err)
	ran := make(chan error, 1)
	go func() { ran <- runReceiver(ctx, c, slog.New(slog.NewJSONHandler(log, nil))) }()
	w.await("the handshake", func() bool {
		select {
		case err := <-ran:
			w.t.Fatalf("it does not run: %v", err)
		default:
		}
		return w.whatsapp.Handshake(w.t.Context()) == nil
	})
	return ran
}

// readyz is what the running program says of what it depends on, "" while it does not listen.
func (w *world) readyz() string {
	w.t.Helper()
	answer, err := http.Get("http://" + w.admin + "/readyz")
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(w.t, err)
	return strings.TrimSpace(string(body))
}

// TestReceiverAlone is `bridge webhook`: it answers the handshake, refuses what is not signed by the provider, and puts what is on
// Kafka as it came. When it is stopped it takes what is under way yet.
func TestReceiverAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{provider: "cloudapi", partitions: 1})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &safeBuffer{}
	ran := w.receive(ctx, log)
	w.await("/readyz to say that all it needs is there", func() bool { return w.readyz() == `{"kafka":"ok","topic_`+w.topics.Inbound+`":"ok"}` })

	// Spaces and an unknown field: what is on Kafka is what was signed, and not what somebody has understood.
	body := func(n int) string {
		return fmt.Sprintf(`{ "object":"whatsapp_business_account", "unheard":%d, "entry":[] }`, n)
	}
	for _, c := range []struct {
		name, secret, signed string
		want                 int
	}{
		{"another secret", "another", body(1), http.StatusUnauthorized},
		{"another body", demoSecret, body(2), http.StatusUnauthorized},
		{"right", demoSecret, body(1), http.StatusOK},
	} {
		if got, err := w.posts(c.secret, c.signed, strings.NewReader(body(1))); err != nil || got != c.want {
			t.Errorf("%s: answered %d, %v, want %d", c.name, got, err, c.want)
		}
	}

	late, answered := &slowly{Reader: strings.NewReader(body(3)), asked: make(chan struct{}), may: make(chan struct{})}, make(chan string, 1)
	go func() {
		status, err := w.posts(demoSecret, body(3), late)
		answered <- fmt.Sprint(status, err)
	}()
	select {
	case <-late.asked:
	case got := <-answered:
		t.Fatalf("it is answered %s before it is read", got)
	}
	stop()
	w.await("the door to be shut", func() bool { return w.whatsapp.Handshake(t.Context()) != nil })
	time.Sleep(100 * time.Millisecond) // in which one that does not wait would end
	close(late.may)
	if got := <-answered; got != "200 <nil>" {
		t.Fatalf("what was under way was answered %s", got)
	}
	if err := <-ran; err != nil {
		t.Errorf("it ended with %v", err)
	}
	var got []string
	for _, r := range w.records(w.topics.Inbound, 2) {
		got = append(got, string(r.Value))
	}
	if want := []string{body(1), body(3)}; !slices.Equal(got, want) {
		t.Errorf("on Kafka is\n%v\nwant\n%v", got, want)
	}
	if strings.Contains(log.String(), "unheard") {
		t.Error("the log has something of a body")
	}
}
