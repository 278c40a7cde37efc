package pipeline_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/pipeline"
)

// TestLaterIsRecord: what is left for later is owed under the same keys, in the same queues and found by the same searches.
func TestLaterIsRecord(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sent, _, _ := conversation(r)
		later, now := filing.Later(sent), filing.Record(sent)
		if len(later) != len(now) || len(now) < 2 {
			r.Fatalf("%d writes, want %d", len(later), len(now))
		}
		for i, w := range later {
			if !w.Body.Empty() || w.Of != sent.Attempt.ID {
				r.Errorf("%s: of %q, and its body is made", w.Key, w.Of)
			}
			if w.Body, w.Of = now[i].Body, ""; !reflect.DeepEqual(w, now[i]) {
				r.Errorf("%s is owed otherwise", w.Key)
			}
		}
	})
}

// TestLaterNot: what says more of a message than that it was taken is made at once, for that is not asked again.
func TestLaterNot(t *testing.T) {
	m := pipeline.SentMessage{
		Notification: pipeline.Notification{Key: "n1", Journey: "appointment", Step: "booked", Subject: "Appointment/a1", Patient: "Patient/p1"},
		Attempt:      pipeline.Attempt{ID: pipeline.NewAttempt(), Address: pipeline.NewPrivate(number), Seen: pipeline.NewPrivate(words), Begun: recordTime},
	}
	failed, doubted, final := m, m, filing
	failed.Fate = pipeline.Fate{State: pipeline.Failed, Reason: pipeline.ReasonRefused}
	doubted.Doubt, final.Final = pipeline.ReasonUnverified, time.Hour
	for name, writes := range map[string][]pipeline.Write{
		"a failure": filing.Later(failed), "a doubt": filing.Later(doubted), "a record that waits for the outcome": final.Later(m),
	} {
		for _, w := range writes {
			if w.Of != "" || w.Body.Empty() {
				t.Errorf("%s: %s has no body", name, w.Key)
			}
		}
	}
}

// canonical is a resource with its members in the order of their names.
func canonical(t *testing.T, body []byte) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(members)
	return string(text)
}

// TestWriteBackMakes: what was left for later is what would have been made at once, for each sink. What is the record of a message
// that nobody knows is given up.
func TestWriteBackMakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := pipeline.SentMessage{
			Notification: pipeline.Notification{Key: "n1", Journey: "appointment", Step: "booked", Subject: "Appointment/a1", Patient: "Patient/p1"},
			Attempt: pipeline.Attempt{
				ID: pipeline.NewAttempt(), MessageID: "wamid.1", Address: pipeline.NewPrivate(number), Seen: pipeline.NewPrivate(words), Begun: recordTime,
			},
		}
		later := filing.Later(m)
		for i := range later {
			later[i].Message = &m
		}
		lost := m
		lost.Notification.Patient = "Patient/p2"
		k := newOutbox(append(later, filing.Later(lost)...)...)
		var created, sent []string
		s := &server{create: func(body []byte, _ string) (string, error) {
			created = append(created, canonical(t, body))
			return "", nil
		}}
		for _, sink := range filing.Sinks {
			b := writingBack(t, k, s)
			b.Sink, b.Concurrency, b.Ladder = sink, 1, &pipeline.Ladder{Filing: filing}
			b.Publisher = publisher(func(p published) error {
				sent = append(sent, canonical(t, p.value))
				return nil
			})
			stop := start(b.Run)
			pass(time.Hour)
			stop()
		}
		var want []string
		for _, w := range filing.Record(m) {
			if w.Sink == pipeline.SinkServer {
				want = append(want, canonical(t, []byte(w.Body.Reveal())))
			}
		}
		same(t, "created", created, want)
		same(t, "sent", sent, want)
		same(t, "given up", k.given, []pipeline.Reason{"refused", "refused", "refused", "refused"})
	})
}
