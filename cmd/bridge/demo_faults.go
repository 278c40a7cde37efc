package main

import (
	"context"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// awaited counts the events that are parked by the patient whom each waits for. It is for the summary: what cannot be read is left out.
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
				who[ref]++
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
