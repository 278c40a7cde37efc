package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// kin is a RelatedPerson of Patient/p1 with further elements.
func kin(id, relationship, number, more string) pipeline.Related {
	return pipeline.Related{Versioned: pipeline.Versioned{Resource: json.RawMessage(fmt.Sprintf(`{"resourceType":"RelatedPerson","id":%q,`+
		`"patient":{"reference":"Patient/p1"},"relationship":[{"coding":[{"system":"urn:roles","code":%q}]}],`+
		`"telecom":[{"system":"phone","value":%q}]%s}`, id, relationship, number, more))}}
}

// family is a desk with the RelatedPersons of Patient/p1.
type family struct {
	*desk
	list []pipeline.Related
	err  error
	// disowned are the numbers that are not theirs who act for Patient/p1.
	disowned []string
}

func (f *family) Disowned(_ context.Context, address pipeline.Private, patient string) (bool, error) {
	return patient == "Patient/p1" && slices.Contains(f.disowned, address.Reveal()), nil
}

func (f *family) RelatedPersons(_ context.Context, patient string) ([]pipeline.Related, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if patient != "Patient/p1" {
		return nil, f.err
	}
	return slices.Clone(f.list), f.err
}

// Fetched keeps what was read from the FHIR server.
func (f *family) Fetched(_ context.Context, v pipeline.Versioned, _ time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	h, err := fhir.Peek(v.Resource)
	if err != nil {
		return err
	}
	f.kept[h.Ref()] = v.Resource
	f.list = append(slices.DeleteFunc(f.list, func(r pipeline.Related) bool {
		other, _ := fhir.Peek(r.Resource)
		return other.Ref() == h.Ref()
	}), pipeline.Related{Versioned: v, Fetched: true})
	return nil
}

// relations are what the FHIR server says of whoever is asked about.
type relations func(patient string) ([]pipeline.Versioned, error)

func (r relations) RelatedPersons(_ context.Context, patient string) ([]pipeline.Versioned, error) {
	return r(patient)
}

