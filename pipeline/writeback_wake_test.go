package pipeline_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

func TestWriteBackWakesAndRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox()
		s := &server{create: func([]byte, string) (string, error) { return "Communication/1", nil }}
		stop := start(writingBack(t, k, s).Run)
		pass(10*time.Second + time.Millisecond)
		same(t, "asked in 10 s without work", k.asked.Load() <= 4, true)
		k.add(create("w", "Patient/p1"))
		k.wake[pipeline.SinkServer] <- struct{}{}
		synctest.Wait()
		same(t, "at once", k.ends(), []string{"w done"})
		k.mu.Lock()
		k.failing = true
		k.mu.Unlock()
		k.add(create("x", "Patient/p1"))
		pass(90 * time.Second)
		same(t, "asked while the store does not settle", k.asked.Load() <= 120, true)
		stop()
	})
}

// TestWriteBackBothSinks shows that each sink is woken by its own writes, and that neither waits for its poll.
func TestWriteBackBothSinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox()
		s := &server{create: func([]byte, string) (string, error) { return "Communication/1", nil }}
		toServer, toTopic := writingBack(t, k, s), writingBack(t, k, nil)
		toTopic.Sink = pipeline.SinkTopic
		var records []published
		toTopic.Publisher = publisher(func(p published) error {
			records = append(records, p)
			return nil
		})
		stopServer, stopTopic := start(toServer.Run), start(toTopic.Run)
		for i := range 20 {
			w := create(fmt.Sprint("server", i), "Patient/p1")
			copied := w
			copied.Key, copied.Sink = fmt.Sprint("topic", i), pipeline.SinkTopic
			pass(20 * time.Millisecond) // the topic's pause: both rest
			k.add(w, copied)
			for _, wake := range k.wake {
				select {
				case wake <- struct{}{}:
				default:
				}
			}
			synctest.Wait()
			same(t, "left, without a moment passed", k.left(), 0)
		}
		stopServer()
		stopTopic()
		same(t, "record", []any{records[0].topic, records[0].key, records[0].headers, json.Valid(records[0].value)}, []any{"communications", "Patient/p1",
			map[string]string{pipeline.HeaderType: "Communication", pipeline.HeaderKey: "topic0", "content-type": "application/fhir+json"}, true})
	})
}

// TestWriteBackTriesAgainInTime shows that what was put off does not wait for the slow poll, and
// that it does so although nobody signals it.
func TestWriteBackTriesAgainInTime(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		wait time.Duration // at most, as the lane chooses it
	}{
		"a failure that may pass":  {transient("timeout"), time.Second},
		"what asked to be waited":  {&pipeline.Error{Kind: pipeline.Throttled, After: 20 * time.Second}, 20 * time.Second},
		"a failure with no reason": {fmt.Errorf("broken pipe"), time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox(create("w", "Patient/p1"))
				errs := []error{c.err}
				s := &server{create: func([]byte, string) (string, error) { return "Communication/1", next(&errs) }}
				stop := start(writingBack(t, k, s).Run)
				pass(c.wait + time.Second + time.Millisecond)
				same(t, "settled", k.ends(), []string{"w retry", "w done"})
				stop()
			})
		})
	}
}
