package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxWebhook is the largest body a provider posts: Meta says 3 MB.
const maxWebhook = 3 << 20

// partsAtOnce is how many parts of a body are being put on Kafka at once.
const partsAtOnce = 64

// Receiver is the webhook's HTTP side: it checks the signature of the raw body,
// puts the raw body on Kafka, and answers 200. It needs no database. A body about several people becomes a record of each, for
// the key of a record keeps what is about one person in order.
//
// GET /webhooks/{channel} answers the provider's handshake; POST takes updates.
// A missing or wrong signature gets 401 and leaves no trace but a counter. When
// Kafka does not take all of the body the answer is 503 and the provider posts again; what was taken is taken in once.
type Receiver struct {
	Webhooks  map[string]Webhook
	Publisher Publisher
	Topic     string
	Metrics   *Metrics
	Log       *slog.Logger
	Now       func() time.Time
}

// ServeHTTP implements http.Handler.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("channel")
	webhook, ok := rc.Webhooks[name]
	if !ok {
		rc.answer(w, "unknown", http.StatusNotFound)
		return
	}
	switch r.Method {
	case http.MethodGet:
		rc.handshake(w, r, name, webhook)
	case http.MethodPost:
		rc.take(w, r, name, webhook)
	default:
		w.Header().Set("Allow", "GET, POST")
		rc.answer(w, name, http.StatusMethodNotAllowed)
	}
}

func (rc *Receiver) handshake(w http.ResponseWriter, r *http.Request, name string, webhook Webhook) {
	challenge, ok := webhook.Handshake(r.URL.Query())
	if !ok {
		rc.answer(w, name, http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	rc.Metrics.webhook(name, "handshake")
	_, _ = io.WriteString(w, challenge)
}

func (rc *Receiver) take(w http.ResponseWriter, r *http.Request, name string, webhook Webhook) {
	received := rc.Now()
	if !webhook.Signed(r.Header) { // the body is not even read
		rc.answer(w, name, http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			rc.answer(w, name, http.StatusRequestEntityTooLarge)
			return
		}
		rc.answer(w, name, http.StatusBadRequest)
		return
	}
	if !webhook.Verify(r.Header, body) {
		rc.answer(w, name, http.StatusUnauthorized)
		return
	}
	headers := map[string]string{HeaderChannel: name, HeaderReceived: received.UTC().Format(time.RFC3339Nano)}
	if err := rc.publish(r.Context(), headers, webhook.Split(body)); err != nil {
		rc.Log.Error("webhook not taken; the provider will post it again", "channel", name, "error", err)
		rc.answer(w, name, http.StatusServiceUnavailable)
		return
	}
	rc.Metrics.webhook(name, "taken")
	w.WriteHeader(http.StatusOK)
}

// publish puts all parts on Kafka, at once: no order holds between people.
func (rc *Receiver) publish(ctx context.Context, headers map[string]string, parts []InboundPart) error {
	errs := make([]error, len(parts))
	slots := make(chan struct{}, partsAtOnce)
	var under sync.WaitGroup
	for i, part := range parts {
		slots <- struct{}{}
		under.Go(func() {
			defer func() { <-slots }()
			errs[i] = rc.Publisher.Publish(ctx, rc.Topic, part.Key, headers, part.Body)
		})
	}
	under.Wait()
	return errors.Join(errs...)
}

func (rc *Receiver) answer(w http.ResponseWriter, channel string, status int) {
	rc.Metrics.webhook(channel, strconv.Itoa(status))
	w.WriteHeader(status)
}
