package porttest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"fhirbridge/pipeline"
)

var applyTests = map[string]func(*ledgerTest){
	"newer versions are taken, others are dropped":      applyFreshness,
	"versions without ids compare by time":              applyByTime,
	"a repeated event plans nothing":                    applyRepeated,
	"decide sees the kept version and the plan":         applyKept,
	"without decide a resource is only kept":            applyOnlyKept,
	"an error of decide changes nothing":                applyDecideError,
	"a panic of decide undoes that call only":           applyPanic,
	"a deletion cancels the plan and is never undone":   applyDelete,
	"the plan becomes what is wanted":                   applyReconciles,
	"what was cancelled is planned again if wanted":     applyAgain,
	"what may have gone out is not planned again":       applyGone,
	"what certainly did not go out is planned again":    applyNotGone,
	"failing calls among many leave the others alone":   applyIsolation,
	"a call whose context has ended changes nothing":    applyCancelled,
	"the same version by many callers is taken once":    applyRace,
	"DueNow and Wake tell what is due at once":          applyWakes,
	"an event of the version that was fetched is taken": applyFetched,
}

func applyFreshness(t *ledgerTest) {
	for _, step := range []struct {
		version int
		want    pipeline.Freshness
	}{{9, pipeline.Newer}, {9, pipeline.Same}, {8, pipeline.Older}, {10, pipeline.Newer}, {2, pipeline.Older}} {
		t.wantFresh(version("Appointment", "1", step.version), step.want)
	}
	v, ok, err := t.l.Resource(t.Context(), "Appointment/1")
	if err != nil || !ok || v.Version != "10" || string(v.Resource) != string(version("Appointment", "1", 10).Resource) {
		t.Errorf("kept: got version %q, %v, %v; want 10, byte for byte", v.Version, ok, err)
	}
}

func applyByTime(t *ledgerTest) {
	at := func(n int) pipeline.Event {
		ev := version("Appointment", "1", n)
		ev.Version = ""
		return ev
	}
	t.wantFresh(at(5), pipeline.Newer)
	t.wantFresh(at(4), pipeline.Older)
	t.wantFresh(at(5), pipeline.Same)
	t.wantFresh(at(6), pipeline.Newer)
}

func applyRepeated(t *ledgerTest) {
	n := t.booked("1", t.now)
	again := t.apply(version("Appointment", "1", 1), func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
		t.Error("decide was called for a repeated event")
		return pipeline.Plan{}, nil
	})
	wantEqual(t, "again", again, pipeline.Applied{Fresh: pipeline.Same})
	t.wantState(n, pipeline.Planned, "")
}

func applyKept(t *ledgerTest) {
	first := version("Appointment", "1", 1)
	n := note("1", "booked", t.now)
	t.apply(first, func(kept pipeline.Versioned, known pipeline.Known) (pipeline.Plan, error) {
		if kept.Resource != nil || len(known.Open) != 0 || len(known.Answers) != 0 || len(known.Told) != 0 {
			t.Error("the first version: something was kept or known")
		}
		return pipeline.Plan{Wanted: []pipeline.Notification{n}}, nil
	})
	t.apply(version("Appointment", "1", 2), func(kept pipeline.Versioned, known pipeline.Known) (pipeline.Plan, error) {
		if string(kept.Resource) != string(first.Resource) || kept.Version != "1" {
			t.Errorf("kept: got version %q, want 1, byte for byte", kept.Version)
		}
		if len(known.Open) != 1 || len(known.Told) != 0 {
			t.Fatalf("known: got %d open, told %v; want 1 and not told", len(known.Open), known.Told)
		}
		got := known.Open[0]
		if !got.Facts.Equal(n.Facts) || !got.Due.Equal(n.Due) || !got.Expires.Equal(n.Expires) {
			t.Error("open: facts and times are not those that were planned")
		}
		got.Facts, n.Facts, got.Due, got.Expires = pipeline.Private{}, pipeline.Private{}, n.Due, n.Expires
		n.State = pipeline.Planned
		if !reflect.DeepEqual(got, n) {
			t.Errorf("open: got %+v, want %+v", got, n)
		}
		return pipeline.Plan{}, nil
	})
}

func applyOnlyKept(t *ledgerTest) {
	wantEqual(t, "kept", t.apply(version("Patient", "1", 1), nil), pipeline.Applied{Fresh: pipeline.Newer})
	if _, ok, err := t.l.Resource(t.Context(), "Patient/1"); !ok || err != nil {
		t.Errorf("Resource: got %v, %v; want it", ok, err)
	}
	if _, ok, err := t.l.Resource(t.Context(), "Patient/2"); ok || err != nil {
		t.Errorf("Resource that was never seen: got %v, %v; want none", ok, err)
	}
}

func applyDecideError(t *ledgerTest) {
	ev := version("Appointment", "1", 1)
	_, err := t.l.Apply(t.Context(), ev, func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
		return pipeline.Plan{Wanted: []pipeline.Notification{note("1", "booked", t.now)}}, errDecide
	})
	if !errors.Is(err, errDecide) {
		t.Errorf("Apply: got %v, want the error of decide", err)
	}
	if _, ok, _ := t.l.Resource(t.Context(), ev.Ref()); ok {
		t.Error("the version was kept")
	}
	t.wantFresh(ev, pipeline.Newer)
}

func applyPanic(t *ledgerTest) {
	ev := version("Appointment", "1", 1)
	_, err := t.l.Apply(t.Context(), ev, func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) { panic("secret") })
	var own *pipeline.Error
	if !errors.As(err, &own) || own.Kind != pipeline.Malformed {
		t.Fatalf("Apply: got %v, want a Malformed *Error", err)
	}
	t.wantFresh(ev, pipeline.Newer)
}

