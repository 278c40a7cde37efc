package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// TestWaitingForAMovedVisit: who is there before the bridge has heard that the visit was moved is told of delays from the new start
// on, and of none from the old one.
func TestWaitingForAMovedVisit(t *testing.T) {
	w := newWorld(t, worldOptions{})
	b := w.run()
	v := w.attendee(t, "m1", "Amara", "+15550100177", "en")
	due := v.dueSoon()
	old, start := due.Add(-30*time.Minute), due.Add(-20*time.Minute)
	known := func(start time.Time) {
		v.books(start, "", at("waiting-example"))
		v.await("the visit to be known", func() bool {
			kept, ok, err := v.bridge.app.ledger.Resource(t.Context(), "Appointment/of-m1")
			must(t, err)
			return ok && gjson.GetBytes(kept.Resource, "start").Time().Equal(start)
		})
	}
	known(old)
	v.goes("arrived", "waiting-example", fmt.Sprintf(`"period":{"start":%q},`, old.Add(-10*time.Minute).Format(time.RFC3339)))
	v.planned("Encounter/of-m1", old.Add(40*time.Minute))
	known(start)
	v.planned("Encounter/of-m1", due)
	v.stands("Encounter/of-m1", start.Add(40*time.Minute), pipeline.Planned)
	w.passes(soon)
	v.shows(v.reads("waiting_late"), "Amara", "running about 20 minutes late")
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	if got := len(v.phone.Messages()); got != 1 {
		t.Errorf("%d messages, want one", got)
	}
}
