package journey_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

func compose(t testing.TB, b *journey.Book, n pipeline.Notification, f pipeline.Facts) pipeline.Composed {
	t.Helper()
	if f.Now.IsZero() {
		f.Now = moment(t, before)
	}
	if f.Lookup == nil {
		f.Lookup = directory(place(t, "House 2", ""))
	}
	c, err := b.Compose(n, f, attempt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// news is what a booking plans for Patient/1: its news, and the reminders.
func news(t testing.TB, b *journey.Book, r fhir.Resource, step string) pipeline.Notification {
	t.Helper()
	for _, n := range decide(t, b, pipeline.Change{Current: r, Version: "1", Now: moment(t, before)}) {
		if n.Step == step {
			return n
		}
	}
	t.Fatalf("no %s", step)
	return pipeline.Notification{}
}

func TestComposeATemplate(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9)
	got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "Erika", "de")})
	template := got.Message.Template
	if template == nil || template.Name != "appointment_booked" || got.Message.Language != "de" || got.Shown != "2027-03-09T13:30:00Z" {
		t.Fatalf("got %+v", got)
	}
	var names []string
	for _, p := range template.Body {
		names = append(names, p.Name)
	}
	same(t, "parameters", names, []string{"name", "facility", "date", "time", "place"})
	same(t, "actions", got.Actions, []string{"confirm", "change", "cancel"})
	for i, b := range template.Buttons {
		if b.Index != i || b.Payload != pipeline.Token(attempt, i+1) || b.Title != []string{"Bestätigen", "Verschieben", "Absagen"}[i] {
			t.Errorf("button %d: got %+v", i, b)
		}
	}
	if !strings.HasSuffix(got.Message.Seen.Reveal(), "\n\nMit STOPP erhalten Sie keine Nachrichten mehr.\n\n[Bestätigen] [Verschieben] [Absagen]") {
		t.Errorf("seen: got %q", got.Message.Seen.Reveal())
	}
	if got.Message.Attempt != attempt || !got.Message.To.Empty() {
		t.Errorf("got attempt %q, a number %v", got.Message.Attempt, !got.Message.To.Empty())
	}
}

func TestComposeChoosesALanguage(t *testing.T) {
	cases := []struct{ patient, facility, want string }{
		{"de", "en", "de"}, {"de-CH", "en", "de"}, {"DE_at", "en", "de"}, {"es-419", "en", "es"}, {"ar-SA", "de", "ar"},
		{"", "de", "de"}, {"sv", "de", "de"}, {"fr-CA", "de", "fr"}, {"pt", "de", "pt_BR"}, {"pt-PT", "de", "pt_BR"}, {"pt-AO", "de", "pt_BR"}, {"", "pt-PT", "pt_BR"}, {"not a tag at all", "es", "es"}, {"x", "ar", "ar"}, {"gsw", "en", "de"}, {"den", "en", "en"},
	}
	v := visit(t, "booked", march9)
	for _, c := range cases {
		s := settings(t)
		s.Language = c.facility
		book := load(t, s)
		got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "Erika", c.patient)})
		if got.Message.Language != c.want {
			t.Errorf("%q at %q: got %q, want %q", c.patient, c.facility, got.Message.Language, c.want)
		}
	}
}

