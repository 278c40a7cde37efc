package pipeline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// TestDispatchSendsNewsBesidesSlowDocuments: documents that are slow to store wait for each other, and nothing else does.
func TestDispatchSendsNewsBesidesSlowDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newErrand(t)
		e.Concurrency = 1
		e.store.takes = 40 * time.Second
		with := e.Journeys.(*journeys).compose
		e.Journeys = &journeys{compose: func(n pipeline.Notification, f pipeline.Facts, attempt string) (pipeline.Composed, error) {
			if n.ReplyTo == "" {
				return sayKey(n, f, attempt)
			}
			return with(n, f, attempt)
		}}
		for _, id := range []string{"p1", "p2", "p3", "p4"} {
			n := e.n
			n.Key, n.Patient, n.Recipient = "document "+id, "Patient/"+id, "Patient/"+id
			e.k.kept[n.Patient] = patientJSON(id, number)
			e.k.identified[n.Patient+" "+n.Notification.Subject+" "+n.ReplyTo] = e.answered
			e.k.waiting = append(e.k.waiting, n)
		}
		stop := start(e.Run)
		pass(time.Second)
		news := dueNow("news")
		news.Patient = "Patient/p5"
		e.k.keep(news.Patient, patientJSON("p5", newNumber))
		e.k.plan(news)
		pass(5 * time.Second)
		same(t, "at once", e.k.states(), []string{"news accepted"})
		pass(4 * time.Minute)
		stop()
		same(t, "in the end", sorted(e.k.states()),
			[]string{"document p1 accepted", "document p2 accepted", "document p3 accepted", "document p4 accepted", "news accepted"})
	})
}
