package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"github.com/twmb/franz-go/pkg/kgo"

	"fhirbridge/adapters/sandbox"
)

// ehrServer is the EHR's server: the one in this process, or a real one (realEHR).
type ehrServer interface {
	http.Handler
	URL() string
	Close() error
	// Seed stores resources under their own ids.
	Seed(raw ...[]byte) error
	Resource(ref string) (json.RawMessage, bool)
	// All, Count and Duplicates are of what this world has, oldest first.
	All(kind string) []json.RawMessage
	Count(kind string) int
	Duplicates(kind string) []string
	// Fail decides what goes wrong with a request. The hook may change resources itself.
	Fail(hook func(sandbox.FHIRRequest) *sandbox.FHIRFault)
}

var (
	_ ehrServer = (*sandbox.FHIRServer)(nil)
	_ ehrServer = (*realEHR)(nil)
)

// newEHR starts a server, or stands before the real one that the environment names.
func (w *world) newEHR() ehrServer {
	w.t.Helper()
	if onRealFHIR() {
		return newRealEHR(w.t)
	}
	config := sandbox.FHIRConfig{Validate: validates, Clock: w.now}
	if w.options.fhir != nil {
		w.options.fhir(&config)
	}
	ehr, err := sandbox.NewFHIRServer(config)
	must(w.t, err)
	return ehr
}

// writtenEnv names a folder that gets all that bridges have written, as NDJSON for a validator.
const writtenEnv = "BRIDGE_TEST_WRITTEN"

// writtenKinds are what the bridge writes.
var writtenKinds = []string{
	"Appointment", "AppointmentResponse", "Communication", "CommunicationRequest", "Consent", "DocumentReference", "QuestionnaireResponse", "Task",
}

// keep puts what was written into the folder that the environment names: on the FHIR server what the bridge has created, which
// has an identifier of its own, and all of the topic.
func (w *world) keep() {
	dir := os.Getenv(writtenEnv)
	if dir == "" {
		return
	}
	var lines bytes.Buffer
	for _, kind := range writtenKinds {
		for _, raw := range w.ehr.All(kind) {
			ours := func(i gjson.Result) bool { return strings.HasPrefix(i.Get("system").String(), "urn:fhirbridge:") }
			if slices.ContainsFunc(gjson.GetBytes(raw, "identifier").Array(), ours) {
				must(w.t, json.Compact(&lines, raw))
				lines.WriteByte('\n')
			}
		}
	}
	for _, raw := range w.published() {
		must(w.t, json.Compact(&lines, raw))
		lines.WriteByte('\n')
	}
	name := strings.ReplaceAll(w.t.Name(), "/", "_") + ".ndjson"
	must(w.t, os.WriteFile(filepath.Join(dir, name), lines.Bytes(), 0o600))
}

// published is all that is on the topic of resources; it is done when nothing has come for a second.
func (w *world) published() (all [][]byte) {
	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...), kgo.ConsumeTopics(w.topics.Communications), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	must(w.t, err)
	defer client.Close()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		records := client.PollFetches(ctx).Records()
		cancel()
		if len(records) == 0 {
			return all
		}
		for _, r := range records {
			all = append(all, r.Value)
		}
	}
}