func TestComposeSkipsWhatDoesNotHoldAnyMore(t *testing.T) {
	booked := visit(t, "booked", march9)
	late := moment(t, "2027-03-07T10:00:00+01:00")
	cases := []struct {
		name, step string
		facts      pipeline.Facts
		want       pipeline.Reason
	}{
		{"a booking that holds", "booked", pipeline.Facts{Subject: booked}, pipeline.ReasonNone},
		{"a booking that has moved says the new time", "booked", pipeline.Facts{Subject: visit(t, "booked", march11)}, pipeline.ReasonNone},
		{"a booking that was cancelled", "booked", pipeline.Facts{Subject: visit(t, "cancelled", march9)}, pipeline.ReasonSuperseded},
		{"a reminder that holds", "reminder_2d", pipeline.Facts{Subject: booked, Now: late}, pipeline.ReasonNone},
		{"a reminder of a visit that was cancelled", "reminder_2d", pipeline.Facts{Subject: visit(t, "cancelled", march9)}, pipeline.ReasonSuperseded},
		{"a reminder of a visit that has moved", "reminder_2d", pipeline.Facts{Subject: visit(t, "booked", march11)}, pipeline.ReasonSuperseded},
		{"a reminder of a visit that was accepted", "reminder_2d", pipeline.Facts{Subject: visit(t, "booked", march9, patients("accepted", "1"))}, pipeline.ReasonAnswered},
		{"a reminder of a visit that was confirmed", "reminder_2d", pipeline.Facts{Subject: booked, Known: pipeline.Known{Answers: answers("confirm", march9)}}, pipeline.ReasonAnswered},
		{"a visit without this patient", "reminder_2d", pipeline.Facts{Subject: visit(t, "booked", march9, patients("accepted", "2"))}, pipeline.ReasonSuperseded},
		{"a visit that became test data", "booked", pipeline.Facts{Subject: visit(t, "booked", march9, labels("HTEST"))}, pipeline.ReasonSuperseded},
		{"a visit that is gone", "booked", pipeline.Facts{}, pipeline.ReasonSubjectGone},
		{"a step of another configuration", "reminder_9d", pipeline.Facts{Subject: booked}, pipeline.ReasonSuperseded},
	}
	book := shipped(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := news(t, book, booked, "booked")
			if c.step != "booked" {
				n = news(t, book, booked, "reminder_2d")
				n.Step = c.step
			}
			c.facts.Patient = patient(t, "Erika", "de")
			got := compose(t, book, n, c.facts)
			if got.Skip != c.want || (c.want == "") == got.Message.Seen.Empty() {
				t.Errorf("got %q and words %v, want %q", got.Skip, !got.Message.Seen.Empty(), c.want)
			}
		})
	}
	gone := news(t, book, booked, "booked")
	gone.Journey = "survey"
	if got := compose(t, book, gone, pipeline.Facts{Subject: booked}); got.Skip != pipeline.ReasonSuperseded {
		t.Errorf("a journey of another configuration: got %q", got.Skip)
	}
}

func TestComposeFindsFacts(t *testing.T) {
	at := func(name string) func(string) fhir.Resource { return directory(place(t, name, "")) }
	display := m{"participant": []any{
		m{"actor": m{"reference": "Patient/1"}, "status": "needs-action"},
		m{"actor": m{"reference": "Location/7", "display": "Pavilion"}, "status": "accepted"},
	}}
	contained := m{
		"contained": []any{m{"resourceType": "Location", "id": "room", "name": "Room 5"}},
		"participant": []any{
			m{"actor": m{"reference": "Patient/1"}, "status": "needs-action"},
			m{"actor": m{"reference": "#room"}, "status": "accepted"},
		},
	}
	cases := []struct {
		name   string
		v      *fhir.Appointment
		given  string
		lookup func(string) fhir.Resource
		want   string
	}{
		{"the place", visit(t, "booked", march9), "Ann", at("House 2"), "Place: House 2\n"},
		{"the place by its display", visit(t, "booked", march9, display), "Ann", at("House 2"), "Place: Pavilion\n"},
		{"a contained place", visit(t, "booked", march9, contained), "Ann", at("House 2"), "Place: Room 5\n"},
		{"no place: the facility", visit(t, "booked", march9, patients("needs-action", "1")), "Ann", at("House 2"), "Place: Harbour Hospital\n"},
		{"a sensitive visit: the facility", visit(t, "booked", march9, labels("PSY")), "Ann", at("Psychiatry"), "Place: Harbour Hospital\n"},
		{"no name", visit(t, "booked", march9), "", at("House 2"), "Hello dear patient, we"},
		{"what Meta refuses in a parameter", visit(t, "booked", march9), "Ann", at("House\n2,\t left     wing "), "Place: House 2, left wing\n"},
		{"controls that turn the writing", visit(t, "booked", march9), "An\u202en", at("House 2"), "Hello Ann, we"},
		{"a name that looks like a placeholder", visit(t, "booked", march9), "{{date}}", at("House 2"), "Hello {{date}}, we"},
	}
	book := shipped(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := compose(t, book, news(t, book, c.v, "booked"), pipeline.Facts{Subject: c.v, Patient: patient(t, c.given, "en"), Lookup: c.lookup})
			if seen := got.Message.Seen.Reveal(); !strings.Contains(seen, c.want) {
				t.Errorf("got %q, want %q in it", seen, c.want)
			}
		})
	}
}

