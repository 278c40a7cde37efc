package pipeline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// STOP and START become Consents; a wrong number becomes a Task for each patient, and the words are not filed as theirs.
func TestFilingOfWishes(t *testing.T) {
	stop, start := true, false
	for _, c := range []struct {
		name     string
		patients []string
		outcome  pipeline.Outcome
		want     []string
	}{
		{"stop", []string{"Patient/p1"}, pipeline.Outcome{Stop: &stop}, []string{`Thread Patient/p1`, `Communication Patient/p1`, `Consent OPTOUT {"reference":"Patient/p1"}`}},
		{"start", []string{"Patient/p1"}, pipeline.Outcome{Stop: &start}, []string{`Thread Patient/p1`, `Communication Patient/p1`, `Consent OPTIN {"reference":"Patient/p1"}`}},
		{
			"stop of a family", []string{"Patient/p1", "Patient/p2"}, pipeline.Outcome{Stop: &stop},
			[]string{`Communication `, `Consent OPTOUT {"type":"Patient","identifier":{"system":"urn:fhirbridge:whatsapp:user","value":"` + number + `"}}`},
		},
		{
			"not theirs", []string{"Patient/p1", "Patient/p2"}, pipeline.Outcome{Handoff: "wrong_number", Disowns: []string{"Patient/p1", "Patient/p2"}},
			[]string{`Communication `, `Task wrong_number Patient/p1`, `Task wrong_number Patient/p2`},
		},
		{"nobody's", nil, pipeline.Outcome{Handoff: "wrong_number"}, []string{`Communication `, `Task wrong_number `}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newHearing()
			k.thread.Patients = c.patients
			if len(c.outcome.Disowns) > 0 {
				k.thread.Proxy = "RelatedPerson/a"
			}
			in, _, _ := listening(t, k, nil)
			in.Filing.Sinks = []pipeline.Sink{pipeline.SinkServer}
			c.outcome.Reading = "word"
			in.Journeys = &journeys{understand: func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) { return c.outcome, nil }}
			hears(t, in, reply("m1"))
			var got []string
			for _, w := range k.heard[0].Writes {
				body := w.Body.Reveal()
				if found := explain([]byte(body)); len(found) > 0 || leaks(w.Key+w.IfNoneExist+w.Order) != "" {
					t.Errorf("%s: %v", w.Key, found)
				}
				switch w.Type {
				case "Consent":
					got = append(got, "Consent "+gjson.Get(body, "policyRule.coding.0.code").String()+" "+gjson.Get(body, "patient").Raw)
				case "Task":
					got = append(got, "Task "+gjson.Get(body, "code.coding.0.code").String()+" "+gjson.Get(body, "for.reference").String())
				default:
					if strings.HasPrefix(w.Key, "thread:") {
						w.Type = "Thread"
					}
					got = append(got, w.Type+" "+gjson.Get(body, "subject.reference").String())
				}
				if len(c.outcome.Disowns) > 0 && w.Type == "Communication" {
					same(t, "whose the number is, and whether that is asked", gjson.Get(body, "sender.identifier.value").String()+fmt.Sprint(!w.Sender.Empty()), number+"false")
				}
			}
			same(t, "filed", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		})
	}
}

