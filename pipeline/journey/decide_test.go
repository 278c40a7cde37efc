package journey_test

import (
	"reflect"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const (
	march9  = "2027-03-09T14:30:00+01:00"
	march11 = "2027-03-11T08:00:00+01:00"
	before  = "2027-03-01T09:00:00+01:00" // eight days before march9
)

func TestDecide(t *testing.T) {
	booked := visit(t, "booked", march9)
	both := visit(t, "booked", march9, m{"participant": []any{
		m{"actor": m{"reference": "Patient/1"}, "status": "needs-action"}, m{"actor": m{"reference": "Patient/2"}, "status": "needs-action"},
	}})
	reminders := []string{"reminder_1d", "reminder_2d", "reminder_7d"}
	cases := []struct {
		name              string
		previous, current fhir.Resource
		now               string
		historic          bool
		answers           []pipeline.Answer
		want              []string
	}{
		{name: "booked", current: booked, want: append([]string{"booked"}, reminders...)},
		{name: "booked, of a feed's past", current: booked, historic: true, want: reminders},
		{name: "booked and seen again", previous: booked, current: booked, want: reminders},
		{name: "a request becomes a booking", previous: visit(t, "pending", march9), current: booked, want: append([]string{"booked"}, reminders...)},
		{name: "booked again after it was cancelled", previous: visit(t, "cancelled", march9), current: booked, want: append([]string{"booked"}, reminders...)},
		{name: "a request", current: visit(t, "proposed", ""), want: []string{"requested"}},
		{name: "a request gets its time", previous: visit(t, "proposed", ""), current: booked, want: append([]string{"booked"}, reminders...)},
		{name: "moved", previous: booked, current: visit(t, "booked", march11), want: []string{"moved", "reminder_1d", "reminder_2d", "reminder_7d"}},
		{name: "moved to the same instant in another offset", previous: booked, current: visit(t, "booked", "2027-03-09T13:30:00Z"), want: reminders},
		{name: "moved, of a feed's past", previous: booked, current: visit(t, "booked", march11), historic: true, want: reminders},
		{name: "moved from the past into the future", now: "2027-03-10T09:00:00+01:00", previous: booked, current: visit(t, "booked", "2027-03-12T14:30:00+01:00"), want: []string{"moved", "reminder_1d", "reminder_2d"}},
		{name: "moved into the past", now: before, previous: booked, current: visit(t, "booked", "2027-02-01T08:00:00+01:00")},
		{name: "a booking in the past", now: "2027-03-10T09:00:00+01:00", current: booked},
		{name: "a booking at this very moment", now: march9, current: booked},
		{name: "booked the day before, after the hour of the reminder", now: "2027-03-08T12:00:00+01:00", current: booked, want: []string{"booked"}},
		{name: "booked at the hour of the reminder", now: "2027-03-08T10:00:00+01:00", current: booked, want: []string{"booked"}},
		{name: "cancelled by the hospital", previous: booked, current: visit(t, "cancelled", march9, reason("prov")), want: []string{"cancelled"}},
		{name: "cancelled without a reason", previous: booked, current: visit(t, "cancelled", march9), want: []string{"cancelled"}},
		{name: "cancelled by the hospital, and the start with it", previous: booked, current: visit(t, "cancelled", ""), want: []string{"cancelled"}},
		{name: "cancelled by the patient", previous: booked, current: visit(t, "cancelled", march9, reason("pat-crs"))},
		{name: "cancelled, of a feed's past", previous: booked, current: visit(t, "cancelled", march9), historic: true},
		{name: "cancelled, seen for the first time", current: visit(t, "cancelled", march9), want: []string{"cancelled"}},
		{name: "cancelled without a start that anybody knows", current: visit(t, "cancelled", "")},
		{name: "cancelled after it was over", now: "2027-03-10T09:00:00+01:00", previous: booked, current: visit(t, "cancelled", march9)},
		{name: "entered in error", previous: booked, current: visit(t, "entered-in-error", march9)},
		{name: "not shown up", previous: booked, current: visit(t, "noshow", march9), want: []string{"missed"}},
		{name: "fulfilled", previous: booked, current: visit(t, "fulfilled", march9)},
		{name: "deleted", previous: booked},
		{name: "accepted by telephone", previous: booked, current: visit(t, "booked", march9, patients("accepted", "1")), want: []string{"reminder_1d_confirmed"}},
		{name: "declined by telephone", previous: booked, current: visit(t, "booked", march9, patients("declined", "1"))},
		{name: "two patients, one has accepted", previous: booked, current: visit(t, "booked", march9, m{"participant": []any{
			m{"actor": m{"reference": "Patient/1"}, "status": "accepted"},
			m{"actor": m{"reference": "Patient/2"}, "status": "needs-action"},
		}}), want: []string{"reminder_1d Patient/2", "reminder_1d_confirmed", "reminder_2d Patient/2", "reminder_7d Patient/2"}},
		{name: "about a patient who does not come", current: visit(t, "booked", march9, m{"participant": []any{
			m{"actor": m{"reference": "Patient/1"}, "status": "accepted", "required": "information-only"},
		}})},
		{name: "walk-in", current: visit(t, "booked", march9, m{"appointmentType": m{"coding": []any{m{"code": "WALKIN"}}}})},
		{name: "emergency", current: visit(t, "booked", march9, m{"appointmentType": m{"coding": []any{m{"code": "EMERGENCY"}}}})},
		{name: "test data", current: visit(t, "booked", march9, labels("HTEST"))},
		{name: "test data by its own system", current: visit(t, "booked", march9, m{"meta": m{"security": []any{
			m{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}}}})},
		{name: "not to be disclosed to the patient", current: visit(t, "booked", march9, labels("NOPAT"))},
		{name: "very restricted", current: visit(t, "booked", march9, confidential("V"))},
		{name: "normal confidentiality", current: visit(t, "booked", march9, confidential("N")), want: append([]string{"booked"}, reminders...)},
		{name: "confirmed", previous: booked, current: booked, answers: answers("confirm", march9), want: []string{"reminder_1d_confirmed"}},
		{name: "cancelled", previous: booked, current: booked, answers: answers("cancel_yes", march9)},
		{name: "another time is asked for", previous: booked, current: booked, answers: answers("change", march9), want: reminders},
		{name: "confirmed for another start", previous: booked, current: booked, answers: answers("confirm", march11), want: reminders},
		{name: "confirmed for another start, and accepted since then", previous: booked, current: visit(t, "booked", march9, patients("accepted", "1")), answers: answers("confirm", march11), want: reminders},
		{name: "mother and child, the mother has confirmed", previous: both, current: both, answers: answers("confirm", march9),
			want: []string{"reminder_1d Patient/2", "reminder_1d_confirmed", "reminder_2d Patient/2", "reminder_7d Patient/2"}},
		{name: "mother and child, the child has confirmed", previous: both, current: both, answers: of("Patient/2", answers("confirm", march9)),
			want: []string{"reminder_1d", "reminder_1d_confirmed Patient/2", "reminder_2d", "reminder_7d"}},
		{name: "mother and child, each has answered", previous: both, current: both,
			answers: of("Patient/2", answers("cancel_yes", march9), answers("confirm", march9)...), want: []string{"reminder_1d_confirmed"}},
		{name: "a report that is final", current: report(t, "final"), want: []string{"ready"}},
		{name: "a report becomes final", previous: report(t, "preliminary"), current: report(t, "final"), want: []string{"ready"}},
		{name: "a report that was final before", previous: report(t, "amended"), current: report(t, "final")},
		{name: "a report of which nobody was told is amended", previous: report(t, "final"), current: report(t, "amended"), want: []string{"ready"}},
		{name: "a report that is seen amended first", current: report(t, "amended"), want: []string{"ready"}},
		{name: "a preliminary report", current: report(t, "preliminary")},
		{name: "a final report of a feed's past", current: report(t, "final"), historic: true},
		{name: "a restricted report", current: report(t, "final", confidential("R"))},
		{name: "a report on what is sensitive", current: report(t, "final", labels("HIV"))},
		{name: "a report that holds something sensitive", current: report(t, "final", m{"contained": []any{
			m{"resourceType": "Observation", "id": "o", "meta": m{"security": []any{m{"code": "PSY"}}}},
		}})},
		{name: "a report about a group", current: report(t, "final", m{"subject": m{"reference": "Group/1"}})},
		{name: "a resource of no journey", current: patient(t, "Erika", "de")},
	}
	book := shipped(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.now == "" {
				c.now = before
			}
			change := pipeline.Change{
				Previous: c.previous, Current: c.current, Version: "2", Now: moment(t, c.now), Historic: c.historic,
				Known: pipeline.Known{Answers: c.answers},
			}
			wanted := decide(t, book, change)
			same(t, "wanted", steps(wanted), c.want)
			for _, n := range wanted {
				if !n.Due.Before(n.Expires) || !n.Expires.After(change.Now) || n.Due.Before(change.Now) {
					t.Errorf("%s: due %v, expires %v, now %v", n.Step, n.Due, n.Expires, change.Now)
				}
			}
		})
	}
}

