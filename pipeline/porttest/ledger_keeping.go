package porttest

import (
	"encoding/json"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

var keepingTests = map[string]func(*ledgerTest){
	"parked events come back when their time has come": keepsParked,
	"two events of one record are parked both":         keepsBoth,
	"what was fetched is kept unless it is older":      keepsFetched,
	"Stale names patients to be read again":            keepsStale,
	"the census counts what there is":                  keepsCount,
	"what is kept can be gone through page by page":    keepsPages,
	"Ping, and Close":                                  keepsOpen,
	"what is not a resource is not kept":               keepsNoNonsense,
}

func (t *ledgerTest) park(ev pipeline.Event, retry time.Time) {
	t.Helper()
	if err := t.l.Park(t.Context(), ev, pipeline.ReasonNoPatient, retry); err != nil {
		t.Fatalf("Park: %v", err)
	}
}

func (t *ledgerTest) parked(now time.Time) []pipeline.ParkedEvent {
	t.Helper()
	list, err := t.l.Parked(t.Context(), now, 10)
	if err != nil {
		t.Fatalf("Parked: %v", err)
	}
	return list
}

func keepsParked(t *ledgerTest) {
	ev := version("Appointment", "1", 1)
	ev.Context = map[string]json.RawMessage{"Patient/1": json.RawMessage(`{"resourceType":"Patient"}`)}
	ev.Source.Time = t.now
	t.park(ev, t.now.Add(time.Minute))
	wantEqual(t, "before its time", len(t.parked(t.now)), 0)
	list := t.parked(t.now.Add(time.Minute))
	if len(list) != 1 {
		t.Fatalf("at its time: got %d, want 1", len(list))
	}
	got := list[0]
	if string(got.Event.Resource) != string(ev.Resource) || string(got.Event.Context["Patient/1"]) != `{"resourceType":"Patient"}` ||
		!got.Event.Source.Key.Equal(ev.Source.Key) || !got.Event.LastUpdated.Equal(ev.LastUpdated) || !got.Event.Source.Time.Equal(t.now) ||
		got.Event.Ref() != ev.Ref() || got.Event.Version != ev.Version || got.Event.Operation != ev.Operation ||
		got.Event.Source.String() != ev.Source.String() {
		t.Error("the event did not come back as it was")
	}
	if got.Reason != pipeline.ReasonNoPatient || got.Tries != 1 || got.Since.IsZero() {
		t.Errorf("got %s, %d tries, since %v", got.Reason, got.Tries, got.Since)
	}
	t.park(ev, t.now.Add(time.Hour))
	wantEqual(t, "parked again, before its time", len(t.parked(t.now.Add(time.Minute))), 0)
	again := t.parked(t.now.Add(time.Hour))
	if len(again) != 1 || again[0].Tries != 2 || !again[0].Since.Equal(got.Since) {
		t.Errorf("parked again: got %d, want the one, tried twice, since the first time", len(again))
	}
	if err := t.l.Unpark(t.Context(), ev.Source, ev.Ref()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "forgotten", len(t.parked(t.now.Add(time.Hour))), 0)
}

func keepsBoth(t *ledgerTest) {
	t.park(version("Appointment", "1", 1), t.now)
	t.park(version("Appointment", "2", 1), t.now)
	wantEqual(t, "parked", len(t.parked(t.now)), 2)
	if err := t.l.Unpark(t.Context(), version("Appointment", "1", 1).Source, "Appointment/1"); err != nil {
		t.Fatal(err)
	}
	if list := t.parked(t.now); len(list) != 1 || list[0].Event.Ref() != "Appointment/2" {
		t.Errorf("one forgotten: got %d, want the other", len(list))
	}
}

func (t *ledgerTest) fetch(ev pipeline.Event, at time.Time) {
	t.Helper()
	if err := t.l.Fetched(t.Context(), pipeline.Versioned{Resource: ev.Resource, Version: ev.Version}, at); err != nil {
		t.Fatalf("Fetched: %v", err)
	}
}

func keepsFetched(t *ledgerTest) {
	kept := func() string {
		v, _, err := t.l.Resource(t.Context(), "Patient/1")
		if err != nil {
			t.Fatal(err)
		}
		return v.Version
	}
	t.fetch(version("Patient", "1", 3), t.now)
	wantEqual(t, "fetched", kept(), "3")
	t.fetch(version("Patient", "1", 2), t.now)
	wantEqual(t, "an older one was fetched", kept(), "3")
	t.fetch(version("Patient", "1", 4), t.now)
	wantEqual(t, "a newer one was fetched", kept(), "4")
	wantEqual(t, "from the topic", t.apply(version("Patient", "1", 5), nil).Fresh, pipeline.Newer)
	t.fetch(version("Patient", "1", 4), t.now)
	wantEqual(t, "the topic's is newer", kept(), "5")
}

func keepsStale(t *ledgerTest) {
	t.fetch(version("Patient", "1", 1), t.now.Add(-2*time.Hour)) // due soon, read long ago
	t.booked("1", t.now)
	t.fetch(version("Patient", "2", 1), t.now) // due soon, just read
	t.booked("2", t.now)
	t.fetch(version("Patient", "3", 1), t.now.Add(-2*time.Hour)) // due next week
	t.booked("3", t.now.AddDate(0, 0, 7))
	t.apply(version("Patient", "4", 1), nil) // from the topic
	t.booked("4", t.now)
	stale := func() []string {
		refs, err := t.l.Stale(t.Context(), t.now.Add(time.Minute), t.now.Add(-time.Hour), 10)
		if err != nil {
			t.Fatal(err)
		}
		return refs
	}
	if got := stale(); !slices.Equal(got, []string{"Patient/1"}) {
		t.Errorf("got %v, want Patient/1", got)
	}
	t.fetch(version("Patient", "1", 1), t.now)
	if got := stale(); len(got) != 0 {
		t.Errorf("read again: got %v, want none", got)
	}
}

func keepsCount(t *ledgerTest) {
	t.sent("1", phone)
	skipped := t.booked("2", t.now)
	t.lease(skipped.Key)
	t.settle(pipeline.Settlement{Key: skipped.Key, State: pipeline.Skipped, Reason: pipeline.ReasonNoNumber})
	t.booked("3", t.now.Add(-time.Hour))
	t.booked("4", t.now)
	t.apply(version("Appointment", "4", 2), plan())
	t.owe("r1", write("a1", "A"), write("a2", "A"))
	t.park(version("Appointment", "5", 1), t.now)
	census, err := t.l.Census(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for state, reasons := range map[pipeline.State]map[pipeline.Reason]int{
		pipeline.Accepted:  {"": 1},
		pipeline.Skipped:   {pipeline.ReasonNoNumber: 1},
		pipeline.Planned:   {"": 1},
		pipeline.Cancelled: {pipeline.ReasonSuperseded: 1},
		pipeline.Sending:   {"": 0},
	} {
		for reason, want := range reasons {
			if got := census.Notifications[state][reason]; got != want {
				t.Errorf("%s (%s): got %d, want %d", state, reason, got, want)
			}
		}
	}
	wantEqual(t, "writes", census.Writes[pipeline.SinkServer], 2)
	wantEqual(t, "parked", census.Parked, 1)
	if census.OldestDue < time.Hour || census.OldestDue > 2*time.Hour {
		t.Errorf("oldest due: got %v, want about an hour", census.OldestDue)
	}
	if census.OldestWrite < 0 || census.OldestWrite > time.Hour {
		t.Errorf("oldest write: got %v, want moments", census.OldestWrite)
	}
}

func keepsOpen(t *ledgerTest) {
	if err := t.l.Ping(t.Context()); err != nil {
		t.Errorf("Ping: got %v", err)
	}
	if err := t.l.Close(); err != nil {
		t.Errorf("Close: got %v", err)
	}
	if err := t.l.Close(); err != nil {
		t.Errorf("Close again: got %v", err)
	}
	if err := t.l.Ping(t.Context()); err == nil {
		t.Error("Ping after Close: got no error")
	}
	if _, err := t.l.Apply(t.Context(), version("Appointment", "1", 1), nil); err == nil {
		t.Error("Apply after Close: got no error")
	}
}

func keepsNoNonsense(t *ledgerTest) {
	for name, v := range map[string]string{"not JSON": "{", "no type": "{}", "no id": `{"resourceType":"Patient"}`} {
		if err := t.l.Fetched(t.Context(), pipeline.Versioned{Resource: json.RawMessage(v)}, t.now); pipeline.KindOf(err) != pipeline.Malformed {
			t.Errorf("Fetched, %s: got %v, want it Malformed", name, err)
		}
	}
	if _, err := t.l.Apply(t.Context(), pipeline.Event{Type: "Patient"}, nil); pipeline.KindOf(err) != pipeline.Malformed {
		t.Errorf("Apply without id: got %v, want it Malformed", err)
	}
	foreign := note("2", "booked", t.now)
	if _, err := t.l.Apply(t.Context(), version("Appointment", "1", 1), plan(foreign)); pipeline.KindOf(err) != pipeline.Malformed {
		t.Errorf("Apply with a plan for another subject: got %v, want it Malformed", err)
	}
}
