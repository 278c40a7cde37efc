package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

func TestGateMinor(t *testing.T) {
	adult := pipeline.GateMinor{Age: 16, Zone: zone(t, "Europe/Berlin")}
	cases := []struct {
		name, born, now string
		gate            pipeline.GateMinor
		want            pipeline.Reason
	}{
		{"the day before the birthday", "2010-03-05", "2026-03-04T22:59:59Z", adult, pipeline.ReasonMinor},
		{"the birthday, in Berlin", "2010-03-05", "2026-03-04T23:00:00Z", adult, pipeline.ReasonNone},
		{"a grown-up", "1960-01-01", "2026-03-04T12:00:00Z", adult, pipeline.ReasonNone},
		{"born on a leap day, the day before", "2012-02-29", "2028-02-28T12:00:00Z", adult, pipeline.ReasonMinor},
		{"born on a leap day, long ago", "2008-02-29", "2026-02-28T12:00:00Z", adult, pipeline.ReasonNone},
		{"in the month of the birthday", "2010-03", "2026-03-31T12:00:00Z", adult, pipeline.ReasonNone},
		{"in the month of the birthday, not on its last day", "2010-03", "2026-03-30T12:00:00Z", adult, pipeline.ReasonMinor},
		{"in the year of the birthday", "2010", "2026-12-30T12:00:00Z", adult, pipeline.ReasonMinor},
		{"at the end of the year of the birthday", "2010", "2026-12-31T12:00:00Z", adult, pipeline.ReasonNone},
		{"not born yet", "2027-01-01", "2026-03-04T12:00:00Z", adult, pipeline.ReasonMinor},
		{"without a birth date", "", "2026-03-04T12:00:00Z", adult, pipeline.ReasonNone},
		{"off", "2026-01-01", "2026-03-04T12:00:00Z", pipeline.GateMinor{Zone: time.UTC}, pipeline.ReasonNone},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := `{"resourceType":"Patient","id":"p1","birthDate":"` + c.born + `"}`
			r, err := fhir.Decode([]byte(strings.ReplaceAll(text, `,"birthDate":""`, "")))
			if err != nil {
				t.Fatal(err)
			}
			n := pipeline.Candidate{Now: at(c.now), Patient: r.(*fhir.Patient)}
			same(t, "verdict", admit(t, c.gate, n), pipeline.Verdict{Skip: c.want})
			n.Notification.ReplyTo = "m1"
			same(t, "an answer", admit(t, c.gate, n), pipeline.Verdict{})
		})
	}
	same(t, "nobody", admit(t, adult, pipeline.Candidate{}), pipeline.Verdict{})
}

func TestGateAllow(t *testing.T) {
	cases := []struct {
		name, number string
		prefixes     []string
		want         pipeline.Reason
	}{
		{"no list", number, nil, pipeline.ReasonNone},
		{"on the list", "+15550100123", []string{"+4930", "+15550100123"}, pipeline.ReasonNone},
		{"begins like one on the list", "+15550100123", []string{"+155501"}, pipeline.ReasonNone},
		{"of another country", "+4930123456", []string{"+1"}, pipeline.ReasonNotAllowed},
		{"the end of one", "+15550100123", []string{"5550100123"}, pipeline.ReasonNotAllowed},
		{"longer than it", "+1555010012", []string{"+15550100123"}, pipeline.ReasonNotAllowed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, replyTo := range []string{"", "m1"} {
				got := admit(t, pipeline.GateAllow{Prefixes: c.prefixes}, pipeline.Candidate{
					Address: pipeline.NewPrivate(c.number), Notification: pipeline.Notification{ReplyTo: replyTo},
				})
				same(t, "verdict", got, pipeline.Verdict{Skip: c.want})
			}
		})
	}
}

func TestDispatchSendsANumberNoMoreThanItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		k, p := newDesk(), &posts{}
		for i := range 6 {
			n := dueNow(fmt.Sprint("n", i))
			n.Due, n.Expires = n.Due.Add(time.Duration(i)*time.Hour), n.Due.Add(100*time.Hour)
			if i == 5 {
				n.Expires = n.Due.Add(2 * time.Hour)
			}
			k.plan(n)
		}
		answer := dueNow("answer")
		answer.Due, answer.Expires, answer.ReplyTo = began.Add(4*time.Hour), began.Add(5*time.Hour), "m1"
		k.plan(answer)
		d := dispatching(t, k, p.failing())
		d.Gates = append(d.Gates, pipeline.GateFrequency{Ledger: k, Most: 2, Within: 24 * time.Hour})
		said := []string{}
		d.Channel = watch(d.Channel, func() { said = append(said, time.Since(began).String()) })
		stop := start(d.Run)
		pass(100 * time.Hour)
		stop()
		same(t, "posts", p.texts(), []string{"n0", "n1", "answer", "n2", "n3", "n4"})
		same(t, "posted after", said, []string{"0s", "1h0m0s", "4h0m0s", "24h0m0s", "25h0m0s", "48h0m0s"})
		same(t, "settled", k.states(), []string{
			"n0 accepted", "n1 accepted", "answer accepted", "n5 expired expired", "n2 accepted", "n3 accepted", "n4 accepted",
		})
		for _, g := range k.given() {
			same(t, "reason", g.why, pipeline.ReasonFrequency)
		}
	})
}

func TestGateFrequencyNeedsTheLedger(t *testing.T) {
	down := transient("disk_full")
	gate := pipeline.GateFrequency{Ledger: unreadable{err: down}, Most: 1, Within: time.Hour}
	if _, err := gate.Admit(t.Context(), pipeline.Candidate{}); !errors.Is(err, down) {
		t.Errorf("got %v, want %v", err, down)
	}
	news := pipeline.Candidate{Notification: pipeline.Notification{Edge: true}}
	same(t, "news pass, and are not asked about", admit(t, gate, news), pipeline.Verdict{})
	gate.Most = 0
	same(t, "off", admit(t, gate, pipeline.Candidate{}), pipeline.Verdict{})
}

// unreadable is a ledger that does not answer.
type unreadable struct {
	pipeline.Ledger
	err error
}

func (u unreadable) SentTo(context.Context, pipeline.Private, time.Time) ([]time.Time, error) {
	return nil, u.err
}
