package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// slotless is a FHIR server that does all but search for slots.
type slotless struct {
	server
	slots func(context.Context) error
}

func (s *slotless) FreeSlots(ctx context.Context, _ pipeline.SlotSearch) ([]pipeline.Slot, error) {
	return nil, s.slots(ctx)
}

// TestWriteBackFilesWhileSlotsCannotBeSearched: wishes that fail, or that hang, hold up nothing but themselves.
func TestWriteBackFilesWhileSlotsCannotBeSearched(t *testing.T) {
	for name, slots := range map[string]func(context.Context) error{
		"failing": func(context.Context) error { return transient("http_status") },
		"hanging": func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return transient("timeout")
			case <-time.After(time.Hour):
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox()
				for i := range 4 {
					w := wishOf("", false)
					w.Until = time.Now().Add(time.Hour)
					k.add(pipeline.Write{Key: fmt.Sprint("wish", i), Kind: pipeline.WriteWish, Order: fmt.Sprint("Patient/w", i), Type: "Appointment", Wish: &w})
				}
				for i := range 100 {
					k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i)))
				}
				s := &slotless{slots: slots, server: server{create: func([]byte, string) (string, error) { return "Communication/1", nil }}}
				b := writingBack(t, k, &s.server)
				b.Server, b.Ladder = s, &pipeline.Ladder{Server: s, Filing: filing}
				stop := start(b.Run)
				wait := time.Second
				if name == "hanging" {
					wait = 16 * time.Second
				}
				pass(wait)
				same(t, "left", k.left(), 4)
				stop()
			})
		})
	}
}

// TestWriteBackKeepsWhatWasMoved: with what the patient is told of it, and not without.
func TestWriteBackKeepsWhatWasMoved(t *testing.T) {
	for expires, want := range map[time.Duration]string{time.Hour: "change:" + visitStart, 0: ""} {
		synctest.Test(t, func(t *testing.T) {
			w := wishOf("Appointment/a1", true)
			w.Until, w.Done[0].Expires = time.Now().Add(time.Hour), time.Now().Add(expires)
			k := newOutbox(pipeline.Write{Key: "wish", Kind: pipeline.WriteWish, Order: "Patient/p1", Type: "Appointment", Wish: &w})
			var got string
			settle := k.settleWrite
			k.settleWrite = func(key string, r pipeline.WriteResult, more []pipeline.Write) error {
				if r.Answer != nil {
					got = r.Answer.Action
				}
				return settle(key, r, more)
			}
			d := newClinic()
			b := writingBack(t, k, &d.server)
			b.Server, b.Ladder = d, &pipeline.Ladder{Server: d, Rungs: []pipeline.Rung{pipeline.RungPatch}, Filing: filing}
			stop := start(b.Run)
			synctest.Wait()
			stop()
			same(t, "settled", fmt.Sprint(k.ends()), "[wish done]")
			same(t, "kept", got, want)
		})
	}
}
