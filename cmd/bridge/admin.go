package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"fhirbridge/adapters/kafka"
	"fhirbridge/pipeline"
)

const (
	readyTimeout = 3 * time.Second
	drainTimeout = 10 * time.Second
)

func (a *app) webhookMux() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/webhooks/{channel}", a.receiver)
	if a.server != nil && a.server.JWKS() != nil {
		mux.HandleFunc("GET "+jwksPath, a.jwks)
	}
	return mux
}

// adminMux serves /healthz (the process lives), /readyz (each dependency, as JSON)
// /metrics (Prometheus), and /plan, /send and /writes of the bridge that has a ledger.
func (a *app) adminMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	if a.ledger != nil {
		mux.HandleFunc("GET /plan", a.plan)
		mux.HandleFunc("POST /send", a.broadcasts.serve)
		mux.HandleFunc("GET /writes", a.writes)
		mux.HandleFunc("POST /writes", a.writeAgain)
	}
	return mux
}

// What /readyz says of a dependency.
const (
	depOK = "ok"
	// depDown is for what nothing goes without.
	depDown = "unreachable"
	// depDegraded is for what is waited for: what is owed to it is kept, and written in order when it is back.
	depDegraded = "degraded"
)

// ready answers 200 if the bridge does its work, else 503; the body names each dependency. Without the FHIR server, and
// while a sink is not asked, messages and replies pass all the same: that is no reason to keep webhooks away from here.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	state, status := map[string]string{}, http.StatusOK
	ask := func(name, otherwise string, ping func(context.Context) error) {
		state[name] = depOK
		if err := ping(ctx); err != nil {
			state[name] = otherwise
			a.log.Warn("not ready", "dependency", name, "state", otherwise, "error", err)
		}
		if state[name] == depDown {
			status = http.StatusServiceUnavailable
		}
	}
	ask("kafka", depDown, a.kafka.Ping)
	if a.ledger != nil {
		ask("ledger", depDown, a.ledger.Ping)
	}
	if a.server != nil {
		ask("fhir", depDegraded, a.server.Ping)
	}
	for _, b := range a.sinks {
		name := "write_to_" + string(b.Sink)
		if state[name] = depOK; b.State() != pipeline.BreakerClosed {
			state[name] = depDegraded
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(state)
}

// serve serves until ctx ends, and lets requests under way finish.
func serve(ctx context.Context, address string, h http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		done <- s.Shutdown(end)
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}

// lag collects how far each partition's committed offset is behind its end.
type lag [2]*kafka.Subscriber

var (
	lagDesc      = prometheus.NewDesc("bridge_kafka_lag_records", "Records between the committed offset and the end of the partition.", []string{"topic", "partition"}, nil)
	inFlightDesc = prometheus.NewDesc("bridge_kafka_in_flight_records", "Records that are being handled.", []string{"topic", "partition"}, nil)
)

func (l lag) Describe(ch chan<- *prometheus.Desc) { ch <- lagDesc; ch <- inFlightDesc }

func (l lag) Collect(ch chan<- prometheus.Metric) {
	for _, s := range l {
		for _, p := range s.Partitions() {
			partition := strconv.Itoa(p.Partition)
			ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(max(0, p.HighWater-p.Committed)), p.Topic, partition)
			ch <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(p.InFlight), p.Topic, partition)
		}
	}
}
