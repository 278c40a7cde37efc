package journey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

const expectedAt = `template: hello
kind: template
category: utility
may_show: [schedule, place, person]
parameters:
  time: {field: start.time, example: "10:00"}
  place: {field: place.name, example: House 2, else: {en: our house}}
  who: {field: clinician.name, example: Dr. Gentle, else: {en: our team}}
languages:
  en: {body: "You are expected at {{time}} at {{place}} by {{who}}. Please wait to be called."}
`

// onEncounter is a Book of one step with a condition.
func onEncounter(t testing.TB, when string) *journey.Book {
	t.Helper()
	text := `journey: visit
on: Encounter
lists: {houses: [Location/1], services: [heart], virtual: [VR]}
steps: [{name: hello, at: arrived + 5m, when: ` + when + `, send: hello, expires: +1h}]
answers: {wait: {do: note, words: {en: [wait]}}}
`
	journeys, templates := files("journeys/visit.yaml", text, "templates/hello.yaml", expectedAt)
	b, problems := journey.Load(journeys, templates, settings(t))
	if len(problems) > 0 {
		t.Fatal(when, problems)
	}
	return b
}

// TestConditionsOfAnEncounter shows what can be said of a visit that takes place.
func TestConditionsOfAnEncounter(t *testing.T) {
	booked := visit(t, "booked", lateStart)
	class := func(code string) m { return m{"class": m{"code": code}} }
	for _, c := range []struct {
		when    string
		visit   *fhir.Encounter
		booking *fhir.Appointment
		want    bool
	}{
		{"is waiting", encounter(t, "arrived"), booked, true},
		{"is waiting", encounter(t, "triaged"), booked, true},
		{"is waiting", encounter(t, "in-progress"), booked, false},
		{"is onleave", encounter(t, "onleave"), booked, true},
		{"is called off", encounter(t, "arrived"), booked, false},
		{"is called off", encounter(t, "arrived"), visit(t, "noshow", lateStart), true},
		{"is called off", encounter(t, "arrived"), visit(t, "cancelled", lateStart), true},
		{"is called off", encounter(t, "arrived"), visit(t, "booked", lateStart, patients("declined", "1")), true},
		{"is called off", encounter(t, "arrived"), visit(t, "booked", lateStart, patients("accepted", "2")), true},
		{"is inpatient", encounter(t, "arrived", class("IMP")), booked, true},
		{"is inpatient", encounter(t, "arrived"), booked, false},
		{"is emergency", encounter(t, "arrived", class("EMER")), booked, true},
		{"class in virtual", encounter(t, "arrived", class("VR")), booked, true},
		{"place in houses", encounter(t, "arrived"), booked, true},
		{"place in houses", encounter(t, "arrived", m{"location": []any{
			m{"location": m{"reference": "Location/1"}, "status": "completed"}, m{"location": m{"reference": "Location/2"}, "status": "active"},
		}}), booked, false},
		{"service in services", encounter(t, "arrived", m{"serviceType": m{"coding": []any{m{"code": "heart"}}}}), booked, true},
		{"service in services", encounter(t, "arrived"), visit(t, "booked", lateStart, m{"serviceType": []any{m{"coding": []any{m{"code": "heart"}}}}}), true},
		{"sensitive", encounter(t, "arrived", labels("PSY")), booked, true},
		{"sensitive", encounter(t, "arrived"), visit(t, "booked", lateStart, labels("PSY")), true},
		{"not sensitive", encounter(t, "arrived"), booked, true},
		{"not answered", encounter(t, "arrived"), booked, false},
		{"answered wait", encounter(t, "arrived"), booked, true},
	} {
		known := pipeline.Known{Answers: []pipeline.Answer{{Subject: "Encounter/1", Patient: "Patient/1", Action: "wait"}}}
		plan := decide(t, onEncounter(t, c.when), pipeline.Change{
			Current: c.visit, Version: "1", Now: moment(t, "2027-03-09T09:51:00+01:00"), Known: known, Lookup: directory(c.booking),
		})
		if got := len(plan) == 1; got != c.want {
			t.Errorf("%s of %s, booked as %s: got %v, want %v", c.when, c.visit.Status(), c.booking.Status(), got, c.want)
		}
	}
}