// hears takes one reply in.
func hears(t *testing.T, in *pipeline.Inbound, r pipeline.Reply) {
	t.Helper()
	in.Webhooks = map[string]pipeline.Webhook{"main": &webhook{parse: func([]byte, time.Time) (pipeline.Updates, error) {
		return pipeline.Updates{Replies: []pipeline.Reply{r}}, nil
	}}}
	err := in.Handle(t.Context(), pipeline.Record{Headers: map[string]string{
		pipeline.HeaderChannel: "main", pipeline.HeaderReceived: recordTime.Format(time.RFC3339Nano),
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// Where the FHIR server knows whose the number is, the Consent is theirs.
func TestConsentOfAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer}}
		k := newOutbox(f.Consent(reply("m1"), pipeline.Thread{}, "", true)...)
		var created []byte
		s := &server{
			byPhone: func(pipeline.Private) ([]string, error) { return []string{"Patient/p7"}, nil },
			create:  func(body []byte, _ string) (string, error) { created = body; return "Consent/1", nil },
		}
		stop := start(writingBack(t, k, s).Run)
		pass(time.Minute)
		stop()
		var consent struct {
			Patient   map[string]string   `json:"patient"`
			Performer []map[string]string `json:"performer"`
		}
		if err := json.Unmarshal(created, &consent); err != nil {
			t.Fatal(err)
		}
		same(t, "whose", fmt.Sprint(consent), "{map[reference:Patient/p7] [map[reference:Patient/p7]]}")
		same(t, "problems", explain(created), []string(nil))
	})
}

func TestGateOwner(t *testing.T) {
	for _, c := range []struct {
		name               string
		disowned, farewell bool
		want               pipeline.Reason
	}{
		{"theirs", false, false, ""}, {"not theirs", true, false, pipeline.ReasonWrongNumber}, {"the answer to that", true, true, ""},
	} {
		got := admit(t, pipeline.GateOwner{}, pipeline.Candidate{Disowned: c.disowned, Notification: pipeline.Notification{Farewell: c.farewell}})
		same(t, c.name, got.Skip, c.want)
	}
}

// The guardian of two children may be a patient herself: what she writes is not looked for by her number, so that it
// stays out of her own chart.
func TestWhoWritesOfTwoIsNotLookedUp(t *testing.T) {
	two := pipeline.Thread{How: "several", Patients: []string{"Patient/p1", "Patient/p2"}}
	for _, c := range []struct {
		name   string
		thread pipeline.Thread
		asks   bool
	}{{"of two", two, false}, {"of nobody", pipeline.Thread{}, true}} {
		for what, writes := range map[string][]pipeline.Write{
			"reply": filing.Reply(reply("m1"), c.thread, "", "text"), "consent": filing.Consent(reply("m1"), c.thread, "", true),
		} {
			same(t, c.name+", "+what, !writes[0].Sender.Empty(), c.asks)
		}
	}
}

// A number that is not theirs is in the record of who acts for a patient, if that is who was told.
func TestWhoseRecordHasAWrongNumber(t *testing.T) {
	sent := func(recipient string) *pipeline.SentMessage {
		return &pipeline.SentMessage{Notification: pipeline.Notification{Patient: "Patient/p1", Recipient: recipient}}
	}
	both := []string{"Patient/p1", "Patient/p2"}
	for _, c := range []struct {
		name   string
		thread pipeline.Thread
		want   string
	}{
		{"nobody acts for them", pipeline.Thread{Patients: both}, "Patient/p1 Patient/p2"},
		{"an answer of a mother", pipeline.Thread{Sent: sent("RelatedPerson/a")}, "RelatedPerson/a Patient/p2"},
		{"an answer of the patient", pipeline.Thread{Sent: sent("Patient/p1"), Patients: both, Proxies: []string{"", "RelatedPerson/b"}}, "Patient/p1 RelatedPerson/b"},
		{"words of a mother of two", pipeline.Thread{Patients: both, Proxies: []string{"RelatedPerson/a", "RelatedPerson/b"}}, "RelatedPerson/a RelatedPerson/b"},
	} {
		f := pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer}}
		var got []string
		for i, w := range f.Disowned(reply("m1"), c.thread, pipeline.Outcome{Handoff: "wrong_number", Disowns: both}) {
			body := w.Body.Reveal()
			got = append(got, gjson.Get(body, "focus.reference").String())
			same(t, c.name+": for", gjson.Get(body, "for.reference").String(), both[i])
			same(t, c.name+": problems", explain([]byte(body)), []string(nil))
		}
		same(t, c.name, strings.Join(got, " "), c.want)
	}
}
