package pipeline_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// wish is a patient's wish to cancel, with what is said of what comes of it.
func wish(expires time.Time) pipeline.Write {
	return pipeline.Write{Key: "decision:m1@server", Kind: pipeline.WriteDecision, Order: "Patient/p1", Decision: &pipeline.Decision{
		Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "declined", Visit: "cancelled", Until: at(visitStart), Start: at(visitStart),
		Reply: "m1", Done: []pipeline.Notification{{Step: "done", Expires: expires}}, Asked: []pipeline.Notification{{Step: "asked", Expires: expires}},
	}}
}

// TestWriteBackSaysWhatCameOfAWish: the patient is told what the EHR did, at that moment, and with the end of the
// write; and not when it is too late for that.
func TestWriteBackSaysWhatCameOfAWish(t *testing.T) {
	cases := []struct {
		name    string
		expires time.Duration
		patch   error
		want    []string // said with the end of the write
		owed    string   // what people are asked
	}{
		{"done", time.Hour, nil, []string{"done at 0s"}, ""},
		{"asked for", time.Hour, refused("405"), []string{"asked at 0s"}, "Task"},
		{"done too late to be said", 0, nil, nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				k := newOutbox(wish(began.Add(c.expires)))
				var said []string
				var owed []string
				settle := k.settleWrite
				k.settleWrite = func(key string, r pipeline.WriteResult, more []pipeline.Write) error {
					for _, n := range r.Say {
						said = append(said, n.Step+" at "+n.Due.Sub(began).String())
					}
					for _, w := range more {
						if w.Sink == pipeline.SinkServer {
							owed = append(owed, w.Type)
						}
					}
					return settle(key, r, nil)
				}
				s := &server{
					read: func(string) (pipeline.Versioned, error) {
						return pipeline.Versioned{Resource: visit{version: "1"}.json(), Version: "1"}, nil
					},
					patch: func(string, string, []byte) error { return c.patch },
				}
				b := writingBack(t, k, s)
				b.Ladder = &pipeline.Ladder{Server: s, Rungs: []pipeline.Rung{pipeline.RungStatus, pipeline.RungPatch}, Filing: filing}
				stop := start(b.Run)
				synctest.Wait()
				stop()
				same(t, "said", said, c.want)
				same(t, "owed", strings.Join(owed, " "), c.owed)
				same(t, "settled", k.ends(), []string{"decision:m1@server done"})
			})
		})
	}
}

// TestWriteBackGivesUpNoDecisionUnseen: one that can never be carried is asked of people.
func TestWriteBackGivesUpNoDecisionUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox(wish(time.Now().Add(time.Hour)))
		s := &server{read: func(string) (pipeline.Versioned, error) { panic(words) }}
		b := writingBack(t, k, s)
		b.Ladder = &pipeline.Ladder{Server: s, Rungs: []pipeline.Rung{pipeline.RungStatus}, Filing: pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkTopic}}}
		stop := start(b.Run)
		synctest.Wait()
		stop()
		same(t, "settled", k.ends(), []string{"decision:m1@server given up"})
		same(t, "owed", k.left(), 1)
		same(t, "a Task", k.list[0].Type, "Task")
	})
}

// TestInboundWithoutAServerSaysThatPeopleAreAsked: nobody will hear what the topic's readers make of a wish.
func TestInboundWithoutAServerSaysThatPeopleAreAsked(t *testing.T) {
	for sink, want := range map[pipeline.Sink]string{pipeline.SinkTopic: "asked", pipeline.SinkServer: ""} {
		k := newHearing()
		in, _, _ := listening(t, k, func([]byte, time.Time) (pipeline.Updates, error) {
			return pipeline.Updates{Replies: []pipeline.Reply{reply("m1")}}, nil
		})
		in.Filing.Sinks = []pipeline.Sink{sink}
		in.Journeys = &journeys{understand: func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) {
			return pipeline.Outcome{Reading: "cancel_yes", Decision: wish(recordTime.Add(time.Hour)).Decision}, nil
		}}
		if err := in.Handle(t.Context(), webhookRecord("main")); err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, n := range k.heard[0].Outcome.Say {
			said = append(said, n.Step)
			same(t, "to whom", n.Address.Equal(pipeline.NewPrivate(number)) && n.ReplyTo == "m1", true)
		}
		same(t, "said with the sink "+string(sink), strings.Join(said, " "), want)
	}
}

// TestHandoffIsAsUrgentAsTheAnswer looks at the Task's priority.
func TestHandoffIsAsUrgentAsTheAnswer(t *testing.T) {
	for urgent, want := range map[bool]string{true: "urgent", false: ""} {
		var task struct{ Priority string }
		writes := filing.Handoff(reply("m1"), pipeline.Thread{}, "Patient/p1", pipeline.Outcome{Handoff: "has_symptoms", Urgent: urgent})
		if err := json.Unmarshal([]byte(writes[0].Body.Reveal()), &task); err != nil {
			t.Fatal(err)
		}
		same(t, "priority", task.Priority, want)
		valid(t, writes[0])
	}
}

// errands are journeys that want something of people.
type errands struct{ journeys }

func (*errands) Decide(pipeline.Change) (pipeline.Plan, error) {
	return pipeline.Plan{Errands: []pipeline.Errand{{Key: "k1", Code: "visit_withdrawn", Subject: "Appointment/a1", Patient: "Patient/p1"}}}, nil
}

// TestIntakeOwesWhatPeopleAreAsked: a journey's errand is a Task in the plan that the ledger keeps, the same for ever.
func TestIntakeOwesWhatPeopleAreAsked(t *testing.T) {
	var keys [][]string
	k := &ledger{
		apply: func(_ pipeline.Event, decide pipeline.Decide) (pipeline.Applied, error) {
			plan, err := decide(pipeline.Versioned{}, pipeline.Known{})
			var owed []string
			for _, w := range plan.Writes {
				valid(t, w)
				owed = append(owed, w.Type+" "+w.Key)
			}
			keys = append(keys, owed)
			return pipeline.Applied{Fresh: pipeline.Newer}, err
		},
		resource: func(string) (pipeline.Versioned, bool, error) { return pipeline.Versioned{}, false, nil },
	}
	log, _ := newLog(t)
	in := &pipeline.Intake{
		Ledger: k, Resolver: pipeline.NewResolver(k), Filing: filing, Log: log, Now: func() time.Time { return recordTime }, MaxAge: 24 * time.Hour,
		Journeys: &errands{journeys{needs: func(fhir.Resource) []string { return nil }}},
	}
	for range 2 {
		if _, err := in.Take(t.Context(), pipeline.Event{Type: "Appointment", ID: "a1", Version: "1", Resource: visit{}.json()}); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "writes", len(keys[0]), 2)
	same(t, "the same again", slices.Equal(keys[0], keys[1]), true)
	same(t, "a Task", strings.HasPrefix(keys[0][0], "Task errand:"), true)
}
