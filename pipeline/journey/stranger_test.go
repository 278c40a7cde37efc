package journey_test

import (
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const herNumber = "+15550100123"

// nobody is the thread of somebody of whom only the provider's id is known. The patient of herNumber was told something.
func nobody(t testing.TB) pipeline.Thread {
	t.Helper()
	her := decode[*fhir.Patient](t, m{"resourceType": "Patient", "id": "1", "birthDate": "1979-08-21",
		"telecom": []any{m{"system": "phone", "use": "mobile", "value": herNumber}}})
	return pipeline.Thread{How: "none", Language: "en", Lookup: directory(her), Told: func(number pipeline.Private) ([]string, int) {
		if number.Equal(pipeline.NewPrivate(herNumber)) {
			return []string{"Patient/1"}, 0
		}
		return nil, 0
	}}
}

// asksWho is such a thread when somebody has been asked who they are.
func asksWho(t testing.TB, guesses int) pipeline.Thread {
	t.Helper()
	th := nobody(t)
	th.How, th.Guesses = "asked", guesses
	th.Sent = &pipeline.SentMessage{Notification: pipeline.Notification{Journey: "conversation", Step: "answer:stranger"}}
	return th
}

func by(user, words string) pipeline.Reply {
	r := text(words)
	r.UserID = user
	return r
}

func TestStranger(t *testing.T) {
	book := shipped(t)
	o := understand(t, book, by("US.1", "When is my appointment?"), nobody(t))
	if o.Reading != "text" || o.Handoff != "patient_message" || len(o.Say) != 1 || o.Say[0].Step != "answer:stranger" {
		t.Fatalf("got %q, %q, %d messages; want people, and to be asked", o.Reading, o.Handoff, len(o.Say))
	}
	said := compose(t, book, o.Say[0], pipeline.Facts{Window: true, Now: moment(t, before)})
	if !said.Awaits || !said.Neutral {
		t.Errorf("awaits %v, neutral %v; want both", said.Awaits, said.Neutral)
	}
	for name, change := range map[string]func(*pipeline.Thread){
		"a number that is known":     func(th *pipeline.Thread) { th.From = pipeline.NewPrivate("+15550100199") },
		"wrong three times":          func(th *pipeline.Thread) { th.Guesses = 3 },
		"told about a patient":       func(th *pipeline.Thread) { th.Patients = []string{"Patient/1"} },
		"in answer to a message":     func(th *pipeline.Thread) { th.Sent = &pipeline.SentMessage{} },
		"nobody can say whose it is": func(th *pipeline.Thread) { th.Told = nil },
	} {
		th := nobody(t)
		change(&th)
		if o := understand(t, book, by("US.1", "When is my appointment?"), th); len(o.Say) != 1 || o.Say[0].Step != "answer:text" {
			t.Errorf("%s: asked all the same", name)
		}
	}
	if o := understand(t, book, by("US.1", "STOP"), nobody(t)); o.Stop == nil || !*o.Stop {
		t.Errorf("STOP: got %q", o.Reading)
	}
}

func TestWhoSomebodyIs(t *testing.T) {
	book := shipped(t)
	cases := []struct {
		name, words string
		guesses     int
		reading     string
		passed      bool // nil guess for neither
		guess       bool
		hands       string
	}{
		{name: "right", words: "+1 555 0100 123, 21 August 1979", reading: "stranger_noted", guess: true, passed: true},
		{name: "right, the other way round", words: "21.08.1979\n+15550100123", reading: "stranger_noted", guess: true, passed: true},
		{name: "right, with words", words: "My number is +1 (555) 0100-123 and I was born on 21 August 1979", reading: "stranger_noted", guess: true, passed: true},
		{name: "another day", words: "+15550100123, 22 August 1979", reading: "stranger_noted", guess: true},
		{name: "another number", words: "+15550100124, 21 August 1979", reading: "stranger_noted", guess: true},
		{name: "for the third time", words: "+15550100123, 22 August 1979", guesses: 2, reading: "stranger_noted", guess: true, hands: "stranger_locked"},
		{name: "once more", words: "+15550100123, 21 August 1979", guesses: 3, reading: "text", hands: "patient_message"},
		{name: "no number", words: "21 August 1979", reading: "stranger_unclear"},
		{name: "no date", words: "+15550100123", reading: "stranger_unclear"},
		{name: "two dates", words: "+15550100123 21.08.1979 22.08.1979", reading: "stranger_unclear"},
		{name: "words", words: "It is me, Erika!", reading: "text", hands: "patient_message"},
		{name: "STOP", words: "Stop", reading: "stop"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := understand(t, book, by("US.1", c.words), asksWho(t, c.guesses))
			if o.Reading != c.reading || o.Handoff != c.hands || (o.Guess != nil) != c.guess || o.Guess != nil && o.Guess.Passed != c.passed {
				t.Errorf("got %q, %q, guess %v", o.Reading, o.Handoff, o.Guess)
			}
			if o.Guess != nil && o.Guess.Passed && !o.Guess.Number.Equal(pipeline.NewPrivate(herNumber)) {
				t.Error("it is another number")
			}
			if filed := o.Filed.Reveal(); strings.Contains(c.words, "1979") && (filed == "" || strings.ContainsAny(filed, "0123456789")) {
				t.Error("numbers are filed")
			}
		})
	}
	right, wrong := understand(t, book, by("US.1", cases[0].words), asksWho(t, 0)), understand(t, book, by("US.1", cases[3].words), asksWho(t, 0))
	if right.Reading != wrong.Reading || right.Handoff != wrong.Handoff || right.Say[0].Step != wrong.Say[0].Step {
		t.Error("a right answer is told from a wrong one")
	}
	tried := asksWho(t, 0)
	tried.Told = func(pipeline.Private) ([]string, int) { return []string{"Patient/1"}, 6 }
	if o := understand(t, book, by("US.1", cases[0].words), tried); o.Guess == nil || o.Guess.Passed {
		t.Error("a number of which strangers were wrong too often is somebody's all the same")
	}
}

