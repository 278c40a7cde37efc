package sqlledger_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// TestNoVisitIsLostInADigest says several reminders of a patient together and by themselves, in any order, with any outcome
// and any change of the visits meanwhile. In the end each one that is wanted was said, by itself or in a message that said it, and
// none was begun again while a message of it may have come to the patient.
func TestNoVisitIsLostInADigest(t *testing.T) {
	l, err := sqlledger.New(sqlledger.Config{URL: "sqlite::memory:", Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		d := &digests{T: t, l: l, run: runs, now: time.Now().Truncate(time.Microsecond), visits: rapid.IntRange(2, 4).Draw(t, "visits")}
		for i := range d.visits {
			d.versions, d.wanted = append(d.versions, 0), append(d.wanted, true)
			d.change(i, true)
		}
		for range rapid.IntRange(1, 25).Draw(t, "length") {
			switch rapid.SampledFrom([]string{"say", "say", "say", "hear", "lapse", "change"}).Draw(t, "next") {
			case "say":
				d.say(rapid.IntRange(0, d.visits-1).Draw(t, "leader"), rapid.SampledFrom([]string{"accepted", "not sent", "refused", "unknown"}).Draw(t, "outcome"))
			case "hear":
				if len(d.tried) > 0 {
					d.hear(rapid.SampledFrom(d.tried).Draw(t, "attempt"), rapid.SampledFrom([]pipeline.State{pipeline.Sent, pipeline.Delivered, pipeline.Failed}).Draw(t, "receipt"))
				}
			case "lapse":
				d.lapse()
			case "change":
				d.change(rapid.IntRange(0, d.visits-1).Draw(t, "visit"), rapid.Bool().Draw(t, "wanted"))
			}
		}
		d.finish()
	})
}

// digests is a run of the property.
type digests struct {
	*rapid.T
	l        *sqlledger.Ledger
	run      int
	visits   int
	now      time.Time
	versions []int
	wanted   []bool
	tried    []*digestTry
}

// digestTry is an attempt, and what a test knows of it: "open", "accepted", "not sent", "unknown", "lapsed" or "failed".
type digestTry struct {
	pipeline.Attempt
	keys  []string
	state string
}

func (d *digests) key(i int) string { return fmt.Sprintf("%d-%d", d.run, i) }
func (d *digests) patient() string  { return fmt.Sprintf("Patient/%d", d.run) }

func (d *digests) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// change brings another version of a visit.
func (d *digests) change(i int, wanted bool) {
	d.versions[i]++
	d.wanted[i] = wanted
	ev := pipeline.Event{
		Type: "Appointment", ID: fmt.Sprintf("%d-%d", d.run, i), Version: strconv.Itoa(d.versions[i]), Resource: fmt.Appendf(nil, `{"v":%d}`, d.versions[i]),
	}
	_, err := d.l.Apply(context.Background(), ev, func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
		if !wanted {
			return pipeline.Plan{}, nil
		}
		return pipeline.Plan{Wanted: []pipeline.Notification{{
			Key: d.key(i), Journey: "j", Step: "reminder", Subject: ev.Ref(), Patient: d.patient(), Recipient: d.patient(), Due: d.now, Expires: d.now.Add(24 * time.Hour),
			Resend: true, Digest: true,
		}}}, nil
	})
	d.must(err)
}

// leased returns the notification of a visit, if it is due. Leases of earlier calls are over.
func (d *digests) leased(i int) (pipeline.DueNotification, bool) {
	d.now = d.now.Add(2 * pipeline.LeaseTime)
	list, _, err := d.l.Due(context.Background(), d.now, 1000)
	d.must(err)
	at := slices.IndexFunc(list, func(n pipeline.DueNotification) bool { return n.Key == d.key(i) })
	if at < 0 {
		return pipeline.DueNotification{}, false
	}
	return list[at], true
}

