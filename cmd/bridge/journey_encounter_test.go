package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// goes gives the attendee's visit that takes place a status, at a place, with further elements: JSON that ends with a comma, or nothing.
func (v *attendee) goes(status, place, elements string) {
	v.t.Helper()
	v.knows(fmt.Sprintf(`{"resourceType":"Encounter","id":"of-%s","status":%q,"class":{"code":"AMB"},"subject":{"reference":"Patient/%s"},`+
		`"appointment":[{"reference":"Appointment/of-%s"}],%s"location":[{"location":{"reference":"Location/%s"}}]}`, v.id, status, v.id, v.id, elements, place))
}

// waitsSoon books a visit that should have begun 20 minutes before what is soon, and lets the attendee arrive.
func (v *attendee) waitsSoon() (due time.Time) {
	v.t.Helper()
	due = v.dueSoon()
	start := due.Add(-20 * time.Minute)
	v.books(start, "", at("waiting-example"))
	v.await("the visit to be known", func() bool { // what was booked before counts for an Encounter that comes earlier
		kept, ok, err := v.bridge.app.ledger.Resource(v.t.Context(), "Appointment/of-"+v.id)
		must(v.t, err)
		return ok && gjson.GetBytes(kept.Resource, "start").Time().Equal(start)
	})
	v.goes("arrived", "waiting-example", fmt.Sprintf(`"period":{"start":%q},`, start.Add(-10*time.Minute).Format(time.RFC3339)))
	v.planned("Encounter/of-"+v.id, due)
	return due
}

// TestWaiting is what patients hear who are there and are not called in time, and what they answer.
func TestWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	b := w.run()
	waits, leaves, inTime := w.attendee(t, "e1", "Amara", "+15550100171", "en"), w.attendee(t, "e2", "Jonas", "+15550100172", "de"),
		w.attendee(t, "e3", "Łucja", "+15550100173", "pl")
	leaves.books(ahead(20), "", at("waiting-example")) // a message with buttons about what was booked
	leaves.reads("appointment_booked")
	waits.waitsSoon()
	leaves.waitsSoon()
	due := inTime.waitsSoon()
	inTime.goes("in-progress", "waiting-example", "") // before it is late
	inTime.stands("Encounter/of-e3", due, pipeline.Cancelled)
	w.passes(soon)

	m := waits.reads("waiting_late")
	waits.shows(m, "Amara", "running about 20 minutes late")
	waits.taps(m, "I will wait")
	waits.reads("Thank you for your patience")
	waits.charted("sender.reference", "Read as: can_wait")

	leaves.shows(leaves.reads("waiting_late"), "um etwa 20 Minuten")
	leaves.phone.Write("Ich muss gehen!")
	leaves.reads("Unser Team weiß Bescheid")
	task := leaves.task("must_leave")
	if got := task.Get("priority").String() + " " + task.Get("focus.reference").String(); got != "urgent Encounter/of-e2" {
		t.Errorf("the Task is %q, want urgent Encounter/of-e2", got)
	}
	leaves.charted("recipient.0.reference", "Encounter/of-e2")
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	for number, want := range map[string]int{"+15550100171": 2, "+15550100172": 3, "+15550100173": 0} {
		if got := len(w.whatsapp.Phone(number).Messages()); got != want {
			t.Errorf("%s has %d messages, want %d", number, got, want)
		}
	}
	o, err := b.app.outlookOf(t.Context(), "Encounter/of-e1")
	must(t, err)
	var states []string
	for _, s := range o.Steps {
		if s.Journey == "waiting" && s.Step == "late" {
			states = append(states, string(s.State))
		}
	}
	if got := strings.Join(states, " "); strings.Count(got, "planned") != 2 || strings.Count(got, "delivered") != 1 {
		t.Errorf("the plan has %q, want what was said and what may be", got)
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
}

