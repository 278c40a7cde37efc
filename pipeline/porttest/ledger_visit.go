package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

var visitTests = map[string]func(*ledgerTest){
	"a booking that changes tells of the visits that go back to it": visitTold,
	"one that is not known yet does, when it comes":                 visitFirst,
	"one that the visit was planned from tells of nothing":          visitAlong,
	"a plan is revised while its subject stays":                     visitRevised,
	"what is kept tells how it came":                                visitLoaded,
}

// goes takes a visit in that goes back to an appointment.
func (t *ledgerTest) goes(from pipeline.Stamp, wanted ...pipeline.Notification) {
	t.Helper()
	t.apply(version("Encounter", "1", 1), func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
		return pipeline.Plan{Wanted: wanted, Bookings: []pipeline.Booking{{Ref: "Appointment/1", From: from}}}, nil
	})
}

func (t *ledgerTest) wantVisits(what string, version pipeline.Event, want ...string) {
	t.Helper()
	wantEqual(t, what, t.apply(version, plan()).Visits, want)
}

func visitTold(t *ledgerTest) {
	t.wantVisits("before there is one", version("Appointment", "1", 1))
	t.goes(pipeline.Stamp{})
	t.goes(pipeline.Stamp{})
	t.wantVisits("changed", version("Appointment", "1", 3), "Encounter/1")
	t.wantVisits("again", version("Appointment", "1", 3), "Encounter/1")
	t.wantVisits("too late", version("Appointment", "1", 2))
	t.wantVisits("another", version("Appointment", "2", 1))
	gone := version("Appointment", "1", 4)
	gone.Operation, gone.Resource = pipeline.Delete, nil
	t.wantVisits("deleted", gone, "Encounter/1")
}

func visitFirst(t *ledgerTest) {
	t.goes(pipeline.Stamp{})
	if _, ok, err := t.l.Resource(t.Context(), "Appointment/1"); ok || err != nil {
		t.Errorf("an appointment that never came: %v, %v", ok, err)
	}
	came := t.apply(version("Appointment", "1", 1), func(kept pipeline.Versioned, _ pipeline.Known) (pipeline.Plan, error) {
		if kept.Resource != nil {
			t.Error("something was kept of it")
		}
		return pipeline.Plan{}, nil
	})
	wantEqual(t, "fresh", came.Fresh, pipeline.Newer)
	wantEqual(t, "visits", came.Visits, []string{"Encounter/1"})
}

func visitAlong(t *ledgerTest) {
	two := version("Appointment", "1", 2)
	t.goes(pipeline.Stamp{Version: two.Version, LastUpdated: two.LastUpdated})
	t.wantVisits("older than it", version("Appointment", "1", 1))
	t.wantVisits("the same", two)
	t.wantVisits("newer", version("Appointment", "1", 3), "Encounter/1")
}

func visitRevised(t *ledgerTest) {
	late := func(due time.Time) pipeline.Notification {
		n := note("1", "late", due)
		n.Subject = "Encounter/1"
		return n
	}
	n, other := late(t.now.Add(time.Hour)), note("1", "later", t.now)
	other.Subject = n.Subject
	t.goes(pipeline.Stamp{}, n)
	revise := func(version string, wanted ...pipeline.Notification) pipeline.Applied {
		applied, err := t.l.Revise(t.Context(), "Encounter/1", version, func(kept pipeline.Versioned, known pipeline.Known) (pipeline.Plan, error) {
			if kept.Version != "1" || len(known.Open) != 1 {
				t.Errorf("kept: version %q and %d planned, want 1 and 1", kept.Version, len(known.Open))
			}
			return pipeline.Plan{Wanted: wanted}, nil
		})
		if err != nil {
			t.Fatalf("Revise: %v", err)
		}
		return applied
	}
	wantEqual(t, "another version", revise("2", other), pipeline.Applied{})
	t.wantState(n, pipeline.Planned, "")
	wantEqual(t, "kept", revise("1", late(t.now.Add(2*time.Hour))), pipeline.Applied{Kept: 1})
	wantEqual(t, "due later", t.trace(n).Notification.Due.Equal(t.now.Add(2*time.Hour).Truncate(time.Microsecond)), true)
	wantEqual(t, "something else", revise("1", other), pipeline.Applied{Planned: 1, Cancelled: 1, DueNow: true})
	t.wantState(n, pipeline.Cancelled, pipeline.ReasonSuperseded)
	if _, err := t.l.Revise(t.Context(), "Encounter/unknown", "1", nil); err != nil {
		t.Errorf("one that is not kept: %v", err)
	}
}

func visitLoaded(t *ledgerTest) {
	for i, c := range []struct {
		operation pipeline.Operation
		want      bool
	}{{pipeline.Snapshot, true}, {pipeline.Update, false}, {pipeline.Snapshot, true}} {
		ev := version("Encounter", "1", i+1)
		ev.Operation, ev.Source.Time = c.operation, t.now.Add(time.Duration(i)*time.Minute).Truncate(time.Microsecond)
		t.apply(ev, plan())
		kept, _, err := t.l.Resource(t.Context(), "Encounter/1")
		if err != nil {
			t.Fatalf("Resource: %v", err)
		}
		wantEqual(t, "loaded", kept.Loaded, c.want)
		want := pipeline.Stamp{Version: ev.Version, LastUpdated: ev.LastUpdated, Recorded: ev.Source.Time}
		kept.Stamp.Digest = nil
		wantEqual(t, "stamp", kept.Stamp, want)
	}
}
