package pipeline_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// down is a server that is down until a time, and notes when it was asked.
type down struct {
	mu    sync.Mutex
	until time.Time
	err   error
	takes time.Duration
	asked []time.Time
	now   int
	most  int
}

func (d *down) create([]byte, string) (string, error) {
	d.mu.Lock()
	d.asked = append(d.asked, time.Now())
	d.now++
	d.most = max(d.most, d.now)
	err := d.err
	if !time.Now().Before(d.until) {
		err = nil
	}
	d.mu.Unlock()
	time.Sleep(d.takes)
	d.mu.Lock()
	d.now--
	d.mu.Unlock()
	return "Communication/1", err
}

func (d *down) after(t time.Time) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, at := range d.asked {
		if at.After(t) {
			n++
		}
	}
	return n
}

func queuesOf(n int) *outbox {
	k := newOutbox()
	for i := range n {
		k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i)))
	}
	return k
}

// TestBreaker follows it through an outage: closed, open, half open with one try, open for longer, and closed again.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		d := &down{until: begun.Add(12 * time.Second), err: transient("unreachable"), takes: 10 * time.Millisecond}
		b := writingBack(t, queuesOf(200), &server{create: d.create})
		metrics, counted := newMetrics(t)
		b.Metrics = metrics
		asked := 0
		is := func(at time.Duration, state pipeline.BreakerState, more int) {
			t.Helper()
			pass(time.Until(begun.Add(at)))
			same(t, fmt.Sprint("state after ", at), b.State(), state)
			if asked += more; asked > 0 {
				same(t, fmt.Sprint("asked after ", at), d.after(begun.Add(-1)), asked)
			}
			if want := fmt.Sprintf("bridge_sink_state{sink=server,state=%s} 1", state); !strings.Contains(counted(), want) {
				t.Errorf("after %v: metrics lack %s", at, want)
			}
		}
		same(t, "state before", b.State(), pipeline.BreakerClosed)
		stop := start(b.Run)
		is(5*time.Millisecond, pipeline.BreakerClosed, 0)
		is(time.Second, pipeline.BreakerOpen, 0)
		if asked = d.after(begun.Add(-1)); asked > 6 { // what the slots of the first two failures were used for
			t.Errorf("asked %d times before it was open", asked)
		}
		is(5015*time.Millisecond, pipeline.BreakerHalfOpen, 1) // one try
		is(6*time.Second, pipeline.BreakerOpen, 0)
		is(15*time.Second, pipeline.BreakerOpen, 0) // for ten seconds this time
		is(15024*time.Millisecond, pipeline.BreakerHalfOpen, 1)
		pass(5 * time.Minute)
		stop()
		same(t, "state when it is back", b.State(), pipeline.BreakerClosed)
		same(t, "asked in all", d.after(begun.Add(-1)), asked+199)
	})
}

// TestBreakerGrows shows that what has piled up does not fall at once on a server that is back: rounds of 1, 2, 4 and so on.
func TestBreakerGrows(t *testing.T) {
	for name, err := range map[string]error{
		"down": transient("unreachable"), "asked to wait": &pipeline.Error{Kind: pipeline.Throttled, After: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &down{until: time.Now().Add(2 * time.Second), err: err, takes: 100 * time.Millisecond}
				b := writingBack(t, queuesOf(500), &server{create: d.create})
				b.Concurrency = 200
				stop := start(b.Run)
				pass(2 * time.Second)
				back := time.Now()
				d.mu.Lock()
				d.most = 0
				d.mu.Unlock()
				for d.after(back) == 0 {
					pass(10 * time.Millisecond)
				}
				synctest.Wait()
				for round, want := range []int{1, 3, 7, 15, 31} {
					same(t, fmt.Sprint("asked by the end of round ", round+1), d.after(back), want)
					pass(100 * time.Millisecond)
				}
				pass(2 * time.Minute)
				stop()
				same(t, "left", b.Ledger.(*outbox).left(), 0)
			})
		})
	}
}

// TestBreakerGivesBack shows that what was leased and not tried when the sink went down has lost no try.
func TestBreakerGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := queuesOf(30)
		d := &down{until: time.Now().Add(time.Hour), err: transient("unreachable"), takes: time.Millisecond}
		stop := start(writingBack(t, k, &server{create: d.create}).Run)
		pass(4 * time.Second)
		stop()
		tried := 0
		for _, w := range k.list {
			tried += w.Tries
		}
		same(t, "tries", tried, len(d.asked))
	})
}

// TestSlowWriteHoldsNoOther shows that the lane goes on while one write takes long, and that this one is not begun a second time
// when its lease ends.
func TestSlowWriteHoldsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newOutbox(create("slow", "Patient/slow")), &posted{}
		for i := range 200 {
			k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i%20)))
		}
		s := &server{create: func(_ []byte, q string) (string, error) {
			p.begin(key(q))
			defer p.end()
			time.Sleep(10 * time.Millisecond)
			if key(q) == "slow" {
				time.Sleep(3 * pipeline.LeaseTime)
			}
			return "Communication/1", nil
		}}
		stop := start(writingBack(t, k, s).Run)
		pass(5 * time.Second)
		same(t, "left beside the slow one", k.left(), 1)
		k.add(create("later", "Patient/1"))
		pass(4 * pipeline.LeaseTime)
		stop()
		same(t, "left", k.left(), 0)
		same(t, "tried", len(p.keys()), 202)
	})
}