// Words of a number that may be somebody else's decide nothing; a tap does.
func TestUnverified(t *testing.T) {
	book := shipped(t)
	since := moment(t, before).Add(-time.Hour)
	record := func(saved time.Time) *fhir.Patient {
		return decode[*fhir.Patient](t, m{"resourceType": "Patient", "id": "1", "meta": m{"lastUpdated": saved.Format(time.RFC3339)},
			"telecom": []any{m{"system": "phone", "use": "mobile", "value": herNumber}}})
	}
	for _, c := range []struct {
		name, how, action string
		since, saved      time.Time
		reading, hands    string
	}{
		{"no doubt", "only", "", time.Time{}, since, "confirm", ""},
		{"a word", "only", "", since, since, "text", "sender_unverified"},
		{"a word, and a record that was saved since", "only", "", since, since.Add(time.Minute), "confirm", ""},
		{"a quote", "quote", "", since, since, "confirm", ""},
		{"a tap", "token", "confirm", since, since, "confirm", ""},
	} {
		th := about(t, book, visit(t, "booked", march9), c.action)
		th.How, th.Unverified, th.From, th.Lookup = c.how, c.since, pipeline.NewPrivate(herNumber), directory(record(c.saved))
		if o := understand(t, book, text("Ja"), th); o.Reading != c.reading || o.Handoff != c.hands {
			t.Errorf("%s: got %q, %q, want %q, %q", c.name, o.Reading, o.Handoff, c.reading, c.hands)
		}
	}
	th := pipeline.Thread{How: "none", Unverified: since}
	if o := understand(t, book, text("stop"), th); o.Stop == nil || !o.Unsure || o.Handoff != "sender_unverified" {
		t.Errorf("STOP: got %q, unsure %v, and people read %q", o.Reading, o.Unsure, o.Handoff)
	}
	th.Unverified = time.Time{}
	if o := understand(t, book, text("stop"), th); o.Stop == nil || o.Unsure || o.Handoff != "" {
		t.Errorf("STOP without a doubt: got %q, unsure %v, and people read %q", o.Reading, o.Unsure, o.Handoff)
	}
}

// Nothing that shows anything of a patient counts as neutral.
func TestNeutral(t *testing.T) {
	book := everything(t)
	v := visit(t, "booked", march9)
	facts := pipeline.Facts{Subject: v, Patient: patient(t, "Erika", "de"), Window: true, Lookup: directory()}
	for _, c := range []struct {
		journey, step string
		subject       bool
		want          bool
	}{
		{"appointment", "booked", true, false}, {"appointment", "answer:confirm", true, false}, {"appointment", "answer:stale", true, false},
		{"appointment", "answer:cancel", true, false}, {"directions", "answer:where", true, false},
		{"conversation", "answer:stop", false, true}, {"conversation", "answer:text", false, true}, {"conversation", "answer:late", false, true},
		{"conversation", "answer:emergency", false, true}, {"conversation", "answer:language", false, true}, {"conversation", "answer:book", false, true},
	} {
		n := pipeline.Notification{Journey: c.journey, Step: c.step, Patient: "Patient/1", ReplyTo: "wamid.1"}
		if c.subject {
			n.Subject = "Appointment/1"
		}
		if got := compose(t, book, n, facts); got.Skip != "" || got.Neutral != c.want {
			t.Errorf("%s, %s: got %v (%s), want %v", c.journey, c.step, got.Neutral, got.Skip, c.want)
		}
	}
}
