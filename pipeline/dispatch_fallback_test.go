package pipeline_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// plainly composes what may go by SMS as that, and what must not (of the step "private") not at all.
func plainly(n pipeline.Notification, f pipeline.Facts, _ string) (pipeline.Composed, error) {
	said := n.Key
	if f.Plain {
		if n.Step == "private" {
			return pipeline.Composed{Skip: pipeline.ReasonNotOnWhatsApp}, nil
		}
		said = "sms " + n.Key
	}
	return pipeline.Composed{Message: pipeline.Message{Text: pipeline.NewPrivate(said), Seen: pipeline.NewPrivate(words)}}, nil
}

func TestDispatchFallsBack(t *testing.T) {
	absent := refused("131026")
	now := func(change func(*pipeline.DueNotification)) func() pipeline.DueNotification {
		return func() pipeline.DueNotification {
			n := dueNow("n1")
			change(&n)
			return n
		}
	}
	plain := now(func(*pipeline.DueNotification) {})
	gone := now(func(n *pipeline.DueNotification) { n.Gone, n.Tries = true, 1 })
	private := now(func(n *pipeline.DueNotification) { n.Step = "private" })
	answer := func(to string) func() pipeline.DueNotification {
		return now(func(n *pipeline.DueNotification) { n.ReplyTo, n.Address = to, pipeline.NewPrivate(number) })
	}
	cases := []struct {
		name          string
		n             func() pipeline.DueNotification
		known         time.Duration // ago that the number was said to be absent; 0 for never
		main, sms     []error
		want          []string
		posted, bySMS []string
	}{
		{"the number is there", plain, 0, nil, nil, []string{"n1 accepted"}, []string{"n1"}, []string{}},
		{"it is not there", plain, 0, []error{absent}, nil, []string{"n1 planned not_reachable", "n1 accepted"}, []string{"n1"}, []string{"sms n1"}},
		{"it is known not to be there", plain, time.Hour, nil, nil, []string{"n1 accepted"}, []string{}, []string{"sms n1"}},
		{"it was not there long ago", plain, 8 * 24 * time.Hour, nil, nil, []string{"n1 accepted"}, []string{"n1"}, []string{}},
		{"the SMS is refused, too", plain, time.Hour, nil, []error{refused("400")}, []string{"n1 failed refused"}, []string{}, []string{"sms n1"}},
		{"nobody knows whether the SMS went out", plain, time.Hour, nil, []error{&pipeline.Error{Op: "test", Unknown: true}}, []string{"n1 unknown no_answer"}, []string{}, []string{"sms n1"}},
		{"the SMS has to wait", plain, time.Hour, nil, []error{&pipeline.Error{Op: "test", Kind: pipeline.Throttled, After: time.Minute}},
			[]string{"n1 planned throttled", "n1 accepted"}, []string{}, []string{"sms n1", "sms n1"}},
		{"nobody knows whether the message went out", plain, 0, []error{&pipeline.Error{Op: "test", Kind: pipeline.Refused, Code: "131026", Unknown: true}}, nil,
			[]string{"n1 unknown no_answer"}, []string{"n1"}, []string{}},
		{"it may have gone out before", gone, time.Hour, nil, nil, []string{"n1 skipped not_on_whatsapp"}, []string{}, []string{}},
		{"it may have gone out before, and the number is not there now", gone, 0, []error{absent}, nil, []string{"n1 failed not_reachable"}, []string{"n1"}, []string{}},
		{"it must not go by SMS", private, time.Hour, nil, nil, []string{"n1 skipped not_on_whatsapp"}, []string{}, []string{}},
		{"it must not go by SMS, and the number is not there", private, 0, []error{absent}, nil,
			[]string{"n1 planned not_reachable", "n1 skipped not_on_whatsapp"}, []string{"n1"}, []string{}},
		{"an answer to WhatsApp", answer("m1"), time.Hour, nil, nil, []string{"n1 accepted"}, []string{"n1"}, []string{}},
		{"an answer to WhatsApp that is refused", answer("m1"), 0, []error{absent}, nil, []string{"n1 failed not_reachable"}, []string{"n1"}, []string{}},
		{"an answer to an SMS", answer(pipeline.SMSReply("m1")), 0, nil, nil, []string{"n1 accepted"}, []string{}, []string{"sms n1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, main, sms := newDesk(c.n()), &posts{}, &posts{}
				if c.known > 0 {
					k.senders[number] = pipeline.Sender{Absent: time.Now().Add(-c.known)}
				}
				k.settle = func(s pipeline.Settlement) error {
					if s.Reason == pipeline.ReasonNotReachable {
						k.senders[number] = pipeline.Sender{Absent: s.At}
					}
					return nil
				}
				d := dispatching(t, k, main.failing(c.main...))
				d.Journeys, d.File = &journeys{compose: plainly}, filing.Record
				d.Gates = append(d.Gates, pipeline.GateReachable{For: 7 * 24 * time.Hour})
				d.Fallback = &pipeline.Fallback{Channel: sms.failing(c.sms...), Name: "sms", For: 7 * 24 * time.Hour}
				stop := start(d.Run)
				pass(30 * time.Minute)
				stop()
				same(t, "settled", k.states(), c.want)
				same(t, "by WhatsApp", main.texts(), c.posted)
				same(t, "by SMS", sms.texts(), c.bySMS)
				for _, a := range k.begun() {
					if plain := strings.HasPrefix(a.Seen.Reveal(), "sms"); a.Channel != "main" && a.Channel != "sms" || plain {
						t.Errorf("an attempt by %s", a.Channel)
					}
				}
				if end := k.ends[0]; end.Reason == pipeline.ReasonNotReachable && len(end.Writes) == 0 {
					t.Error("the chart does not have the attempt that failed")
				}
			})
		})
	}
}

