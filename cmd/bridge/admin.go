package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"fhirbridge/adapters/kafka"
)

const drainTimeout = 10 * time.Second

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

// partitions are those that are read here.
func (a *app) partitions() []kafka.PartitionState {
	return append(a.events.Partitions(), a.updates.Partitions()...)
}

// lag collects how far each partition's committed offset is behind its end, and how many partitions of each topic are read here.
// A bridge that does not get into its group has no partition, so no lag; that it has none is what shows it.
type lag struct{ *app }

var (
	lagDesc      = prometheus.NewDesc("bridge_kafka_lag_records", "Records between the committed offset and the end of the partition.", []string{"topic", "partition"}, nil)
	inFlightDesc = prometheus.NewDesc("bridge_kafka_in_flight_records", "Records that are being handled.", []string{"topic", "partition"}, nil)
	assignedDesc = prometheus.NewDesc("bridge_kafka_assigned_partitions", "Partitions of the topic that this instance reads; 0 while it is not in its group, or there is no such topic.", []string{"topic"}, nil)
)

func (l lag) Describe(ch chan<- *prometheus.Desc) {
	ch <- lagDesc
	ch <- inFlightDesc
	ch <- assignedDesc
}

func (l lag) Collect(ch chan<- prometheus.Metric) {
	assigned := map[string]int{l.config.Kafka.Topics.Inbound: 0}
	for _, topic := range l.config.Kafka.Topics.Events {
		assigned[topic] = 0
	}
	for _, p := range l.partitions() {
		assigned[p.Topic]++
		partition := strconv.Itoa(p.Partition)
		ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(max(0, p.HighWater-p.Committed)), p.Topic, partition)
		ch <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(p.InFlight), p.Topic, partition)
	}
	for topic, n := range assigned {
		ch <- prometheus.MustNewConstMetric(assignedDesc, prometheus.GaugeValue, float64(n), topic)
	}
}
