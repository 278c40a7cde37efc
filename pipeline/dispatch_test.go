package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// posts counts what a channel was given, by its words.
type posts struct {
	mu   sync.Mutex
	list []string
	to   []string
}

func (p *posts) add(m pipeline.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, m.Text.Reveal())
	p.to = append(p.to, m.To.Reveal())
}

func (p *posts) texts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.list...)
}

func (p *posts) addresses() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.to...)
}

// failing answers the first posts with errs, and takes the rest.
func (p *posts) failing(errs ...error) channel {
	return func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
		p.add(m)
		p.mu.Lock()
		defer p.mu.Unlock()
		if n := len(p.list); n <= len(errs) && errs[n-1] != nil {
			return pipeline.Receipt{}, errs[n-1]
		}
		return taken(ctx, m)
	}
}

func TestDispatchSettlesWhatItSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(dueNow("n1"))
		var seen pipeline.Message
		stop := start(dispatching(t, k, func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
			seen = m
			if len(k.begun()) != 1 {
				t.Errorf("%d attempts are durable at the post, want 1", len(k.begun()))
			}
			return taken(ctx, m)
		}).Run)
		synctest.Wait()
		stop()
		a, s := k.begun()[0], k.ends[0]
		same(t, "settled", k.states(), []string{"n1 accepted"})
		same(t, "attempt", []any{a.ID, a.Notification, a.Channel, a.SubjectVersion, a.Shown, a.Actions, a.Language},
			[]any{seen.Attempt, "n1", "main", "1", visitStart, []string{"confirm"}, "en"})
		same(t, "settlement", []any{s.Attempt, s.MessageID, len(s.Writes), s.Writes[0].Key},
			[]any{a.ID, "id of n1", 1, "sent id of n1"})
		if seen.To.Reveal() != number || !a.Address.Equal(seen.To) || a.Seen.Reveal() != words {
			t.Error("the attempt does not hold the number and the words that were sent")
		}
	})
}

func TestDispatchFailures(t *testing.T) {
	fault := func(e pipeline.Error) error { e.Op = "test.send"; return &e }
	cases := []struct {
		name string
		err  error
		want []string // how it was settled, within half an hour
	}{
		{"no answer came", fault(pipeline.Error{Unknown: true}), []string{"n1 unknown no_answer"}},
		{"an error of no kind", errors.New("broken pipe"), []string{"n1 unknown no_answer"}},
		{"our time ran out", context.DeadlineExceeded, []string{"n1 unknown no_answer"}},
		{"throttled, perhaps", fault(pipeline.Error{Kind: pipeline.Throttled, After: time.Second, Unknown: true}), []string{"n1 unknown no_answer"}},
		{"halted, perhaps", fault(pipeline.Error{Halt: true, Unknown: true}), []string{"n1 unknown no_answer"}},
		{"refused", fault(pipeline.Error{Kind: pipeline.Refused, Code: "132001"}), []string{"n1 failed refused"}},
		{"not on WhatsApp", fault(pipeline.Error{Kind: pipeline.Refused, Code: "131026"}), []string{"n1 failed not_reachable"}},
		{"no message at all", fault(pipeline.Error{Kind: pipeline.Malformed}), []string{"n1 failed refused"}},
		{"certainly not sent", fault(pipeline.Error{}), []string{"n1 planned transient", "n1 accepted"}},
		{"throttled recipient", fault(pipeline.Error{Kind: pipeline.Throttled, After: time.Minute, Pair: true}), []string{"n1 planned throttled", "n1 accepted"}},
		{"throttled channel", fault(pipeline.Error{Kind: pipeline.Throttled, After: time.Minute}), []string{"n1 planned throttled", "n1 accepted"}},
		{"throttled without a wait", fault(pipeline.Error{Kind: pipeline.Throttled}), []string{"n1 planned throttled", "n1 accepted"}},
		{"halted", fault(pipeline.Error{Halt: true}), []string{"n1 planned halted", "n1 accepted"}},
		{"halted, said as refused", fault(pipeline.Error{Kind: pipeline.Refused, Halt: true}), []string{"n1 planned halted", "n1 accepted"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, p := newDesk(dueNow("n1")), &posts{}
				stop := start(dispatching(t, k, p.failing(c.err)).Run)
				pass(30 * time.Minute)
				stop()
				same(t, "settled", k.states(), c.want)
				same(t, "posts", len(p.texts()), len(c.want))
			})
		})
	}
}

func TestDispatchKeepsTheProvidersCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newDesk(dueNow("n1")), &posts{}
		stop := start(dispatching(t, k, p.failing(refused("132001"))).Run)
		synctest.Wait()
		stop()
		same(t, "code", k.ends[0].Code, "132001")
	})
}

func TestDispatchThrottledRecipientHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := dueNow("other")
		other.Patient = "Patient/p2"
		k, p := newDesk(dueNow("n1")), &posts{}
		k.kept["Patient/p2"] = patientJSON("p2", newNumber)
		begun := time.Now()
		d := dispatching(t, k, p.failing(&pipeline.Error{Kind: pipeline.Throttled, After: time.Minute, Pair: true}))
		stop := start(d.Run)
		synctest.Wait()
		k.plan(other)
		synctest.Wait()
		same(t, "at once", k.states(), []string{"n1 planned throttled", "other accepted"})
		same(t, "waited", time.Since(begun), time.Duration(0))
		pass(61 * time.Second)
		stop()
		same(t, "then", k.states()[2:], []string{"n1 accepted"})
	})
}

func TestDispatchThrottledChannelHoldsUpAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newDesk(dueNow("n1")), &posts{}
		stop := start(dispatching(t, k, p.failing(&pipeline.Error{Kind: pipeline.Throttled, After: time.Minute})).Run)
		synctest.Wait()
		k.plan(dueNow("other"))
		pass(59 * time.Second)
		same(t, "posts in the pause", p.texts(), []string{"n1"})
		pass(3 * time.Second)
		stop()
		same(t, "posts after it", len(p.texts()), 3)
	})
}

func TestDispatchHalts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		halt := &pipeline.Error{Op: "test.send", Halt: true, Code: "190"}
		k, p := newDesk(), &posts{}
		for _, key := range []string{"n1", "n2", "n3", "n4", "n5", "n6"} {
			n := dueNow(key)
			n.Patient = "Patient/" + key
			k.kept[n.Patient] = patientJSON(key, number)
			k.waiting = append(k.waiting, n)
		}
		metrics, counted := newMetrics(t)
		d := dispatching(t, k, p.failing(halt, halt, halt))
		d.Concurrency, d.Metrics = 1, metrics
		stop := start(d.Run)
		synctest.Wait()
		same(t, "posts before it is known", len(p.texts()), 1)
		for _, g := range k.given() {
			same(t, "given back because", g.why, pipeline.ReasonHalted)
		}
		if !strings.Contains(counted(), "bridge_channel_halted{channel=main} 1") {
			t.Error("the gauge does not show the halt")
		}
		pass(5*time.Second + time.Millisecond)
		same(t, "posts after the first pause: one, to see", len(p.texts()), 2)
		pass(9 * time.Second)
		same(t, "posts in the second pause, which is longer", len(p.texts()), 2)
		pass(time.Minute)
		stop()
		accepted := 0
		for _, s := range k.states() {
			if strings.HasSuffix(s, "accepted") {
				accepted++
			}
		}
		same(t, "accepted in the end", accepted, 6)
		same(t, "posts in all", len(p.texts()), 9)
		if !strings.Contains(counted(), "bridge_channel_halted{channel=main} 0") {
			t.Errorf("the gauge still shows the halt:\n%s", counted())
		}
	})
}

// TestDispatchTriesAHaltedChannelWithOne shows that a backlog is not thrown at
// an account that is refused.
func TestDispatchTriesAHaltedChannelWithOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newDesk(), &posts{}
		for i := range 40 {
			n := dueNow(fmt.Sprint(i))
			n.Patient = "Patient/" + n.Key
			k.kept[n.Patient] = patientJSON(n.Key, number)
			k.waiting = append(k.waiting, n)
		}
		d := dispatching(t, k, func(_ context.Context, m pipeline.Message) (pipeline.Receipt, error) {
			p.add(m)
			time.Sleep(10 * time.Millisecond)
			return pipeline.Receipt{}, &pipeline.Error{Op: "test.send", Halt: true}
		})
		d.Concurrency = 8
		stop := start(d.Run)
		pass(time.Second)
		same(t, "posts before it is known", len(p.texts()), 8)
		pass(30 * time.Minute)
		stop()
		if n := len(p.texts()) - 8; n < 5 || n > 15 {
			t.Errorf("%d posts in half an hour of halt, want one after each pause", n)
		}
	})
}

func TestDispatchPostsNothingUnlessBegun(t *testing.T) {
	cases := []struct {
		name  string
		begin func(pipeline.Attempt) (bool, error)
	}{
		{"cancelled or moved meanwhile", func(pipeline.Attempt) (bool, error) { return false, nil }},
		{"not made durable", func(pipeline.Attempt) (bool, error) { return false, transient("disk_full") }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, p := newDesk(dueNow("n1")), &posts{}
				k.begin = c.begin
				stop := start(dispatching(t, k, p.failing()).Run)
				pass(time.Minute)
				stop()
				same(t, "posts", len(p.texts()), 0)
				same(t, "settled", k.states(), []string{})
			})
		})
	}
}

func TestDispatchSurvivesPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(dueNow("n1"))
		for range 10 { // each would keep its place for ever
			k.waiting = append(k.waiting, dueNow("n2"))
		}
		k.waiting = append(k.waiting, dueNow("n3"))
		log, text := newLog(t)
		d := dispatching(t, k, func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
			if m.Text.Reveal() == "n2" {
				panic(words)
			}
			return taken(ctx, m)
		})
		d.Journeys = &journeys{compose: func(n pipeline.Notification, f pipeline.Facts, id string) (pipeline.Composed, error) {
			if n.Key == "n1" {
				panic(words)
			}
			return sayKey(n, f, id)
		}}
		d.Log, d.Concurrency = log, 1
		stop := start(d.Run)
		synctest.Wait()
		stop()
		same(t, "settled", k.states(), []string{"n1 skipped missing_fact", "n3 accepted"})
		if !strings.Contains(text.String(), "dispatch_test.go") && !strings.Contains(text.String(), "TestDispatchSurvivesPanics") {
			t.Errorf("the log does not name where it panicked:\n%s", text)
		}
	})
}

func TestDispatchCarriesOnWhenSettlingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newDesk(dueNow("n1"), dueNow("n2")), &posts{}
		k.settle = func(s pipeline.Settlement) error {
			if s.Key == "n1" {
				return transient("disk_full")
			}
			return nil
		}
		stop := start(dispatching(t, k, p.failing()).Run)
		pass(time.Minute)
		stop()
		same(t, "settled", k.states(), []string{"n2 accepted"})
		same(t, "posts: none twice", p.texts(), []string{"n1", "n2"})
	})
}
