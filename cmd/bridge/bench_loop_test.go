package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	_ "modernc.org/sqlite" // the engine of the ledger, by its usual door
)

// BenchmarkLoop is what the bridge is compared with, on the machine that it is measured on: a loop written for this benchmark alone. It
// reads the same records and posts to the same stand-in, keeps two durable writes for each event (before the post, and after it) in a
// SQLite database, in order per key, 64 posts at once. It knows no journeys, versions, gates, templates, answers or charts, and seals nothing.
func BenchmarkLoop(b *testing.B) {
	w, l := loopWorld(b)
	before, began := processorTime(b), time.Now()
	go l.read(b, w)
	for i := 0; b.Loop(); i++ {
		w.event(i)
	}
	must(b, w.client.Flush(b.Context()))
	w.sent(b.N)
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/event")
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLoopLatency is BenchmarkLatency of the same loop.
func BenchmarkLoopLatency(b *testing.B) {
	w, l := loopWorld(b)
	posts := w.timed()
	w.known = max(b.N, 1)
	go l.read(b, w)
	w.steadily(b, posts, func(i int) string { return "Patient/p" + strconv.Itoa(i) })
}

func loopWorld(b *testing.B) (*world, *loop) {
	tune()
	w := newWorld(b, worldOptions{journeys: mainLine(b)})
	w.stand = &standIn{done: make(chan struct{}, 1)}
	w.known = benchPatients
	return w, newLoop(b, w.stand.listen(b), filepath.Join(b.TempDir(), "loop.db"))
}

type loop struct {
	url    string
	db     *sql.DB
	client *http.Client
	keys   []chan *kgo.Record // those of one key go one way
	writes chan loopWrite
	ctx    context.Context
}

type loopWrite struct {
	key, message string
	done         chan error
}

func newLoop(b *testing.B, url, file string) *loop {
	ctx, stop := context.WithCancel(context.Background())
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	must(b, err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec("CREATE TABLE sent (key TEXT PRIMARY KEY, message TEXT) WITHOUT ROWID")
	must(b, err)
	l := &loop{
		url: url, db: db, ctx: ctx, keys: make([]chan *kgo.Record, 64), writes: make(chan loopWrite, 1024),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	var running sync.WaitGroup
	for i := range l.keys {
		l.keys[i] = make(chan *kgo.Record, 64)
		running.Go(func() { l.work(b, l.keys[i]) })
	}
	running.Go(func() { l.write(b) })
	b.Cleanup(func() {
		stop()
		running.Wait()
		_ = db.Close()
	})
	return l
}

// read hands records on, in order per key.
func (l *loop) read(b *testing.B, w *world) {
	consumer, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...), kgo.ConsumeTopics(w.topics.Events[0]), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		b.Error(err)
		return
	}
	defer consumer.Close()
	for l.ctx.Err() == nil {
		consumer.PollFetches(l.ctx).EachRecord(func(r *kgo.Record) {
			h := fnv.New32a()
			_, _ = h.Write(r.Key)
			select {
			case l.keys[h.Sum32()%uint32(len(l.keys))] <- r:
			case <-l.ctx.Done():
			}
		})
	}
}

// work is one record after the other: written down, posted, written down.
func (l *loop) work(b *testing.B, records <-chan *kgo.Record) {
	for {
		select {
		case <-l.ctx.Done():
			return
		case r := <-records:
			if err := l.one(r); err != nil && l.ctx.Err() == nil {
				b.Error(err)
				return
			}
		}
	}
}

func (l *loop) one(r *kgo.Record) error {
	var a struct {
		ID, Status, Start string
		Participant       []struct{ Actor struct{ Reference string } }
	}
	if err := json.Unmarshal(r.Value, &a); err != nil {
		return err
	}
	if err := l.durable(a.ID, ""); err != nil {
		return err
	}
	body := fmt.Sprintf(`{"messaging_product":"whatsapp","to":%q,"type":"template","template":{"name":"appointment_booked","language":{"code":"en"},`+
		`"components":[{"type":"body","parameters":[{"type":"text","text":%q}]}]}}`, a.Participant[0].Actor.Reference, a.Start)
	answer, err := l.client.Post(l.url, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var accepted struct{ Messages []struct{ ID string } }
	raw, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(raw, &accepted)
	}
	if err != nil {
		return err
	}
	return l.durable(a.ID, accepted.Messages[0].ID)
}

// durable returns when the write is on disk. Writes that wait at the same time share a transaction.
func (l *loop) durable(key, message string) error {
	w := loopWrite{key: key, message: message, done: make(chan error, 1)}
	select {
	case l.writes <- w:
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
	select {
	case err := <-w.done:
		return err
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
}

func (l *loop) write(b *testing.B) {
	insert, err := l.db.Prepare("INSERT INTO sent (key, message) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET message = excluded.message")
	if err != nil {
		b.Error(err)
		return
	}
	for {
		select {
		case <-l.ctx.Done():
			return
		case first := <-l.writes:
			group := []loopWrite{first}
			for len(l.writes) > 0 {
				group = append(group, <-l.writes)
			}
			err := l.together(insert, group)
			for _, w := range group {
				w.done <- err
			}
		}
	}
}

func (l *loop) together(insert *sql.Stmt, group []loopWrite) error {
	tx, err := l.db.Begin()
	if err != nil {
		return err
	}
	s := tx.Stmt(insert)
	for _, w := range group {
		if _, err := s.Exec(w.key, w.message); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}
