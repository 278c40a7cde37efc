package journey_test

import (
	"encoding/json"
	"testing"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// digestOf is one message that told Patient/1 of visits, as what a word may be about: once for each of them.
func digestOf(t *testing.T, visits ...fhir.Resource) (list []pipeline.Antecedent) {
	t.Helper()
	var refs []string
	for _, v := range visits {
		refs = append(refs, v.Header().Ref())
	}
	raw, err := json.Marshal(m{"visits": refs})
	if err != nil {
		t.Fatal(err)
	}
	id := pipeline.NewAttempt()
	for _, v := range visits {
		a := heardOf("appointment", "reminder_7d", v, "Patient/1")
		a.Sent.Attempt.ID, a.Sent.Attempt.Actions, a.Sent.Attempt.Choices = id, []string{"each"}, []string{string(raw)}
		list = append(list, a)
	}
	return list
}

// amongVisits is the thread of one patient who was told of visits.
func amongVisits(t *testing.T, list []pipeline.Antecedent) pipeline.Thread {
	t.Helper()
	th := amongThread(t, list...)
	people := th.Lookup
	th.Patients, th.Language, th.Lookup = th.Patients[:1], "en", func(ref string) fhir.Resource {
		for _, a := range list {
			if a.Sent.Notification.Subject == ref {
				return a.Subject
			}
		}
		return people(ref)
	}
	return th
}

// TestWhichUnderADigest: each visit that a message told of beside others is a row of its own, and the row decides about it.
func TestWhichUnderADigest(t *testing.T) {
	book := shipped(t)
	a, b, c := visitOf(t, "1", "1", march9), visitOf(t, "2", "1", march11), visitOf(t, "3", "1", "2027-03-12T10:00:00+01:00")
	over := visitOf(t, "1", "1", "2027-02-20T10:00:00+01:00")
	one := heardOf("appointment", "booked", c, "Patient/1")
	for _, tc := range []struct {
		name, word string
		list       []pipeline.Antecedent
		rows       []string // what is shown, in its order
	}{
		{"and another visit", "yes", append(digestOf(t, a, b), one), []string{"Appointment/1", "Appointment/2", "Appointment/3"}},
		{"whose own visit is over", "yes", append(digestOf(t, over, b), one), []string{"Appointment/2", "Appointment/3"}},
		{"after newer news of its own visit", "yes", append([]pipeline.Antecedent{heardOf("appointment", "moved", a, "Patient/1")}, digestOf(t, a, b)[1]), []string{"Appointment/1", "Appointment/2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			th := amongVisits(t, tc.list)
			rows, tap := asksWhich(t, book, understand(t, book, text(tc.word), th))
			if len(rows) != len(tc.rows)+1 {
				t.Fatalf("%d rows, want %v and none of them", len(rows), tc.rows)
			}
			for i, want := range tc.rows {
				o := tap(th, i)
				if o.Reading != "confirm" || o.Decision == nil || o.Decision.Appointment != want || o.Answer.Subject != want || o.Antecedent == 0 || th.Antecedents[o.Antecedent-1].Sent.Notification.Subject != want {
					t.Errorf("row %d: got %q about %d, want %s confirmed", i, o.Reading, o.Antecedent, want)
				}
			}
		})
	}
	th := amongVisits(t, append(digestOf(t, a, b), one))
	_, tap := asksWhich(t, book, understand(t, book, text("show each"), th))
	if o := tap(th, 1); o.Reading != "each" || len(o.Say) != 1 || o.Say[0].Subject != "Appointment/2" {
		t.Errorf("to see the second: got %q with %d messages", o.Reading, len(o.Say))
	}
	_, tap = asksWhich(t, book, understand(t, book, text("yes"), th))
	moved := visitOf(t, "2", "1", "2027-03-15T10:00:00+01:00")
	if o := tap(amongVisits(t, append(digestOf(t, a, moved), one)), 1); o.Reading != "stale" || o.Decision != nil {
		t.Errorf("moved since it was asked: got %q", o.Reading)
	}
}

// TestADigestAloneIsNoList: where nothing else was told, each visit is shown as it stands.
func TestADigestAloneIsNoList(t *testing.T) {
	book := shipped(t)
	a, b := visitOf(t, "1", "1", march9), visitOf(t, "2", "1", march11)
	th := amongVisits(t, digestOf(t, a, b))
	if o := understand(t, book, text("yes"), th); o.Reading != "unclear" || o.Decision != nil || len(o.Say) != 2 || o.Say[0].Subject != "Appointment/1" || o.Say[1].Subject != "Appointment/2" {
		t.Errorf("got %q with %d messages, want both visits", o.Reading, len(o.Say))
	}
	th = amongVisits(t, digestOf(t, visitOf(t, "1", "1", "2027-02-20T10:00:00+01:00"), b))
	if o := understand(t, book, text("yes"), th); o.Reading != "unclear" || o.Decision != nil || len(o.Say) != 1 || o.Say[0].Subject != "Appointment/2" {
		t.Errorf("the first is over: got %q with %d messages, want the second visit", o.Reading, len(o.Say))
	}
}
