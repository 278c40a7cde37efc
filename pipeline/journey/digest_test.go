package journey_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"fhirbridge/configs"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// reminderOf plans the reminder of two days before for a visit of the shipped journey.
func reminderOf(t *testing.T, id, start string) pipeline.Companion {
	t.Helper()
	v := visit(t, "booked", start, m{"id": id})
	for _, n := range decide(t, shipped(t), pipeline.Change{Current: v, Version: "1", Now: moment(t, "2027-03-01T09:00:00+01:00")}) {
		if n.Step == "reminder_2d" {
			return pipeline.Companion{Notification: n, Facts: pipeline.Facts{Subject: v, Patient: patient(t, "Ann", "en"), Now: moment(t, "2027-03-03T10:00:00+01:00")}}
		}
	}
	t.Fatal("there is no reminder")
	return pipeline.Companion{}
}

// TestDigestHoldsForEachVisit: a message about several visits is made only while each of them is such as its step says.
func TestDigestHoldsForEachVisit(t *testing.T) {
	b := shipped(t)
	first, second := reminderOf(t, "1", "2027-03-05T14:30:00+01:00"), reminderOf(t, "2", "2027-03-05T10:00:00+01:00")
	if !first.Notification.Digest || first.Notification.Alone {
		t.Errorf("the reminder may be said with others: %v", first.Notification.Digest)
	}
	with := func(list ...pipeline.Companion) pipeline.Composed {
		f := first.Facts
		f.With = list
		return compose(t, b, first.Notification, f)
	}
	c := with(second)
	seen := c.Message.Seen.Reveal()
	if i, j := strings.Index(seen, "1. Friday, March 5, 2027, 10:00 am"), strings.Index(seen, "2. Friday, March 5, 2027, 2:30 pm"); i < 0 || j < i {
		t.Errorf("the visits are not in the order of their starts: %s", seen)
	}
	if len(c.Actions) != 1 || c.Actions[0] != "each" || len(c.Choices) != 1 {
		t.Errorf("got actions %v with %d choices, want one button", c.Actions, len(c.Choices))
	}
	gone := second
	gone.Facts.Subject = visit(t, "cancelled", "2027-03-05T10:00:00+01:00", m{"id": "2"})
	moved := second
	moved.Facts.Subject = visit(t, "booked", "2027-03-06T10:00:00+01:00", m{"id": "2"})
	answered := second
	answered.Facts.Known.Answers = []pipeline.Answer{{Subject: "Appointment/2", Patient: "Patient/1", Action: "confirm", Occasion: "2027-03-05T09:00:00Z"}}
	for name, list := range map[string][]pipeline.Companion{
		"cancelled": {gone}, "moved": {moved}, "answered": {answered}, "more than there are words for": {second, second, second},
	} {
		if c := with(list...); c.Skip == pipeline.ReasonNone {
			t.Errorf("%s: said all the same", name)
		}
	}
}

// TestADecisionUnderADigestIsAskedAbout: none of the visits is guessed, whatever is typed.
func TestADecisionUnderADigestIsAskedAbout(t *testing.T) {
	b := shipped(t)
	first, second := reminderOf(t, "1", "2027-03-05T14:30:00+01:00"), reminderOf(t, "2", "2027-03-05T10:00:00+01:00")
	f := first.Facts
	f.With = []pipeline.Companion{second}
	c := compose(t, b, first.Notification, f)
	sent := &pipeline.SentMessage{Notification: first.Notification, Attempt: pipeline.Attempt{Actions: c.Actions, Choices: c.Choices, Shown: c.Shown, Language: "en"}}
	for word, want := range map[string]string{"yes": "unclear", "no": "unclear", "2": "unclear", "reschedule": "unclear", "show each": "each"} {
		o := understand(t, b, text(word), pipeline.Thread{
			Sent: sent, How: "only", Subject: first.Facts.Subject, SubjectVersion: "1", Patients: []string{"Patient/1"}, Language: "en", Now: f.Now,
			Lookup: directory(second.Facts.Subject),
		})
		if o.Reading != want || o.Answer != nil || o.Decision != nil || len(o.Say) != 2 || o.Say[0].Subject != "Appointment/2" || o.Say[1].Subject != "Appointment/1" {
			t.Errorf("%s: reads %q, decides %v, says %d, want %q, nothing and each visit", word, o.Reading, o.Decision != nil, len(o.Say), want)
		}
	}
}

func TestDigestProblems(t *testing.T) {
	rules := file(t, configs.Journeys(), "appointment.yaml")
	for name, c := range map[string]struct{ old, instead, want string }{
		"news":           {"    when: became booked\n", "    when: became booked\n    digest: [appointment_reminders_two]\n", "news do not wait for others"},
		"a single one":   {"digest: [appointment_reminders_two, appointment_reminders_three]", "digest: [appointment_reminder]", "shows one visit"},
		"the same twice": {"digest: [appointment_reminders_two, appointment_reminders_three]", "digest: [appointment_reminders_two, appointment_reminders_two]", "tells of 2 visits already"},
		"as one":         {"send: appointment_reminder\n", "send: appointment_reminders_two\n", "shows several visits"},
	} {
		changed := strings.Replace(rules, c.old, c.instead, 1)
		if changed == rules {
			t.Fatalf("%s: nothing is changed", name)
		}
		_, problems := journey.Load(fstest.MapFS{
			"appointment.yaml":  &fstest.MapFile{Data: []byte(changed)},
			"conversation.yaml": &fstest.MapFile{Data: []byte(file(t, configs.Journeys(), "conversation.yaml"))},
		}, configs.Templates(), settings(t))
		if got := fmt.Sprint(problems); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, want %q", name, got, c.want)
		}
	}
}
