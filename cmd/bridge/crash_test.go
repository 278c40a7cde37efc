package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// childEnv makes this test binary the bridge itself, for tests that kill it.
const childEnv = "BRIDGE_TEST_CHILD_CONFIG"

func TestMain(m *testing.M) {
	if file := os.Getenv(childEnv); file != "" {
		os.Args = []string{"bridge", "run", "--config", file}
		main()
		return
	}
	os.Exit(m.Run())
}

// child starts the bridge as a process of its own.
func (w *world) child() *exec.Cmd {
	w.t.Helper()
	file := filepath.Join(w.dir, "bridge.yaml")
	must(w.t, os.WriteFile(file, []byte(w.config(w.whatsapp.URL())), 0o600))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+file)
	log, err := os.OpenFile(filepath.Join(w.dir, "child.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(w.t, err)
	w.t.Cleanup(func() { _ = log.Close() })
	cmd.Stderr = log
	must(w.t, cmd.Start())
	w.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

func (w *world) childLog() string {
	log, _ := os.ReadFile(filepath.Join(w.dir, "child.log"))
	return string(log[max(0, len(log)-4000):])
}

const (
	crashEvents = 500
	crashKills  = 30
)

// TestCrash kills the bridge at random points while events pass. Once statuses have
// arrived every event has its message, no message went twice, and each is in the chart once.
func TestCrash(t *testing.T) {
	w := newWorld(t, worldOptions{
		session: "1s", grace: "4s",
		whatsapp: func(c *sandbox.WhatsAppConfig) { c.Latency = 5 * time.Millisecond },
	})
	number := func(i int) string { return fmt.Sprintf("+1555011%04d", i) }
	start := time.Now().Add(10 * 24 * time.Hour)
	feed := func(i int) {
		id := fmt.Sprintf("c%d", i)
		w.knows(patient(id, "Amara", number(i), "en"))
		w.knows(appointment(id, id, "booked", start))
	}
	fed := 0
	for kill := range crashKills {
		for ; fed < crashEvents*(kill+1)/crashKills; fed++ {
			feed(fed)
		}
		bridge := w.child()
		w.untilSome(15*time.Second, w.whatsapp.Count())
		time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond)
		must(t, bridge.Process.Signal(syscall.SIGKILL))
		_ = bridge.Wait()
	}
	t.Logf("%d of %d messages were sent between %d kills", w.whatsapp.Count(), crashEvents, crashKills)
	last := w.child()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	everybody := func() bool {
		for i := range crashEvents {
			if len(w.whatsapp.Phone(number(i)).Messages()) == 0 {
				return false
			}
		}
		return true
	}
	if err := w.whatsapp.Await(ctx, everybody); err != nil {
		t.Fatalf("%d of %d messages: %v\n%s", w.whatsapp.Count(), crashEvents, err, w.childLog())
	}
	w.await("every message in the chart", func() bool { return w.ehr.Count("Communication") >= crashEvents })
	must(t, last.Process.Signal(syscall.SIGINT))
	if err := last.Wait(); err != nil {
		t.Errorf("Ctrl-C did not drain: %v\n%s", err, w.childLog())
	}
	for i := range crashEvents {
		if got := len(w.whatsapp.Phone(number(i)).Messages()); got != 1 {
			t.Errorf("patient %d got %d messages", i, got)
		}
	}
	if d := w.ehr.Duplicates("Communication"); len(d) > 0 {
		t.Errorf("%d Communications were filed twice", len(d))
	}
	if got := w.ehr.Count("Communication"); got != crashEvents {
		t.Errorf("%d Communications, want %d", got, crashEvents)
	}
}

// untilSome waits until a message more than before has been sent, but not for long.
func (w *world) untilSome(patience time.Duration, before int) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	_ = w.whatsapp.Await(ctx, func() bool { return w.whatsapp.Count() > before })
}

// TestStopDrains sends the signal of Ctrl-C while messages are on their way.
func TestStopDrains(t *testing.T) {
	w := newWorld(t, worldOptions{whatsapp: func(c *sandbox.WhatsAppConfig) { c.Latency = 300 * time.Millisecond }})
	bridge := w.child()
	for i := range 20 {
		id := fmt.Sprintf("s%d", i)
		w.knows(patient(id, "Amara", fmt.Sprintf("+1555012%04d", i), "en"))
		w.knows(appointment(id, id, "booked", time.Now().Add(240*time.Hour)))
	}
	w.untilSome(30*time.Second, 0)
	must(t, bridge.Process.Signal(syscall.SIGINT))
	if err := bridge.Wait(); err != nil {
		t.Fatalf("exit: %v\n%s", err, w.childLog())
	}
	if !strings.Contains(w.childLog(), "drained") {
		t.Error("the log does not say that it drained")
	}
	b := w.run()
	if strings.Contains(b.log.String(), "attempts of the last run") {
		t.Error("attempts were left open by a clean stop")
	}
}
