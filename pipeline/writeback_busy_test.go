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
			pass(time.Minute)
			stop()
			same(t, fmt.Sprint("busy for ", c.busy, ": written after"), time.Duration(written.Load()), c.want)
		})
	}
}

// slowGate takes its time over each message.
type slowGate struct{ takes time.Duration }

func (g slowGate) Admit(context.Context, pipeline.Candidate) (pipeline.Verdict, error) {
	time.Sleep(g.takes)
	return pipeline.Verdict{}, nil
}

// TestDispatchIsBusy while several messages are being worked on, and not while they wait for the provider or for a slot, nor when its channel is halted, which may last.
func TestDispatchIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk()
		of := func(i int) pipeline.DueNotification { // of different patients
			n, id := dueNow(fmt.Sprint("k", i)), fmt.Sprint("p", i)
			n.Patient, n.Recipient = "Patient/"+id, "Patient/"+id
			k.keep(n.Patient, patientJSON(id, number))
			return n
		}
		for i := range 8 {
			k.waiting = append(k.waiting, of(i))
		}
		var refuses atomic.Bool
		d := dispatching(t, k, func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
			time.Sleep(3 * time.Second)
			if refuses.Load() {
				return pipeline.Receipt{}, &pipeline.Error{Op: "test.send", Kind: pipeline.Refused, Code: "190", Halt: true}
			}
			return taken(ctx, m)
		})
		d.Concurrency = 4
		d.Gates = append(d.Gates, slowGate{time.Second})
		stop := start(d.Run)
		synctest.Wait()
		same(t, "busy at the gates", d.Busy(), true)
		pass(2 * time.Second)
		same(t, "busy while all wait for the provider or a slot", d.Busy(), false)
		pass(2 * time.Minute)
		same(t, "sent", len(k.states()), 8)
		for i := range 5 {
			k.plan(of(10 + i))
		}
		synctest.Wait()
		same(t, "busy with a few", d.Busy(), false)
		pass(time.Minute)
		refuses.Store(true)
		for i := range 20 {
			k.plan(of(20 + i))
		}
		pass(8 * time.Second)
		same(t, "busy while halted", d.Busy(), false)
		stop()
	})
}
