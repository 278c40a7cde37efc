package pipeline_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// turn waits for one and returns after how long it came, or how far away it is.
func turn(t *testing.T, p *pipeline.Pace, address string, patience time.Duration) (waited, further time.Duration) {
	t.Helper()
	begun := time.Now()
	further, err := p.Wait(t.Context(), pipeline.NewPrivate(address), patience)
	if err != nil {
		t.Fatalf("Wait: %v", err)
	}
	return time.Since(begun).Round(time.Millisecond), further.Round(time.Millisecond)
}

func TestPaceOfOneRecipient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipeline.NewPace(80)
		for i := range 10 {
			waited, _ := turn(t, p, number, 0)
			same(t, fmt.Sprint("in the burst, ", i), waited, time.Duration(0))
		}
		waited, further := turn(t, p, number, 5*time.Second)
		same(t, "further away than patience", []time.Duration{waited, further}, []time.Duration{0, 6 * time.Second})
		waited, further = turn(t, p, number, 5*time.Second)
		same(t, "who did not wait took no turn", []time.Duration{waited, further}, []time.Duration{0, 6 * time.Second})
		waited, further = turn(t, p, number, 10*time.Second)
		same(t, "within patience", []time.Duration{waited, further}, []time.Duration{6 * time.Second, 0})
		waited, _ = turn(t, p, newNumber, 0)
		same(t, "another one does not wait", waited, time.Duration(0))
	})
}

func TestPaceOfTheChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipeline.NewPace(2)
		begun := time.Now()
		for i := range 12 {
			turn(t, p, fmt.Sprint(i), time.Minute)
		}
		same(t, "12 at 2 a second after a burst of 2", time.Since(begun).Round(time.Second), 5*time.Second)
		waited, further := turn(t, p, "in a hurry", 100*time.Millisecond)
		same(t, "further away than patience", []time.Duration{waited, further}, []time.Duration{0, 500 * time.Millisecond})
	})
}

// TestPaceWaitsNoLongerThanPatience shows that a slow channel does not keep what
// it cannot send: the caller is told, before its lease ends.
func TestPaceWaitsNoLongerThanPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipeline.NewPace(0.1)
		turn(t, p, number, 0)
		done := make(chan time.Duration, 50)
		for i := range 50 {
			go func() {
				waited, further := turn(t, p, fmt.Sprint(i), 15*time.Second)
				if further == 0 {
					done <- waited
					return
				}
				done <- -further
			}()
		}
		longest, sent := time.Duration(0), 0
		for range 50 {
			if d := <-done; d >= 0 {
				sent++
				longest = max(longest, d)
			}
		}
		same(t, "took a turn, after at most", []any{sent, longest}, []any{1, 10 * time.Second})
	})
}

// TestPaceAddsUpItsWaits shows that patience is for both waits together: that
// for the recipient's turn and that for the channel's.
func TestPaceAddsUpItsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipeline.NewPace(1)
		for range 30 {
			if _, further := turn(t, p, number, 2*time.Second); further > 0 {
				break // the recipient's burst is used up
			}
		}
		var others sync.WaitGroup
		for i := range 13 {
			others.Go(func() { turn(t, p, fmt.Sprint(i), time.Minute) })
		}
		synctest.Wait()
		waited, further := turn(t, p, number, 10*time.Second)
		if waited == 0 || further <= max(0, 10*time.Second-waited) || further > 10*time.Second {
			t.Errorf("waited %v, then told to come back after %v: want more than what is left of 10 s, and less than 10 s", waited, further)
		}
		others.Wait()
	})
}

func TestPaceWithoutALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, p := range []*pipeline.Pace{pipeline.NewPace(0), pipeline.NewPace(-1)} {
			begun := time.Now()
			for range 1000 {
				turn(t, p, number, 0)
			}
			same(t, "waited", time.Since(begun), time.Duration(0))
		}
	})
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, p := range []*pipeline.Pace{pipeline.NewPace(80), pipeline.NewPace(0)} {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := p.Wait(ctx, pipeline.NewPrivate(number), time.Minute); err == nil {
				t.Error("a turn was given to who is gone")
			}
		}
		p := pipeline.NewPace(80)
		for range 10 {
			turn(t, p, number, 0)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_, err := p.Wait(ctx, pipeline.NewPrivate(number), time.Minute)
		same(t, "ended, after", []any{err != nil, time.Since(begun)}, []any{true, time.Second})
		waited, _ := turn(t, p, number, time.Minute)
		same(t, "the turn that was not taken is there", waited, 5*time.Second)
	})
}

func TestPaceForgetsWhoWasIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipeline.NewPace(1e9)
		for range 10 {
			turn(t, p, number, 0)
		}
		for i := range 25_000 { // twice as many as are remembered, and each could wait
			turn(t, p, fmt.Sprint("other", i), 0)
			if i == 12_000 {
				pass(7 * time.Second)
			}
		}
		waited, further := turn(t, p, number, 0)
		same(t, "who is not idle is not forgotten: one turn came back in 7 s", []time.Duration{waited, further}, []time.Duration{0, 0})
		_, further = turn(t, p, number, 0)
		same(t, "and no second one", further, 5*time.Second)
	})
}
