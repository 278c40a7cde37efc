package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// TestPlan asks a running bridge what it has planned, as an operator does.
func TestPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.run()
	w.knows(patient("p1", "Amara", "+15550100101", "en"))
	w.knows(appointment("a1", "p1", "booked", time.Now().Add(10*24*time.Hour)))
	phone := w.whatsapp.Phone("+15550100101")
	w.await("the booking message", func() bool { return len(phone.Messages()) == 1 })
	booked, _ := phone.Last()
	_, err := phone.Tap(booked.ID, 0)
	must(t, err)
	w.await("the answer", func() bool { return len(phone.Messages()) == 2 })

	o, err := askPlan(t.Context(), w.admin, "Appointment/a1")
	must(t, err)
	if o.Version == "" || o.Zone != clinicZone || o.ZoneFrom != "facility" {
		t.Errorf("got version %q, zone %q from %q", o.Version, o.Zone, o.ZoneFrom)
	}
	if len(o.Answers) != 1 || o.Answers[0].Action != "confirm" || o.Answers[0].Patient != "Patient/p1" {
		t.Errorf("got the answers %v, want one confirmation", o.Answers)
	}
	seen := map[string]outlookStep{}
	for _, s := range o.Steps {
		seen[s.Step] = s
		if (s.State == "") != (s.NotPlanned != "") && s.State != pipeline.Cancelled {
			t.Errorf("%s has the state %q and is not planned for %q", s.Step, s.State, s.NotPlanned)
		}
	}
	if s := seen["booked"]; s.Template != "appointment_booked" || s.Since.IsZero() || pipeline.Planned.Advances(s.State) != true {
		t.Errorf("booked: got %+v, want it sent", s)
	}
	if s := seen["moved"]; s.NotPlanned != "waits for: moved" {
		t.Errorf("moved: got %+v", s)
	}
	if s := seen["answer:confirm"]; s.State == "" {
		t.Error("the answer is not told")
	}
	if s := seen["reminder_2d"]; s.NotPlanned == "" || s.State != pipeline.Cancelled {
		t.Errorf("a reminder of what is confirmed: got %+v, want it cancelled, and why", s)
	}

	answer, err := http.Get("http://" + w.admin + "/plan?ref=Appointment/a1")
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	for _, private := range []string{"Amara", "Example", "15550100101", "wamid", booked.ID, "Harbour", strings.Split(booked.Text, "\n")[0]} {
		if bytes.Contains(body, []byte(private)) {
			t.Errorf("the answer holds %q", private)
		}
	}
}

// TestPlanRefusals are the answers to who asks for what there is not.
func TestPlanRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.run()
	for _, c := range []struct{ name, ref, want string }{
		{"nothing is kept", "Appointment/none", "Appointment/none: nothing is kept of it"},
		{"no reference", "appointment 1", "ref must be like Appointment/1"},
		{"nothing asked", "", "ref must be like Appointment/1"},
		{"a name inside a Bundle", "urn:uuid:6f1c4f0a-0000-4000-8000-000000000001", "ref must be like Appointment/1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := askPlan(t.Context(), w.admin, c.ref); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	t.Run("no bridge", func(t *testing.T) {
		if _, err := askPlan(t.Context(), nextAddress(t), "Appointment/1"); err == nil || !strings.Contains(err.Error(), "is it running?") {
			t.Errorf("got %v", err)
		}
	})
}

// TestPlanMerges puts what the journeys want beside what the ledger has.
func TestPlanMerges(t *testing.T) {
	at := time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)
	entry := func(step string, due time.Time, state pipeline.State, reason pipeline.Reason) pipeline.TraceEntry {
		return pipeline.TraceEntry{
			Notification: pipeline.Notification{
				Journey: "visit", Step: step, Patient: "Patient/1", Recipient: "Patient/1", Due: due, State: state, Reason: string(reason),
				ReplyTo: "wamid.of.a.number", Occasion: "wamid.of.a.number",
			},
			States: []pipeline.StateChange{{State: pipeline.Planned, At: at}, {State: state, At: at.Add(time.Hour)}},
		}
	}
	step := func(name string, planned bool, why journey.Why, detail string) journey.StepOutlook {
		return journey.StepOutlook{Journey: "visit", Step: name, Patient: "Patient/1", Template: "hello", Planned: planned, Why: why, Detail: detail, Due: at}
	}
	covered := step("noon", true, journey.WhyCovered, "visit.morning")
	covered.Key = "noon"
	noon := entry("noon", at.Add(48*time.Hour), pipeline.Planned, "")
	noon.Notification.Key = "noon"
	sent := entry("booked", at, pipeline.Sent, "")
	sent.Attempts = []pipeline.Attempt{{Template: "hello_before", MessageID: "wamid.of.a.number"}}
	o := outlook{Ref: "Appointment/1", Version: "3", Zone: clinicZone, ZoneFrom: "Location/1", Answers: []outlookAnswer{{"Patient/1", "confirm", at}}}
	o.Steps = merge([]journey.StepOutlook{
		step("booked", false, journey.WhyNoNews, "became booked"),
		step("moved", false, journey.WhyNoNews, "moved"),
		step("week", false, journey.WhyPast, ""),
		step("day", false, journey.WhyCondition, "not answered"),
		step("morning", true, journey.WhyPlanned, ""),
		covered,
		step("new", true, journey.WhyPlanned, ""),
		{Journey: "other", Why: journey.WhyOnly, Detail: "service in fasting"},
	}, []pipeline.TraceEntry{
		sent, entry("day", at.Add(-24*time.Hour), pipeline.Cancelled, pipeline.ReasonSuperseded), entry("day", at.Add(24*time.Hour), pipeline.Cancelled, pipeline.ReasonAnswered),
		entry("morning", at.Add(48*time.Hour), pipeline.Planned, ""), noon, entry("answer:confirm", at, pipeline.Failed, pipeline.ReasonRefused),
	})
	var out bytes.Buffer
	must(t, o.print(&out))
	want := `Appointment/1, version 3; times are of Europe/Berlin, as Location/1 says
Patient/1 answered confirm on Mon 2027-03-01 09:00
JOURNEY  STEP            PATIENT    WHEN                  TEMPLATE      STATE
visit    booked          Patient/1  Mon 2027-03-01 09:00  hello_before  sent Mon 2027-03-01 10:00
visit    moved           Patient/1                        hello         not planned: waits for: moved
visit    week            Patient/1  Mon 2027-03-01 09:00  hello         not planned: its time has passed
visit    day             Patient/1  Sun 2027-02-28 09:00  hello         cancelled (superseded) Mon 2027-03-01 10:00
visit    day             Patient/1  Tue 2027-03-02 09:00  hello         cancelled (answered) Mon 2027-03-01 10:00, not planned again: does not hold: not answered
visit    morning         Patient/1  Wed 2027-03-03 09:00  hello         planned
visit    noon            Patient/1  Wed 2027-03-03 09:00  hello         planned, said by visit.morning, unless that is not sent
visit    new             Patient/1                        hello         not planned: wanted since the journeys were changed: the next version of the resource plans it
other                                                                   not planned: only while: service in fasting
visit    answer:confirm  Patient/1  Mon 2027-03-01 09:00                failed (refused) Mon 2027-03-01 10:00
`
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(out.String(), "\n")); d != "" {
		t.Error(d)
	}
	raw, err := json.Marshal(o)
	must(t, err)
	if bytes.Contains(raw, []byte("wamid")) {
		t.Error("the answer holds the id of a message, which has a number in it")
	}
}