// over ends the attendee's visit, in the appointment and in the Encounter, so that both are asked about soon.
func (v *attendee) over() {
	v.t.Helper()
	due := v.dueSoon()
	end := due.Add(-4 * time.Hour)
	fulfilled := appointment("of-"+v.id, v.id, "fulfilled", end.Add(-time.Hour))
	v.knows(strings.Replace(fulfilled, `"participant":[`, `"participant":[`+at("survey-example"), 1))
	v.goes("finished", "survey-example", fmt.Sprintf(`"period":{"start":%q,"end":%q},`, end.Add(-time.Hour).Format(time.RFC3339), end.Format(time.RFC3339)))
	v.planned("Encounter/of-"+v.id, due)
}

// answeredSurvey waits for the QuestionnaireResponse with an answer of the attendee's.
func (v *attendee) answeredSurvey(path, want string) (found gjson.Result) {
	v.t.Helper()
	v.await("the answer "+want, func() bool {
		for _, raw := range v.ehr.All("QuestionnaireResponse") {
			found = gjson.ParseBytes(raw)
			if found.Get("subject.reference").String() == "Patient/"+v.id && found.Get("item.0.answer.0."+path).String() == want {
				return true
			}
		}
		return false
	})
	return found
}

// TestSurvey is what patients are asked after a visit, once, and what becomes of their answers.
func TestSurvey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	b := w.run()
	happy, unhappy, stopped := w.attendee(t, "s1", "Amara", "+15550100174", "en"), w.attendee(t, "s2", "Jonas", "+15550100175", "de"),
		w.attendee(t, "s3", "Giulia", "+15550100176", "it")
	unhappy.phone.Write("Ich suche meinen Schal.") // so that there is a conversation
	unhappy.reads("Thank you for your message")
	stopped.phone.Write("STOP")
	stopped.reads("Harbour Hospital")
	for _, v := range []*attendee{happy, unhappy, stopped} {
		v.over()
	}
	w.passes(soon)

	asked := happy.reads("survey_visit")
	happy.taps(asked, "5 – Very good")
	happy.reads("Would you like to tell us more?")
	happy.phone.Write("Everybody was kind.")
	happy.reads("It helps us to do better.")
	happy.answeredSurvey("valueInteger", "5")
	words := happy.answeredSurvey("valueString", "Everybody was kind.")
	if got := words.Get("item.0.linkId").String() + " " + words.Get("status").String(); got != "survey_comment completed" {
		t.Errorf("the words are %q, want survey_comment completed", got)
	}
	if got := happy.task("survey_comment").Get("description").String(); got != "Everybody was kind." {
		t.Errorf("the Task says %q", got)
	}
	happy.taps(asked, "5 – Very good") // once more

	list := unhappy.reads("Wie war er?")
	if list.Kind != "list" || len(list.Buttons) != 5 {
		t.Errorf("got a %s of %d, want a list of 5", list.Kind, len(list.Buttons))
	}
	unhappy.taps(list, "2 – Schlecht")
	unhappy.taps(unhappy.reads("Möchten Sie uns mehr dazu sagen?"), "Nichts weiter")
	unhappy.reads("Sie hilft uns, besser zu werden.")
	unhappy.answeredSurvey("valueInteger", "2")
	unhappy.task("survey_poor")

	w.await("everything to be said and written", func() bool { return w.settled(b) })
	w.await("the second tap to be understood", func() bool { return strings.Contains(w.metrics(), `reading="again"`) })
	w.await("the one of two to be told", func() bool { return strings.Contains(w.metrics(), `reason="said"`) })
	for number, want := range map[string]int{"+15550100174": 3, "+15550100175": 4, "+15550100176": 1} {
		if got := len(w.whatsapp.Phone(number).Messages()); got != want {
			t.Errorf("%s has %d messages, want %d", number, got, want)
		}
	}
	if got := len(w.ehr.All("QuestionnaireResponse")); got != 3 {
		t.Errorf("%d answers, want three", got)
	}
	for _, kind := range []string{"QuestionnaireResponse", "Task", "Communication"} {
		if again := w.ehr.Duplicates(kind); len(again) > 0 {
			t.Errorf("%d of %s were written twice", len(again), kind)
		}
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	if log := b.log.String() + w.metrics(); strings.Contains(log, "kind.") || strings.Contains(log, "Schal") {
		t.Error("the log or the metrics say what a patient wrote")
	}
}
