package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fhirbridge/adapters/kafka"
	"fhirbridge/adapters/sandbox"
	"fhirbridge/adapters/sqlledger"
	"fhirbridge/fhir/strict"
	"fhirbridge/pipeline"
)

func demoCommand() *cobra.Command {
	d := &demo{}
	cmd := &cobra.Command{
		Use:   "demo [--events FILE…]",
		Short: "Run everything on this machine: Kafka, a WhatsApp, a FHIR server, and the bridge between them",
		Long: "Run the real pipeline between an embedded Kafka broker, a WhatsApp Cloud API with phones, and a small FHIR R4 server,\n" +
			"all on loopback, and play a short morning at a hospital. With --events, your own FHIR JSON takes the place of the morning:\n" +
			"each patient taps the first button of every message that has buttons. It ends with 0 only if every event was accounted\n" +
			"for: one whose patient nobody knows is not, and is waited for as long as --patience says.",
		Example: "  bridge demo\n" +
			"  bridge demo --events feed/*.json --keep kept",
		Args: d.takes,
		RunE: func(cmd *cobra.Command, more []string) error {
			d.files = append(d.files, more...)
			d.screen = newScreen(cmd.OutOrStdout())
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringArrayVar(&d.files, "events", nil, "FHIR JSON `FILE` to feed: resource, Bundle or NDJSON; further names after it are files as well")
	cmd.Flags().StringVar(&d.keep, "keep", "", "keep ledger, key and configuration in this `DIR`")
	cmd.Flags().Bool("no-browser", false, "stay in the terminal, where the demo always stays: it has no page yet")
	cmd.Flags().DurationVar(&d.patience, "patience", time.Minute, "how long to wait until everything has settled, and for patients who are not known")
	return cmd
}

// takes lets names follow those of --events, where a shell puts them for *.json.
func (d *demo) takes(_ *cobra.Command, more []string) error {
	if len(more) > 0 && len(d.files) == 0 {
		return fmt.Errorf("demo takes files with --events only: bridge demo --events %s", strings.Join(more, " "))
	}
	return nil
}

// demo is the outside world on this machine, with the bridge in the middle.
type demo struct {
	files    []string
	keep     string
	patience time.Duration

	screen   *screen
	dir      string
	broker   *sandbox.Broker
	whatsapp *sandbox.WhatsApp
	ehr      *sandbox.FHIRServer
	feed     *kafka.Publisher
	changes  chan sandbox.FHIRChange
	app      *app
	letters  *letterbox
	records  int
}

const (
	demoTopic  = "ehr.fhir"
	demoToken  = "demo-access-token"
	demoSecret = "demo-app-secret"
	demoNumber = "106540352242922"
)

// run stages the morning, or the user's own files.
func (d *demo) run(ctx context.Context) error {
	if len(d.files) > 0 {
		return d.stage(ctx, d.playFiles)
	}
	return d.stage(ctx, d.morning)
}

// stage starts everything, lets something be played, waits until it has settled and sums up.
func (d *demo) stage(ctx context.Context, play func(context.Context) error) error {
	remove, err := d.folder()
	if err != nil {
		return err
	}
	defer remove()
	defer d.close()
	if err := d.start(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ran := make(chan error, 1)
	go func() { ran <- d.app.run(ctx) }()
	if err := d.ready(ctx, ran); err != nil {
		return err
	}
	played := play(ctx)
	if played == nil {
		played = d.quiet(ctx)
	}
	summed := d.summary(ctx)
	stop()
	return errors.Join(played, summed, <-ran, d.app.close())
}

// folder makes the place of the ledger; a temporary one is removed at the end.
func (d *demo) folder() (remove func(), err error) {
	if d.keep != "" {
		d.dir = d.keep
		return func() {}, os.MkdirAll(d.dir, 0o700)
	}
	d.dir, err = os.MkdirTemp("", "bridge-demo-")
	return func() { _ = os.RemoveAll(d.dir) }, err
}

// start starts the outside world, then builds the bridge from a configuration file
// like anybody's.
func (d *demo) start() (err error) {
	topics := map[string]int{demoTopic: 4, "bridge.inbound": 4, "bridge.communications": 4, "bridge.dead-letters": 1}
	if d.broker, err = sandbox.NewBroker(sandbox.BrokerConfig{Topics: topics}); err != nil {
		return err
	}
	d.changes = make(chan sandbox.FHIRChange, 1024)
	d.ehr, err = sandbox.NewFHIRServer(sandbox.FHIRConfig{
		Validate: validates,
		OnWrite:  d.screen.wrote,
		OnChange: func(c sandbox.FHIRChange) { d.changes <- c },
	})
	if err != nil {
		return err
	}
	file, err := d.configure()
	if err != nil {
		return err
	}
	c, _, err := load(file, forRun)
	if err != nil {
		return err
	}
	book, err := loadJourneys(c)
	if err != nil {
		return err
	}
	templates, err := approved(book.MetaTemplates())
	if err != nil {
		return err
	}
	d.whatsapp, err = sandbox.NewWhatsApp(sandbox.WhatsAppConfig{
		Listen: d.apiAddress(), AccessToken: demoToken, AppSecret: demoSecret, VerifyToken: "demo",
		PhoneNumberID: demoNumber, Templates: templates, WebhookURL: "http://" + c.HTTP.Webhooks + "/webhooks/main",
	})
	if err != nil {
		return err
	}
	d.whatsapp.OnMessage(d.screen.message)
	if d.feed, err = kafka.NewPublisher(c.Kafka.Cluster); err != nil {
		return err
	}
	if d.app, err = newApp(c, newLog(slog.LevelError, false)); err != nil {
		return err
	}
	d.letters = &letterbox{Publisher: d.app.dead.Publisher, faults: map[string]int{}}
	d.app.dead.Publisher = d.letters
	return nil
}

// validates is the sandbox server's strictness: what the strict validator refuses, it refuses.
func validates(raw []byte) error {
	if found := strict.Validate(raw); len(found) > 0 {
		return fmt.Errorf("%s: %s", found[0].Path, found[0].Rule)
	}
	return nil
}

// configure writes the configuration and the key of the ledger.
func (d *demo) configure() (string, error) {
	free, err := freeAddresses(3)
	if err != nil {
		return "", err
	}
	webhooks, admin, api := free[0], free[1], free[2]
	d.screen.api = api
	key := filepath.Join(d.dir, "ledger.key")
	if _, err := os.Stat(key); err != nil {
		if err := os.WriteFile(key, []byte(sqlledger.NewKey()+"\n"), 0o600); err != nil {
			return "", err
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, demoConfig, d.broker.Addr(), demoTopic, d.ehr.URL(), api, demoNumber, demoToken, demoSecret,
		filepath.ToSlash(filepath.Join(d.dir, "bridge.db")), filepath.ToSlash(key), webhooks, admin)
	file := filepath.Join(d.dir, "bridge.yaml")
	return file, os.WriteFile(file, b.Bytes(), 0o600)
}

func (d *demo) apiAddress() string { return d.screen.api }

const demoConfig = `# Written by bridge demo. Broker, API and FHIR server of it exist only while it runs.
kafka:
  brokers: [%q]
  topics: {events: [%s]}
fhir:
  base_url: %s
  write_to: [server, topic]
channels:
  - {name: main, provider: cloudapi, base_url: "http://%s", phone_number_id: %q, access_token: %s, app_secret: %s, verify_token: demo}
ledger: {url: "sqlite:%s", key_file: %q}
http: {webhooks: %q, admin: %q}
facility: {name: Harbour Hospital, timezone: Europe/Berlin, language: en, country: DE}
`

// ready waits until the bridge takes webhooks: Meta would check the same way.
func (d *demo) ready(ctx context.Context, ran <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	select {
	case <-d.app.router.Running():
	case err := <-ran:
		return errors.Join(err, errors.New("the bridge did not start"))
	case <-ctx.Done():
		return errors.New("the bridge did not start in time")
	}
	for d.whatsapp.Handshake(ctx) != nil {
		select {
		case <-ctx.Done():
			return errors.New("the webhook did not answer the handshake")
		case <-time.After(20 * time.Millisecond):
		}
	}
	d.screen.world(d)
	return nil
}

// publish puts a record on the feed, keyed by what it is about.
func (d *demo) publish(ctx context.Context, key string, value []byte) error {
	d.records++
	return pipeline.NewPublisher(d.feed, kafka.MetadataKey).Publish(ctx, demoTopic, key, nil, value)
}

func (d *demo) close() {
	if d.feed != nil {
		_ = d.feed.Close()
	}
	if d.whatsapp != nil {
		_ = d.whatsapp.Close()
	}
	if d.ehr != nil {
		_ = d.ehr.Close()
	}
	if d.broker != nil {
		d.broker.Close()
	}
}
