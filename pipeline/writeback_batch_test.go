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

	"fhirbridge/pipeline"
)

// batcher is a server that takes batches. outcome says what comes of one of them.
type batcher struct {
	*server
	mu      sync.Mutex
	asked   [][]string // keys, by request
	refuses map[string]bool
	outcome func(key string) (string, error)
	whole   func(keys []string) error
	takes   time.Duration
}

func (s *batcher) Together(_, q string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.refuses[key(q)]
}

func (s *batcher) note(keys ...string) {
	s.mu.Lock()
	s.asked = append(s.asked, keys)
	s.mu.Unlock()
	time.Sleep(s.takes)
}

func (s *batcher) Create(_ context.Context, _ []byte, q string) (string, error) {
	s.note(key(q))
	return s.outcome(key(q))
}

func (s *batcher) CreateAll(_ context.Context, list []pipeline.Creation) ([]pipeline.Created, error) {
	var keys []string
	created := make([]pipeline.Created, len(list))
	for i, c := range list {
		keys = append(keys, key(c.IfNoneExist))
		created[i].Ref, created[i].Err = s.outcome(key(c.IfNoneExist))
	}
	s.note(keys...)
	if s.whole != nil {
		if err := s.whole(keys); err != nil {
			return nil, err
		}
	}
	return created, nil
}

// requests are how many things were asked for in each request.
func (s *batcher) requests() (sizes []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, keys := range s.asked {
		sizes = append(sizes, len(keys))
	}
	return sizes
}

func takesAll(string) (string, error) { return "Communication/1", nil }

// batching is a lane of four requests at once, of ten each.
func batching(t *testing.T, k *outbox, s *batcher) *pipeline.WriteBack {
	t.Helper()
	s.server = &server{}
	if s.outcome == nil {
		s.outcome = takesAll
	}
	b := writingBack(t, k, nil)
	b.Server, b.Batches, b.Batch = s, s, 10
	return b
}

func TestBatches(t *testing.T) {
	backlog := func(n, queues int) *outbox {
		k := newOutbox()
		for i := range n {
			k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i%queues)))
		}
		return k
	}
	for _, c := range []struct {
		name      string
		n, queues int
		want      []int // things asked for by request
	}{
		{"few are asked for one by one", 4, 4, []int{1, 1, 1, 1}},
		{"more fill the slots", 10, 10, []int{3, 3, 3, 1}},
		{"a backlog fills the batches", 80, 80, append(slices.Repeat([]int{10}, 6), 4, 4, 4, 4, 4)},
		{"of a queue one at a time", 20, 10, []int{3, 3, 3, 1, 3, 3, 3, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, k := &batcher{takes: time.Millisecond}, backlog(c.n, c.queues)
				stop := start(batching(t, k, s).Run)
				pass(time.Minute)
				stop()
				same(t, "left", k.left(), 0)
				got := s.requests()
				slices.Sort(got)
				slices.Sort(c.want)
				same(t, "requests", got, c.want)
			})
		})
	}
}

// TestBatchKeepsOrder shows that what failed in a batch holds its own queue and no other.
func TestBatchKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox()
		for i := range 120 {
			k.add(create(fmt.Sprintf("%d/%03d", i%12, i), fmt.Sprint("Patient/", i%12)))
		}
		trouble := true // with all of queue 3
		var took []string
		s := &batcher{takes: 5 * time.Millisecond}
		s.outcome = func(key string) (string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if queue, _, _ := strings.Cut(key, "/"); queue == "3" && trouble {
				return "", transient("http_status")
			}
			took = append(took, key)
			return "Communication/1", nil
		}
		stop := start(batching(t, k, s).Run)
		pass(10 * time.Minute)
		same(t, "left while one queue is in trouble", k.left(), 10)
		s.mu.Lock()
		trouble = false
		s.mu.Unlock()
		pass(time.Hour)
		stop()
		same(t, "left", k.left(), 0)
		for queue := range 12 {
			of := slices.DeleteFunc(slices.Clone(took), func(k string) bool { return !strings.HasPrefix(k, fmt.Sprint(queue, "/")) })
			same(t, fmt.Sprint("order of queue ", queue), slices.IsSorted(of) && len(of) == 10, true)
		}
	})
}

