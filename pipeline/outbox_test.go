package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// outbox is the part of a ledger that write-back sees: of each queue the oldest
// write that is not settled, if it may be tried now.
type outbox struct {
	ledger
	mu      sync.Mutex
	list    []*owed
	refs    map[string]string // what writes created
	settled []string          // key and how it ended
	given   []pipeline.Reason // why writes were given up
	said    []string          // the keys of what patients were told of them
	asked   atomic.Int64
	failing bool // the store does not settle
}

type owed struct {
	pipeline.Write
	retry  time.Time
	leased time.Time
}

func newOutbox(list ...pipeline.Write) *outbox {
	k := &outbox{refs: map[string]string{}}
	k.wake = map[pipeline.Sink]chan struct{}{pipeline.SinkServer: make(chan struct{}, 1), pipeline.SinkTopic: make(chan struct{}, 1)}
	k.add(list...)
	k.writes = func(sink pipeline.Sink, now time.Time, limit int) (due []pipeline.Write, _ error) {
		k.asked.Add(1)
		k.mu.Lock()
		defer k.mu.Unlock()
		seen := map[string]bool{}
		var ready []*owed
		for _, w := range k.list {
			if w.Sink != sink || seen[w.Order] {
				continue
			}
			seen[w.Order] = true
			if !w.retry.After(now) && !w.leased.After(now) {
				ready = append(ready, w)
			}
		}
		slices.SortStableFunc(ready, func(a, b *owed) int { return a.retry.Compare(b.retry) })
		for _, w := range ready[:min(limit, len(ready))] {
			w.leased = now.Add(pipeline.LeaseTime)
			due = append(due, w.Write)
		}
		return due, nil
	}
	k.settleWrite = func(key string, r pipeline.WriteResult, more []pipeline.Write) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.failing {
			return transient("disk_full")
		}
		i := slices.IndexFunc(k.list, func(w *owed) bool { return w.Key == key })
		w := k.list[i]
		if !r.Untried {
			w.Tries++
		}
		end := "retry"
		switch {
		case r.Done:
			end = "done"
			k.refs[key] = r.Ref
		case r.GiveUp:
			end = "given up"
			k.given = append(k.given, r.Reason)
		case r.Untried:
			end = "given back"
		}
		if r.Done || r.GiveUp {
			for _, n := range r.Say {
				k.said = append(k.said, n.Key)
			}
		}
		k.settled = append(k.settled, key+" "+end)
		w.retry, w.leased = r.Retry, time.Time{}
		if !r.Untried {
			w.Refused = r.Refused
		}
		if !r.Unclear && !r.Untried {
			w.Begun = time.Time{}
		}
		if r.Done || r.GiveUp {
			k.list = slices.Delete(k.list, i, i+1)
		}
		for _, m := range more {
			k.list = append(k.list, &owed{Write: m})
		}
		return nil
	}
	k.written = func(key string) (string, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.refs[key], nil
	}
	return k
}

func (k *outbox) add(list ...pipeline.Write) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range list {
		if w.Sink == "" {
			w.Sink = pipeline.SinkServer
		}
		k.list = append(k.list, &owed{Write: w})
	}
}

// Owed reports whether a write is not settled for good.
func (k *outbox) Owed(_ context.Context, key string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.list, func(w *owed) bool { return w.Key == key }), nil
}

// BeginWrite keeps that a write was begun.
func (k *outbox) BeginWrite(_ context.Context, key string, at time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.list {
		if w.Key == key {
			w.Begun = at
		}
	}
	return nil
}

// left is how many writes are not settled for good.
func (k *outbox) left() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.list)
}

func (k *outbox) ends() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]string{}, k.settled...)
}

// create is a write of a resource that names its key.
func create(key, order string) pipeline.Write {
	return pipeline.Write{
		Key: key, Kind: pipeline.WriteCreate, Order: order, Type: "Communication", IfNoneExist: "identifier=test|" + key,
		Body: pipeline.NewPrivate(fmt.Sprintf(`{"resourceType":"Communication","status":"completed","identifier":[{"value":%q}],"payload":[{"contentString":%q}]}`, key, words)),
	}
}

// posted counts what a server was asked to create, by its search.
type posted struct {
	mu   sync.Mutex
	list []string
	now  int
	most int
}

func (p *posted) begin(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, key)
	p.now++
	p.most = max(p.most, p.now)
}

func (p *posted) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now--
}

func (p *posted) keys() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.list...)
}

func writingBack(t *testing.T, k *outbox, s *server) *pipeline.WriteBack {
	t.Helper()
	log, _ := newLog(t)
	return &pipeline.WriteBack{
		Sink: pipeline.SinkServer, Ledger: k, Log: log, Now: time.Now, Concurrency: 4, Server: s, Topic: "communications",
		Rights:   new(pipeline.Rights),
		Validate: func([]byte) []string { return nil },
	}
}