func reason(code string) m { return m{"cancelationReason": m{"coding": []any{m{"code": code}}}} }

// answers is the answer of Patient/1.
func answers(action, start string) []pipeline.Answer {
	at, _ := time.Parse(time.RFC3339, start)
	return []pipeline.Answer{{Subject: "Appointment/1", Patient: "Patient/1", Action: action, Occasion: at.UTC().Format(time.RFC3339)}}
}

// of makes answers those of another patient, and adds more.
func of(patient string, list []pipeline.Answer, more ...pipeline.Answer) []pipeline.Answer {
	for i := range list {
		list[i].Patient = patient
	}
	return append(list, more...)
}

func TestDecideFillsANotification(t *testing.T) {
	list := decide(t, shipped(t), pipeline.Change{Current: visit(t, "booked", march9), Version: "7", Now: moment(t, before)})
	for _, n := range list {
		if n.Step != "booked" && n.Step != "reminder_1d" {
			continue
		}
		want := pipeline.Notification{
			Key:     pipeline.NotificationKey("appointment", "booked", "Appointment/1", "7", "Patient/1"),
			Journey: "appointment", Step: "booked", Subject: "Appointment/1", Patient: "Patient/1", Recipient: "Patient/1",
			Occasion: "7", Due: moment(t, before), Expires: moment(t, march9), Priority: pipeline.PriorityNews, Resend: true, Edge: true,
		}
		if n.Step == "reminder_1d" {
			want = pipeline.Notification{
				Key:     pipeline.NotificationKey("appointment", "reminder_1d", "Appointment/1", "2027-03-09T13:30:00Z", "Patient/1"),
				Journey: "appointment", Step: "reminder_1d", Subject: "Appointment/1", Patient: "Patient/1", Recipient: "Patient/1",
				Occasion: "2027-03-09T13:30:00Z", Due: moment(t, "2027-03-08T10:00:00+01:00"), Expires: moment(t, "2027-03-08T22:00:00+01:00"),
				Priority: pipeline.PriorityReminder, Resend: true, Digest: true,
			}
		}
		if !n.Due.Equal(want.Due) || !n.Expires.Equal(want.Expires) {
			t.Errorf("%s: got due %v, expires %v, want %v, %v", n.Step, n.Due, n.Expires, want.Due, want.Expires)
		}
		n.Due, n.Expires = want.Due, want.Expires
		if !reflect.DeepEqual(n, want) {
			t.Errorf("got %+v, want %+v", n, want)
		}
	}
	ready := decide(t, shipped(t), pipeline.Change{Current: report(t, "final"), Version: "7", Now: moment(t, before)})[0]
	if ready.Resend || !ready.Due.Equal(moment(t, before).Add(48*time.Hour)) || !ready.Expires.Equal(moment(t, "2027-03-31T09:00:00+02:00")) {
		t.Errorf("report: got resend %v, due %v, expires %v", ready.Resend, ready.Due, ready.Expires)
	}
}