// TestWordsOfAnEncounter: what is said of a visit that takes place is of its place, and of what it was booked as.
func TestWordsOfAnEncounter(t *testing.T) {
	b := onEncounter(t, "is waiting")
	booked := visit(t, "booked", lateStart, m{"participant": []any{
		m{"actor": m{"reference": "Patient/1"}, "status": "accepted"}, m{"actor": m{"reference": "Practitioner/1", "display": "Dr. Gentle"}, "status": "accepted"},
	}})
	for _, c := range []struct {
		name     string
		now      time.Time
		visit    *fhir.Encounter
		resource []fhir.Resource
		want     string
	}{
		{"at the time of the place", moment(t, lateStart), encounter(t, "arrived"), []fhir.Resource{booked, place(t, "House 2", "Europe/Lisbon")},
			"You are expected at 9:00 am at House 2 by Dr. Gentle. Please wait to be called."},
		{"at the facility's", moment(t, lateStart), encounter(t, "arrived"), []fhir.Resource{booked}, "You are expected at 10:00 am at our house by Dr. Gentle."},
		{"a sensitive one", moment(t, lateStart), encounter(t, "arrived", labels("PSY")), []fhir.Resource{booked, place(t, "House 2", "")},
			"at our house by our team."},
		{"of no appointment", moment(t, lateStart), encounter(t, "arrived"), nil, ""},
	} {
		facts := pipeline.Facts{Subject: c.visit, Patient: patient(t, "Ann", "en"), Lookup: directory(c.resource...), Now: c.now}
		n := pipeline.Notification{Journey: "visit", Step: "hello", Subject: "Encounter/1", Patient: "Patient/1", Recipient: "Patient/1"}
		composed, err := b.Compose(n, facts, attempt)
		if err != nil {
			t.Fatal(err)
		}
		got := composed.Message.Seen.Reveal()
		if !strings.Contains(got, c.want) || c.want == "" && composed.Skip != pipeline.ReasonMissingFact {
			t.Errorf("%s: got %q (%s), want %q", c.name, got, composed.Skip, c.want)
		}
	}
}

// TestAnAnswerIsKept: what somebody who waits has answered is known, and what is planned follows from it.
func TestAnAnswerIsKept(t *testing.T) {
	b := everything(t)
	subject := encounter(t, "arrived", m{"location": []any{m{"location": m{"reference": "Location/waiting-example"}}}})
	lookup := directory(visit(t, "booked", lateStart))
	th := threadOf(subject, "waiting")
	th.Sent.Notification.Step, th.Now, th.Lookup = "late", moment(t, "2027-03-09T10:21:00+01:00"), lookup
	o := answeredAs(t, b, "wamid.1", "", tapping(th, "must_leave"))
	if o.Answer == nil || o.Answer.Action != "must_leave" || !o.Urgent || o.Plan == nil || len(o.Plan.Wanted) != 0 {
		t.Fatalf("must leave: got %v, wanted %v", o.Answer, o.Plan)
	}
	th.Known.Said = []pipeline.Said{{Journey: "waiting", Step: "late", Patient: "Patient/1", Occasion: "20"}}
	th.Known = th.Known.With(*o.Answer)
	o = answeredAs(t, b, "wamid.2", "", tapping(th, "can_wait"))
	if steps := steps(o.Plan.Wanted); !slices.Equal(steps, []string{"late", "late"}) {
		t.Errorf("can wait after all: planned %v", steps)
	}
}

// TestNobodyWaitsAnyMore: an answer to a delay that comes when the visit is over is nothing urgent, and promises nothing.
func TestNobodyWaitsAnyMore(t *testing.T) {
	b := everything(t)
	for status, want := range map[string]string{"arrived": "must_leave", "in-progress": "must_leave", "finished": "late", "cancelled": "late"} {
		th := threadOf(encounter(t, status, m{"location": []any{m{"location": m{"reference": "Location/waiting-example"}}}}), "waiting")
		th.Sent.Notification.Step, th.Now, th.Lookup = "late", moment(t, "2027-03-09T20:21:00+01:00"), directory(visit(t, "booked", lateStart))
		if o := answeredAs(t, b, "wamid.1", "", tapping(th, "must_leave")); o.Reading != want || o.Urgent != (want == "must_leave") {
			t.Errorf("%s: got %q, urgent %v, want %q", status, o.Reading, o.Urgent, want)
		}
	}
}
