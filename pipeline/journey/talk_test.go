package journey_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// knows makes a thread one of patients by these names, with the numbers 1, 2 …
func knows(t testing.TB, th pipeline.Thread, names ...string) pipeline.Thread {
	t.Helper()
	known := map[string]fhir.Resource{}
	for i, name := range names {
		given, family, _ := strings.Cut(name, " ")
		p := decode[*fhir.Patient](t, m{"resourceType": "Patient", "id": fmt.Sprint(i + 1), "name": []any{m{"given": []string{given}, "family": family}}})
		known[p.Header().Ref()] = p
		th.Patients = append(th.Patients, p.Header().Ref())
	}
	th.Lookup = func(ref string) fhir.Resource { return known[ref] }
	return th
}

func TestAlarms(t *testing.T) {
	book := shipped(t)
	for _, c := range []struct {
		words    string
		language string // of the answer; "" if it is no alarm
	}{
		{"I have chest pain since this morning", "en"},
		{"chest pains!!", "en"},
		{"Help: he can’t breathe.", "en"},
		{"he cant breathe", "en"},
		{"he can't... breathe", "en"},
		{"HEART-ATTACK?", "en"},
		{"I feel suicidal", "it"}, // which Italian has, too
		{"Ich habe Brustschmerzen,bitte helfen", "de"},
		{"NOTFALL", "de"},
		{"meine Frau ist bewußtlos", "de"},
		{"me duele, no puedo respirar bien", "es"},
		{"je n’arrive plus à respirer", "fr"},
		{"Mio marito è svenuto", "it"},
		{"mam silny ból w klatce piersiowej", "pl"},
		{"sinto uma dor no peito", "pt"},
		{"Babam nefes alamıyor", "tr"},
		{"у мами інсульт, що робити?", "uk"},
		{"أعاني من ألم في الصدر", "ar"},
		{"chest", ""},
		{"pain in my foot", ""},
		{"Ein Stroker", ""}, // a part of a word is none
		{"I can come. Breathe!", ""},
		{"", ""},
		{strings.Repeat("a ", 20_000) + "chest pain", ""}, // longer than any message is
	} {
		o := understand(t, book, text(c.words), pipeline.Thread{How: "none", Stopped: true, Language: "it"})
		switch {
		case c.language == "" && (o.Reading == "emergency" || len(o.Say) > 0):
			t.Errorf("%q: got %s", c.words, o.Reading)
		case c.language == "":
		case o.Reading != "emergency" || o.Handoff != "emergency" || !o.Urgent || len(o.Say) != 1 || !o.Say[0].Farewell || o.Stop != nil:
			t.Errorf("%q: got %+v", c.words, o)
		default:
			said, err := book.Compose(o.Say[0], pipeline.Facts{Window: true, Language: "it", Now: moment(t, before)}, "attemptattempt00")
			if err != nil || said.Message.Language != c.language || !strings.Contains(said.Message.Text.Reveal(), "112") {
				t.Errorf("%q: answered in %q, want %q, with the number", c.words, said.Message.Language, c.language)
			}
		}
	}
}

// What several languages share is answered in the one of the patient.
func TestAlarmsThatLanguagesShare(t *testing.T) {
	book := shipped(t)
	for _, c := range []struct{ words, chosen, last, want string }{
		{"quiero suicidarme", "", "es", "es"},
		{"quiero suicidarme", "es", "en", "es"},
		{"I feel suicidal", "", "en", "en"},
		{"ho un infarto", "", "it", "it"},
		{"tengo un infarto", "", "es", "es"},
		{"acho que é um infarto", "pt", "de", "pt"},
		{"acho que é um infarto", "", "pt_BR", "pt"},
		{"infarto", "", "uk", "es"},
		{"a heart attack", "it", "it", "en"},
	} {
		o := understand(t, book, text(c.words), pipeline.Thread{How: "none", Chosen: c.chosen, Language: c.last})
		if len(o.Say) != 1 {
			t.Fatalf("%q: got %s with %d messages", c.words, o.Reading, len(o.Say))
		}
		said, err := book.Compose(o.Say[0], pipeline.Facts{Window: true, Language: c.chosen, Now: moment(t, before)}, attempt)
		if err != nil || said.Message.Language != c.want {
			t.Errorf("%q of %q: answered in %q, want %q", c.words, c.chosen+c.last, said.Message.Language, c.want)
		}
	}
}

