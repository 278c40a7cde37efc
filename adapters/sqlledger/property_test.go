package sqlledger_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// TestAnyOrder applies versions of one resource in any order, some more than
// once, and compares what is kept and planned with what the newest alone leads to.
func TestAnyOrder(t *testing.T) {
	l, err := sqlledger.New(sqlledger.Config{URL: "sqlite::memory:", Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	now := time.Now().Truncate(time.Microsecond)
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		newest := rapid.IntRange(1, 8).Draw(t, "newest")
		order := rapid.SliceOfN(rapid.IntRange(1, newest), 1, 20).Draw(t, "order")
		order = slices.Insert(order, rapid.IntRange(0, len(order)).Draw(t, "place"), newest)
		steps := make([][]int, newest+1) // what each version wants
		for v := 1; v <= newest; v++ {
			steps[v] = rapid.SliceOfNDistinct(rapid.IntRange(0, 4), 0, 5, rapid.ID[int]).Draw(t, "steps")
		}
		gone := rapid.Bool().Draw(t, "gone")
		apply := func(subject string, v int) {
			ev := pipeline.Event{Type: "Appointment", ID: subject, Version: strconv.Itoa(v), Resource: []byte(fmt.Sprintf(`{"v":%d}`, v))}
			if gone && v == newest {
				ev.Operation, ev.Resource = pipeline.Delete, nil
			}
			_, err := l.Apply(context.Background(), ev, func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
				plan := pipeline.Plan{}
				for _, step := range steps[v] {
					plan.Wanted = append(plan.Wanted, pipeline.Notification{
						Key: fmt.Sprintf("%s-%d", subject, step), Subject: ev.Ref(), Step: strconv.Itoa(step), Patient: "Patient/1",
						Due: now.Add(time.Duration(v) * time.Hour), Facts: pipeline.NewPrivate(strconv.Itoa(v)),
					})
				}
				return plan, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		many, alone := fmt.Sprintf("%d-many", runs), fmt.Sprintf("%d-alone", runs)
		for _, v := range order {
			apply(many, v)
		}
		apply(alone, newest)
		if got, want := state(t, l, many), state(t, l, alone); got != want {
			t.Errorf("after %v: got %s, want %s", order, got, want)
		}
	})
}

// state tells what is kept and planned of a subject.
func state(t *rapid.T, l *sqlledger.Ledger, subject string) string {
	v, ok, err := l.Resource(context.Background(), "Appointment/"+subject)
	if err != nil {
		t.Fatal(err)
	}
	known, err := l.KnownOf(context.Background(), "Appointment/"+subject)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(known.Open, func(a, b pipeline.Notification) int { return cmp.Compare(a.Step, b.Step) })
	text := fmt.Sprintf("%v %q %s:", ok, v.Version, v.Resource)
	for _, n := range known.Open {
		text += fmt.Sprintf(" %s at %v with %s", n.Step, n.Due.UnixMicro(), n.Facts.Reveal())
	}
	return text
}
