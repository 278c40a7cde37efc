package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"fhirbridge/adapters/kafka"
	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// memoryLimit is from how many bytes on memory is collected more often instead.
const memoryLimit = 512 << 20

// tune lets the heap grow to nine times what is alive before it is collected, and memory not much above memoryLimit, unless GOGC and
// GOMEMLIMIT say otherwise: what is alive is little, and messages wait while it is looked for. Measured in docs/performance.md.
func tune() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(800)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

func runCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "run", Short: "Run all lanes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := ready(file, forRun)
			if err != nil {
				return err
			}
			tune()
			a, err := newApp(c, newLog(slog.LevelInfo, true))
			if err != nil {
				return err
			}
			return errors.Join(a.run(cmd.Context()), a.close())
		},
	}
	cmd.Flags().StringVar(&file, "config", "bridge.yaml", "configuration file")
	return cmd
}

func webhookCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "webhook", Short: "Run the webhook receiver alone: signature, Kafka, 200", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := load(file, forReceiver)
			if err != nil {
				return err
			}
			return runReceiver(cmd.Context(), c, newLog(slog.LevelInfo, true))
		},
	}
	cmd.Flags().StringVar(&file, "config", "bridge.yaml", "configuration file")
	return cmd
}

// runReceiver needs Kafka and the app secret; no ledger, no journeys, no FHIR server.
func runReceiver(ctx context.Context, c *Config, log *slog.Logger) error {
	a := &app{config: c, log: log, registry: prometheus.NewRegistry(), now: time.Now}
	a.metrics = pipeline.NewMetrics(a.registry)
	var err error
	if a.kafka, err = kafka.NewPublisher(c.Kafka.Cluster); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	webhooks, err := openWebhooks(c)
	if err != nil {
		return err
	}
	a.receiver = a.newReceiver(webhooks, pipeline.NewPublisher(a.kafka, kafka.MetadataKey))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(ctx, c.HTTP.Webhooks, a.webhookMux()) })
	g.Go(func() error { return serve(ctx, c.HTTP.Admin, a.adminMux()) })
	log.Info("receiving", "webhooks", c.HTTP.Webhooks, "admin", c.HTTP.Admin, "version", version())
	return errors.Join(g.Wait(), a.close())
}

func keygenCommand() *cobra.Command {
	return &cobra.Command{
		Use: "keygen FILE", Short: "Write a new key for the ledger into a file that does not exist yet", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(f, sqlledger.NewKey())
			return errors.Join(err, f.Close())
		},
	}
}

// openWebhooks makes the receiving half of every channel.
func openWebhooks(c *Config) (map[string]pipeline.Webhook, error) {
	webhooks := map[string]pipeline.Webhook{}
	for _, entry := range c.Channels {
		w, err := providers[entry.Provider].webhook(entry.node)
		if err != nil {
			return nil, fmt.Errorf("channels.%s: %w", entry.Name, err)
		}
		webhooks[entry.Name] = w
	}
	return webhooks, nil
}