// An alarm is searched for in what a patient has written, and answered while that is of use.
func TestAlarmsOfAllKinds(t *testing.T) {
	book := shipped(t)
	for kind, want := range map[string]string{
		"text": "emergency", "image": "emergency", "document": "emergency", "edit": "emergency", "button": "text", "list": "text", "reaction": "reaction", "contacts": "contacts",
	} {
		r := text("heart attack")
		r.Kind = kind
		if o := understand(t, book, r, pipeline.Thread{How: "none"}); o.Reading != want {
			t.Errorf("%s: got %s, want %s", kind, o.Reading, want)
		}
	}
	now := moment(t, before)
	late := pipeline.Reply{ID: "wamid.1", Kind: "text", Text: pipeline.NewPrivate("heart attack"), At: now.Add(-time.Hour)}
	if o, _ := book.Understand(late, pipeline.Thread{Now: now}); len(o.Say) > 0 || o.Handoff != "emergency" {
		t.Errorf("an hour late: got %d messages, Task %q; want only the Task", len(o.Say), o.Handoff)
	}
}

func TestWrongNumber(t *testing.T) {
	book := shipped(t)
	family := knows(t, pipeline.Thread{How: "several", Language: "de"}, "Erika Müller", "Ann Example")
	for _, c := range []struct {
		words string
		want  bool
	}{
		{"Falsche Nummer!", true}, {"Ich bin nicht Erika", true}, {"ich bin nicht erika müller.", true}, {"I am not Ann Example", true},
		{"This is not Mueller", false}, {"Ich bin nicht Otto", false}, {"Erika", false}, {"ich bin nicht", false}, {"Hier ist nicht Müller", true},
	} {
		o := understand(t, book, text(c.words), family)
		if got := o.Reading == "wrong_number"; got != c.want {
			t.Errorf("%q: read as %s", c.words, o.Reading)
		} else if c.want && (!slices.Equal(o.Disowns, []string{"Patient/1", "Patient/2"}) || !o.Say[0].Farewell) {
			t.Errorf("%q: disowns %v", c.words, o.Disowns)
		}
	}
	quoted := family
	quoted.How, quoted.Sent = "quote", &pipeline.SentMessage{Notification: pipeline.Notification{Journey: "appointment", Patient: "Patient/2"}}
	if o := understand(t, book, text("wrong number"), quoted); !slices.Equal(o.Disowns, []string{"Patient/2"}) {
		t.Errorf("in answer to a message: disowns %v, want whom it is about", o.Disowns)
	}
	again := pipeline.Thread{How: "none", Disowns: true}
	if o := understand(t, book, text("wrong number"), again); o.Reading != "again" || o.Handoff != "" || len(o.Say) > 0 {
		t.Errorf("said again: got %+v", o)
	}
	if o := understand(t, book, text("wrong number"), pipeline.Thread{How: "none"}); o.Handoff != "wrong_number" || len(o.Disowns) > 0 {
		t.Errorf("of a number that was told nothing: got %+v", o)
	}
}

func TestLanguages(t *testing.T) {
	book := shipped(t)
	o := understand(t, book, text("Sprache"), pipeline.Thread{How: "none", Language: "de"})
	list, err := book.Compose(o.Say[0], pipeline.Facts{Window: true, Now: moment(t, before)}, "attemptattempt00")
	if err != nil || list.Message.Interactive == nil || list.Message.Interactive.List == nil || len(list.Actions) != 10 {
		t.Fatalf("got %+v, %v; want a list of ten", list.Actions, err)
	}
	rows := list.Message.Interactive.List.Rows
	for i, row := range rows {
		if row.Title.Empty() || row.Payload != pipeline.Token("attemptattempt00", i+1) || !strings.Contains(list.Message.Seen.Reveal(), row.Title.Reveal()) {
			t.Errorf("row %d is not as it must be", i)
		}
		tag := strings.TrimPrefix(list.Actions[i], "language_")
		tapped := pipeline.Thread{How: "token", Language: "de", Sent: &pipeline.SentMessage{Action: list.Actions[i], Notification: o.Say[0]}}
		chosen := understand(t, book, pipeline.Reply{Kind: "list"}, tapped)
		said, err := book.Compose(chosen.Say[0], pipeline.Facts{Window: true, Language: tag, Now: moment(t, before)}, "attemptattempt00")
		if chosen.Language != tag || chosen.Handoff != "language" || err != nil || said.Message.Language != tag || said.Awaits {
			t.Errorf("%s: chosen %q, Task %q, answered in %q", list.Actions[i], chosen.Language, chosen.Handoff, said.Message.Language)
		}
		typed := understand(t, book, text(row.Title.Reveal()), pipeline.Thread{How: "none"})
		if typed.Language != tag {
			t.Errorf("typed %s: got %q", list.Actions[i], typed.Language)
		}
	}
	same := understand(t, book, text("Deutsch"), pipeline.Thread{How: "none", Chosen: "de"})
	if same.Handoff != "" || same.Language != "de" {
		t.Errorf("chosen before: got Task %q", same.Handoff)
	}
	if o := understand(t, book, text("Deutsch"), pipeline.Thread{How: "none", Stopped: true}); o.Language != "de" || len(o.Say) > 0 {
		t.Errorf("after STOP: got %q and %d messages, want the language and silence", o.Language, len(o.Say))
	}
}

