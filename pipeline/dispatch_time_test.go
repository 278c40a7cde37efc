package pipeline_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// crowded returns a lane in which the next message to number waits 6 s for its turn.
func crowded(t *testing.T, k *desk, send channel) *pipeline.Dispatch {
	t.Helper()
	d := dispatching(t, k, send)
	d.Pace = pipeline.NewPace(80)
	for range 10 {
		if wait, err := d.Pace.Wait(t.Context(), pipeline.NewPrivate(number), 0); wait != 0 || err != nil {
			t.Fatalf("Wait: %v, %v", wait, err)
		}
	}
	return d
}

func TestDispatchAsksAgainAfterAWait(t *testing.T) {
	cases := []struct {
		name    string
		expires time.Duration
		change  func(*desk, *pipeline.Dispatch) // while it waits
		want    []string
		to      []string
	}{
		{"nothing changes", time.Hour, func(*desk, *pipeline.Dispatch) {}, []string{"n1 accepted"}, []string{number}},
		{"it expires", 5 * time.Second, func(*desk, *pipeline.Dispatch) {}, []string{"n1 expired expired"}, []string{}},
		{"it expires in the very moment of its turn", 6 * time.Second, func(*desk, *pipeline.Dispatch) {}, []string{"n1 expired expired"}, []string{}},
		{"the patient says STOP", time.Hour, func(k *desk, _ *pipeline.Dispatch) { k.stop(number) }, []string{"n1 skipped stopped"}, []string{}},
		{"the patient dies", time.Hour, func(k *desk, d *pipeline.Dispatch) {
			k.keep("Patient/p1", json.RawMessage(`{"resourceType":"Patient","id":"p1","deceasedBoolean":true}`))
			d.Resolver.Forget("Patient/p1")
		}, []string{"n1 skipped deceased"}, []string{}},
		{"the patient gets a new number", time.Hour, func(k *desk, d *pipeline.Dispatch) {
			k.keep("Patient/p1", patientJSON("p1", newNumber))
			d.Resolver.Forget("Patient/p1")
		}, []string{"n1 accepted"}, []string{newNumber}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := dueNow("n1")
				n.Expires = n.Due.Add(c.expires)
				k, p := newDesk(n), &posts{}
				d := crowded(t, k, p.failing())
				stop := start(d.Run)
				pass(3 * time.Second)
				same(t, "posts while it waits", len(p.texts()), 0)
				c.change(k, d)
				pass(time.Minute)
				stop()
				same(t, "settled", k.states(), c.want)
				same(t, "to", p.addresses(), c.to)
				if back := len(k.given()); (back == 1) != slices.Contains(c.to, newNumber) {
					t.Errorf("given back %d times: a new number has a pace of its own to wait for, the same one has not", back)
				}
			})
		})
	}
}

func TestDispatchPutsOffWhatWouldWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n1, n2 := dueNow("n1"), dueNow("n2")
		k, p := newDesk(n1, n2), &posts{}
		d := crowded(t, k, p.failing())
		_, _ = d.Pace.Wait(t.Context(), pipeline.NewPrivate(number), time.Minute) // its turn comes after 6 s
		begun := time.Now()
		stop := start(d.Run)
		pass(30 * time.Second)
		stop()
		if back := k.given(); len(back) != 0 && back[0].why != pipeline.ReasonThrottled {
			t.Errorf("given back for %q", back[0].why)
		}
		same(t, "settled", k.states(), []string{"n1 accepted", "n2 accepted"})
		same(t, "attempts wait for their turn", k.begun()[1].Begun.Sub(begun) >= 12*time.Second, true)
	})
}

func TestDispatchToTheNumberThatHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newDesk(dueNow("n1")), &posts{}
		d := dispatching(t, k, p.failing())
		stop := start(d.Run)
		synctest.Wait() // the old number is in the resolver's cache now
		k.keep("Patient/p1", patientJSON("p1", newNumber))
		d.Resolver.Forget("Patient/p1")
		k.plan(dueNow("n2"))
		synctest.Wait()
		k.keep("Patient/p1", patientJSON("p1", number)) // another instance has learned this
		pass(11 * time.Second)
		k.plan(dueNow("n3"))
		synctest.Wait()
		reply := dueNow("n4")
		reply.ReplyTo, reply.Address = "m1", pipeline.NewPrivate(newNumber)
		k.plan(reply)
		synctest.Wait()
		stop()
		same(t, "to", p.addresses(), []string{number, newNumber, number, newNumber})
	})
}

// slow takes each message after a while.
func slow(p *posts, takes time.Duration) channel {
	return func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
		p.add(m)
		time.Sleep(takes)
		return taken(ctx, m)
	}
}

