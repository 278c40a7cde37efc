package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// why tells where to ask what events lead to. A simulation lets them come when they were last updated unless it is told
// otherwise: for events of one's own it is told when they came here, so that what was history here is history there.
func (d *demo) why() string {
	if len(d.files) == 0 {
		return "`bridge simulate FILE…` shows what events of your own would lead to, and why the rest is not said."
	}
	return fmt.Sprintf("Why an event led to nothing: `bridge simulate FILE… --at %s` names the reason of every step that is not planned.",
		time.Now().UTC().Format(time.RFC3339))
}

// letterbox passes dead letters on, and counts them by what is wrong with them and where.
type letterbox struct {
	pipeline.Publisher
	mu     sync.Mutex
	faults map[string]int
}

// Publish implements pipeline.Publisher.
func (l *letterbox) Publish(ctx context.Context, topic, key string, headers map[string]string, value []byte) error {
	if err := l.Publisher.Publish(ctx, topic, key, headers, value); err != nil {
		return err
	}
	what := headers[pipeline.HeaderReason]
	if path := headers[pipeline.HeaderPath]; path != "" {
		what += " at " + path
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults[what]++
	return nil
}

// counted returns how many dead letters there are by fault.
func (l *letterbox) counted() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.faults)
}

// awaited counts the events that are parked by the patient for whom each waits. It is for the summary: what cannot be read is left out.
func (d *demo) awaited(ctx context.Context, parked int) map[string]int {
	who := map[string]int{}
	list, _ := d.app.ledger.Parked(ctx, time.Now().Add(24*time.Hour), parked) // all: none is tried less often
	for _, e := range list {
		current, err := fhir.Decode(e.Event.Resource)
		if err != nil {
			continue
		}
		for _, ref := range d.app.book.Needs(current) {
			if !d.knows(ctx, e.Event, ref) {
				who["for "+ref]++
			}
		}
	}
	return who
}

// knows reports whether a patient came along with the event, or is in the ledger.
func (d *demo) knows(ctx context.Context, ev pipeline.Event, ref string) bool {
	if raw, ok := ev.Context[ref]; ok {
		if _, err := fhir.Decode(raw); err == nil {
			return true
		}
	}
	known, err := d.app.resolver.Resource(ctx, ref)
	return err == nil && known != nil
}