// Words never exceed Meta's limit, however long the facts are.
func TestComposeStaysWithinTheLimit(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9)
	long := strings.Repeat("Länge ", 400)
	got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{
		Subject: v, Patient: patient(t, long, "ar"), Lookup: directory(place(t, long, "")),
	})
	if n := utf8.RuneCountInString(got.Message.Seen.Reveal()); n > 1024 {
		t.Errorf("got %d characters", n)
	}
	for _, p := range got.Message.Template.Body {
		if text := p.Text.Reveal(); text == "" || strings.ContainsAny(text, "\n\t") || strings.Contains(text, "     ") {
			t.Errorf("%s: got %q", p.Name, text)
		}
	}
}

// Latin words in an Arabic line are isolated; Arabic ones and numbers are not.
func TestComposeRightToLeft(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9)
	got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{
		Subject: v, Patient: patient(t, "ليلى", "ar"), Lookup: directory(place(t, "House 2 (left)", "")),
	})
	seen := got.Message.Seen.Reveal()
	for _, want := range []string{"مرحبًا ليلى،", "المكان: \u2068House 2 (left)\u2069\n", "الوقت: 2:30 م\n"} {
		if !strings.Contains(seen, want) {
			t.Errorf("got %q, want %q in it", seen, want)
		}
	}
}

func TestComposeACancelledVisitThatLostItsStart(t *testing.T) {
	book, gone := shipped(t), visit(t, "cancelled", "")
	list := decide(t, book, pipeline.Change{Previous: visit(t, "booked", march9), Current: gone, Version: "2", Now: moment(t, before)})
	again := decide(t, book, pipeline.Change{Previous: gone, Current: gone, Version: "3", Now: moment(t, before), Known: pipeline.Known{Open: list}})
	if len(again) != 1 {
		t.Fatalf("got %v", steps(again))
	}
	got := compose(t, book, again[0], pipeline.Facts{Subject: gone, Patient: patient(t, "Erika", "de")})
	if !strings.Contains(got.Message.Seen.Reveal(), "Datum: Dienstag, 9. März 2027\nUhrzeit: 14:30\n") {
		t.Errorf("got %q, %q", got.Skip, got.Message.Seen.Reveal())
	}
}

func TestComposeMissingFact(t *testing.T) {
	book := with(t, "journeys/visit.yaml", `
journey: visit
on: Appointment
steps: [{name: who, when: became booked, send: who, expires: start}]
`, "templates/who.yaml", `
template: who
kind: template
category: utility
may_show: [person]
parameters: {clinician: {field: clinician.name, example: Dr. Careful}}
languages:
  en: {body: "You will be seen by {{clinician}} at our house."}
`)
	for name, want := range map[string]pipeline.Reason{"": pipeline.ReasonMissingFact, "Careful, Adam": pipeline.ReasonNone} {
		v := visit(t, "booked", march9, m{"participant": []any{
			m{"actor": m{"reference": "Patient/1"}, "status": "needs-action"},
			m{"actor": m{"reference": "Practitioner/1", "display": name}, "status": "accepted"},
		}})
		got := compose(t, book, news(t, book, v, "who"), pipeline.Facts{Subject: v, Patient: patient(t, "Ann", "en")})
		if got.Skip != want {
			t.Errorf("%q: got %q, want %q", name, got.Skip, want)
		}
	}
}

// TestComposeWithoutALanguage: loading refuses templates that lack the language of another one, or the facility's. What it takes
// for the facility's may still be in another script than the facility says; then nothing is sent in letters that may not be read.
func TestComposeWithoutALanguage(t *testing.T) {
	for facility, want := range map[string]pipeline.Reason{"es": pipeline.ReasonNone, "es-ES": pipeline.ReasonNone, "es-Hebr": pipeline.ReasonNoTemplate} {
		s := settings(t)
		s.Language = facility
		journeys, templates := files("journeys/visit.yaml", `
journey: visit
on: Appointment
steps: [{name: told, when: became booked, send: told, expires: start}]
`, "templates/told.yaml", `
template: told
kind: template
category: utility
may_show: []
parameters: {}
languages:
  es_MX: {body: "Le esperamos pronto en nuestra casa."}
`)
		book, problems := journey.Load(journeys, templates, s)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		v := visit(t, "booked", march9)
		got := compose(t, book, news(t, book, v, "told"), pipeline.Facts{Subject: v, Patient: patient(t, "Erika", "de")})
		if got.Skip != want || (want == "") == got.Message.Seen.Empty() {
			t.Errorf("%s: got %q and words %v, want %q", facility, got.Skip, !got.Message.Seen.Empty(), want)
		}
	}
}
