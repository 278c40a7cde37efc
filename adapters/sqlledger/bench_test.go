package sqlledger_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// bodyOf is about what an appointment of a hospital weighs.
var bodyOf = bytes.Repeat([]byte("0123456789abcdef"), 125)

func appointment(n int64) pipeline.Event {
	return pipeline.Event{
		Type: "Appointment", ID: "a" + strconv.FormatInt(n, 10), Version: "1", LastUpdated: time.Unix(1_800_000_000, 0),
		Operation: pipeline.Create, Resource: bodyOf,
	}
}

// wanted is a message at once and three reminders.
func wanted(ev pipeline.Event, now time.Time) pipeline.Decide {
	return func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
		plan := pipeline.Plan{Wanted: make([]pipeline.Notification, 0, 4)}
		for i, step := range []string{"booked", "reminder7", "reminder2", "reminder1"} {
			n := pipeline.Notification{
				Key:     pipeline.NotificationKey("appointment", step, ev.Ref(), ev.Version, "Patient/"+ev.ID),
				Journey: "appointment", Step: step, Subject: ev.Ref(), Patient: "Patient/" + ev.ID, Recipient: "Patient/" + ev.ID,
				Occasion: ev.Version, Due: now.Add(time.Duration(i) * 48 * time.Hour), Expires: now.Add(240 * time.Hour),
				Priority: pipeline.PriorityReminder, Facts: pipeline.NewPrivate("2027-01-15T09:30:00Z Europe/Berlin"), Resend: true, Edge: i == 0,
			}
			if i == 0 {
				n.Priority = pipeline.PriorityNews
			}
			plan.Wanted = append(plan.Wanted, n)
		}
		return plan, nil
	}
}

func openFile(tb testing.TB, dir string) *sqlledger.Ledger {
	tb.Helper()
	l, err := sqlledger.New(config(tb, dir))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

// keyFile returns the key file of dir, and makes one if there is none.
func keyFile(tb testing.TB, dir string) string {
	tb.Helper()
	path := filepath.Join(dir, "key")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.WriteFile(path, []byte(sqlledger.NewKey()+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// spread runs f n times on workers goroutines.
func spread(workers, n int, f func(i int64)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				f(i)
			}
		})
	}
	wg.Wait()
}

func BenchmarkApply(b *testing.B) {
	for _, workers := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("callers=%d", workers), func(b *testing.B) {
			l := openFile(b, b.TempDir())
			now := time.Now()
			b.ReportAllocs()
			b.ResetTimer()
			spread(workers, b.N, func(i int64) {
				ev := appointment(i)
				if _, err := l.Apply(context.Background(), ev, wanted(ev, now)); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkCycle is an event all the way: applied, found due, begun, accepted with two writes, and these done.
func BenchmarkCycle(b *testing.B) {
	l := openFile(b, b.TempDir())
	ctx, now := context.Background(), time.Now()
	messages := make(chan pipeline.DueNotification, 512)
	writes := make(chan pipeline.Write, 512)
	var wg sync.WaitGroup
	dueWake, writeWake := l.Wake(), l.WakeWrites(pipeline.SinkServer)
	b.ResetTimer()
	wg.Go(func() {
		spread(64, b.N, func(i int64) {
			ev := appointment(i)
			if _, err := l.Apply(ctx, ev, wanted(ev, now)); err != nil {
				b.Error(err)
			}
		})
	})
	wg.Go(func() { // leases what is due
		defer close(messages)
		for sent := 0; sent < b.N; {
			list, _, err := l.Due(ctx, time.Now(), 256)
			if err != nil {
				b.Error(err)
				return
			}
			for _, n := range list {
				messages <- n
			}
			if sent += len(list); len(list) == 0 {
				<-dueWake
			}
		}
	})
	wg.Go(func() { // leases what is owed
		defer close(writes)
		for done := 0; done < 2*b.N; {
			found := 0
			for _, sink := range []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic} {
				list, err := l.Writes(ctx, sink, time.Now(), 256)
				if err != nil {
					b.Error(err)
					return
				}
				for _, w := range list {
					writes <- w
				}
				found += len(list)
			}
			if done += found; found == 0 {
				<-writeWake
			}
		}
	})
	for range 64 {
		wg.Go(func() {
			for n := range messages {
				send(b, l, n)
			}
		})
	}
	for range 64 {
		wg.Go(func() {
			for w := range writes {
				if err := l.SettleWrite(ctx, w.Key, pipeline.WriteResult{Done: true, Ref: "Communication/1"}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
}

func send(tb testing.TB, l *sqlledger.Ledger, n pipeline.DueNotification) {
	a := pipeline.Attempt{
		ID: pipeline.NewAttempt(), Notification: n.Key, Channel: "main", Address: pipeline.NewPrivate("+1555" + n.Key[:8]),
		Seen: pipeline.NewPrivate("Your appointment on Friday, 15 January at 9:30 is booked."), Template: "appointment_booked", Language: "en",
		Actions: []string{"confirm", "cancel"}, SubjectVersion: n.Subject.Version, Begun: time.Now(),
	}
	if ok, err := l.Begin(context.Background(), a); !ok || err != nil {
		tb.Error("not begun", err)
		return
	}
	s := pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: "wamid.HBgLMTU1NTAxMDAxMjMVAgARGBI" + a.ID, At: time.Now()}
	for _, sink := range []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic} {
		s.Writes = append(s.Writes, pipeline.Write{
			Key: "sent:" + a.ID + "@" + string(sink), Kind: pipeline.WriteCreate, Sink: sink, Order: n.Patient, Type: "Communication",
			Body: pipeline.NewPrivate(string(bodyOf[:1500])), IfNoneExist: "identifier=urn:fhirbridge:attempt|" + a.ID,
		})
	}
	if err := l.Settle(context.Background(), s); err != nil {
		tb.Error(err)
	}
}

// BenchmarkDueMillion asks a ledger in which a million notifications are planned.
func BenchmarkDueMillion(b *testing.B) {
	const events = 250_000
	dir, ctx, now := b.TempDir(), context.Background(), time.Now()
	filling, err := sqlledger.New(config(b, dir))
	if err != nil {
		b.Fatal(err)
	}
	spread(512, events, func(i int64) {
		ev := appointment(i)
		ev.Resource = bodyOf[:200]
		if _, err := filling.Apply(ctx, ev, wanted(ev, now.Add(time.Hour+time.Duration(i)*time.Second))); err != nil {
			b.Error(err)
		}
	})
	if err := filling.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			l, err := sqlledger.New(config(b, dir))
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	l := openFile(b, dir)
	b.Run("Due of 1", func(b *testing.B) {
		at := now.Add(time.Hour + time.Minute)
		for b.Loop() {
			at = at.Add(time.Second) // one more is due
			if list, _, err := l.Due(ctx, at, 1); err != nil || len(list) != 1 {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("Due of 64 in a backlog", func(b *testing.B) {
		at := now.AddDate(0, 0, 5) // hundreds of thousands are due
		for i := 0; b.Loop(); i++ {
			if _, _, err := l.Due(ctx, at.Add(time.Duration(i)*2*pipeline.LeaseTime), 64); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Due of none", func(b *testing.B) {
		for b.Loop() {
			if _, next, err := l.Due(ctx, time.Now(), 0); next.IsZero() || err != nil {
				b.Fatal(next, err)
			}
		}
	})
	b.Run("Census", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Census(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}
