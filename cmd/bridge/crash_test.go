package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

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
	beside()
	os.Exit(m.Run())
}

// beside lets twice as many tests run side by side as there are processors, unless told otherwise: they wait more than they work,
// but for the race detector, which is what -short is for.
func beside() {
	flag.Parse()
	asked := testing.Short()
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	}
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

// bury takes the members of dead processes out of their groups. Apache Kafka ends their sessions; the broker double starts no session for
// a member to whom it could not deliver the answer to JoinGroup any more, and once the others have their partitions it leaves that
// one its own for ever.
func (w *world) bury() {
	w.t.Helper()
	groups, err := kmsg.NewPtrListGroupsRequest().RequestWith(w.t.Context(), w.client)
	must(w.t, err)
	for _, g := range groups.Groups {
		describe, leave := kmsg.NewPtrDescribeGroupsRequest(), kmsg.NewPtrLeaveGroupRequest()
		describe.Groups, leave.Group = []string{g.Group}, g.Group
		described, err := describe.RequestWith(w.t.Context(), w.client)
		must(w.t, err)
		for _, m := range described.Groups[0].Members {
			dead := kmsg.NewLeaveGroupRequestMember()
			dead.MemberID = m.MemberID
			leave.Members = append(leave.Members, dead)
		}
		_, err = leave.RequestWith(w.t.Context(), w.client)
		must(w.t, err)
	}
}

// crash is how much passes and how often the bridge is killed meanwhile.
type crash struct {
	events, kills int
	world         worldOptions
}

// crashes is for the broker in this process. Apache Kafka takes no session shorter than 6 s, and
// each kill leaves the group waiting for one, so there it is fewer. Many of them hit a bridge that
// is only joining: that leaves dead members which the group still gives partitions to. With -short, which is for the race detector,
// it is fewer, too, and like there: what is looked at so closely is too slow to be heard of each second.
func crashes() crash {
	c := crash{events: 500, kills: 30, world: worldOptions{session: "1s", grace: "8s"}}
	switch {
	case onApacheKafka():
		c = crash{events: 200, kills: 10, world: worldOptions{session: "6s", grace: "6s"}}
	case testing.Short():
		c = crash{events: 150, kills: 5, world: worldOptions{session: "6s", grace: "6s"}}
	}
	c.world.provider = "cloudapi" // tyntec posts a status three times only: see docs/channels.md
	c.world.whatsapp = func(s *sandbox.WhatsAppConfig) { s.Latency = 5 * time.Millisecond }
	return c
}

// TestInteropCrash kills the bridge at random points while events pass, every third time while it is starting or soon after. Once
// statuses have arrived every event has its message, no message went twice, and each is in the chart once. It runs over Apache Kafka too.
func TestInteropCrash(t *testing.T) {
	c := crashes()
	w := newWorld(t, c.world)
	number := func(i int) string { return fmt.Sprintf("+1555011%04d", i) }
	got := func(i int) int { return len(w.whatsapp.Phone(number(i)).Messages()) }
	start, fed := time.Now().Add(10*24*time.Hour), 0
	for kill := range c.kills {
		for ; fed < c.events*(kill+1)/c.kills; fed++ {
			id := fmt.Sprintf("c%d", fed)
			w.knows(patient(id, "Amara", number(fed), "en"))
			w.knows(appointment(id, id, "booked", start))
		}
		w.killed(kill%3 == 2)
	}
	t.Logf("%d of %d messages were sent between %d kills", w.whatsapp.Count(), c.events, c.kills)

	if !onApacheKafka() {
		w.bury()
	}
	last := w.child()
	everybody := func() bool {
		for i := range c.events {
			if got(i) == 0 {
				return false
			}
		}
		return true
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := w.whatsapp.Await(ctx, everybody); err != nil {
		t.Fatalf("%d of %d messages: %v\n%s", w.whatsapp.Count(), c.events, err, w.childLog())
	}
	w.await("every message in the chart", func() bool { return len(w.said()) >= c.events })
	w.await("every outcome", w.everyOutcome) // what is still unknown could be sent again
	must(t, last.Process.Signal(syscall.SIGINT))
	if err := last.Wait(); err != nil {
		t.Errorf("Ctrl-C did not drain: %v\n%s", err, w.childLog())
	}
	for i := range c.events {
		if n := got(i); n != 1 {
			t.Errorf("patient %d got %d messages", i, n)
		}
	}
	if d := w.ehr.Duplicates("Communication"); len(d) > 0 {
		t.Errorf("%d Communications were filed twice", len(d))
	}
	if n := len(w.said()); n != c.events {
		t.Errorf("%d Communications, want %d", n, c.events)
	}
}

// killed runs a bridge until a message has gone out, and then for up to 120 ms; or, early, for up to 3 s from its start whatever
// it does: it may only be starting, recovering what the last one left, or joining its groups.
func (w *world) killed(early bool) {
	w.t.Helper()
	bridge := w.child()
	most := 120 * time.Millisecond
	if early {
		most = 1 + rand.N(3*time.Second) // sooner more often than later
	} else {
		w.untilSome(15*time.Second, w.whatsapp.Count())
	}
	time.Sleep(rand.N(most))
	must(w.t, bridge.Process.Signal(syscall.SIGKILL))
	_ = bridge.Wait()
	if early && !onApacheKafka() { // it may have been joining
		w.bury()
	}
}

// ledgerCounted reports whether the metrics have what the ledger counts: a ledger that takes long is left out.
func ledgerCounted(metrics string) bool {
	return strings.Contains(metrics, "bridge_ledger_events_parked")
}

// everyOutcome reports whether a bridge runs and knows what became of all that was posted.
func (w *world) everyOutcome() bool {
	answer, err := http.Get("http://" + w.admin + "/healthz")
	if err != nil {
		return false // it is only starting
	}
	_ = answer.Body.Close()
	now := w.metrics()
	return ledgerCounted(now) && !strings.Contains(now, `state="sending"`) && !strings.Contains(now, `state="unknown"`)
}

// untilSome waits until a message more than before has been sent, but not for long.
func (w *world) untilSome(patience time.Duration, before int) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	_ = w.whatsapp.Await(ctx, func() bool { return w.whatsapp.Count() > before })
}

// TestStopDrains sends the signal of Ctrl-C while messages are on their way.
func TestStopDrains(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{whatsapp: func(c *sandbox.WhatsAppConfig) { c.Latency = 300 * time.Millisecond }})
	bridge := w.child()
	for i := range 20 {
		id := fmt.Sprintf("s%d", i)
		w.knows(patient(id, "Amara", fmt.Sprintf("+1555012%04d", i), "en"))
		w.knows(appointment(id, id, "booked", time.Now().Add(240*time.Hour)))
	}
	w.await("a message", func() bool { return w.whatsapp.Count() > 0 })
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
