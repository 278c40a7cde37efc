package pipeline_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// TestWriteBackLetsSendingBeFirst: while messages wait to be sent, each look at what is owed waits for that, and not for ever.
func TestWriteBackLetsSendingBeFirst(t *testing.T) {
	for _, c := range []struct {
		busy, want time.Duration
	}{{0, 0}, {100 * time.Millisecond, 100 * time.Millisecond}, {time.Hour, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			k := newOutbox()
			k.add(create("1", "Patient/1"))
			began := time.Now()
			var written atomic.Int64
			b := writingBack(t, k, &server{create: func(_ []byte, q string) (string, error) {
				written.Store(int64(time.Since(began)))
				return "Communication/" + key(q), nil
			}})
			b.Busy = func() bool { return time.Since(began) < c.busy }
			stop := start(b.Run)
			time.Sleep(time.Minute)
			stop()
			same(t, fmt.Sprint("busy for ", c.busy, ": written after"), time.Duration(written.Load()), c.want)
		})
	}
}

// TestDispatchIsBusy while more is due than it has room for, and not when its channel is halted, which may last.
func TestDispatchIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk()
		for i := range 100 {
			k.waiting = append(k.waiting, dueNow(fmt.Sprint(i)))
		}
		var refuses atomic.Bool
		d := dispatching(t, k, func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
			time.Sleep(time.Second)
			if refuses.Load() {
				return pipeline.Receipt{}, &pipeline.Error{Op: "test.send", Kind: pipeline.Refused, Code: "190", Halt: true}
			}
			return taken(ctx, m)
		})
		d.Concurrency = 2
		stop := start(d.Run)
		synctest.Wait()
		same(t, "busy with a backlog", d.Busy(), true)
		time.Sleep(2 * time.Minute)
		same(t, "sent", len(k.states()), 100)
		same(t, "busy after it", d.Busy(), false)
		refuses.Store(true)
		for i := range 100 {
			k.plan(dueNow(fmt.Sprint("more", i)))
		}
		synctest.Wait()
		same(t, "busy again", d.Busy(), true)
		time.Sleep(5 * time.Second)
		same(t, "busy while halted", d.Busy(), false)
		stop()
	})
}