// TestDispatchHaltsOneChannel: an SMS provider that refuses the credentials does not stop WhatsApp.
func TestDispatchHaltsOneChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		absent, there := dueNow("n1"), dueNow("n2")
		there.Patient, there.Recipient = "Patient/p2", "Patient/p2"
		k, main, sms := newDesk(absent), &posts{}, &posts{}
		k.kept["Patient/p2"] = patientJSON("p2", newNumber)
		k.senders[number] = pipeline.Sender{Absent: time.Now()}
		d := dispatching(t, k, main.failing())
		d.Journeys = &journeys{compose: plainly}
		d.Fallback = &pipeline.Fallback{Channel: sms.failing(&pipeline.Error{Op: "test", Halt: true}), Name: "sms", For: time.Hour}
		stop := start(d.Run)
		synctest.Wait()
		k.plan(there)
		synctest.Wait()
		same(t, "meanwhile", k.states(), []string{"n1 planned halted", "n2 accepted"})
		pass(time.Minute)
		stop()
		same(t, "afterwards", k.states(), []string{"n1 planned halted", "n2 accepted", "n1 accepted"})
		same(t, "by SMS", sms.texts(), []string{"sms n1", "sms n1"})
	})
}

// asking is a ledger with silent messages, and a provider that knows of them.
type asking struct {
	mu sync.Mutex
	ledger
	silent   []pipeline.Attempt
	windows  [][2]time.Time
	known    map[string][]pipeline.Receipt
	fails    error
	broken   string // the id that the provider fails on each time
	asked    []string
	received []pipeline.Receipt
}

func (a *asking) Silent(_ context.Context, channel string, after, before time.Time, limit int) (list []pipeline.Attempt, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.windows = append(a.windows, [2]time.Time{after, before})
	for _, one := range a.silent {
		if one.Channel == channel && one.Begun.After(after) && one.Begun.Before(before) && len(list) < limit {
			list = append(list, one)
		}
	}
	return list, nil
}

func (a *asking) Statuses(_ context.Context, id string) ([]pipeline.Receipt, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, id)
	if a.fails != nil {
		return nil, a.fails
	}
	if id == a.broken {
		return nil, transient("unavailable")
	}
	return a.known[id], nil
}

