package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fhirbridge/pipeline"
)

// TestMetricsHoldNoWords sends words where codes belong through the lanes: no
// label takes them, and their number stays small.
func TestMetricsHoldNoWords(t *testing.T) {
	metrics, counted := newMetrics(t)
	k := newHearing()
	in, _, _ := listening(t, k, func([]byte, time.Time) (pipeline.Updates, error) {
		r := reply("m1")
		r.Kind = words
		return pipeline.Updates{
			Replies: []pipeline.Reply{r}, Others: []string{surname, strings.Repeat("a", 65), "account_update"},
			Receipts: []pipeline.Receipt{{State: pipeline.Failed, Code: number}, {State: pipeline.Failed, Code: "131026"}, {State: pipeline.Failed, Code: "123456789"}},
		}, nil
	})
	in.Metrics, in.DeadLetters.Metrics = metrics, metrics
	in.Journeys = &journeys{understand: func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) {
		return pipeline.Outcome{Reading: words}, nil
	}}
	if err := in.Handle(t.Context(), webhookRecord("main")); err != nil {
		t.Fatal(err)
	}
	if err := in.DeadLetters.Write(t.Context(), pipeline.Record{}, "inbound", []error{broken(words)}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"bridge_replies_total{kind=other,reading=other} 1", "bridge_webhook_updates_total{update=other} 2", "bridge_webhook_updates_total{update=account_update} 1",
		"bridge_receipts_total{code=131026,effect=changed,state=failed} 1", "bridge_receipts_total{code=other,effect=changed,state=failed} 2",
		"bridge_dead_letters_total{lane=inbound,reason=other} 1",
	} {
		if !strings.Contains(counted(), want+"\n") {
			t.Errorf("%s is not among\n%s", want, counted())
		}
	}
	if m := leaks(counted()); m != "" {
		t.Errorf("metrics hold %q", m)
	}
}

func TestCensus(t *testing.T) {
	var fails error
	l := &ledger{census: func() (pipeline.Census, error) {
		return pipeline.Census{
			Notifications: map[pipeline.State]map[pipeline.Reason]int{pipeline.Planned: {"": 3}, pipeline.Skipped: {pipeline.ReasonStopped: 2}},
			OldestDue:     90 * time.Second, OldestWrite: 2 * time.Second, Writes: map[pipeline.Sink]int{pipeline.SinkServer: 5}, GivenUp: 1, Parked: 4,
		}, fails
	}}
	r := prometheus.NewRegistry()
	r.MustRegister(pipeline.NewCensus(l))
	same(t, "gathered", gathered(t, r), `bridge_ledger_events_parked{} 4
bridge_ledger_notifications{reason=,state=planned} 3
bridge_ledger_notifications{reason=stopped,state=skipped} 2
bridge_ledger_oldest_due_seconds{} 90
bridge_ledger_oldest_write_seconds{} 2
bridge_ledger_writes_given_up{} 1
bridge_ledger_writes_pending{sink=server} 5
`)
	fails = transient("disk_full")
	if _, err := r.Gather(); err == nil {
		t.Error("a ledger that does not answer looks like an empty one")
	}
}
