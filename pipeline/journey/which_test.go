package journey_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// heardOf is a message to a patient about a subject, as one of those that a word may be about.
func heardOf(journey, step string, subject fhir.Resource, patient string) pipeline.Antecedent {
	n := pipeline.Notification{Journey: journey, Step: step, Subject: subject.Header().Ref(), Patient: patient, Recipient: patient}
	a := pipeline.Attempt{ID: pipeline.NewAttempt(), SubjectVersion: "1"}
	if v, ok := subject.(*fhir.Appointment); ok {
		a.Shown = v.Start().UTC().Format("2006-01-02T15:04:05Z")
	}
	return pipeline.Antecedent{Sent: pipeline.SentMessage{Notification: n, Attempt: a}, Subject: subject, SubjectVersion: "1"}
}

// visitOf is a booked visit of a patient.
func visitOf(t testing.TB, id, patient, start string) fhir.Resource {
	t.Helper()
	return visit(t, "booked", start, m{"id": id}, patients("needs-action", patient))
}

func amongThread(t testing.TB, list ...pipeline.Antecedent) pipeline.Thread {
	t.Helper()
	th := knows(t, pipeline.Thread{How: "several", Language: "de", Antecedents: list}, "Erika Probe", "Ann Probe")
	if len(list) == 1 {
		th = th.About(1)
		th.How = "only"
	}
	return th
}

// asksWhich is the list that follows from an outcome, and what its rows stand for.
func asksWhich(t *testing.T, book *journey.Book, o pipeline.Outcome) (rows []pipeline.Row, tapped func(th pipeline.Thread, row int) pipeline.Outcome) {
	t.Helper()
	if o.Reading != "unclear" || o.Handoff != "" || o.Antecedent != 0 || len(o.Say) != 1 || o.Decision != nil {
		t.Fatalf("got %q, %q, about %d, %d messages; want a list alone", o.Reading, o.Handoff, o.Antecedent, len(o.Say))
	}
	said := compose(t, book, o.Say[0], pipeline.Facts{Window: true, Now: moment(t, before)})
	if said.Skip != "" || said.Message.Interactive == nil || said.Message.Interactive.List == nil {
		t.Fatalf("it is no list: %s", said.Skip)
	}
	rows = said.Message.Interactive.List.Rows
	if len(rows) != len(said.Actions) || len(rows) != len(said.Choices) {
		t.Fatalf("%d rows, %d actions, %d choices", len(rows), len(said.Actions), len(said.Choices))
	}
	return rows, func(th pipeline.Thread, row int) pipeline.Outcome {
		th.Sent = &pipeline.SentMessage{Notification: o.Say[0], Action: said.Actions[row], Choice: said.Choices[row]}
		th.How, th.Subject = "token", nil
		return understand(t, book, pipeline.Reply{ID: "wamid.tap", Kind: "list"}, th)
	}
}

func TestWhichOfTwoVisits(t *testing.T) {
	book := shipped(t)
	one, two := visitOf(t, "1", "1", march9), visitOf(t, "2", "1", march11)
	th := amongThread(t, heardOf("appointment", "booked", two, "Patient/1"), heardOf("appointment", "booked", one, "Patient/1"))
	th.Patients = th.Patients[:1]
	rows, tap := asksWhich(t, book, understand(t, book, text("Ja!"), th))
	if len(rows) != 3 || !strings.HasPrefix(rows[0].Title.Reveal(), "11. März, ") || !strings.HasPrefix(rows[1].Title.Reveal(), "9. März, ") || rows[2].Title.Reveal() != "Keiner davon" {
		t.Errorf("the rows are not the two visits and neither")
	}
	for _, row := range rows {
		if _, _, ok := pipeline.ParseToken(row.Payload); !ok {
			t.Error("a row carries more than a token")
		}
	}
	o := tap(th, 1)
	if o.Reading != "confirm" || o.Antecedent != 2 || o.Decision == nil || o.Decision.Appointment != "Appointment/1" || o.Answer.Subject != "Appointment/1" {
		t.Errorf("the first visit: got %q about %d", o.Reading, o.Antecedent)
	}
	if o := tap(th, 2); o.Reading != "unclear" || o.Handoff != "which_appointment" || o.Decision != nil {
		t.Errorf("neither: got %q, %q", o.Reading, o.Handoff)
	}
	moved := th
	moved.Antecedents = []pipeline.Antecedent{th.Antecedents[0], heardOf("appointment", "moved", visitOf(t, "1", "1", march11), "Patient/1")}
	if o := tap(moved, 1); o.Reading != "stale" || o.Decision != nil || len(o.Say) != 1 {
		t.Errorf("moved since it was asked: got %q", o.Reading)
	}
	gone := th
	gone.Antecedents = th.Antecedents[:1]
	if o := tap(gone, 1); o.Reading != "late" || o.Handoff == "" {
		t.Errorf("asked too long ago: got %q, %q", o.Reading, o.Handoff)
	}
	cancel := understand(t, book, text("absagen"), th)
	_, tap = asksWhich(t, book, cancel)
	if o := tap(th, 0); o.Reading != "cancel" || o.Antecedent != 1 || len(o.Say) != 1 || o.Say[0].Subject != "Appointment/2" {
		t.Errorf("to cancel the second: got %q about %d; want to be asked whether that is certain", o.Reading, o.Antecedent)
	}
	th.Stopped = true
	if o := understand(t, book, text("Ja!"), th); o.Handoff != "which_appointment" || len(o.Say) > 0 {
		t.Errorf("after STOP: got %q and %d messages, want people to be asked", o.Handoff, len(o.Say))
	}
}