func (a *asking) take(_ context.Context, r pipeline.Receipt) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.received = append(a.received, r)
	for i, one := range a.silent {
		if one.ID == r.Attempt && r.State != pipeline.Accepted {
			a.silent = append(a.silent[:i:i], a.silent[i+1:]...)
			break
		}
	}
	return nil
}

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &asking{known: map[string][]pipeline.Receipt{
			"m1": {{MessageID: "m1", State: pipeline.Accepted}, {MessageID: "m1", State: pipeline.Delivered}},
			"m2": {{MessageID: "m2", State: pipeline.Accepted}},
		}}
		for _, id := range []string{"1", "2", "3"} {
			k.silent = append(k.silent, pipeline.Attempt{ID: "a" + id, MessageID: "m" + id, Channel: "main", Begun: time.Now()})
		}
		k.silent = append(k.silent, pipeline.Attempt{ID: "other", MessageID: "other", Channel: "sms", Begun: time.Now()})
		log, text := newLog(t)
		p := &pipeline.Poll{Ledger: k, Source: k, Channel: "main", Receive: k.take, Log: log, Now: time.Now}
		stop := start(p.Run)
		passes := func(d time.Duration) {
			k.mu.Unlock()
			pass(d)
			k.mu.Lock()
		}
		k.mu.Lock()
		passes(4 * time.Minute)
		same(t, "asked at once", len(k.asked), 0)
		passes(2 * time.Minute)
		same(t, "asked", k.asked, []string{"m1", "m2", "m3"})
		same(t, "heard", []any{len(k.received), k.received[1].Attempt, k.received[1].State}, []any{3, "a1", pipeline.Delivered})
		k.fails = transient("unavailable")
		passes(6 * time.Minute)
		same(t, "asked while it fails, one in a round", k.asked[3:], []string{"m2", "m3"})
		same(t, "told of", strings.Contains(text.String(), "no word of silent messages"), true)
		k.fails, k.asked = nil, nil
		passes(47 * time.Hour)
		if n := len(k.asked); n < 4 || n > 40 {
			t.Errorf("asked %d times in two days about two messages: the wait doubles", n)
		}
		k.asked = nil
		passes(48 * time.Hour)
		same(t, "asked about what is old", len(k.asked), 0)
		k.mu.Unlock()
		stop()
	})
}

// TestPollPassesBy: one message that the provider fails on each time does not keep the others from their turn.
func TestPollPassesBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &asking{broken: "m1"}
		for _, id := range []string{"1", "2", "3"} {
			k.silent = append(k.silent, pipeline.Attempt{ID: "a" + id, MessageID: "m" + id, Channel: "main", Begun: time.Now()})
		}
		log, _ := newLog(t)
		stop := start((&pipeline.Poll{Ledger: k, Source: k, Channel: "main", Receive: k.take, Log: log, Now: time.Now}).Run)
		pass(8 * time.Minute)
		stop()
		same(t, "asked", k.asked, []string{"m1", "m2", "m3"})
	})
}

// TestPollGoesThrough: of more messages than one round takes all have their turn.
func TestPollGoesThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &asking{}
		for i := range 250 {
			k.silent = append(k.silent, pipeline.Attempt{ID: visitID(i), MessageID: visitID(i), Channel: "main", Begun: time.Now().Add(time.Duration(i) * time.Millisecond)})
		}
		log, _ := newLog(t)
		stop := start((&pipeline.Poll{Ledger: k, Source: k, Channel: "main", Receive: k.take, Log: log, Now: time.Now}).Run)
		pass(8 * time.Minute)
		stop()
		seen := map[string]int{}
		for _, id := range k.asked {
			seen[id]++
		}
		same(t, "asked about", len(seen), 250)
		same(t, "once each", len(k.asked), 250)
	})
}

func visitID(i int) string { return "m" + string(rune('a'+i/26)) + string(rune('a'+i%26)) }
