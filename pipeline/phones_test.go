package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// TestWordsOfAnotherNumber: STOP and START by another number of the record count, unless that number may be somebody else's by then.
func TestWordsOfAnotherNumber(t *testing.T) {
	const other = "+15550100199"
	began := at("2000-01-01T00:00:00Z")
	for _, c := range []struct {
		name                         string
		stopped                      bool // by the other one; the first has said the opposite, before
		said, doubted, saved, expect int  // seconds; expect is 1 if it is sent
	}{
		{"STOP", true, 10, 0, 0, 0},
		{"STOP before the doubt", true, 10, 11, 0, 0},
		{"STOP that has brought the doubt", true, 10, 10, 0, 1},
		{"STOP since the doubt", true, 10, 9, 0, 1},
		{"STOP since the doubt, and the record was saved since", true, 10, 9, 12, 0},
		{"START", false, 10, 0, 0, 1},
		{"START since the doubt", false, 10, 9, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newDesk(dueNow("n1"))
				record := strings.Replace(string(patientJSON("p1", number)), `}]}`, `},{"system":"phone","use":"mobile","value":"`+other+`"}],
					"meta":{"lastUpdated":"`+began.Add(time.Duration(c.saved)*time.Second).Format(time.RFC3339)+`"}}`, 1)
				k.kept["Patient/p1"] = json.RawMessage(record)
				k.senders[number] = pipeline.Sender{Stopped: !c.stopped, Word: began.Add(time.Second)}
				s := pipeline.Sender{Stopped: c.stopped, Word: began.Add(time.Duration(c.said) * time.Second)}
				if c.doubted > 0 {
					s.Unverified = began.Add(time.Duration(c.doubted) * time.Second)
				}
				k.senders[other] = s
				stop := start(dispatching(t, k, taken).Run)
				pass(time.Second)
				stop()
				want := []string{"n1 skipped stopped"}
				if c.expect == 1 {
					want = []string{"n1 accepted"}
				}
				same(t, "ends", k.states(), want)
			})
		})
	}
}
