package pipeline_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// TestUnsaid: what is all that comes of a reply and does not reach the patient is in somebody's hands.
func TestUnsaid(t *testing.T) {
	sole := func(n *pipeline.Notification) { n.Sole = true }
	for _, c := range []struct {
		name string
		fate pipeline.Fate
		with func(*pipeline.Notification)
		want int
	}{
		{"a number in doubt", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonUnverified}, sole, 1},
		{"a Consent", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonDenied}, sole, 1},
		{"STOP", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonStopped}, sole, 1},
		{"not on WhatsApp", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonNotOnWhatsApp}, sole, 1},
		{"refused", pipeline.Fate{State: pipeline.Failed, Reason: pipeline.ReasonRefused, Code: "131009"}, sole, 1},
		{"failed after all", pipeline.Fate{Filed: true, State: pipeline.Failed, Code: "131026"}, sole, 1},
		{"failed, and is tried again", pipeline.Fate{Filed: true, State: pipeline.Failed, Code: "131056", Again: true}, sole, 0},
		{"too late", pipeline.Fate{State: pipeline.Expired, Reason: pipeline.ReasonExpired}, sole, 1},
		{"nobody knows", pipeline.Fate{State: pipeline.Held, Reason: pipeline.ReasonNoAnswer}, sole, 1},
		{"delivered", pipeline.Fate{Filed: true, State: pipeline.Delivered}, sole, 0},
		{"not so any more", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonSuperseded}, sole, 0},
		{"an acknowledgement", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonDenied}, func(*pipeline.Notification) {}, 0},
		{"an acknowledgement that was refused", pipeline.Fate{State: pipeline.Failed, Code: "131009"}, func(*pipeline.Notification) {}, 0},
		{"no answer", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonDenied}, func(n *pipeline.Notification) { n.ReplyTo = "" }, 0},
	} {
		for _, subject := range []string{"Appointment/a1", ""} {
			n := pipeline.Notification{Key: "n1", Journey: "conversation", Step: "answer:unclear", Subject: subject, Patient: "Patient/p1", ReplyTo: "wamid.1", Due: recordTime}
			c.with(&n)
			keys, focus := map[string]bool{}, ""
			for _, attempt := range []string{"", "attempt1"} { // whatever becomes of it, people are asked once
				for _, w := range filing.Record(pipeline.SentMessage{Notification: n, Attempt: pipeline.Attempt{ID: attempt}, Fate: c.fate}) {
					if w.Type != "Task" {
						continue
					}
					body := w.Body.Reveal()
					keys[w.Key], focus = true, gjson.Get(body, "focus.reference").String()+gjson.Get(body, "focus.identifier.value").String()
					if found := explain([]byte(body)); len(found) > 0 || w.Order != "Patient/p1" {
						t.Errorf("%s: in the queue of %s, %v", c.name, w.Order, found)
					}
				}
			}
			want := fmt.Sprint(c.want*len(filing.Sinks), "wamid.1")
			if subject != "" {
				want = fmt.Sprint(c.want*len(filing.Sinks), subject)
			}
			if c.want == 0 {
				want = "0"
			}
			same(t, c.name+" about "+subject, fmt.Sprint(len(keys), focus), want)
		}
	}
}

// TestUnsaidOfAMap: that a map of a site is not sent says nothing of the place on the map, which goes by itself.
func TestUnsaidOfAMap(t *testing.T) {
	tasks := func(step string, fate pipeline.Fate) (keys []string) {
		n := pipeline.Notification{Key: "n1", Journey: "directions", Step: step, Subject: "Appointment/a1", Patient: "Patient/p1", ReplyTo: "wamid.1", Due: recordTime, Sole: true}
		for _, w := range filing.Record(pipeline.SentMessage{Notification: n, Attempt: pipeline.Attempt{ID: "attempt1"}, Fate: fate}) {
			if w.Type == "Task" {
				keys = append(keys, w.Key, w.IfNoneExist)
			}
		}
		return keys
	}
	refused := pipeline.Fate{Filed: true, State: pipeline.Failed, Code: "131009"}
	site := tasks("answer:where:map", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonNoPicture})
	place := tasks("answer:where", refused)
	if len(place) != 2*len(filing.Sinks) || slices.ContainsFunc(place, func(key string) bool { return slices.Contains(site, key) }) {
		t.Errorf("the place has the Tasks %v, and the map %v", place, site)
	}
	same(t, "the map again", tasks("answer:where:map", refused), site)
	same(t, "something else that is said to the reply", tasks("answer:which", refused), place)
}

// TestSole: what is said to a reply is marked that nothing else comes of.
func TestSole(t *testing.T) {
	off := true
	say := func() []pipeline.Notification {
		return []pipeline.Notification{{Key: "n1", Step: "answer:ask", Expires: recordTime.AddDate(0, 0, 1)}}
	}
	for _, c := range []struct {
		name string
		o    pipeline.Outcome
		want bool
	}{
		{"a question", pipeline.Outcome{}, true},
		{"a decision", pipeline.Outcome{Decision: &pipeline.Decision{Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "accepted"}}, false},
		{"people are asked", pipeline.Outcome{Handoff: "patient_message"}, false},
		{"STOP", pipeline.Outcome{Stop: &off}, false},
		{"a language", pipeline.Outcome{Language: "de"}, false},
	} {
		k := newHearing()
		k.thread = pipeline.Thread{Patients: []string{"Patient/p1"}}
		in, _, _ := listening(t, k, nil)
		in.Journeys = &journeys{understand: func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) {
			c.o.Say = say()
			return c.o, nil
		}}
		hears(t, in, reply("m1"))
		same(t, c.name, k.heard[0].Outcome.Say[0].Sole, c.want)
	}
}

// TestStopOfANumberInDoubt holds for the number; nothing is filed of the patient.
func TestStopOfANumberInDoubt(t *testing.T) {
	off := true
	for _, c := range []struct {
		unsure bool
		want   int
	}{{false, 2}, {true, 0}} {
		k := newHearing()
		k.thread = pipeline.Thread{Patients: []string{"Patient/p1"}}
		in, _, _ := listening(t, k, nil)
		in.Journeys = &journeys{understand: func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) {
			return pipeline.Outcome{Reading: "stop", Stop: &off, Unsure: c.unsure}, nil
		}}
		hears(t, in, reply("m1"))
		consents := 0
		for _, w := range k.heard[0].Writes {
			if w.Type == "Consent" {
				consents++
			}
		}
		same(t, fmt.Sprint("Consents, unsure ", c.unsure), []any{consents, *k.heard[0].Outcome.Stop}, []any{c.want, true})
	}
}
