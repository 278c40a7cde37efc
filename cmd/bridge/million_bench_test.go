package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// BenchmarkMillionPlanned starts the program on a ledger in which a million reminders are planned, and reports the time
// to /readyz, the memory it takes, at once and after a while of work, and how long a new booking takes to its message.
// Run it with -benchtime 1x: the ledger is filled once, and the program started -count times on it.
func BenchmarkMillionPlanned(b *testing.B) {
	w := newWorld(b, worldOptions{})
	fillMillion(b, w.dir)
	b.ResetTimer()
	var ready, first time.Duration
	var atOnce, working int
	for i := range max(b.N, 1) {
		began := time.Now()
		child := w.child()
		w.await("/readyz", func() bool { return status("http://"+w.admin+"/readyz") == http.StatusOK })
		ready += time.Since(began)
		atOnce = max(atOnce, resident(b, child.Process.Pid))
		for k := range 200 {
			id := fmt.Sprintf("m%d-%d", i, k)
			before := w.whatsapp.Count()
			began = time.Now()
			w.knows(patient(id, "Amara", fmt.Sprintf("+1555%03d%04d", i, k), "en"))
			w.knows(appointment(id, id, "booked", time.Now().Add(240*time.Hour)))
			w.untilSome(30*time.Second, before)
			first += time.Since(began)
		}
		working = max(working, resident(b, child.Process.Pid))
		must(b, child.Process.Signal(syscall.SIGINT))
		_ = child.Wait()
	}
	n := float64(max(b.N, 1))
	b.ReportMetric(ready.Seconds()/n, "s-to-ready")
	b.ReportMetric(float64(atOnce), "MB-at-once")
	b.ReportMetric(float64(working), "MB-working")
	b.ReportMetric(first.Seconds()*1000/n/200, "ms-to-message")
	b.ReportMetric(0, "ns/op")
}

// fillMillion plans a million reminders in the ledger of a world, four to a visit, from tomorrow on.
func fillMillion(b *testing.B, dir string) {
	b.Helper()
	const visits, workers = 250_000, 512
	l, err := sqlledger.New(sqlledger.Config{URL: "sqlite:" + filepath.Join(dir, "bridge.db"), KeyFile: filepath.Join(dir, "ledger.key")})
	must(b, err)
	now := time.Now()
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := next.Add(1); i <= visits; i = next.Add(1) {
				if err := planFour(l, "f"+strconv.FormatInt(i, 10), now.Add(24*time.Hour+time.Duration(i)*time.Second)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	must(b, l.Close())
}

// planFour plans the four reminders of a visit.
func planFour(l *sqlledger.Ledger, id string, start time.Time) error {
	ev := pipeline.Event{
		Type: "Appointment", ID: id, Version: "1", LastUpdated: time.Now(), Operation: pipeline.Create,
		Resource: []byte(appointment(id, id, "booked", start)),
	}
	_, err := l.Apply(context.Background(), ev, func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
		var plan pipeline.Plan
		for i, step := range []string{"reminder_7d", "reminder_2d", "reminder_1d", "reminder_1d_confirmed"} {
			plan.Wanted = append(plan.Wanted, pipeline.Notification{
				Key: pipeline.NotificationKey("appointment", step, ev.Ref(), "1", "Patient/"+id), Journey: "appointment", Step: step,
				Subject: ev.Ref(), Patient: "Patient/" + id, Recipient: "Patient/" + id, Occasion: "1", Resend: true,
				Due: start.Add(time.Duration(i) * time.Hour), Expires: start.AddDate(0, 1, 0), Priority: pipeline.PriorityReminder,
			})
		}
		return plan, nil
	})
	return err
}

// status is what a URL answers, 0 if nothing does.
func status(url string) int {
	answer, err := http.Get(url)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// resident is how many MB a process has in memory.
func resident(b *testing.B, pid int) int {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(b, err)
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(value)[0])
			must(b, err)
			return kb >> 10
		}
	}
	b.Fatal("the process says nothing of its memory")
	return 0
}