func born(date string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"resourceType":"Patient","id":"p1","birthDate":%q,"telecom":[{"system":"phone","value":%q}]}`, date, number))
}

func proxiesOf(f *family, server pipeline.Relations, k *pipeline.Dispatch) *pipeline.Proxies {
	return &pipeline.Proxies{
		Ledger: f, Server: server, Resolver: k.Resolver, Log: k.Log, Now: time.Now, Age: 16, Zone: time.UTC,
		Minors: []string{"GUARD", "urn:roles|MTH", "FTH"}, Adults: []string{"HPOWATT"}, Country: "US",
	}
}

func TestProxyIsChosen(t *testing.T) {
	const first, second = "+15550100181", "+15550100182"
	child, adult := born("2020-05-01"), born("1980-05-01")
	cases := []struct {
		name    string
		patient json.RawMessage
		list    []pipeline.Related
		want    string // the recipient and the last digits of the number, or why nobody is told
		// disowned are the numbers that are not theirs.
		disowned []string
	}{
		{"nobody", child, nil, "minor", nil},
		{"a guardian", child, []pipeline.Related{kin("a", "GUARD", first, "")}, "RelatedPerson/a 181", nil},
		{"a code of a system", child, []pipeline.Related{kin("a", "MTH", first, "")}, "RelatedPerson/a 181", nil},
		{"a relationship that does not count", child, []pipeline.Related{kin("a", "NBOR", first, "")}, "minor", nil},
		{"who is no longer", child, []pipeline.Related{kin("a", "GUARD", first, `,"active":false`)}, "minor", nil},
		{"who was until last year", child, []pipeline.Related{kin("a", "GUARD", first, `,"period":{"end":"1999-06-01"}`)}, "minor", nil},
		{"two: whose relationship is named first", child, []pipeline.Related{kin("a", "MTH", first, ""), kin("b", "GUARD", second, "")}, "RelatedPerson/b 182", nil},
		{"two alike: the first by id", child, []pipeline.Related{kin("a", "MTH", first, ""), kin("b", "MTH", second, "")}, "RelatedPerson/a 181", nil},
		{"two, and the first has no number", child, []pipeline.Related{kin("a", "GUARD", "", ""), kin("b", "FTH", second, "")}, "RelatedPerson/b 182", nil},
		{"nobody has a number", child, []pipeline.Related{kin("a", "GUARD", "ask at home", "")}, "invalid_number", nil},
		{"a mother of somebody of age", adult, []pipeline.Related{kin("a", "MTH", first, "")}, "Patient/p1 123", nil},
		{"the proxy of somebody of age", adult, []pipeline.Related{kin("a", "HPOWATT", first, "")}, "RelatedPerson/a 181", nil},
		{"a proxy for health care is no guardian", child, []pipeline.Related{kin("a", "HPOWATT", first, "")}, "minor", nil},
		{"read before from a server that is not asked", child, []pipeline.Related{{Versioned: kin("a", "GUARD", first, "").Versioned, Fetched: true}}, "minor", nil},
		{"what is no RelatedPerson", child, []pipeline.Related{{Versioned: pipeline.Versioned{Resource: json.RawMessage(`{"resourceType":"Patient"}`)}}}, "minor", nil},
		{"two, and the number of the first is not theirs", child, []pipeline.Related{kin("a", "GUARD", first, ""), kin("b", "FTH", second, "")}, "RelatedPerson/b 182", []string{first}},
		{"the numbers of both are not theirs", child, []pipeline.Related{kin("a", "GUARD", first, ""), kin("b", "FTH", second, "")}, "wrong_number", []string{first, second}},
		{"an adult is not told what the proxy was to be", adult, []pipeline.Related{kin("a", "HPOWATT", first, "")}, "wrong_number", []string{first}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &family{desk: newDesk(dueNow("n1")), list: c.list, disowned: c.disowned}
				for _, to := range c.disowned {
					f.senders[to] = pipeline.Sender{Disowns: true}
				}
				f.kept["Patient/p1"] = c.patient
				p := &posts{}
				d := dispatching(t, f.desk, p.failing())
				d.Ledger = f
				d.Gates = append(d.Gates, pipeline.GateMinor{Age: 16, Zone: time.UTC}, pipeline.GateOwner{})
				d.Proxies = proxiesOf(f, nil, d)
				d.File = func(m pipeline.SentMessage) []pipeline.Write {
					return []pipeline.Write{{Key: m.Notification.Recipient + " of " + m.Notification.Patient}}
				}
				stop := start(d.Run)
				pass(time.Minute)
				stop()
				got := string(f.ends[0].Reason)
				if begun := f.begun(); len(begun) > 0 {
					to := begun[0].Address.Reveal()
					got = begun[0].Recipient + " " + to[len(to)-3:]
					same(t, "filed", f.ends[0].Writes[0].Key, begun[0].Recipient+" of Patient/p1")
				}
				same(t, "told", got, c.want)
			})
		})
	}
}

func TestProxyIsAskedForAtTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &family{desk: newDesk(dueNow("n1"))}
		f.kept["Patient/p1"] = born("2020-05-01")
		mother := kin("a", "MTH", "+15550100181", "").Versioned
		var mu sync.Mutex // of what the server says, and how often it was asked
		asked := 0
		found, err := []pipeline.Versioned{mother}, transient("down")
		d := dispatching(t, f.desk, (&posts{}).failing())
		d.Ledger = f
		d.Gates = append(d.Gates, pipeline.GateMinor{Age: 16, Zone: time.UTC})
		d.Proxies = proxiesOf(f, relations(func(patient string) ([]pipeline.Versioned, error) {
			mu.Lock()
			defer mu.Unlock()
			asked++
			same(t, "asked about", patient, "Patient/p1")
			return found, err
		}), d)
		stop, stopAsking := start(d.Run), start(d.Proxies.Run)
		defer stopAsking()
		defer stop()
		pass(10 * time.Second)
		same(t, "while the server is down", f.states(), []string{})
		mu.Lock()
		if asked < 2 {
			t.Errorf("asked %d times, want again and again", asked)
		}
		err = nil // it is up again
		mu.Unlock()
		for _, g := range f.given() {
			same(t, "put off", g.why, pipeline.ReasonNoProxy)
		}
		pass(10 * time.Second)
		same(t, "told", f.begun()[0].Recipient, "RelatedPerson/a")
		mu.Lock()
		before := asked
		mu.Unlock()
		f.plan(dueNow("n2"))
		pass(time.Minute)
		same(t, "told again", f.begun()[1].Recipient, "RelatedPerson/a")
		mu.Lock()
		same(t, "asked once an hour", asked, before)
		found = nil // no longer the mother's to know
		mu.Unlock()
		pass(time.Hour)
		f.plan(dueNow("n3"))
		pass(time.Minute)
		same(t, "an hour later", f.states()[2], "n3 skipped minor")
	})
}

func TestProxyOfAServerThatDoesNotSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &family{desk: newDesk(dueNow("n1"))}
		f.kept["Patient/p1"] = born("2020-05-01")
		d := dispatching(t, f.desk, (&posts{}).failing())
		d.Gates = append(d.Gates, pipeline.GateMinor{Age: 16, Zone: time.UTC})
		d.Proxies = proxiesOf(f, relations(func(string) ([]pipeline.Versioned, error) { return nil, refused("403") }), d)
		stop, stopAsking := start(d.Run), start(d.Proxies.Run)
		pass(time.Minute)
		stop()
		stopAsking()
		same(t, "settled", f.states(), []string{"n1 skipped minor"})
	})
}

func TestAnAnswerToWhoActsForAPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dueNow("n1")
		n.ReplyTo, n.Recipient, n.Address = "m1", "RelatedPerson/a", pipeline.NewPrivate(newNumber)
		k := newDesk(n)
		k.kept["RelatedPerson/a"] = kin("a", "MTH", "+15550100181", "").Resource
		d := dispatching(t, k, (&posts{}).failing())
		var seen pipeline.Facts
		d.Journeys = &journeys{compose: func(n pipeline.Notification, f pipeline.Facts, attempt string) (pipeline.Composed, error) {
			seen = f
			return sayKey(n, f, attempt)
		}}
		stop := start(d.Run)
		pass(time.Minute)
		stop()
		a := k.begun()[0]
		same(t, "answered", []any{a.Recipient, a.Address.Reveal(), seen.Proxy.Header().Ref(), seen.Patient.Header().Ref()},
			[]any{"RelatedPerson/a", newNumber, "RelatedPerson/a", "Patient/p1"})
	})
}

func TestFilingWhatAProxyWrites(t *testing.T) {
	sent := pipeline.SentMessage{Notification: pipeline.Notification{Patient: "Patient/p1", Recipient: "RelatedPerson/a", Subject: "Appointment/a1"}, Attempt: pipeline.Attempt{ID: "attempt1", Begun: recordTime}}
	same(t, "to", decoded(t, filing.Sent(sent)[0]).Recipients()[0].String(), "RelatedPerson/a")
	for name, thread := range map[string]pipeline.Thread{
		"an answer": {Sent: &sent}, "words": {Proxy: "RelatedPerson/a"}, "whose number once was not another child's": {Sent: &sent, Disowns: true},
	} {
		c := decoded(t, filing.Reply(reply("m1"), thread, "Patient/p1", "confirm")[0])
		same(t, name, []string{c.Sender().String(), c.Subject().String()}, []string{"RelatedPerson/a", "Patient/p1"})
	}
	if text := filing.Sent(sent)[0].Body.Reveal(); !strings.Contains(text, `"Patient/p1"`) {
		t.Error("the message is not filed with the patient")
	}
}

// waitingFamily is a family of whom whatever covers something is planned.
type waitingFamily struct{ *family }

func (waitingFamily) StateOf(context.Context, string, string) (pipeline.State, time.Time, bool, error) {
	return pipeline.Planned, time.Now(), true, nil
}

// TestDispatchExpiresBeforeItWaits: what waits for a proxy, or for what covers it, waits until it expires. A request's
// message is handed out after that too, and would be put off to a time that has passed, without end.
func TestDispatchExpiresBeforeItWaits(t *testing.T) {
	n := dueNow("n1")
	n.Notification.Subject, n.Expires = "CommunicationRequest/q1", time.Now().Add(-time.Second)
	f := &family{desk: newDesk()}
	f.kept["Patient/p1"] = born("2020-05-01")
	d := dispatching(t, f.desk, (&posts{}).failing())
	d.Ledger = &waitingFamily{f}
	d.Proxies = proxiesOf(f, relations(func(string) ([]pipeline.Versioned, error) { return nil, transient("down") }), d)
	for _, coveredBy := range []string{"", "m"} {
		n.CoveredBy = coveredBy
		_, _, no, err := d.Admit(t.Context(), n)
		same(t, "verdict", []any{no, err}, []any{pipeline.Verdict{Skip: pipeline.ReasonExpired}, nil})
	}
}
