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

	"github.com/ThreeDotsLabs/watermill/message" //nolint:depguard // the router's other side

	"fhirbridge/pipeline"
)

// subscription hands messages out one after the other, each again until it is acked.
type subscription struct {
	messages []*message.Message
	mu       sync.Mutex
	tries    []string // uuid and how it ended
	done     chan struct{}
}

func (s *subscription) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for _, m := range s.messages {
			for acked := false; !acked; {
				try := m.Copy()
				try.SetContext(m.Context())
				select {
				case out <- try:
				case <-ctx.Done():
					return
				}
				end := "nack"
				select {
				case <-try.Acked():
					acked, end = true, "ack"
				case <-try.Nacked():
				case <-ctx.Done():
					return
				}
				s.mu.Lock()
				s.tries = append(s.tries, m.UUID+" "+end)
				s.mu.Unlock()
			}
		}
		close(s.done)
		<-ctx.Done()
	}()
	return out, nil
}

func (*subscription) Close() error { return nil }

// routed runs the messages through a router with h, until all are acked.
func routed(t *testing.T, dead *pipeline.DeadLetters, h pipeline.Handler, messages ...*message.Message) (tries []string, log string) {
	t.Helper()
	logger, text := newLog(t)
	r, err := pipeline.NewRouter(dead, logger)
	if err != nil {
		t.Fatal(err)
	}
	s := &subscription{messages: messages, done: make(chan struct{})}
	r.Handle("intake", "ehr.fhir", s, h)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	select {
	case <-s.done:
	case <-time.After(time.Minute):
		t.Error("the messages were not all acked")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	return s.tries, text.String()
}

func newMessage(id string, offset int64) *message.Message {
	m := message.NewMessage(id, []byte(words))
	m.Metadata.Set("content-type", "application/fhir+json")
	m.SetContext(pipeline.WithSource(context.Background(), pipeline.Source{Topic: "ehr.fhir", Partition: 1, Offset: offset, Key: pipeline.NewPrivate(number)}))
	return m
}

func TestRouterHandsOnTheWholeRecord(t *testing.T) {
	var got pipeline.Record
	tries, _ := routed(t, nil, func(_ context.Context, rec pipeline.Record) error {
		got = rec
		return nil
	}, newMessage("m1", 7))
	same(t, "tries", tries, []string{"m1 ack"})
	same(t, "record", []any{string(got.Value), got.Headers, got.Source.String(), got.Source.Key.Reveal()},
		[]any{words, map[string]string{"content-type": "application/fhir+json"}, "ehr.fhir/1/7", number})
}

func TestRouterBringsAgainWhatWasNotTaken(t *testing.T) {
	fails := 2
	tries, log := routed(t, nil, func(_ context.Context, rec pipeline.Record) error {
		if fails--; rec.Source.Offset == 7 && fails >= 0 {
			return transient("disk_full")
		}
		return nil
	}, newMessage("m1", 7), newMessage("m2", 8))
	same(t, "tries", tries, []string{"m1 nack", "m1 nack", "m1 ack", "m2 ack"})
	same(t, "log", []any{strings.Count(log, "disk_full"), strings.Contains(log, "ehr.fhir/1/7")}, []any{2, true})
}

// TestRouterPanics shows that a record on which a handler panics becomes a dead
// letter, and that the partition goes on; that what was panicked with is not
// told; and that it comes again when the dead letter cannot be written.
func TestRouterPanics(t *testing.T) {
	for _, value := range []any{words, errors.New(words), fmt.Errorf("%s", number), nil, []string{surname}} {
		t.Run(fmt.Sprintf("with a %T", value), func(t *testing.T) {
			var letters []published
			dead := &pipeline.DeadLetters{Topic: "dead", Publisher: publisher(func(p published) error {
				letters = append(letters, p)
				if len(letters) == 1 {
					return transient("unreachable")
				}
				return nil
			})}
			tries, log := routed(t, dead, func(_ context.Context, rec pipeline.Record) error {
				if rec.Source.Offset == 7 {
					explode(value)
				}
				return nil
			}, newMessage("m1", 7), newMessage("m2", 8))
			same(t, "tries", tries, []string{"m1 nack", "m1 ack", "m2 ack"})
			h := letters[1].headers
			same(t, "dead letter", []string{h[pipeline.HeaderReason], h[pipeline.HeaderFaults], h[pipeline.HeaderLane], h[pipeline.HeaderOffset]},
				[]string{"panic", "panic", "intake", "7"})
			if !strings.Contains(log, "pipeline_test.explode:") {
				t.Errorf("the log does not say where:\n%s", log)
			}
		})
	}
}

//go:noinline
func explode(value any) { panic(value) }

type waterPublisher func(topic string, m *message.Message) error

func (p waterPublisher) Publish(topic string, messages ...*message.Message) error {
	return p(topic, messages[0])
}

func (waterPublisher) Close() error { return nil }

func TestPublisherOverWatermill(t *testing.T) {
	known := &pipeline.Error{Op: "kafka.publish", Kind: pipeline.Refused, Reason: "record_too_large"}
	cases := []struct {
		name    string
		key     string
		headers map[string]string
		err     error
		meta    string
		want    string
	}{
		{"with a key", "Patient/p1", map[string]string{"a": "b"}, nil, "map[a:b key:Patient/p1]", "<nil>"},
		{"without one", "", nil, nil, "map[]", "<nil>"},
		{"with the key of another record among its headers", "", map[string]string{"key": number}, nil, "map[]", "<nil>"},
		{"a failure that is known", "k", nil, fmt.Errorf("wrapped: %w", known), "map[key:k]", "wrapped: " + known.Error()},
		{"a failure in somebody's words", "k", nil, errors.New(words), "map[key:k]", "kafka.publish: transient not_published"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got *message.Message
			p := pipeline.NewPublisher(waterPublisher(func(_ string, m *message.Message) error {
				got = m
				return c.err
			}), "key")
			err := p.Publish(t.Context(), "topic", c.key, c.headers, []byte(words))
			same(t, "published", []any{string(got.Payload), got.Metadata, err}, []any{words, c.meta, c.want})
		})
	}
}

func TestLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most, failed := 0, 0, 0
		h := pipeline.Limited(3, func(context.Context, pipeline.Record) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return transient("disk_full")
		})
		begun := time.Now()
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				err := h(t.Context(), pipeline.Record{})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed++
				}
			})
		}
		all.Wait()
		same(t, "at once, took, errors handed on", []any{most, time.Since(begun), failed}, []any{3, 4 * time.Second, 12})

		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		for range 3 {
			all.Go(func() { _ = h(t.Context(), pipeline.Record{}) })
		}
		synctest.Wait()
		if err := h(ctx, pipeline.Record{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a record whose time is over is %v, want not taken", err)
		}
		all.Wait()
	})
}
