package main

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/adapters/sandbox"
	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// BenchmarkDrain writes a backlog of replies to a FHIR server that answers after 20 ms: one in 50 patients has several. With
// entry, the server takes a while for each of a batch as well. Run it with -benchtime 5000x.
func BenchmarkDrain(b *testing.B) {
	for _, c := range []struct {
		concurrency, batch int
		entry              time.Duration
	}{{1, 1, 0}, {4, 1, 0}, {8, 1, 0}, {16, 1, 0}, {32, 1, 0}, {4, 32, 0}, {8, 8, 0}, {8, 16, 0}, {8, 32, 0}, {8, 64, 0}, {16, 32, 0}, {8, 32, 5 * time.Millisecond}} {
		b.Run(fmt.Sprintf("at-once=%d/batch=%d/entry=%v", c.concurrency, c.batch, c.entry), func(b *testing.B) {
			drain(b, c.concurrency, c.batch, c.entry)
		})
	}
}

func drain(b *testing.B, concurrency, batch int, entry time.Duration) {
	ehr, err := sandbox.NewFHIRServer(sandbox.FHIRConfig{Latency: 20 * time.Millisecond})
	must(b, err)
	b.Cleanup(func() { _ = ehr.Close() })
	if entry > 0 {
		ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
			if r.Entry == 0 {
				return nil
			}
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Latency: entry}}
		})
	}
	ledger, err := sqlledger.New(sqlledger.Config{URL: "sqlite:" + b.TempDir() + "/bridge.db", Plaintext: true})
	must(b, err)
	b.Cleanup(func() { _ = ledger.Close() })
	server, err := fhirserver.New(fhirserver.Config{BaseURL: ehr.URL()})
	must(b, err)
	must(b, server.Ping(b.Context()))
	filing := pipeline.Filing{Facility: "Harbour Hospital", Sinks: []pipeline.Sink{pipeline.SinkServer}}
	for i := range b.N {
		r := pipeline.Reply{
			Channel: "main", ID: fmt.Sprintf("wamid.%d", i), From: pipeline.NewPrivate(benchNumber(i)), Kind: "text",
			Text: pipeline.NewPrivate("May I bring my dog?"), At: time.Now(), Received: time.Now(),
		}
		_, err := ledger.Hear(b.Context(), r, func(th pipeline.Thread) (pipeline.Heard, error) {
			return pipeline.Heard{Writes: filing.Reply(r, th, fmt.Sprint("Patient/p", i%max(1, b.N*49/50)), "nothing known")}, nil
		})
		must(b, err)
	}
	lane := &pipeline.WriteBack{
		Sink: pipeline.SinkServer, Ledger: ledger, Log: slog.New(slog.DiscardHandler), Now: time.Now, Concurrency: concurrency,
		Server: server, Batches: server, Batch: batch, Validate: explain,
	}
	b.ResetTimer()
	began := time.Now()
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(b.Context())
	go func() { done <- lane.Run(ctx) }()
	must(b, ehr.Await(b.Context(), func() bool { return ehr.Count("Communication") == b.N }))
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "written/s")
	b.ReportMetric(0, "ns/op")
	b.StopTimer()
	stop()
	must(b, <-done)
}