func TestWhichOfTwoChildren(t *testing.T) {
	book := shipped(t)
	both := visit(t, "booked", march9, patients("needs-action", "1", "2"))
	for _, c := range []struct {
		name string
		list []pipeline.Antecedent
	}{
		{"at two visits", []pipeline.Antecedent{
			heardOf("appointment", "booked", visitOf(t, "1", "1", march9), "Patient/1"), heardOf("appointment", "booked", visitOf(t, "2", "2", march9), "Patient/2"),
		}},
		{"at one visit", []pipeline.Antecedent{heardOf("appointment", "booked", both, "Patient/1"), heardOf("appointment", "booked", both, "Patient/2")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			th := amongThread(t, c.list...)
			rows, tap := asksWhich(t, book, understand(t, book, text("Ja"), th))
			if len(rows) != 3 || rows[0].Title.Reveal() != "Erika" || rows[1].Title.Reveal() != "Ann" {
				t.Fatal("the rows are not the children")
			}
			if o := tap(th, 1); o.Decision == nil || o.Decision.Patient != "Patient/2" || o.Antecedent != 2 {
				t.Errorf("got %q about %d, want the second child's", o.Reading, o.Antecedent)
			}
		})
	}
}

// Only those count whose journey knows the word, and who can still be answered.
func TestAmongSeveral(t *testing.T) {
	book := everything(t)
	visit1, visit2, over := visitOf(t, "1", "1", march9), visitOf(t, "2", "1", march11), visitOf(t, "3", "1", "2027-02-20T10:00:00+01:00")
	results := heardOf("report", "ready", report(t, "final"), "Patient/1")
	booked, prepare := heardOf("appointment", "booked", visit1, "Patient/1"), heardOf("preparation", "instructed_3d", visit1, "Patient/1")
	for _, c := range []struct {
		name, word string
		list       []pipeline.Antecedent
		reading    string
		about      int
	}{
		{"results and a visit", "ja", []pipeline.Antecedent{results, booked}, "confirm", 2},
		{"the other way round", "ja", []pipeline.Antecedent{booked, results}, "confirm", 1},
		{"newer words about the same visit that do not know it", "ja", []pipeline.Antecedent{prepare, booked}, "confirm", 2},
		{"one that is over", "ja", []pipeline.Antecedent{heardOf("appointment", "booked", over, "Patient/1"), booked}, "confirm", 2},
		{"two visits", "ja", []pipeline.Antecedent{booked, heardOf("appointment", "booked", visit2, "Patient/1")}, "unclear", 0},
		{"two visits, and a word of none", "vielleicht", []pipeline.Antecedent{booked, heardOf("appointment", "booked", visit2, "Patient/1")}, "text", 0},
		{"two visits, and a word that both know from elsewhere", "wo", []pipeline.Antecedent{booked, heardOf("appointment", "booked", visit2, "Patient/1")}, "unclear", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			th := amongThread(t, c.list...)
			th.Patients = th.Patients[:1]
			if o := understand(t, book, text(c.word), th); o.Reading != c.reading || o.Antecedent != c.about {
				t.Errorf("got %q about %d, want %q about %d", o.Reading, o.Antecedent, c.reading, c.about)
			}
		})
	}
}

// A word that exactly one of the messages knows is never unclear, and never about another one.
func TestAWordThatOneKnows(t *testing.T) {
	book := everything(t)
	// What each journey is asked about, and a word that no other one knows.
	kinds := []struct{ journey, step, word, reading string }{
		{"appointment", "booked", "ja", "confirm"}, {"preparation", "instructed_3d", "erledigt", "prepared"},
		{"report", "ready", "portal", "portal"}, {"directions", "way", "wo", "where"},
	}
	rapid.Check(t, func(rt *rapid.T) {
		perm := rapid.Permutation([]int{0, 1, 2, 3}).Draw(rt, "order")
		n := rapid.IntRange(1, 4).Draw(rt, "messages")
		var list []pipeline.Antecedent
		for i, k := range perm[:n] {
			subject := visitOf(t, fmt.Sprint(i+1), "1", march9)
			if kinds[k].journey == "report" {
				subject = report(t, "final")
			}
			list = append(list, heardOf(kinds[k].journey, kinds[k].step, subject, "Patient/1"))
		}
		asked := rapid.IntRange(0, 3).Draw(rt, "word")
		th := amongThread(t, list...)
		o := understand(t, book, text(kinds[asked].word), th)
		for i, k := range perm[:n] {
			if k == asked && (o.Antecedent != i+1 || o.Reading == "unclear" || o.Reading == "text") {
				rt.Fatalf("%q: got %q about %d, want it to be about %d", kinds[asked].word, o.Reading, o.Antecedent, i+1)
			}
		}
		if o.Antecedent > 0 && perm[o.Antecedent-1] != asked && o.Decision != nil {
			rt.Fatalf("%q decides about a message that does not know it", kinds[asked].word)
		}
	})
}