func applyDelete(t *ledgerTest) {
	n := t.booked("1", t.now)
	gone := version("Appointment", "1", 3)
	gone.Operation, gone.Resource = pipeline.Delete, nil
	applied := t.apply(gone, func(kept pipeline.Versioned, _ pipeline.Known) (pipeline.Plan, error) {
		wantEqual(t, "kept before the deletion", kept.Version, "1")
		return pipeline.Plan{}, nil
	})
	wantEqual(t, "deletion", applied, pipeline.Applied{Fresh: pipeline.Newer, Cancelled: 1})
	t.wantState(n, pipeline.Cancelled, pipeline.ReasonDeleted)
	if _, ok, err := t.l.Resource(t.Context(), gone.Ref()); ok || err != nil {
		t.Errorf("deleted resource: got %v, %v; want none", ok, err)
	}
	t.wantFresh(version("Appointment", "1", 2), pipeline.Older)
	t.wantFresh(version("Appointment", "1", 4), pipeline.Newer)
	t.wantState(n, pipeline.Cancelled, pipeline.ReasonDeleted)
}

func applyReconciles(t *ledgerTest) {
	stays, goes, comes := note("1", "stays", t.now), note("1", "goes", t.now), note("1", "comes", t.now.Add(time.Hour))
	first := t.apply(version("Appointment", "1", 1), plan(stays, goes))
	wantEqual(t, "first", first, pipeline.Applied{Fresh: pipeline.Newer, Planned: 2, DueNow: true})
	stays.Due, stays.Expires, stays.Facts = t.now.Add(2*time.Hour), t.now.Add(3*time.Hour), pipeline.NewPrivate("new facts")
	second := t.apply(version("Appointment", "1", 2), plan(stays, comes))
	wantEqual(t, "second", second, pipeline.Applied{Fresh: pipeline.Newer, Planned: 1, Cancelled: 1, Kept: 1})
	t.wantState(goes, pipeline.Cancelled, pipeline.ReasonSuperseded)
	t.wantState(comes, pipeline.Planned, "")
	wantEqual(t, "due now", len(t.due(t.now.Add(time.Minute), 10)), 0)
	later := t.due(t.now.Add(150*time.Minute), 10)
	i := slices.IndexFunc(later, func(n pipeline.DueNotification) bool { return n.Key == stays.Key })
	if len(later) != 2 || i < 0 {
		t.Fatalf("due later: got %d, want both", len(later))
	}
	if got := later[i]; !got.Due.Equal(stays.Due) || !got.Expires.Equal(stays.Expires) || !got.Facts.Equal(stays.Facts) {
		t.Error("what stayed has not the new times and facts")
	}
}

func applyIsolation(t *ledgerTest) {
	const callers = 64
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			ev := version("Appointment", keyed(i), 1)
			decide := plan(note(keyed(i), "booked", t.now))
			switch i % 4 {
			case 1:
				decide = func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) { return pipeline.Plan{}, errDecide }
			case 2:
				decide = func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) { panic("secret") }
			}
			_, err := t.l.Apply(context.Background(), ev, decide)
			if failed, want := err != nil, i%4 == 1 || i%4 == 2; failed != want {
				t.Errorf("call %d: got error %v, want one: %v", i, err, want)
			}
		})
	}
	wg.Wait()
	for i := range callers {
		_, ok, err := t.l.Resource(t.Context(), "Appointment/"+keyed(i))
		if want := i%4 == 0 || i%4 == 3; ok != want || err != nil {
			t.Errorf("appointment %d: kept %v, %v; want %v", i, ok, err, want)
		}
	}
	wantEqual(t, "due", len(t.due(t.now, 2*callers)), callers/2)
}

func applyCancelled(t *ledgerTest) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ev := version("Appointment", "1", 1)
	if _, err := t.l.Apply(ctx, ev, plan(note("1", "booked", t.now))); err == nil {
		return // it was quicker than the end of its context; then it must have happened
	}
	t.wantFresh(ev, pipeline.Newer)
}

func applyRace(t *ledgerTest) {
	const callers = 32
	var wg sync.WaitGroup
	taken := make(chan int, callers)
	for range callers {
		wg.Go(func() {
			applied, err := t.l.Apply(context.Background(), version("Appointment", "1", 1), plan(note("1", "booked", t.now)))
			if err != nil {
				t.Error(err)
			}
			taken <- applied.Planned
		})
	}
	wg.Wait()
	close(taken)
	sum := 0
	for n := range taken {
		sum += n
	}
	wantEqual(t, "planned by all callers", sum, 1)
}

func applyWakes(t *ledgerTest) {
	due := t.l.Wake()
	if !t.apply(version("Appointment", "1", 1), plan(note("1", "booked", t.now))).DueNow {
		t.Error("due at once: DueNow is false")
	}
	select {
	case <-due:
	default:
		t.Error("due at once: no signal")
	}
	if t.apply(version("Appointment", "2", 1), plan(note("2", "booked", t.now.Add(time.Hour)))).DueNow {
		t.Error("due in an hour: DueNow is true")
	}
}

func applyFetched(t *ledgerTest) {
	ev := version("Appointment", "1", 4)
	if err := t.l.Fetched(t.Context(), pipeline.Versioned{Resource: ev.Resource, Version: "4"}, t.now); err != nil {
		t.Fatal(err)
	}
	t.wantFresh(version("Appointment", "1", 3), pipeline.Older)
	wantEqual(t, "planned", t.apply(ev, plan(note("1", "booked", t.now))).Planned, 1)
	t.wantFresh(ev, pipeline.Same)
}