// What was chosen counts before what the record says, and before the conversation.
func TestTheChosenLanguageCounts(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9)
	n := news(t, book, v, "booked")
	for chosen, want := range map[string]string{"": "en", "uk": "uk", "pt": "pt_BR", "xx": "en"} {
		said, err := book.Compose(n, pipeline.Facts{Subject: v, Language: chosen, Lookup: func(string) fhir.Resource { return nil }, Now: moment(t, before)}, "attemptattempt00")
		if err != nil || said.Message.Language != want {
			t.Errorf("chosen %q: got %q (%s), want %q", chosen, said.Message.Language, said.Skip, want)
		}
	}
	th := about(t, book, v, "")
	th.Chosen, th.Language = "tr", "de"
	if o := understand(t, book, text("Evet"), th); o.Reading != "confirm" {
		t.Errorf("a word of the chosen language is read as %s", o.Reading)
	}
}

func TestOpeningHours(t *testing.T) {
	s := settings(t)
	weekdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	s.Hours = []journey.Opening{{Days: weekdays, From: 8 * 60, To: 12 * 60}, {Days: weekdays[:4], From: 13 * 60, To: 24 * 60}}
	s.Holidays = []pipeline.Holiday{{Month: 1, Day: 1}, {Year: 2027, Month: 3, Day: 29}}
	for _, c := range []struct{ now, want string }{ // the next opening, "" for one who is there
		{"2027-03-01T08:00:00+01:00", ""},
		{"2027-03-01T07:59:59+01:00", "2027-03-01 08:00"},
		{"2027-03-01T12:00:00+01:00", "2027-03-01 13:00"},
		{"2027-03-01T23:59:59+01:00", ""},
		{"2027-03-05T12:30:00+01:00", "2027-03-08 08:00"}, // Friday has no afternoon
		{"2027-03-26T20:00:00+01:00", "2027-03-30 08:00"}, // over the change of the clocks and a holiday
		{"2027-12-31T13:00:00+01:00", "2028-01-03 08:00"}, // New Year's Day is a Saturday
		{"2026-01-01T10:00:00+01:00", "2026-01-02 08:00"}, // a Thursday
	} {
		now, got := moment(t, c.now), ""
		if !journey.Open(s, now) {
			got = journey.Opens(s, now).Format("2006-01-02 15:04")
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.now, got, c.want)
		}
	}
	s.Hours = nil
	if !journey.Open(s, moment(t, before)) {
		t.Error("without hours somebody is always there")
	}
	s.Hours = []journey.Opening{{Days: []time.Weekday{time.Sunday}, From: 0, To: 60}}
	for d := range 40 {
		s.Holidays = append(s.Holidays, pipeline.Holiday{Year: 2027, Month: 3, Day: 1 + d})
	}
	if got := journey.Opens(s, moment(t, "2027-03-01T12:00:00+01:00")); got.Month() != time.April && !got.IsZero() {
		t.Errorf("in a month of holidays: got %v", got)
	}
}

// What an answer would show of the facility and is not configured cannot be said: people read what was written.
func TestAPortalThatThereIsNot(t *testing.T) {
	s := settings(t)
	s.Portal, s.Documents = "", journey.Documents{}
	for name, book := range map[string]*journey.Book{"portal": shipped(t), "text": load(t, s)} {
		if o := understand(t, book, pipeline.Reply{Kind: "text", Text: pipeline.NewPrivate("Portal")}, offered(t, signed(t))); o.Reading != name {
			t.Errorf("got %q, want %q", o.Reading, name)
		}
	}
}

// Under a list of free times "1" may be its first row, and "yes" anything.
func TestNoDecisionUnderAList(t *testing.T) {
	th := about(t, shipped(t), visit(t, "booked", march9, listed), "")
	th.Sent.Notification.Step, th.Sent.Attempt.Choices = "answer:change:slots", []string{"a", "b"}
	for word, want := range map[string]string{"1": "text", "2": "text", "👍": "text", "yes": "text", "cancel": "cancel"} {
		if o := understand(t, shipped(t), pipeline.Reply{Kind: "text", Text: pipeline.NewPrivate(word)}, th); o.Reading != want {
			t.Errorf("%q: got %q, want %q", word, o.Reading, want)
		}
	}
}
