package pipeline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// hearing is the part of a ledger that inbound sees.
type hearing struct {
	ledger
	thread   pipeline.Thread
	heard    []pipeline.Heard
	receipts []pipeline.Receipt
	ids      map[string]bool
}

func newHearing() *hearing {
	k := &hearing{ids: map[string]bool{}}
	k.hear = func(r pipeline.Reply, understand func(pipeline.Thread) (pipeline.Heard, error)) (bool, error) {
		if k.ids[r.ID] {
			return false, nil
		}
		h, err := understand(k.thread)
		if err != nil {
			return false, err
		}
		k.ids[r.ID] = true
		k.heard = append(k.heard, h)
		return true, nil
	}
	k.receive = func(r pipeline.Receipt, _ func(pipeline.SentMessage) []pipeline.Write) (pipeline.Received, error) {
		k.receipts = append(k.receipts, r)
		return pipeline.Received{Known: true, Changed: true, To: r.State, Notification: pipeline.Notification{Key: "n1"}}, nil
	}
	return k
}

// listening returns the lane over a ledger, with the dead letters it writes.
func listening(t *testing.T, k *hearing, parse func([]byte, time.Time) (pipeline.Updates, error)) (*pipeline.Inbound, *[]published, func() string) {
	t.Helper()
	log, text := newLog(t)
	letters := &[]published{}
	return &pipeline.Inbound{
		Webhooks: map[string]pipeline.Webhook{"main": &webhook{parse: parse}}, Ledger: k, Log: log,
		Now:    func() time.Time { return recordTime },
		Filing: pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer, pipeline.SinkTopic}},
		Journeys: &journeys{understand: func(r pipeline.Reply, _ pipeline.Thread) (pipeline.Outcome, error) {
			return pipeline.Outcome{Reading: "text"}, nil
		}},
		DeadLetters: &pipeline.DeadLetters{Topic: "dead", Publisher: publisher(func(p published) error {
			*letters = append(*letters, p)
			return nil
		})},
	}, letters, text.String
}

func webhookRecord(channel string) pipeline.Record {
	return pipeline.Record{
		Value: []byte(words), Source: pipeline.Source{Topic: "inbound", Offset: 3, Time: recordTime},
		Headers: map[string]string{pipeline.HeaderChannel: channel, pipeline.HeaderReceived: recordTime.Format(time.RFC3339Nano)},
	}
}

func reply(id string) pipeline.Reply {
	return pipeline.Reply{ID: id, From: pipeline.NewPrivate(number), Kind: "text", Text: pipeline.NewPrivate(words), At: recordTime, Received: recordTime}
}

// writesOf are the keys of what is owed for a reply.
func writesOf(h pipeline.Heard) string {
	var keys []string
	for _, w := range h.Writes {
		keys = append(keys, w.Key)
	}
	return strings.Join(keys, " ")
}

