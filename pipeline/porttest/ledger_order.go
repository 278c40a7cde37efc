package porttest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// orderSeeds are the runs of LedgerOrder.
const orderSeeds = 20

// LedgerOrder checks the order of writes over any mixture of what can happen: writes are owed, leased, done, put off, given back,
// given up and owed with another's end, leases run out, and the ledger is opened again by a process that knows of no lease. Of each
// queue the oldest that is not settled is handed out and no other, with the tries that it has had, and in the end nothing is
// left. open opens the ledger in a folder, and closes nothing.
func LedgerOrder(t *testing.T, open func(t *testing.T, dir string) pipeline.Ledger) {
	for seed := range uint64(orderSeeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := &orderTest{
				ledgerTest: newLedgerTest(t, open(t, dir)), roll: rand.New(rand.NewPCG(seed, 1)), clock: time.Now().Add(time.Minute), //nolint:gosec // a seed is to be repeated
				owed: map[string][]*owedOne{}, done: map[string]int{},
			}
			for range 250 {
				o.step(func() {
					must(t, o.l.Close())
					o.l = open(t, dir)
				})
			}
			o.drain()
			must(t, o.l.Close())
		})
	}
}

// orderTest is a ledger beside a model of its queues.
type orderTest struct {
	*ledgerTest
	roll  *rand.Rand
	clock time.Time
	owed  map[string][]*owedOne // by sink and order, oldest first
	done  map[string]int
	added int
}

type owedOne struct {
	pipeline.Write
	tries        int
	ready, lease time.Time
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// next makes a write for one of five queues and one of two sinks.
func (o *orderTest) next() *owedOne {
	o.added++
	w := write(fmt.Sprintf("w%03d", o.added), fmt.Sprint("Patient/", o.roll.IntN(5)))
	if o.roll.IntN(4) == 0 {
		w.Sink = pipeline.SinkTopic
	}
	return &owedOne{Write: w}
}

func (w *owedOne) queue() string { return string(w.Sink) + " " + w.Order }

func (o *orderTest) add(w *owedOne) { o.owed[w.queue()] = append(o.owed[w.queue()], w) }

// step lets some time pass and something happen.
func (o *orderTest) step(restart func()) {
	o.clock = o.clock.Add(time.Duration(o.roll.IntN(20)) * time.Second)
	switch o.roll.IntN(12) {
	case 0, 1, 2:
		var list []pipeline.Write
		for range 1 + o.roll.IntN(3) {
			w := o.next()
			o.add(w)
			list = append(list, w.Write)
		}
		o.owe(fmt.Sprint("r", o.added), list...)
	case 3:
		restart()
		for _, queue := range o.owed {
			for _, w := range queue {
				w.lease = time.Time{}
			}
		}
	default:
		o.work(1 + o.roll.IntN(6))
	}
}

// work leases writes of a sink, and ends some of them in some way, in any order.
func (o *orderTest) work(limit int) {
	o.Helper()
	sink := []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic}[o.roll.IntN(2)]
	list, err := o.l.Writes(o.Context(), sink, o.clock, limit)
	must(o.T, err)
	o.roll.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, w := range list {
		first := o.handedOut(w)
		switch o.roll.IntN(7) {
		case 0: // nobody ends it
			first.lease = o.clock.Add(pipeline.LeaseTime)
		case 1:
			first.tries++
			first.ready = o.clock.Add(time.Duration(o.roll.IntN(60)) * time.Second)
			o.end(w.Key, pipeline.WriteResult{Retry: first.ready, Reason: pipeline.ReasonTransient})
		case 2:
			first.ready = o.clock.Add(time.Duration(o.roll.IntN(60)) * time.Second)
			o.end(w.Key, pipeline.WriteResult{Retry: first.ready, Untried: true, Reason: pipeline.ReasonTransient})
		case 3:
			o.remove(first)
			o.end(w.Key, pipeline.WriteResult{GiveUp: true, Reason: pipeline.ReasonRefused})
		case 4:
			more := o.next()
			o.remove(first)
			o.add(more)
			o.end(w.Key, pipeline.WriteResult{Done: true}, more.Write)
		default:
			o.remove(first)
			o.end(w.Key, pipeline.WriteResult{Done: true})
		}
	}
}

func (o *orderTest) end(key string, r pipeline.WriteResult, more ...pipeline.Write) {
	o.Helper()
	r.At = o.clock
	if r.Done {
		o.done[key]++
	}
	must(o.T, o.l.SettleWrite(o.Context(), key, r, more...))
}

// handedOut checks that a write which was leased is the one that may be, and returns it as the model has it.
func (o *orderTest) handedOut(w pipeline.Write) *owedOne {
	o.Helper()
	queue := o.owed[string(w.Sink)+" "+w.Order]
	if len(queue) == 0 || queue[0].Key != w.Key {
		o.Fatalf("%s was handed out, and is not the first of its queue", w.Key)
	}
	first := queue[0]
	switch {
	case first.ready.After(o.clock):
		o.Fatalf("%s was handed out %v before its time", w.Key, first.ready.Sub(o.clock))
	case first.lease.After(o.clock):
		o.Fatalf("%s was handed out while somebody has it", w.Key)
	case w.Tries != first.tries:
		o.Fatalf("%s has %d tries, want %d", w.Key, w.Tries, first.tries)
	}
	return first
}

func (o *orderTest) remove(w *owedOne) {
	o.owed[w.queue()] = slices.DeleteFunc(o.owed[w.queue()], func(other *owedOne) bool { return other == w })
}

// drain does all that is left: nothing is stuck.
func (o *orderTest) drain() {
	o.Helper()
	for range 10 * o.added {
		o.clock = o.clock.Add(2 * pipeline.LeaseTime)
		left := 0
		for _, sink := range []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic} {
			list, err := o.l.Writes(o.Context(), sink, o.clock, 100)
			must(o.T, err)
			for _, w := range list {
				o.remove(o.handedOut(w))
				o.end(w.Key, pipeline.WriteResult{Done: true})
			}
			left += len(list)
		}
		if left == 0 {
			break
		}
	}
	for queue, list := range o.owed {
		if len(list) > 0 {
			o.Errorf("%d of %s are never handed out, the first is %s", len(list), queue, list[0].Key)
		}
	}
	for key, times := range o.done {
		if times != 1 {
			o.Errorf("%s was done %d times", key, times)
		}
	}
	if census, err := o.l.Census(o.Context()); err != nil || census.Writes[pipeline.SinkServer]+census.Writes[pipeline.SinkTopic] != 0 {
		o.Errorf("the census still has %v pending, %v", census.Writes, err)
	}
}