// TestDispatchStopsAtTheSlot shows that an attempt that was begun and waits for
// a slot is not posted when that has become wrong.
func TestDispatchStopsAtTheSlot(t *testing.T) {
	first, second := dueNow, func() pipeline.DueNotification {
		n := dueNow("second")
		n.Patient = "Patient/p2"
		return n
	}
	run := func(t *testing.T, takes time.Duration, n pipeline.DueNotification, then func(stop func())) *desk {
		k := newDesk(first("first"))
		k.kept["Patient/p2"] = patientJSON("p2", newNumber)
		d := dispatching(t, k, slow(&posts{}, takes))
		d.Concurrency = 1
		stop := start(d.Run)
		synctest.Wait()
		k.plan(n)
		synctest.Wait()
		same(t, "begun", len(k.begun()), 2)
		then(stop)
		return k
	}
	count := func(k *desk, state string) (n int) {
		for _, s := range k.states() {
			if strings.HasPrefix(s, state) {
				n++
			}
		}
		return n
	}
	t.Run("expired", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := second()
			n.Expires = n.Due.Add(2 * time.Second)
			k := run(t, 2*time.Second, n, func(stop func()) { pass(time.Minute); stop() })
			same(t, "settled", sorted(k.states()), []string{"first accepted", "second expired expired"})
		})
	})
	t.Run("its words are old", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := run(t, 6*time.Second, second(), func(stop func()) { pass(time.Minute); stop() })
			same(t, "settled", sorted(k.states()), []string{"first accepted", "second accepted", "second planned transient"})
			same(t, "words are made again", k.begun()[1].ID != k.begun()[2].ID, true)
		})
	})
	t.Run("shutting down: what is posted is finished, what is not is given back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			k := run(t, 4*time.Second, second(), func(stop func()) { stop() })
			same(t, "settled", sorted(k.states()), []string{"first accepted", "second planned transient"})
			same(t, "drained after", time.Since(begun), 4*time.Second)
		})
	})
	t.Run("halted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k := newDesk(first("first"), second())
			k.kept["Patient/p2"] = patientJSON("p2", newNumber)
			p := &posts{}
			d := dispatching(t, k, func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
				p.add(m)
				time.Sleep(time.Second)
				return pipeline.Receipt{}, &pipeline.Error{Op: "test.send", Halt: true}
			})
			d.Concurrency = 1
			stop := start(d.Run)
			pass(2 * time.Second)
			same(t, "posts", len(p.texts()), 1)
			same(t, "given back", count(k, "first planned halted")+count(k, "second planned halted"), 2)
			stop()
			same(t, "until the pause ends", k.ends[1].Due.Sub(k.ends[1].At), 5*time.Second)
		})
	})
}

// TestDispatchWindow: more than templates may be said for 24 hours after the person's last message, less some
// minutes in which a message may still wait.
func TestDispatchWindow(t *testing.T) {
	cases := []struct {
		name    string
		heard   time.Duration // ago; 0 for never
		replyTo string
		want    bool
	}{
		{"heard just now", time.Second, "", true},
		{"heard this day", 23*time.Hour + 49*time.Minute, "", true},
		{"heard nearly a day ago", 23*time.Hour + 50*time.Minute, "", false},
		{"never heard", 0, "", false},
		{"an answer to a reply, whenever that was", 25 * time.Hour, "m1", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := dueNow("n1")
				n.ReplyTo = c.replyTo
				k, p := newDesk(n), &posts{}
				if c.heard != 0 {
					k.senders[number] = pipeline.Sender{Heard: time.Now().Add(-c.heard)}
				}
				d := dispatching(t, k, p.failing())
				var windows []bool
				d.Journeys = &journeys{compose: func(n pipeline.Notification, f pipeline.Facts, id string) (pipeline.Composed, error) {
					windows = append(windows, f.Window)
					return sayKey(n, f, id)
				}}
				stop := start(d.Run)
				synctest.Wait()
				stop()
				same(t, "open when the words are made", windows, []bool{c.want})
			})
		})
	}
}

// TestDispatchAsksForTheSender: what the ledger cannot tell is asked again later, and of no number nothing is asked.
func TestDispatchAsksForTheSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nobody := dueNow("n2")
		nobody.Patient, nobody.Recipient = "Patient/p2", "Patient/p2"
		k, p := newDesk(dueNow("n1"), nobody), &posts{}
		asked := 0
		k.kept["Patient/p2"] = json.RawMessage(`{"resourceType":"Patient","id":"p2"}`)
		k.sender = func(address pipeline.Private) (pipeline.Sender, error) {
			if same(t, "asked for", address.Reveal(), number); asked == 0 {
				asked++
				return pipeline.Sender{}, transient("disk_full")
			}
			return pipeline.Sender{}, nil
		}
		stop := start(dispatching(t, k, p.failing()).Run)
		pass(time.Minute)
		stop()
		same(t, "settled", k.states(), []string{"n2 skipped no_number", "n1 accepted"})
		same(t, "given back for", k.given()[0].why, pipeline.ReasonTransient)
	})
}
