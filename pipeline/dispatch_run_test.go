package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/pipeline"
)

// TestDispatchOrder shows that the messages of one patient go out one after the
// other in the order in which they were due, those of others meanwhile, and never
// more than the configured number at once.
func TestDispatchOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		concurrency := rapid.IntRange(1, 5).Draw(r, "concurrency")
		owners := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 60).Draw(r, "owners")
		waits := rapid.SliceOfN(rapid.IntRange(0, 300), len(owners), len(owners)).Draw(r, "milliseconds")
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			k := newDesk()
			want := map[string][]string{}
			took := map[string]time.Duration{}
			for i, owner := range owners {
				n := dueNow(fmt.Sprintf("%d/%d", owner, i))
				n.Patient = fmt.Sprintf("Patient/%d", owner)
				k.kept[n.Patient] = patientJSON(fmt.Sprint(owner), number)
				if i%3 == 0 { // an answer, to a number of its own
					n.ReplyTo, n.Address = "m1", pipeline.NewPrivate(newNumber)
				}
				k.waiting = append(k.waiting, n)
				want[n.Patient] = append(want[n.Patient], n.Key)
				took[n.Key] = time.Duration(waits[i]) * time.Millisecond
			}
			var mu sync.Mutex
			got := map[string][]string{}
			now, most := 0, 0
			d := dispatching(t, k, func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
				key := m.Text.Reveal()
				owner, _, _ := strings.Cut(key, "/")
				mu.Lock()
				now++
				most = max(most, now)
				got["Patient/"+owner] = append(got["Patient/"+owner], key)
				mu.Unlock()
				time.Sleep(took[key])
				mu.Lock()
				now--
				mu.Unlock()
				return taken(ctx, m)
			})
			d.Concurrency = concurrency
			stop := start(d.Run)
			pass(time.Minute)
			stop()
			for patient := range want {
				if !slices.Equal(got[patient], want[patient]) {
					wrong = append(wrong, fmt.Sprintf("%s got %v, want %v", patient, got[patient], want[patient]))
				}
			}
			if most > concurrency {
				wrong = append(wrong, fmt.Sprintf("%d posts at once, want at most %d", most, concurrency))
			}
		})
		if len(wrong) > 0 {
			r.Fatal(wrong)
		}
	})
}

func TestDispatchWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk()
		stop := start(dispatching(t, k, taken).Run)
		synctest.Wait()
		begun := time.Now()
		for i := range 50 { // each signal finds it at rest, or about to be
			k.plan(dueNow(fmt.Sprint(i)))
			if i%2 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		same(t, "sent", len(k.states()), 50)
		same(t, "after", time.Since(begun), time.Duration(0))

		later := dueNow("later")
		later.Due = later.Due.Add(3 * time.Second)
		k.plan(later)
		pass(3*time.Second - time.Millisecond)
		same(t, "sent too early", len(k.states()), 50)
		pass(51 * time.Millisecond)
		same(t, "sent when due", len(k.states()), 51)

		unheard := dueNow("unheard") // another instance planned it: there is no signal
		k.mu.Lock()
		k.waiting = append(k.waiting, unheard)
		k.mu.Unlock()
		pass(5 * time.Second)
		stop()
		same(t, "sent without a signal", len(k.states()), 52)
	})
}

// TestDispatchFull shows that a signal which comes when there is no room is not lost.
func TestDispatchFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk()
		d := dispatching(t, k, slow(&posts{}, time.Second))
		d.Concurrency = 1
		for i := range 4 {
			k.waiting = append(k.waiting, dueNow(fmt.Sprint(i)))
		}
		stop := start(d.Run)
		synctest.Wait()
		k.plan(dueNow("more"))
		synctest.Wait()
		begun, asked := time.Now(), k.asked.Load()
		pass(5*time.Second + time.Millisecond)
		same(t, "sent", len(k.states()), 5)
		if n := k.asked.Load() - asked; n > 12 {
			t.Errorf("asked %d times in %v, want a few", n, time.Since(begun))
		}
		stop()
	})
}

func TestDispatchDoesNotSpin(t *testing.T) {
	past := func() time.Time { return time.Now().Add(-time.Hour) }
	cases := []struct {
		name   string
		play   func(*desk)
		atMost int64 // calls of Due in 10 s
	}{
		{"nothing to do", func(*desk) {}, 3},
		{"what is due is in other hands", func(k *desk) { k.next = past }, 201},
		{"the store does not answer", func(k *desk) { k.due = func() error { return transient("disk_full") } }, 11},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newDesk()
				c.play(k)
				stop := start(dispatching(t, k, taken).Run)
				pass(10 * time.Second)
				stop()
				if n := k.asked.Load(); n > c.atMost || n < 2 {
					t.Errorf("asked %d times, want 2 to %d", n, c.atMost)
				}
			})
		})
	}
}

func TestDispatchDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newDesk(), &posts{}
		for i := range 20 {
			k.waiting = append(k.waiting, dueNow(fmt.Sprint(i))) // all of one patient: they queue up
		}
		d := dispatching(t, k, slow(p, 2*time.Second))
		stop := start(d.Run)
		synctest.Wait()
		begun := time.Now()
		stop()
		same(t, "posted", p.texts(), []string{"0"})
		same(t, "settled", k.states(), []string{"0 accepted"})
		same(t, "took", time.Since(begun), 2*time.Second)
	})
}

func TestDispatchGivesUpOnASilentProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(dueNow("n1"))
		begun := time.Now()
		stop := start(dispatching(t, k, func(ctx context.Context, _ pipeline.Message) (pipeline.Receipt, error) {
			<-ctx.Done()
			return pipeline.Receipt{}, &pipeline.Error{Op: "test.send", Reason: "timeout", Unknown: true}
		}).Run)
		synctest.Wait()
		stop() // also while shutting down it waits for the answer, as long as it would anyway
		same(t, "settled", k.states(), []string{"n1 unknown no_answer"})
		same(t, "took", time.Since(begun), 15*time.Second)
	})
}
