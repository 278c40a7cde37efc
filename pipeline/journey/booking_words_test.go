package journey_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// bookable is the Book that is shipped, where patients can book and move.
func bookable(t *testing.T, services ...string) *journey.Book {
	t.Helper()
	s := settings(t)
	s.Booking = journey.Booking{Reschedule: true, Status: "proposed", Notice: time.Hour, Ahead: 30 * 24 * time.Hour, Patience: time.Minute}
	for _, name := range services {
		s.Booking.Services = append(s.Booking.Services, journey.Service{Name: name, Titles: map[string]string{"en": name}, Schedules: []string{"Schedule/" + name}})
	}
	return load(t, s)
}

// caller is a thread of somebody who has been told of nothing that waits for an answer.
func caller(t *testing.T, patients ...string) pipeline.Thread {
	t.Helper()
	return pipeline.Thread{How: "none", Patients: patients, Language: "en", Lookup: directory(patient(t, "Ann", "en"))}
}

func outcomeOf(o pipeline.Outcome) string {
	var said []string
	for _, n := range o.Say {
		said = append(said, n.Step)
	}
	text := o.Reading + " " + strings.Join(said, " ")
	if o.Handoff != "" {
		text += " hands " + o.Handoff
	}
	if w := o.Wish; w != nil {
		text += " wishes " + w.Service
	}
	return text
}