// What waits to be sent and still holds stays as it is; further news of it are
// in its words anyway.
func TestDecideKeepsWhatWaits(t *testing.T) {
	book := shipped(t)
	booked, now := visit(t, "booked", march9), moment(t, before)
	first := decide(t, book, pipeline.Change{Current: booked, Version: "1", Now: now})
	change := func(previous, current fhir.Resource, open []pipeline.Notification, at time.Time) []pipeline.Notification {
		return decide(t, book, pipeline.Change{Previous: previous, Current: current, Version: "2", Now: at, Known: pipeline.Known{Open: open}})
	}

	moved := change(booked, visit(t, "booked", march11), first, now.Add(time.Minute))
	same(t, "moved while the booking waits", steps(moved), []string{"booked", "reminder_1d", "reminder_2d", "reminder_7d"})
	for _, n := range moved {
		if n.Step == "booked" && (n.Key != keyOf(first, "booked") || !n.Due.Equal(now) || !n.Expires.Equal(moment(t, march11))) {
			t.Errorf("the booking that waits: got due %v, expires %v", n.Due, n.Expires)
		}
		if n.Step != "booked" && n.Key == keyOf(first, n.Step) {
			t.Errorf("%s: has the key of the old start", n.Step)
		}
	}

	cancelled := change(booked, visit(t, "cancelled", march9), first, now.Add(time.Minute))
	same(t, "cancelled while the booking waits", steps(cancelled), []string{"cancelled"})

	again := change(booked, booked, first, now.Add(time.Minute))
	same(t, "seen again while the booking waits", steps(again), []string{"booked", "reminder_1d", "reminder_2d", "reminder_7d"})

	late := change(booked, booked, first, moment(t, "2027-03-08T10:05:00+01:00"))
	same(t, "a reminder that is due and waits", steps(late), []string{"booked", "reminder_1d"})

	over := change(booked, booked, first, moment(t, march9))
	same(t, "all has expired", steps(over), nil)

	ready := decide(t, book, pipeline.Change{Current: report(t, "final"), Version: "1", Now: now})
	amended := change(report(t, "final"), report(t, "amended"), ready, now.Add(time.Minute))
	same(t, "amended while ready waits", steps(amended), []string{"ready"})
	withdrawn := change(report(t, "final"), report(t, "entered-in-error"), ready, now.Add(time.Minute))
	same(t, "withdrawn while ready waits", steps(withdrawn), nil)
}

