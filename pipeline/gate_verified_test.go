package pipeline_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

func TestGateVerified(t *testing.T) {
	down := transient("disk_full")
	says := func(neutral bool, err error) func() (bool, error) {
		return func() (bool, error) { return neutral, err }
	}
	for _, c := range []struct {
		name    string
		since   time.Time
		neutral func() (bool, error)
		want    pipeline.Verdict
		err     error
	}{
		{"no doubt", time.Time{}, nil, pipeline.Verdict{}, nil},
		{"content", recordTime, says(false, nil), pipeline.Verdict{Skip: pipeline.ReasonUnverified}, nil},
		{"nothing of the patient", recordTime, says(true, nil), pipeline.Verdict{}, nil},
		{"nobody can tell", recordTime, nil, pipeline.Verdict{Skip: pipeline.ReasonUnverified}, nil},
		{"no words", recordTime, says(false, down), pipeline.Verdict{}, down},
	} {
		got, err := pipeline.GateVerified{}.Admit(t.Context(), pipeline.Candidate{Unverified: c.since, Neutral: c.neutral})
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: got %+v, %v, want %+v, %v", c.name, got, err, c.want, c.err)
		}
	}
}

func TestVouched(t *testing.T) {
	record := func(raw string) fhir.Resource {
		r, err := fhir.Decode(json.RawMessage(raw))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const telecom = `"telecom":[{"system":"phone","use":"mobile","value":"+15550100123"}]`
	for _, c := range []struct {
		name   string
		record fhir.Resource
		want   bool
	}{
		{"newer, with the number", record(`{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"2027-03-01T10:00:02Z"},` + telecom + `}`), true},
		{"of who acts for the patient", record(`{"resourceType":"RelatedPerson","id":"1","patient":{"reference":"Patient/1"},"meta":{"lastUpdated":"2027-03-01T10:00:02Z"},` + telecom + `}`), true},
		{"of the same second", record(`{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"2027-03-01T10:00:00.900Z"},` + telecom + `}`), false},
		{"older", record(`{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"2027-03-01T09:00:00Z"},` + telecom + `}`), false},
		{"nobody says when", record(`{"resourceType":"Patient","id":"1",` + telecom + `}`), false},
		{"newer, with another number", record(`{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"2027-03-01T10:00:02Z"},` + strings.Replace(telecom, "123", "124", 1) + `}`), false},
		{"newer, without a number", record(`{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"2027-03-01T10:00:02Z"}}`), false},
		{"a place", record(`{"resourceType":"Location","id":"1","meta":{"lastUpdated":"2027-03-01T10:00:02Z"},` + telecom + `}`), false},
	} {
		since := time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)
		if got := pipeline.Vouched(c.record, pipeline.NewPrivate("+15550100123"), since, since.Add(time.Hour), "DE"); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// Of somebody with several numbers the newest word counts, from whichever it came.
func TestDispatchAsksAllNumbersOfThePatient(t *testing.T) {
	const own, other = "+15550100123", "+15550100124"
	two := json.RawMessage(`{"resourceType":"Patient","id":"p1","telecom":[{"system":"phone","use":"mobile","value":"` + own + `"},` +
		`{"system":"phone","use":"mobile","value":"` + other + `"}]}`)
	said := func(stopped bool, minute int) pipeline.Sender {
		return pipeline.Sender{Stopped: stopped, Word: recordTime.Add(time.Duration(minute) * time.Minute)}
	}
	for _, c := range []struct {
		name       string
		own, other pipeline.Sender
		record     json.RawMessage
		replies    bool
		sent       bool
	}{
		{"neither has said anything", pipeline.Sender{}, pipeline.Sender{}, two, false, true},
		{"STOP from the other", pipeline.Sender{}, said(true, 1), two, false, false},
		{"STOP from the other, START since from this one", said(false, 2), said(true, 1), two, false, true},
		{"STOP from this one, START since from the other", said(true, 1), said(false, 2), two, false, true},
		{"both at once", said(false, 1), said(true, 1), two, false, false},
		{"STOP from a number that is none of the patient's", pipeline.Sender{}, said(true, 1), patientJSON("p1", own), false, true},
		{"an answer to this one", pipeline.Sender{}, said(true, 1), two, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := dueNow("n1")
				if c.replies {
					n.ReplyTo, n.Address = "r1", pipeline.NewPrivate(own)
				}
				k, p := newDesk(n), &posts{}
				k.kept["Patient/p1"] = c.record
				k.senders[own], k.senders[other] = c.own, c.other
				stop := start(dispatching(t, k, p.failing()).Run)
				pass(time.Minute)
				stop()
				if got := len(p.texts()) == 1; got != c.sent {
					t.Errorf("sent %v, want %v: %v", got, c.sent, k.states())
				}
			})
		})
	}
}