func TestInbound(t *testing.T) {
	two := pipeline.Updates{Replies: []pipeline.Reply{reply("m1"), reply("m2")}, Receipts: []pipeline.Receipt{{MessageID: "w1", State: pipeline.Read}}, Others: []string{"account_update"}}
	updates := func(pipeline.Updates) func([]byte, time.Time) (pipeline.Updates, error) {
		return func([]byte, time.Time) (pipeline.Updates, error) { return two, nil }
	}
	cases := []struct {
		name    string
		channel string
		parse   func([]byte, time.Time) (pipeline.Updates, error)
		play    func(*hearing, *pipeline.Inbound)
		want    string // replies heard, receipts taken, reasons of the dead letter
		err     string
	}{
		{name: "taken", channel: "main", want: "2 1 []"},
		{name: "of a channel that is not configured", channel: "other", want: "0 0 [unknown_channel]"},
		{name: "of no channel", want: "0 0 [unknown_channel]"},
		{name: "not the provider's", channel: "main", want: "0 0 [not_json]", parse: func([]byte, time.Time) (pipeline.Updates, error) {
			return pipeline.Updates{}, broken("not_json")
		}},
		{name: "a parser that fails with its own words", channel: "main", want: "0 0 [other]", parse: func([]byte, time.Time) (pipeline.Updates, error) {
			return pipeline.Updates{}, errors.New(words)
		}},
		{name: "nothing in it", channel: "main", want: "0 0 []", parse: func([]byte, time.Time) (pipeline.Updates, error) { return pipeline.Updates{}, nil }},
		{name: "the ledger does not answer to a receipt", channel: "main", want: "0 0 []", err: "disk_full", play: func(k *hearing, _ *pipeline.Inbound) {
			k.receive = func(pipeline.Receipt, func(pipeline.SentMessage) []pipeline.Write) (pipeline.Received, error) {
				return pipeline.Received{}, transient("disk_full")
			}
		}},
		{name: "the ledger does not answer to the second reply", channel: "main", want: "1 1 []", err: "disk_full", play: func(k *hearing, _ *pipeline.Inbound) {
			hear := k.hear
			k.hear = func(r pipeline.Reply, u func(pipeline.Thread) (pipeline.Heard, error)) (bool, error) {
				if r.ID == "m2" {
					return false, transient("disk_full")
				}
				return hear(r, u)
			}
		}},
		{name: "a receipt that the ledger will never take", channel: "main", want: "2 0 [state]", play: func(k *hearing, _ *pipeline.Inbound) {
			k.receive = func(pipeline.Receipt, func(pipeline.SentMessage) []pipeline.Write) (pipeline.Received, error) {
				return pipeline.Received{}, broken("state")
			}
		}},
		{name: "a reply that the ledger will never take", channel: "main", want: "1 1 [no_id]", play: func(k *hearing, _ *pipeline.Inbound) {
			hear := k.hear
			k.hear = func(r pipeline.Reply, u func(pipeline.Thread) (pipeline.Heard, error)) (bool, error) {
				if r.ID == "m1" {
					return false, broken("no_id")
				}
				return hear(r, u)
			}
		}},
		{name: "the dead letter is not written", channel: "other", want: "0 0 []", err: "unreachable", play: func(_ *hearing, in *pipeline.Inbound) {
			in.DeadLetters.Publisher = publisher(func(published) error { return transient("unreachable") })
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := newHearing()
			if c.parse == nil {
				c.parse = updates(two)
			}
			in, letters, _ := listening(t, k, c.parse)
			if c.play != nil {
				c.play(k, in)
			}
			err := in.Handle(t.Context(), webhookRecord(c.channel))
			if c.err == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("Handle: %v, want %q", err, c.err)
			}
			reasons := []string{}
			for _, l := range *letters {
				reasons = append(reasons, l.headers[pipeline.HeaderFaults])
				same(t, "dead letter", []string{string(l.value), l.headers[pipeline.HeaderLane], l.headers[pipeline.HeaderChannel]}, []string{words, "inbound", c.channel})
			}
			same(t, "outcome", fmt.Sprint(len(k.heard), " ", len(k.receipts), " ", reasons), c.want)
		})
	}
}

// TestInboundFilesEverything shows that no reply is lost, whatever the journeys
// make of it.
func TestInboundFilesEverything(t *testing.T) {
	answer := pipeline.Outcome{Reading: "confirm", Decision: &pipeline.Decision{Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "accepted"},
		Handoff: "patient_message"}
	ok := func(o pipeline.Outcome) func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) {
		return func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) { return o, nil }
	}
	lasting := []pipeline.Notification{{Key: "k1", Expires: recordTime.Add(time.Hour)}}
	endless := append(lasting[:1:1], pipeline.Notification{Key: "k2"})
	const filed, handed = "reply:zig7fsk2ufcmduh7f7z4r6lh7u@server reply:zig7fsk2ufcmduh7f7z4r6lh7u@topic", " handoff:zig7fsk2ufcmduh7f7z4r6lh7u@server handoff:zig7fsk2ufcmduh7f7z4r6lh7u@topic"
	cases := []struct {
		name       string
		understand func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error)
		refuse     bool // the ledger refuses what the journeys want
		reading    string
		want       string
	}{
		{"nothing comes of it", ok(pipeline.Outcome{Reading: "reaction"}), false, "reaction", filed},
		{"a decision and a task", ok(answer), false, "confirm", filed + " decision:zig7fsk2ufcmduh7f7z4r6lh7u@server response:zig7fsk2ufcmduh7f7z4r6lh7u@topic" + handed},
		{"the journeys fail", func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) {
			return answer, errors.New(words)
		}, false, "unread", filed + handed},
		{"the journeys fail with an error that may pass", func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) {
			return answer, transient("later")
		}, false, "unread", filed + handed},
		{"the journeys panic", func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) { panic(words) }, false, "unread", filed + handed},
		{"they want what expires", ok(pipeline.Outcome{Reading: "confirm", Say: lasting, Plan: &pipeline.Plan{Wanted: lasting}}), false, "confirm", filed},
		{"they answer what never expires", ok(pipeline.Outcome{Reading: "confirm", Say: endless}), false, "unread", filed + handed},
		{"they plan what never expires", ok(pipeline.Outcome{Reading: "confirm", Say: lasting, Plan: &pipeline.Plan{Wanted: endless}}), false, "unread", filed + handed},
		{"the ledger does not take what they want", ok(answer), true, "unread", filed + handed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := newHearing()
			in, letters, log := listening(t, k, func([]byte, time.Time) (pipeline.Updates, error) {
				return pipeline.Updates{Replies: []pipeline.Reply{reply("m1"), reply("m1")}}, nil
			})
			in.Journeys = &journeys{understand: c.understand}
			hear := k.hear
			k.hear = func(r pipeline.Reply, u func(pipeline.Thread) (pipeline.Heard, error)) (bool, error) {
				return hear(r, func(th pipeline.Thread) (pipeline.Heard, error) {
					h, err := u(th)
					if err == nil && c.refuse && h.Outcome.Reading != "unread" {
						err = broken("foreign_plan")
					}
					return h, err
				})
			}
			if err := in.Handle(t.Context(), webhookRecord("main")); err != nil {
				t.Fatal(err)
			}
			same(t, "heard, once", len(k.heard), 1)
			same(t, "reading", k.heard[0].Outcome.Reading, c.reading)
			same(t, "writes", writesOf(k.heard[0]), c.want)
			same(t, "dead letters", len(*letters), 0)
			if c.reading == "unread" != strings.Contains(log(), `"level":"ERROR"`) {
				t.Errorf("the log does not tell of what failed, or of what did not:\n%s", log())
			}
		})
	}
}

