package pipeline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// chatty composes free words while the window is open, else the template "reminder".
func chatty(n pipeline.Notification, f pipeline.Facts, attempt string) (pipeline.Composed, error) {
	if f.Window {
		return sayKey(n, f, attempt)
	}
	return byTemplate(n, f, attempt)
}

func TestDispatchFallsBackToTheTemplate(t *testing.T) {
	closed := refused("131047")
	answer := dueNow("n1")
	answer.ReplyTo, answer.Address = "m1", pipeline.NewPrivate(number)
	farewell, alone := answer, answer
	farewell.Farewell = true
	alone.Notification.Subject, alone.Subject = "", pipeline.Versioned{}
	cases := []struct {
		name  string
		n     pipeline.DueNotification
		errs  []error
		want  []string
		tasks int
	}{
		{"once", dueNow("n1"), []error{closed}, []string{"n1 planned window_closed", "n1 accepted"}, 0},
		{"a template that meets it has nothing to fall back to", dueNow("n1"), []error{closed, closed}, []string{"n1 planned window_closed", "n1 failed window_closed"}, 0},
		{"an answer: people tell the patient", answer, []error{closed}, []string{"n1 failed window_closed"}, 1},
		{"the answer to a STOP", farewell, []error{closed}, []string{"n1 failed window_closed"}, 0},
		{"an answer about nothing", alone, []error{closed}, []string{"n1 failed window_closed"}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.n.Due = time.Now()
				c.n.Expires = c.n.Due.Add(time.Hour)
				k, p := newDesk(c.n), &posts{}
				k.senders[number] = pipeline.Sender{Heard: time.Now()}
				d := dispatching(t, k, p.failing(c.errs...))
				d.Journeys = &journeys{compose: chatty}
				d.File = filing.Record
				stop := start(d.Run)
				pass(10 * time.Minute)
				stop()
				same(t, "settled", k.states(), c.want)
				end := k.ends[len(k.ends)-1]
				if end.State != pipeline.Failed {
					return
				}
				var tasks []pipeline.Write
				for _, w := range end.Writes {
					if w.Type == "Task" {
						tasks = append(tasks, w)
					}
				}
				same(t, "writes", len(end.Writes)-len(tasks), 2*len(filing.Sinks)) // of the conversation, and of the Communication, not-done
				same(t, "tasks", len(tasks), c.tasks*len(filing.Sinks))
				if c.tasks > 0 {
					task := gjson.Parse(tasks[0].Body.Reveal())
					same(t, "task", []string{task.Get("code.coding.0.code").String(), task.Get("for.reference").String(), task.Get("focus.reference").String(), task.Get("description").String()},
						[]string{"answer_not_delivered", "Patient/p1", "Appointment/a1", words})
				}
			})
		})
	}
}