// TestBatchSettlesEach shows each outcome of one of a batch, and of a batch as a whole.
func TestBatchSettlesEach(t *testing.T) {
	outcomes := map[string]error{
		"refused": refused("422"), "malformed": broken("not_fhir"), "later": transient("http_status"),
	}
	for _, c := range []struct {
		name  string
		whole error
		want  []string // what is settled at first
		state pipeline.BreakerState
	}{
		{"each on its own", nil, []string{"fine done", "later retry", "malformed given up", "more0 done", "more1 done", "more2 done", "more3 done", "more4 done", "refused given up"}, pipeline.BreakerClosed},
		{"a batch that fails is one failure", transient("http_status"), []string{
			"fine retry", "later retry", "malformed retry", "more0 retry", "more1 retry", "more2 retry", "more3 retry", "more4 retry", "refused retry",
		}, pipeline.BreakerClosed},
		{"a batch that is to wait", &pipeline.Error{Kind: pipeline.Throttled, After: time.Minute}, []string{
			"fine retry", "later retry", "malformed retry", "more0 retry", "more1 retry", "more2 retry", "more3 retry", "more4 retry", "refused retry",
		}, pipeline.BreakerOpen},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox(create("fine", "Patient/1"), create("refused", "Patient/2"), create("malformed", "Patient/3"), create("later", "Patient/4"))
				for i := range 5 {
					k.add(create(fmt.Sprint("more", i), fmt.Sprint("Patient/m", i)))
				}
				s := &batcher{whole: func([]string) error { return c.whole }}
				s.outcome = func(key string) (string, error) { return "Communication/" + key, outcomes[key] }
				b := batching(t, k, s)
				b.Concurrency = 1
				stop := start(b.Run)
				pass(100 * time.Millisecond)
				same(t, "settled", sorted(k.ends()), c.want)
				same(t, "in one request", s.requests(), []int{9})
				same(t, "state", b.State(), c.state)
				if c.whole == nil {
					same(t, "reference", k.refs["fine"], "Communication/fine")
				}
				stop()
			})
		})
	}
}

// TestBatchPanics shows that what panics is given up by itself, whether it is building one of a batch or asking for all.
func TestBatchPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox()
		for i := range 8 {
			k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i)))
		}
		s := &batcher{whole: func([]string) error { panic(words) }}
		b := batching(t, k, s)
		b.Validate = func(body []byte) []string {
			if strings.Contains(string(body), `"3"`) {
				panic(words)
			}
			return nil
		}
		stop := start(b.Run)
		pass(time.Minute)
		stop()
		same(t, "settled", sorted(k.ends()), []string{"0 done", "1 done", "2 done", "3 given up", "4 done", "5 done", "6 done", "7 done"})
	})
}

// TestBatchLeavesOut shows what is asked for by itself: what is in doubt, large, of an unknown sender, or no creation.
func TestBatchLeavesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large, unknown := create("large", "Patient/l"), create("unknown", "Patient/u")
		large.Body = pipeline.NewPrivate(strings.Repeat("x", 100_000))
		unknown.Sender = pipeline.NewPrivate(number)
		k := newOutbox(large, unknown, create("doubted", "Patient/d"))
		for i := range 12 {
			k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i)))
		}
		s := &batcher{refuses: map[string]bool{"doubted": true}}
		b := batching(t, k, s)
		s.byPhone = func(pipeline.Private) ([]string, error) { return nil, nil }
		stop := start(b.Run)
		pass(time.Minute)
		stop()
		same(t, "left", k.left(), 0)
		for _, keys := range s.asked {
			for _, alone := range []string{"large", "unknown", "doubted"} {
				if len(keys) > 1 && slices.Contains(keys, alone) {
					t.Errorf("%s goes with %d others", alone, len(keys)-1)
				}
			}
		}
		same(t, "requests", len(s.asked), 3+4)
	})
}
