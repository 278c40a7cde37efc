package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

func TestGates(t *testing.T) {
	now := at("2026-03-01T12:00:00Z")
	person := func(more string) *fhir.Patient {
		r, err := fhir.Decode([]byte(`{"resourceType":"Patient","id":"p1"` + more + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return r.(*fhir.Patient)
	}
	const merged = `,"link":[{"type":"replaced-by","other":{"reference":"Patient/p2"}}]`
	sound := func() pipeline.Candidate {
		return pipeline.Candidate{
			Notification: pipeline.Notification{Expires: now.Add(time.Second)}, Patient: person(""),
			Address: pipeline.NewPrivate(number), Now: now,
		}
	}
	cases := []struct {
		name    string
		change  func(*pipeline.Candidate)
		stopped bool
		want    pipeline.Reason
	}{
		{"nothing objects", func(*pipeline.Candidate) {}, false, pipeline.ReasonNone},
		{"at the very moment of expiry", func(c *pipeline.Candidate) { c.Now = c.Notification.Expires }, false, pipeline.ReasonExpired},
		{"without an expiry", func(c *pipeline.Candidate) { c.Notification.Expires = time.Time{} }, false, pipeline.ReasonExpired},
		{"nobody", func(c *pipeline.Candidate) { c.Patient = nil }, false, pipeline.ReasonNoPatient},
		{"dead", func(c *pipeline.Candidate) { c.Patient = person(`,"deceasedBoolean":true`) }, false, pipeline.ReasonDeceased},
		{"dead since", func(c *pipeline.Candidate) { c.Patient = person(`,"deceasedDateTime":"2026-02"`) }, false, pipeline.ReasonDeceased},
		{"alive, it says", func(c *pipeline.Candidate) { c.Patient = person(`,"deceasedBoolean":false`) }, false, pipeline.ReasonNone},
		{"not in use", func(c *pipeline.Candidate) { c.Patient = person(`,"active":false`) }, false, pipeline.ReasonInactive},
		{"replaced by another record", func(c *pipeline.Candidate) { c.Patient = person(merged) }, false, pipeline.ReasonReplaced},
		{"replaced by one of whom there is only a name", func(c *pipeline.Candidate) {
			c.Patient = person(`,"link":[{"type":"replaced-by","other":{"display":"Somebody"}}]`)
		}, false, pipeline.ReasonReplaced},
		{"has replaced another record", func(c *pipeline.Candidate) {
			c.Patient = person(`,"link":[{"type":"replaces","other":{"reference":"Patient/p2"}},{"type":"seealso","other":{"reference":"Patient/p3"}}]`)
		}, false, pipeline.ReasonNone},
		{"an answer to whoever wrote, replaced or not", func(c *pipeline.Candidate) {
			c.Patient, c.Notification.ReplyTo = person(merged), "m1"
		}, false, pipeline.ReasonNone},
		{"replaced before not in use before no number", func(c *pipeline.Candidate) {
			c.Patient, c.Address, c.Problem = person(merged+`,"active":false`), pipeline.Private{}, pipeline.ReasonNoNumber
		}, false, pipeline.ReasonReplaced},
		{"dead before replaced", func(c *pipeline.Candidate) { c.Patient = person(merged + `,"deceasedBoolean":true`) }, false, pipeline.ReasonDeceased},
		{"no number", func(c *pipeline.Candidate) { c.Address, c.Problem = pipeline.Private{}, pipeline.ReasonNoNumber }, false, pipeline.ReasonNoNumber},
		{"no good number", func(c *pipeline.Candidate) { c.Address, c.Problem = pipeline.Private{}, pipeline.ReasonInvalidNumber }, false, pipeline.ReasonInvalidNumber},
		{"no number and no word why", func(c *pipeline.Candidate) { c.Address = pipeline.Private{} }, false, pipeline.ReasonNoNumber},
		{"said STOP", func(*pipeline.Candidate) {}, true, pipeline.ReasonStopped},
		{"the answer to the STOP", func(c *pipeline.Candidate) {
			c.Notification.ReplyTo, c.Notification.Farewell = "m1", true
		}, true, pipeline.ReasonNone},
		{"a Consent denies", func(c *pipeline.Candidate) { c.Denied = true }, false, pipeline.ReasonDenied},
		{"a Consent denies, a farewell", func(c *pipeline.Candidate) { c.Denied, c.Notification.Farewell = true, true }, false, pipeline.ReasonNone},
		{"another answer after the STOP", func(c *pipeline.Candidate) {
			c.Notification.ReplyTo, c.Notification.Step = "m1", "answer:stop" // by whatever name
		}, true, pipeline.ReasonStopped},
		{"an answer to somebody unknown", func(c *pipeline.Candidate) { c.Notification.ReplyTo, c.Patient = "m1", nil }, false, pipeline.ReasonNone},
		{"a late answer", func(c *pipeline.Candidate) { c.Notification.ReplyTo, c.Now = "m1", now.Add(time.Hour) }, false, pipeline.ReasonExpired},
		{"late before dead before no number before STOP", func(c *pipeline.Candidate) {
			*c = pipeline.Candidate{Now: now, Patient: person(`,"deceasedBoolean":true`), Problem: pipeline.ReasonNoNumber}
		}, true, pipeline.ReasonExpired},
		{"dead before no number before STOP", func(c *pipeline.Candidate) {
			c.Patient, c.Address, c.Problem = person(`,"deceasedBoolean":true,"active":false`), pipeline.Private{}, pipeline.ReasonNoNumber
		}, true, pipeline.ReasonDeceased},
		{"no number before STOP", func(c *pipeline.Candidate) { c.Address, c.Problem = pipeline.Private{}, pipeline.ReasonInvalidNumber }, true, pipeline.ReasonInvalidNumber},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			candidate := sound()
			c.change(&candidate)
			candidate.Stopped = c.stopped
			got := pipeline.ReasonNone
			for _, gate := range pipeline.DefaultGates() {
				verdict, err := gate.Admit(t.Context(), candidate)
				if err != nil {
					t.Fatalf("Admit: %v", err)
				}
				if got = verdict.Skip; got != pipeline.ReasonNone {
					break
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// objection is a gate that says no, or fails.
type objection struct {
	skip pipeline.Reason
	err  error
}

func (o objection) Admit(context.Context, pipeline.Candidate) (pipeline.Verdict, error) {
	return pipeline.Verdict{Skip: o.skip}, o.err
}

func TestDispatchSkips(t *testing.T) {
	cases := []struct {
		name   string
		change func(*pipeline.DueNotification, *desk, *pipeline.Dispatch)
		want   []string
	}{
		{"by a gate", func(_ *pipeline.DueNotification, _ *desk, d *pipeline.Dispatch) {
			d.Gates = []pipeline.Gate{objection{}, objection{skip: "first"}, objection{skip: "second"}}
		}, []string{"n1 skipped first"}},
		{"too late", func(n *pipeline.DueNotification, _ *desk, _ *pipeline.Dispatch) { n.Expires = time.Now() }, []string{"n1 expired expired"}},
		{"patient unknown", func(_ *pipeline.DueNotification, k *desk, _ *pipeline.Dispatch) { delete(k.kept, "Patient/p1") }, []string{"n1 skipped no_patient"}},
		{"patient replaced by another, whose number is known", func(_ *pipeline.DueNotification, k *desk, _ *pipeline.Dispatch) {
			k.kept["Patient/p1"] = json.RawMessage(strings.Replace(string(patientJSON("p1", number)), `"telecom"`, `"link":[{"type":"replaced-by","other":{"reference":"Patient/p2"}}],"telecom"`, 1))
			k.kept["Patient/p2"] = patientJSON("p2", newNumber)
		}, []string{"n1 skipped replaced"}},
		{"patient without number", func(_ *pipeline.DueNotification, k *desk, _ *pipeline.Dispatch) {
			k.kept["Patient/p1"] = json.RawMessage(`{"resourceType":"Patient","id":"p1"}`)
		}, []string{"n1 skipped no_number"}},
		{"number that is none", func(_ *pipeline.DueNotification, k *desk, _ *pipeline.Dispatch) {
			k.kept["Patient/p1"] = patientJSON("p1", "ask my daughter")
		}, []string{"n1 skipped invalid_number"}},
		{"on the STOP list", func(_ *pipeline.DueNotification, k *desk, _ *pipeline.Dispatch) { k.stop(number) }, []string{"n1 skipped stopped"}},
		{"subject unreadable", func(n *pipeline.DueNotification, _ *desk, _ *pipeline.Dispatch) {
			n.Subject.Resource = json.RawMessage(`{"resourceType":"Appointment","id":"a1","status":7}`)
		}, []string{"n1 skipped missing_fact"}},
		{"no words any more", func(_ *pipeline.DueNotification, _ *desk, d *pipeline.Dispatch) {
			d.Journeys = &journeys{compose: func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error) {
				return pipeline.Composed{Skip: pipeline.ReasonAnswered}, nil
			}}
		}, []string{"n1 skipped answered"}},
		{"no words in a language that may stand in", func(_ *pipeline.DueNotification, _ *desk, d *pipeline.Dispatch) {
			d.Journeys = &journeys{compose: func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error) {
				return pipeline.Composed{Skip: pipeline.ReasonNoTemplate}, nil
			}}
		}, []string{"n1 skipped no_template"}},
		{"words that fail", func(_ *pipeline.DueNotification, _ *desk, d *pipeline.Dispatch) {
			d.Journeys = &journeys{compose: func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error) {
				return pipeline.Composed{}, errors.New(words)
			}}
		}, []string{"n1 skipped missing_fact"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := dueNow("n1")
				k, p := newDesk(), &posts{}
				d := dispatching(t, k, p.failing())
				var counted func() string
				d.Metrics, counted = newMetrics(t)
				c.change(&n, k, d)
				k.plan(n)
				stop := start(d.Run)
				pass(time.Minute)
				stop()
				same(t, "settled", k.states(), c.want)
				same(t, "posts", len(p.texts()), 0)
				settled := strings.Fields(c.want[0])
				if want := "reason=" + settled[2] + ",state=" + settled[1]; !strings.Contains(counted(), want) {
					t.Errorf("no metric with %s:\n%s", want, counted())
				}
			})
		})
	}
}

func TestDispatchTriesAgainWhatCannotBePrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newDesk(dueNow("n1")), &posts{}
		d := dispatching(t, k, p.failing())
		d.Gates = []pipeline.Gate{objection{err: transient("disk_full")}}
		stop := start(d.Run)
		pass(10 * time.Minute)
		stop()
		same(t, "posts", len(p.texts()), 0)
		same(t, "settled", k.states(), []string{})
		if n := len(k.given()); n < 60 || n > 150 {
			t.Errorf("given back %d times in ten minutes, want every 4 to 8 s", n)
		}
		same(t, "reason", k.given()[0].why, pipeline.ReasonTransient)
	})
}

func TestDispatchToAContainedPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dueNow("n1")
		n.Patient, n.Recipient = "#me", "#me"
		n.Subject.Resource = json.RawMessage(`{"resourceType":"Appointment","id":"a1","status":"booked","start":"` + visitStart + `","end":"` + visitStart + `",
			"contained":[{"resourceType":"Patient","id":"me","telecom":[{"system":"phone","use":"mobile","value":"` + number + `"}]}],
			"participant":[{"actor":{"reference":"#me"},"status":"needs-action"}]}`)
		k, p := newDesk(n), &posts{}
		stop := start(dispatching(t, k, p.failing()).Run)
		synctest.Wait()
		stop()
		same(t, "settled", k.states(), []string{"n1 accepted"})
		same(t, "to", p.addresses(), []string{number})
	})
}
