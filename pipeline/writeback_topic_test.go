package pipeline_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// TestTopicTogether: what is owed to the topic by then goes there together, in order per queue, and each write has an end of its own:
// one that is faulty, not taken, or that panics harms no other.
func TestTopicTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox()
		for i := range 40 {
			for _, n := range []string{"a", "b"} {
				w := create(fmt.Sprint(n, i), fmt.Sprint("Patient/", i))
				w.Sink = pipeline.SinkTopic
				k.add(w)
			}
		}
		b := writingBack(t, k, nil)
		b.Sink, b.Concurrency, b.Batch = pipeline.SinkTopic, 1, 256
		b.Validate = func(body []byte) []string {
			switch {
			case bytes.Contains(body, []byte(`"a7"`)):
				return []string{"Communication.status missing"}
			case bytes.Contains(body, []byte(`"a8"`)):
				panic("of a validator")
			}
			return nil
		}
		var mu sync.Mutex
		var keys []string
		tries, at := map[string]int{}, map[string]time.Time{}
		b.Publisher = publisher(func(p published) error {
			key := p.headers[pipeline.HeaderKey]
			mu.Lock()
			defer mu.Unlock()
			tries[key]++
			switch {
			case key == "a9":
				panic("of a publisher")
			case key == "a10" && tries[key] < 3:
				return transient("timeout")
			}
			keys, at[key] = append(keys, key), time.Now()
			return nil
		})
		stop := start(b.Run)
		pass(time.Minute)
		stop()
		same(t, "left", k.left(), 0)
		same(t, "published", len(keys), 80-3)
		same(t, "tries of one that is not taken at first", tries["a10"], 3)
		var gaveUp []string
		for _, end := range k.ends() {
			if !bytes.HasSuffix([]byte(end), []byte("done")) {
				gaveUp = append(gaveUp, end)
			}
		}
		slices.Sort(gaveUp)
		same(t, "ends that are none", gaveUp, []string{"a10 retry", "a10 retry", "a7 given up", "a8 given up", "a9 given up"})
		for i := range 40 {
			a, b := fmt.Sprint("a", i), fmt.Sprint("b", i)
			if tries[a] > 0 && slices.Index(keys, a) > slices.Index(keys, b) {
				t.Errorf("%s was published after %s", a, b)
			}
		}
		same(t, "at once", at["a0"].Equal(at["a39"]), true)
	})
}

// TestTopicDown: a group of which nothing is taken opens the breaker; one record that is taken shows that the topic is well.
func TestTopicDown(t *testing.T) {
	for name, c := range map[string]struct {
		taken string
		want  pipeline.BreakerState
	}{"nothing is taken": {"", pipeline.BreakerOpen}, "one is taken": {"w3", pipeline.BreakerClosed}} {
		synctest.Test(t, func(t *testing.T) {
			k := newOutbox()
			for i := range 10 {
				w := create(fmt.Sprint("w", i), fmt.Sprint("Patient/", i))
				w.Sink = pipeline.SinkTopic
				k.add(w)
			}
			b := writingBack(t, k, nil)
			b.Sink, b.Concurrency, b.Batch = pipeline.SinkTopic, 1, 256
			b.Publisher = publisher(func(p published) error {
				switch p.headers[pipeline.HeaderKey] {
				case c.taken:
					return nil
				case "w0":
					panic("of a publisher") // which says nothing of the topic
				}
				return transient("down")
			})
			stop := start(b.Run)
			synctest.Wait()
			same(t, name, b.State(), c.want)
			stop()
		})
	}
}