func TestAskingForAnAppointment(t *testing.T) {
	word := text("I would like an appointment")
	for _, c := range []struct {
		name, want string
		book       *journey.Book
		thread     func(*pipeline.Thread)
	}{
		{name: "nothing can be booked", book: shipped(t), want: "book answer:book hands book"},
		{name: "one service", book: bookable(t, "a"), want: "book  wishes a"},
		{name: "two services", book: bookable(t, "a", "b"), want: "book answer:book:services"},
		{name: "a family's phone", book: bookable(t, "a"), want: "book answer:book hands book", thread: func(th *pipeline.Thread) {
			th.Patients = []string{"Patient/1", "Patient/2"}
		}},
		{name: "who acts for the patient may mean themselves", book: bookable(t, "a"), want: "book answer:book hands book", thread: func(th *pipeline.Thread) {
			th.Proxy = "RelatedPerson/a"
		}},
		{name: "who acts for the patient says for whom", book: bookable(t, "a"), want: "book  wishes a", thread: func(th *pipeline.Thread) {
			*th = about(t, shipped(t), visit(t, "booked", march9), "")
			th.How, th.Proxy, th.Lookup = "quote", "RelatedPerson/a", directory(patient(t, "Ann", "en"))
		}},
		{name: "nobody knows who", book: bookable(t, "a"), want: "book answer:book hands book", thread: func(th *pipeline.Thread) { th.Patients = nil }},
		{name: "of whom nothing is known", book: bookable(t, "a"), want: "book answer:book hands book", thread: func(th *pipeline.Thread) { th.Lookup = directory() }},
		{name: "words that were asked for", book: bookable(t, "a"), want: "text answer:text hands patient_message", thread: func(th *pipeline.Thread) {
			*th = about(t, shipped(t), visit(t, "booked", march9), "")
			th.How = "asked"
		}},
		{name: "who has said STOP", book: bookable(t, "a"), want: "book  hands book", thread: func(th *pipeline.Thread) { th.Stopped = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			th := caller(t, "Patient/1")
			if c.thread != nil {
				c.thread(&th)
			}
			if got := outcomeOf(understand(t, c.book, word, th)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// offering is a list of free times for a visit, or for a new appointment, as the patient has it.
func offering(t *testing.T, b *journey.Book, th pipeline.Thread, o pipeline.Outcome, times ...string) (pipeline.Composed, pipeline.Thread) {
	t.Helper()
	if o.Wish == nil {
		t.Fatalf("nothing is wished: %s", outcomeOf(o))
	}
	n := o.Wish.Offer[0]
	for i, at := range times {
		start := moment(t, at)
		n.Offers = append(n.Offers, pipeline.Slot{Ref: "Slot/" + version(i+1), Start: start, End: start.Add(time.Hour)})
	}
	said, err := b.Compose(n, pipeline.Facts{Subject: th.Subject, Patient: patient(t, "Ann", "en"), Lookup: th.Lookup, Window: true, Now: moment(t, before)}, pipeline.NewAttempt())
	if err != nil || said.Skip != "" {
		t.Fatalf("not said: %q, %v", said.Skip, err)
	}
	th.How = "token"
	th.Sent = &pipeline.SentMessage{Notification: n, Attempt: pipeline.Attempt{ID: said.Message.Attempt, Actions: said.Actions, Choices: said.Choices, Shown: said.Shown, SubjectVersion: th.SubjectVersion}}
	return said, th
}

func tapped(th pipeline.Thread, row int) pipeline.Thread {
	sent := *th.Sent
	sent.Action, sent.Choice = sent.Attempt.Actions[row], sent.Attempt.Choices[row]
	th.Sent = &sent
	return th
}

func TestChoosingATime(t *testing.T) {
	b := bookable(t, "a")
	th := caller(t, "Patient/1")
	th.Now = moment(t, before)
	said, th := offering(t, b, th, understand(t, b, text("appointment"), th), "2027-03-09T10:00:00+01:00", "2027-03-09T11:00:00+01:00")
	list := said.Message.Interactive.List
	if len(list.Rows) != 3 || len(said.Actions) != 3 || len(said.Choices) != 3 || list.Rows[0].Title.Reveal() != "March 9, 10:00 am" || list.Rows[2].Title.Reveal() != "None of these" {
		t.Fatalf("got %d rows", len(list.Rows))
	}
	for i, row := range list.Rows {
		if _, n, ok := pipeline.ParseToken(row.Payload); !ok || n != i+1 {
			t.Errorf("row %d carries %q", i, row.Payload)
		}
	}
	first := understand(t, b, pipeline.Reply{Kind: "list"}, tapped(th, 0))
	w := first.Wish
	if w == nil || w.Slot == nil || w.Slot.Ref != "Slot/1" || w.Visit != "" || w.Service != "a" || w.Status != "proposed" || w.Origin == "" || len(w.Done) != 1 || w.Done[0].Key != w.Asked[0].Key {
		t.Fatalf("got %s", outcomeOf(first))
	}
	if second := understand(t, b, pipeline.Reply{Kind: "list"}, tapped(th, 1)); second.Wish.Origin != w.Origin {
		t.Error("two taps of a list are two conversations")
	}
	if got := outcomeOf(understand(t, b, pipeline.Reply{Kind: "list"}, tapped(th, 2))); got != "book answer:book hands book" {
		t.Errorf("none of these: got %q", got)
	}
	late := tapped(th, 0)
	late.Now = moment(t, "2027-03-09T10:30:00+01:00")
	if o := understand(t, b, pipeline.Reply{Kind: "list"}, late); o.Wish == nil || o.Wish.Slot != nil || o.Wish.Offer[0].Step != "answer:book:taken" {
		t.Errorf("a time that has passed: got %s", outcomeOf(o))
	}
	if got := outcomeOf(understand(t, shipped(t), pipeline.Reply{Kind: "list"}, tapped(th, 0))); got != "book answer:book hands book" {
		t.Errorf("a service that is not configured any more: got %q", got)
	}
}

func TestMovingAVisit(t *testing.T) {
	b, v := bookable(t), visit(t, "booked", march9)
	th := about(t, b, v, "change")
	th.Lookup, th.Now = directory(patient(t, "Ann", "en")), moment(t, before)
	asked := understand(t, b, text("Change"), th)
	if asked.Answer != nil || asked.Decision != nil || asked.Handoff != "" || len(asked.Say) != 0 {
		t.Errorf("something comes of it before a time is chosen: %s", outcomeOf(asked))
	}
	_, th = offering(t, b, th, asked, "2027-03-10T10:00:00+01:00")
	o := understand(t, b, pipeline.Reply{Kind: "list"}, tapped(th, 0))
	if o.Wish == nil || o.Wish.Visit != "Appointment/1" || o.Wish.Decision.Status != "tentative" || !o.Wish.Decision.Start.Equal(moment(t, march9)) {
		t.Fatalf("got %s", outcomeOf(o))
	}
	if o.Answer != nil || o.Wish.Answer == nil {
		t.Fatal("it counts before it has happened, or never")
	}
	known := pipeline.Known{Answers: []pipeline.Answer{*o.Wish.Answer}}
	waits := func(until time.Duration) pipeline.Known {
		asked := o.Wish.Asked[0]
		asked.Due = moment(t, before).Add(until)
		return pipeline.Known{Replying: []pipeline.Notification{asked}}
	}
	const chosen = "2027-03-10T10:00:00+01:00"
	for _, c := range []struct {
		name, from, to string
		known          pipeline.Known
		want           []string
	}{
		{"as was chosen", march9, chosen, known, nil},
		{"elsewhere", march9, "2027-03-10T11:00:00+01:00", known, []string{"moved"}},
		{"back", chosen, march9, known, []string{"moved"}},
		{"away and there again", "2027-03-11T10:00:00+01:00", chosen, known, []string{"moved"}},
		{"by people, as was chosen", march9, chosen, pipeline.Known{}, []string{"moved"}},
		{"as was chosen, before the EHR has answered us", march9, chosen, waits(time.Minute), nil},
		{"elsewhere, while we wait for the EHR", march9, "2027-03-10T11:00:00+01:00", waits(time.Minute), []string{"moved"}},
		{"as was chosen, while the patient is told that people do it", march9, chosen, waits(0), []string{"moved"}},
	} {
		plan := decide(t, b, pipeline.Change{Previous: visit(t, "booked", c.from), Current: visit(t, "booked", c.to), Version: "2", Known: c.known, Now: moment(t, before)})
		var news []pipeline.Notification
		for _, n := range plan {
			if n.Edge {
				news = append(news, n)
			}
		}
		same(t, c.name, steps(news), c.want)
	}
	moved := tapped(th, 0)
	moved.Subject, moved.SubjectVersion = visit(t, "booked", "2027-03-12T10:00:00+01:00"), "2"
	if o := understand(t, b, pipeline.Reply{Kind: "list"}, moved); o.Reading != "stale" || o.Wish != nil {
		t.Errorf("a list for another time: got %s", outcomeOf(o))
	}
	gone := tapped(th, 0)
	gone.Subject = visit(t, "cancelled", march9)
	if o := understand(t, b, pipeline.Reply{Kind: "list"}, gone); o.Reading != "late" || o.Wish != nil {
		t.Errorf("a list for a visit that is cancelled: got %s", outcomeOf(o))
	}
	if o := understand(t, b, pipeline.Reply{Kind: "list"}, tapped(th, 1)); o.Decision == nil || o.Decision.Status != "tentative" || o.Handoff != "change" {
		t.Errorf("none of these: got %s", outcomeOf(o))
	}
	done := o.Wish.Done[0]
	done.Offers = []pipeline.Slot{*o.Wish.Slot}
	for start, want := range map[string]pipeline.Reason{
		march9: "", "2027-03-10T10:00:00+01:00": "", "2027-03-12T10:00:00+01:00": pipeline.ReasonSuperseded, // moved by the hospital since
	} {
		said, err := b.Compose(done, pipeline.Facts{Subject: visit(t, "booked", start), Patient: patient(t, "Ann", "en"), Lookup: th.Lookup, Window: true, Now: moment(t, before)}, pipeline.NewAttempt())
		if err != nil || said.Skip != want {
			t.Errorf("done, at %s: got %q, want %q", start, said.Skip, want)
		}
	}
}

// Every time of a year fits into a row, and reads otherwise than all others of its day.
func TestEveryMomentFitsIntoARow(t *testing.T) {
	journey.WriteMoment(func(tag string, write func(time.Time) string) {
		seen := map[string]bool{}
		for i := range 365 * 2 {
			text := write(time.Date(2027, 1, 1, 10, 30, 0, 0, time.UTC).Add(time.Duration(i) * 12 * time.Hour))
			if n := utf8.RuneCountInString(text); n > 24 || n < 10 || strings.Contains(text, "2027") {
				t.Errorf("%s: got %q of %d characters", tag, text, n)
			}
			seen[text] = true
		}
		if len(seen) != 365*2 {
			t.Errorf("%s: got %d different moments", tag, len(seen))
		}
	})
}