// say makes an attempt for a visit, and for those that may be said with it.
func (d *digests) say(i int, outcome string) {
	n, due := d.leased(i)
	if !due {
		return
	}
	a := &digestTry{Attempt: pipeline.Attempt{
		ID: pipeline.NewAttempt(), Notification: n.Key, Address: pipeline.NewPrivate("+15550100123"), Template: "t", SubjectVersion: n.Subject.Version, Begun: d.now,
	}, keys: []string{n.Key}, state: "open"}
	if !n.Alone {
		list, err := d.l.Companions(context.Background(), n.Notification, d.now, 2)
		d.must(err)
		for _, c := range list {
			a.Covers = append(a.Covers, pipeline.Covered{Key: c.Key, Step: c.Step, Subject: c.Notification.Subject, SubjectVersion: c.Subject.Version})
			a.keys = append(a.keys, c.Key)
		}
	}
	ok, err := d.l.Begin(context.Background(), a.Attempt)
	d.must(err)
	if !ok {
		d.Fatalf("%s has not changed, and does not begin", n.Key)
	}
	for _, before := range d.tried {
		for _, key := range a.keys {
			if slices.Contains(before.keys, key) && slices.Contains([]string{"open", "accepted", "delivered", "unknown"}, before.state) {
				d.Fatalf("%s is begun again after an attempt that is %s", key, before.state)
			}
		}
	}
	for _, key := range a.keys {
		if d.doubled(key) {
			d.Fatalf("%s is begun again after a failure, and one before that may have come to the patient", key)
		}
	}
	d.tried = append(d.tried, a)
	s := pipeline.Settlement{Key: n.Key, Attempt: a.ID, At: d.now, Due: d.now}
	switch a.state = outcome; outcome {
	case "accepted":
		s.State, s.MessageID = pipeline.Accepted, "wamid."+a.ID
	case "not sent":
		s.State, s.Reason = pipeline.Planned, pipeline.ReasonTransient
	case "unknown":
		s.State, s.Reason = pipeline.StateUnknown, pipeline.ReasonNoAnswer
	case "refused":
		a.state = "not sent"
		s.State, s.Reason = pipeline.Failed, pipeline.ReasonRefused
		if len(a.Covers) > 0 {
			s.State, s.Alone = pipeline.Planned, true
		}
	}
	d.must(d.l.Settle(context.Background(), s))
}

// doubled reports whether the last attempt that said something has failed, and nobody knows of one before it.
func (d *digests) doubled(key string) bool {
	last, lapsed := "", false
	for _, a := range d.tried {
		if slices.Contains(a.keys, key) {
			lapsed = lapsed || last == "lapsed"
			last = a.state
		}
	}
	return lapsed && last == "failed"
}

// hear brings a receipt of an attempt; the provider says nothing of what it has not taken, nor two ends of one message.
func (d *digests) hear(a *digestTry, state pipeline.State) {
	if a.state == "not sent" || a.state == "failed" || a.state == "lapsed" && state == pipeline.Failed {
		return
	}
	code := ""
	if state == pipeline.Failed {
		code = rapid.SampledFrom([]string{"132000", "131026", "131050"}).Draw(d.T, "code")
	}
	_, err := d.l.Receive(context.Background(), pipeline.Receipt{
		Attempt: a.ID, MessageID: "wamid." + a.ID, State: state, Code: code, At: d.now, Elsewhere: true,
	}, nil)
	d.must(err)
	switch {
	case a.state == "delivered":
	case state == pipeline.Failed:
		a.state = "failed"
	case state == pipeline.Delivered:
		a.state = "delivered"
	default:
		a.state = "accepted"
	}
}

func (d *digests) lapse() {
	_, _, err := d.l.Lapse(context.Background(), d.now.Add(time.Second), d.now, nil)
	d.must(err)
	for _, a := range d.tried {
		if a.state == "unknown" {
			a.state = "lapsed"
		}
	}
}

// finish says what is left, each by its turn, and looks at what has become of all.
func (d *digests) finish() {
	for range 3 {
		d.lapse()
		for i := range d.visits {
			d.say(i, "accepted")
		}
	}
	entries, err := d.l.Trace(context.Background(), d.patient())
	d.must(err)
	if len(entries) != d.visits {
		d.Fatalf("%d notifications, want %d", len(entries), d.visits)
	}
	for _, e := range entries {
		n := e.Notification
		i, _ := strconv.Atoi(strings.TrimPrefix(n.Key, strconv.Itoa(d.run)+"-"))
		switch n.State {
		case pipeline.Planned, pipeline.Sending, pipeline.StateUnknown:
			d.Errorf("%s is %s in the end", n.Key, n.State)
		case pipeline.Cancelled:
			if d.wanted[i] && !d.mayHave(n.Key) {
				d.Errorf("%s is wanted, and cancelled", n.Key)
			}
		case pipeline.Skipped:
			last := e.Attempts[len(e.Attempts)-1]
			at := slices.IndexFunc(d.tried, func(a *digestTry) bool { return a.ID == last.ID })
			if n.Reason != string(pipeline.ReasonMerged) || at < 0 || !slices.Contains(d.tried[at].keys, n.Key) ||
				(d.tried[at].state == "not sent" || d.tried[at].state == "failed") && !d.delivered(n.Key) {
				d.Errorf("%s is skipped (%s), and neither its last attempt said it nor one that was delivered", n.Key, n.Reason)
			}
		}
	}
}

// delivered reports whether the patient has a message that said it.
func (d *digests) delivered(key string) bool {
	return slices.ContainsFunc(d.tried, func(a *digestTry) bool { return slices.Contains(a.keys, key) && a.state == "delivered" })
}

// mayHave reports whether the patient may have had a message that said it.
func (d *digests) mayHave(key string) bool {
	return slices.ContainsFunc(d.tried, func(a *digestTry) bool {
		return slices.Contains(a.keys, key) && a.state != "not sent"
	})
}
