package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBackoff(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tries := rapid.IntRange(-3, 100).Draw(r, "tries")
		whole := backoffMax
		if tries < 9 {
			whole = time.Second << max(0, tries)
		}
		if d := backoff(tries); d < whole/2 || d > whole {
			r.Errorf("after %d tries %v, want %v to %v", tries, d, whole/2, whole)
		}
	})
}

func TestPause(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	after := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	var p pause
	left := func(seconds float64) float64 { return max(0, p.left(after(seconds)).Seconds()) }
	check := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	check("at first", left(0), 0.0)
	check("doubtful at first", p.doubtful(), false)
	p.begin(after(0))
	p.begin(after(1)) // the same fault, met by another
	check("after a fault", left(1), 4.0)
	check("doubtful", p.doubtful(), true)
	p.begin(after(6))
	check("after the next one", left(6), 10.0)
	p.until(after(10))
	check("asked to wait less", left(6), 10.0)
	p.until(after(60))
	check("asked to wait longer", left(6), 54.0)
	check("cleared", p.clear(), true)
	check("cleared again", p.clear(), false)
	check("what was asked for stays", left(6), 54.0)
	p.begin(after(7)) // in a pause that was asked for
	check("doubtful in it", p.doubtful(), true)
	check("not shortened", left(7), 53.0)
	for i := range 20 {
		p.begin(after(float64(1000 * (i + 1))))
	}
	check("at most", left(20000), haltMax.Seconds())
}

// TestQueues shows that the jobs of one key run in order, one at a time, those
// of others at the same time, and that a key without jobs is forgotten.
func TestQueues(t *testing.T) {
	q := newQueues()
	var mu sync.Mutex
	got := map[int][]int{}
	var together sync.WaitGroup
	together.Add(7)
	for i := range 300 {
		key := i % 7
		q.do(fmt.Sprint(key), func() {
			if i < 7 {
				together.Done()
				together.Wait() // all seven are at work at the same time, or none goes on
			}
			mu.Lock()
			defer mu.Unlock()
			got[key] = append(got[key], i)
		})
	}
	q.wait()
	for key, list := range got {
		if !slices.IsSorted(list) || len(list) < 42 {
			t.Errorf("%d: %v", key, list)
		}
	}
	if len(q.waiting) != 0 {
		t.Errorf("%d keys are remembered", len(q.waiting))
	}
}

func TestPure(t *testing.T) {
	const words = "purple elephant"
	cases := []struct {
		name string
		f    func() error
		want string
	}{
		{"well", func() error { return nil }, "<nil>"},
		{"in words of its own", func() error { return errors.New(words) }, "op: malformed journey_failed"},
		{"that may pass, it says", func() error { return &Error{Op: "x", Kind: Transient, Reason: "later", Path: "a.b"} }, "op: malformed later at a.b"},
		{"malformed", func() error { return &Error{Op: "x", Kind: Malformed, Reason: "no_id"} }, "x: malformed no_id"},
		{"with a panic", func() error { panic(words) }, "op: malformed panic"},
		{"with a nil dereference", func() error { return (*Error)(nil).Err }, "op: malformed panic"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := fmt.Sprint(pure("op", c.f)); got != c.want || strings.Contains(got, words) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestErrorsOfOtherKinds(t *testing.T) {
	e := &Error{Op: "a.b", Kind: Refused, Reason: "r", Code: "c", Path: "p", Err: errors.New("cause")}
	if got, want := e.Error(), "a.b: refused r (c) at p: cause"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wrapped := fmt.Errorf("wrapped: %w", e)
	if KindOf(wrapped) != Refused || ReasonOf(wrapped) != "r" || KindOf(nil) != Transient || ReasonOf(errors.New("x")) != "other" || !errors.Is(e, e.Err) {
		t.Error("kind, reason or cause is lost")
	}
	if got := fmt.Sprint(Kind(9), Operation(9), Transient, Malformed, Snapshot); got != "kind(9) operation(9) transient malformed snapshot" {
		t.Errorf("names: %s", got)
	}
}