func TestInboundCompletesAReply(t *testing.T) {
	sent := &pipeline.SentMessage{Attempt: pipeline.Attempt{ID: "attempt1"}, Notification: pipeline.Notification{Patient: "Patient/p1", Subject: "Appointment/a1"}}
	cases := []struct {
		name    string
		thread  pipeline.Thread
		at      time.Time
		patient string
		when    time.Time // of the reply, as the journeys see it
	}{
		{"it answers a message", pipeline.Thread{Sent: sent, Patients: []string{"Patient/p2"}}, recordTime.Add(-time.Minute), "Patient/p1", recordTime.Add(-time.Minute)},
		{"the only patient of the number", pipeline.Thread{Patients: []string{"Patient/p2"}}, recordTime, "Patient/p2", recordTime},
		{"one of a family: not guessed", pipeline.Thread{Patients: []string{"Patient/p1", "Patient/p2"}}, recordTime, "", recordTime},
		{"of nobody known", pipeline.Thread{}, recordTime, "", recordTime},
		{"without a time", pipeline.Thread{}, time.Time{}, "", recordTime},
		{"a little ahead of our clock", pipeline.Thread{}, recordTime.Add(time.Minute), "", recordTime.Add(time.Minute)},
		{"from the day after tomorrow", pipeline.Thread{}, recordTime.Add(48 * time.Hour), "", recordTime},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := newHearing()
			k.thread = c.thread
			var got pipeline.Reply
			in, _, _ := listening(t, k, func(_ []byte, received time.Time) (pipeline.Updates, error) {
				r := reply("m1")
				r.At, r.Received = c.at, received
				return pipeline.Updates{Replies: []pipeline.Reply{r}}, nil
			})
			in.Journeys = &journeys{understand: func(r pipeline.Reply, th pipeline.Thread) (pipeline.Outcome, error) {
				got = r
				if !th.Now.Equal(recordTime) {
					t.Errorf("now = %v, want %v", th.Now, recordTime)
				}
				return pipeline.Outcome{Reading: "confirm", Say: []pipeline.Notification{{Key: "k1", Expires: recordTime}, {Key: "k2", Patient: "Patient/p9", Expires: recordTime}},
					Decision: &pipeline.Decision{Appointment: "Appointment/a1", Patient: "Patient/p1"}}, nil
			}}
			if err := in.Handle(t.Context(), webhookRecord("main")); err != nil {
				t.Fatal(err)
			}
			h := k.heard[0]
			same(t, "reply", []any{got.Channel, got.At.Equal(c.when), got.Received.Equal(recordTime)}, []any{"main", true, true})
			same(t, "filed under", h.Patient, c.patient)
			for i, patient := range []string{c.patient, "Patient/p9"} {
				n := h.Outcome.Say[i]
				same(t, "answer", []any{n.ReplyTo, n.Patient, n.Address.Equal(got.From)}, []any{"m1", patient, true})
			}
			for _, w := range h.Writes {
				if w.Kind == pipeline.WriteDecision {
					same(t, "decision", []any{w.Decision.Reply, w.Decision.At.Equal(c.when)}, []any{"m1", true})
				}
			}
		})
	}
}

func TestInboundTellsOfWhatWasNotDelivered(t *testing.T) {
	k := newHearing()
	in, _, log := listening(t, k, func([]byte, time.Time) (pipeline.Updates, error) {
		return pipeline.Updates{Receipts: []pipeline.Receipt{
			{MessageID: "w1", State: pipeline.Failed, Code: "131026"}, {MessageID: "w2", State: pipeline.Failed, Code: words}, {MessageID: "w3", State: pipeline.Delivered},
		}}, nil
	})
	if err := in.Handle(t.Context(), webhookRecord("main")); err != nil {
		t.Fatal(err)
	}
	same(t, "warnings", strings.Count(log(), "not delivered"), 2)
	same(t, "codes", []bool{strings.Contains(log(), `"code":"131026"`), strings.Contains(log(), `"code":"other"`)}, []bool{true, true})
}
