package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

const readyTimeout = 3 * time.Second

// What /readyz says of a dependency.
const (
	depOK = "ok"
	// depDown is for what nothing goes without.
	depDown = "unreachable"
	// depDegraded is for what is waited for: what is owed to it is kept, and goes on in order when it is back.
	depDegraded = "degraded"
)

// ready answers 200 if the bridge does its work, else 503; the body names each dependency. Without the FHIR server, and
// while a sink is not asked or a channel is halted, events and replies are taken in all the same: that is no reason to keep
// webhooks away from here.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	state := map[string]string{}
	ask := func(name, otherwise string, ping func(context.Context) error) {
		state[name] = depOK
		if err := ping(ctx); err != nil {
			state[name] = otherwise
			a.log.Warn("not ready", "dependency", name, "state", otherwise, "error", err)
		}
	}
	ask("kafka", depDown, a.kafka.Ping)
	if state["kafka"] == depOK {
		for topic, otherwise := range a.topics() {
			ask("topic_"+topic, otherwise, func(ctx context.Context) error { return a.kafka.HasTopic(ctx, topic) })
		}
	}
	if a.ledger != nil {
		ask("ledger", depDown, a.ledger.Ping)
	}
	if a.server != nil {
		ask("fhir", depDegraded, a.server.Ping)
	}
	for name, waits := range a.waiting() {
		if state[name] = depOK; waits {
			state[name] = depDegraded
		}
	}
	status := http.StatusOK
	for _, s := range state {
		if s == depDown {
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(state)
}

// topics are those without which something stands still, and what /readyz says where there is none: without the inbound topic
// no webhook is taken, the others are waited for. The receiver alone may not even see the others.
func (a *app) topics() map[string]string {
	of := a.config.Kafka.Topics
	if a.ledger == nil {
		return map[string]string{of.Inbound: depDown}
	}
	all := map[string]string{of.DeadLetters: depDegraded}
	if slices.Contains(a.config.FHIR.WriteTo, pipeline.SinkTopic) {
		all[of.Communications] = depDegraded
	}
	for _, topic := range of.Events {
		all[topic] = depDegraded
	}
	all[of.Inbound] = depDown
	return all
}

// waiting has what is known without asking, by name: whether it is being waited for.
func (a *app) waiting() map[string]bool {
	all := map[string]bool{}
	for _, b := range a.sinks {
		all["write_to_"+string(b.Sink)] = b.State() != pipeline.BreakerClosed
	}
	if a.dispatch != nil {
		for name, halted := range a.dispatch.Halted() {
			all["channel_"+name] = halted
		}
	}
	return all
}
