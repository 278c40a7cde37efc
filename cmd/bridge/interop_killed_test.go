package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// TestInteropKilledWritingBack kills the bridge at random points while it writes what was kept for a FHIR server that was
// slow. Afterwards each message, each reply and each answer is in the chart once, and each visit is confirmed.
func TestInteropKilledWritingBack(t *testing.T) {
	people, kills := 60, 10
	if onRealFHIR() {
		people, kills = 150, 50
	}
	c := newCrowd(t, worldOptions{fhir: likeHAPI, writeTo: "[server]"})
	var (
		stuck  atomic.Bool
		writes atomic.Int64
	)
	release := make(chan struct{})
	stuck.Store(true)
	c.ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		if r.Method != http.MethodPost && r.Method != http.MethodPatch {
			return nil
		}
		if stuck.Load() {
			<-release
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Cut: true}} // nobody is there to hear it
		}
		writes.Add(1)
		return nil
	})
	patients := c.confirmed(t, people)
	stuck.Store(false)
	close(release)

	for range kills {
		c.killedWriting(&writes)
	}
	t.Logf("%d requests to write between %d kills", writes.Load(), kills)
	last := c.child()
	for c.owed() != 0 { // as long as it goes on, it may take its time
		before := writes.Load()
		c.await("a write", func() bool { return writes.Load() > before || c.owed() == 0 })
	}
	must(t, last.Process.Signal(syscall.SIGINT))
	if err := last.Wait(); err != nil {
		t.Errorf("Ctrl-C did not drain: %v\n%s", err, c.childLog())
	}
	c.eachOnce(t, patients)
}

// confirmed lets that many patients be told of a visit and confirm it, by a bridge that is killed before anything is in the
// chart. It returns the patients' ids.
func (c *crowd) confirmed(t *testing.T, n int) (ids []string) {
	t.Helper()
	bridge := c.child()
	var phones []*sandbox.Phone
	for range n {
		id, number := c.id(), c.number()
		c.knows(patient(id, "Amara", number, "en"))
		c.knows(appointment("of-"+id, id, "booked", ahead(20)))
		ids, phones = append(ids, id), append(phones, c.whatsapp.Phone(number))
	}
	told := func(messages int) {
		c.await(fmt.Sprintf("%d messages to each, and what became of them", messages), func() bool {
			lacks := func(p *sandbox.Phone) bool { return len(p.Messages()) != messages }
			return !slices.ContainsFunc(phones, lacks) && c.everyOutcome()
		})
	}
	told(1) // nobody taps before the bridge knows that the message is out: then the tap would be in the chart before it
	for _, phone := range phones {
		m, _ := phone.Last()
		_, err := phone.Tap(m.ID, 0)
		must(t, err)
	}
	told(2)
	must(t, bridge.Process.Signal(syscall.SIGKILL))
	_ = bridge.Wait()
	return ids
}

// killedWriting runs a bridge until it has begun one to four writes, and then for up to 20 ms. If nothing is left to be written, it fails.
func (c *crowd) killedWriting(writes *atomic.Int64) {
	c.t.Helper()
	until := writes.Load() + 1 + rand.Int64N(4)
	bridge := c.child()
	c.await("a write", func() bool { return writes.Load() >= until })
	time.Sleep(rand.N(20 * time.Millisecond))
	must(c.t, bridge.Process.Signal(syscall.SIGKILL))
	_ = bridge.Wait()
}

// owed is how many writes the ledger has, as a bridge tells that runs: -1 if none does.
func (c *crowd) owed() int {
	answer, err := http.Get("http://" + c.admin + "/healthz")
	if err != nil {
		return -1
	}
	_ = answer.Body.Close()
	now := c.metrics()
	if !ledgerCounted(now) {
		return -1
	}
	for line := range strings.Lines(now) {
		var n int
		if _, err := fmt.Sscanf(line, `bridge_ledger_writes_pending{sink="server"} %d`, &n); err == nil {
			return n
		}
	}
	return 0
}

// eachOnce looks for what each patient's visit has led to: three Communications with words, in their order, and a confirmation.
func (c *crowd) eachOnce(t *testing.T, patients []string) {
	t.Helper()
	said := map[string][]gjson.Result{}
	for _, raw := range c.ehr.All("Communication") {
		if m := gjson.ParseBytes(raw); m.Get("payload").Exists() {
			who := m.Get("subject.reference").String()
			said[who] = append(said[who], m)
		}
	}
	for _, id := range patients {
		list := said["Patient/"+id]
		if len(list) != 3 {
			t.Errorf("%d Communications with %s, want the booking, the reply and the answer", len(list), id)
			continue
		}
		for i, m := range list[1:] {
			if got, want := m.Get("inResponseTo.0.reference").String(), "Communication/"+list[i].Get("id").String(); got != want {
				t.Errorf("a Communication with %s answers %q, want %q", id, got, want)
			}
		}
		visit, _ := c.ehr.Resource("Appointment/of-" + id)
		if got := gjson.GetBytes(visit, "participant.0.status").String(); got != "accepted" {
			t.Errorf("the participation of %s is %q", id, got)
		}
	}
	for _, kind := range []string{"Communication", "Task"} {
		if again := c.ehr.Duplicates(kind); len(again) > 0 {
			t.Errorf("%d of %s were written twice", len(again), kind)
		}
	}
	if got := c.ehr.Count("Task"); got != 0 {
		t.Errorf("%d Tasks, and nobody has anything to do", got)
	}
}