func TestDecideKeepsAnswersToPatients(t *testing.T) {
	say := pipeline.Notification{Key: "k", Journey: "appointment", Step: "answer:confirm", Subject: "Appointment/1", Patient: "Patient/1", Recipient: "Patient/1", ReplyTo: "wamid.1"}
	for name, current := range map[string]fhir.Resource{"deleted": nil, "cancelled": visit(t, "cancelled", "")} {
		list := decide(t, shipped(t), pipeline.Change{
			Previous: visit(t, "booked", march9), Current: current, Historic: true, Now: moment(t, before),
			Known: pipeline.Known{Open: []pipeline.Notification{say}},
		})
		same(t, name, steps(list), []string{"answer:confirm"})
	}
}

func TestDecideTellsOnlyOnceThatAReportIsReady(t *testing.T) {
	change := pipeline.Change{
		Previous: report(t, "entered-in-error"), Current: report(t, "final"), Version: "4", Now: moment(t, before), Known: pipeline.Known{Told: []string{"Patient/1"}},
	}
	same(t, "told before", steps(decide(t, shipped(t), change)), nil)
	change.Known.Told = []string{"Patient/2"} // as whose it was by mistake
	same(t, "another patient was told", steps(decide(t, shipped(t), change)), []string{"ready"})
}

func TestNeeds(t *testing.T) {
	cases := map[string]struct {
		r    fhir.Resource
		want []string
	}{
		"booked":                {visit(t, "booked", march9, patients("needs-action", "1", "2")), []string{"Patient/1", "Patient/2"}},
		"cancelled":             {visit(t, "cancelled", march9), []string{"Patient/1"}},
		"over":                  {visit(t, "fulfilled", march9), nil},
		"walk-in":               {visit(t, "booked", march9, m{"appointmentType": m{"coding": []any{m{"code": "WALKIN"}}}}), nil},
		"final report":          {report(t, "final"), []string{"Patient/1"}},
		"preliminary":           {report(t, "preliminary"), nil},
		"a patient":             {patient(t, "Erika", "de"), nil},
		"nothing":               {nil, nil},
		"a contained patient":   {visit(t, "booked", march9, m{"contained": []any{m{"resourceType": "Patient", "id": "p"}}, "participant": []any{m{"actor": m{"reference": "#p"}, "status": "accepted"}}}), nil},
		"a group is no patient": {report(t, "final", m{"subject": m{"reference": "Group/1"}}), nil},
	}
	book := shipped(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { same(t, "needs", book.Needs(c.r), c.want) })
	}
}

func keyOf(list []pipeline.Notification, step string) string {
	for _, n := range list {
		if n.Step == step {
			return n.Key
		}
	}
	return ""
}
