package main

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// readiness is what /readyz answers.
func (a *app) readiness(t *testing.T) (int, map[string]string) {
	t.Helper()
	answer := httptest.NewRecorder()
	a.adminMux().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody))
	state := map[string]string{}
	must(t, json.Unmarshal(answer.Body.Bytes(), &state))
	return answer.Code, state
}

// wellWith is what /readyz says of a bridge in a world without SMS while nothing is wrong, but for what is.
func (w *world) wellWith(is map[string]string) map[string]string {
	state := map[string]string{
		"kafka": depOK, "ledger": depOK, "fhir": depOK, "write_to_server": depOK, "write_to_topic": depOK, "channel_main": depOK,
	}
	for _, topic := range []string{w.topics.Events[0], w.topics.Inbound, w.topics.Communications, w.topics.DeadLetters} {
		state["topic_"+topic] = depOK
	}
	maps.Copy(state, is)
	return state
}

// TestReadyShowsAHaltedChannel: who refuses our credentials is named. It is no reason to take the bridge out of work: events,
// answers and statuses are taken in all the same, and messages wait.
func TestReadyShowsAHaltedChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{provider: "cloudapi", sms: true})
	b := w.run()
	says := func(channel string) func() bool {
		return func() bool {
			status, state := b.app.readiness(t)
			return status == http.StatusOK && maps.Equal(state, w.wellWith(map[string]string{"channel_main": channel, "channel_sms": depOK}))
		}
	}
	w.await("all to be well", says(depOK))
	w.whatsapp.Fail(func(sandbox.SendRequest) *sandbox.SendFault {
		return &sandbox.SendFault{Code: 190}
	})
	w.knows(patient("p1", "Amara", "+15550100101", "en"))
	w.knows(appointment("a1", "p1", "booked", time.Now().Add(240*time.Hour)))
	w.await("the channel to be degraded, and nothing else", says(depDegraded))
	w.whatsapp.Fail(nil)
	w.await("the message", func() bool { return w.whatsapp.Count() == 1 })
	w.await("all to be well again", says(depOK))
}

// TestNotReady: without Kafka nothing is taken in, and the answer is 503. There is no lag then, but no partition, either.
func TestNotReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.brokers = []string{"127.0.0.1:1"}
	b := w.run()
	want := map[string]string{"kafka": depDown, "ledger": depOK, "fhir": depOK, "write_to_server": depOK, "write_to_topic": depOK, "channel_main": depOK}
	if status, state := b.app.readiness(t); status != http.StatusServiceUnavailable || !maps.Equal(state, want) {
		t.Errorf("got %d, %v, want 503, %v", status, state, want)
	}
	for _, topic := range []string{w.topics.Events[0], w.topics.Inbound} {
		if got := w.gauges("bridge_kafka_assigned_partitions", topic); !slices.Equal(got, []float64{0}) {
			t.Errorf("%s: got %v partitions, want 0", topic, got)
		}
		if got := w.gauges("bridge_kafka_lag_records", topic); len(got) > 0 {
			t.Errorf("%s: got a lag of %v, and nothing is read", topic, got)
		}
	}
}

// TestReadyNamesAbsentTopics: what is waited for is degraded. Without the topic of webhooks none is taken, and the answer is 503.
func TestReadyNamesAbsentTopics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	for _, c := range []struct {
		name, topic, says string
		status            int
	}{
		{"events", w.topics.Events[0], depDegraded, http.StatusOK},
		{"communications", w.topics.Communications, depDegraded, http.StatusOK},
		{"dead letters", w.topics.DeadLetters, depDegraded, http.StatusOK},
		{"inbound", w.topics.Inbound, depDown, http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(w.config(w.whatsapp.URL()), c.topic, c.topic+".absent", 1)
			config, err := w.load(text)
			must(t, err)
			a, err := newApp(w.withBook(config), slog.New(slog.DiscardHandler))
			must(t, err)
			want := w.wellWith(map[string]string{"topic_" + c.topic + ".absent": c.says})
			delete(want, "topic_"+c.topic)
			if status, state := a.readiness(t); status != c.status || !maps.Equal(state, want) {
				t.Errorf("got %d, %v, want %d, %v", status, state, c.status, want)
			}
			must(t, a.close())
		})
	}
}
