package journey_test

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"

	"fhirbridge/configs"
	"fhirbridge/pipeline"
)

// tags are the languages of the shipped templates, as Meta knows them.
var tags = []string{"en", "de", "es", "fr", "it", "pl", "pt_BR", "tr", "uk", "ar"}

func TestShippedTemplatesInEveryLanguage(t *testing.T) {
	book := everything(t)
	visited, reported := about(t, shipped(t), visit(t, "booked", march9, listed), ""), offered(t, signed(t))
	there := threadOf(encounter(t, "arrived"), "waiting")
	languages := map[string][]string{}
	for _, raw := range book.MetaTemplates() {
		var x struct {
			Name, Language string
			Components     []struct {
				Type, Text string
				Buttons    []struct{ Text string }
			}
		}
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatal(err)
		}
		languages[x.Name] = append(languages[x.Name], x.Language)
		th, of := visited, sender(t, x.Name)
		switch of {
		case "report":
			th = reported
		case "waiting", "survey":
			th = there
		}
		th.Sent.Notification.Journey = of
		answers := buttons(t, x.Name)
		for _, c := range x.Components {
			if limit := map[string]int{"HEADER": 60, "FOOTER": 60, "BODY": 500}[c.Type]; utf8.RuneCountInString(c.Text) > limit {
				t.Errorf("%s in %s: got %d characters in the %s, want at most %d", x.Name, x.Language, utf8.RuneCountInString(c.Text), c.Type, limit)
			}
			if strings.ContainsAny(c.Text, "/*_~") || strings.Contains(c.Text, "(a)") { // read aloud, they are noise
				t.Errorf("%s in %s: a screen reader stumbles over %q", x.Name, x.Language, c.Text)
			}
			for i, b := range c.Buttons {
				if utf8.RuneCountInString(b.Text) > 20 {
					t.Errorf("%s in %s: the button %q is longer than 20 characters", x.Name, x.Language, b.Text)
				}
				if got, want := reads(t, book, th, x.Language, b.Text), answers[i]; got != want {
					t.Errorf("%s in %s: the words of the button %q read %q, want %q", x.Name, x.Language, b.Text, got, want)
				}
			}
		}
	}
	for name, got := range languages {
		if !slices.Equal(got, tags) {
			t.Errorf("%s: got %q, want %q", name, got, tags)
		}
	}
}

// listed makes a visit one of those for which the shipped journeys have a list.
var listed = m{
	"participant": []any{
		m{"actor": m{"reference": "Patient/1"}, "status": "needs-action"},
		m{"actor": m{"reference": "Location/check-in-example"}, "status": "accepted"}, m{"actor": m{"reference": "Location/vulnerable-example"}, "status": "accepted"},
	},
	"serviceType": []any{m{"coding": []any{m{"system": "http://example.org/service-types", "code": "fasting-example"}}}},
}

// sender is the journey that sends a template.
func sender(t *testing.T, template string) string {
	t.Helper()
	names, err := fs.Glob(configs.Journeys(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text := file(t, configs.Journeys(), name)
		if strings.Contains(text, "send: "+template+"\n") || strings.Contains(text, "\nsends: ["+template+"]\n") || strings.Contains(text, "offer: "+template+" ") ||
			strings.Contains(text, "digest: ["+template+",") || strings.Contains(text, ", "+template+"]\n") {
			return strings.TrimSuffix(name, ".yaml")
		}
	}
	t.Errorf("no journey sends %s", template)
	return ""
}

// buttons are the answers that the buttons of a template stand for.
func buttons(t *testing.T, template string) []string {
	t.Helper()
	_, list, _ := strings.Cut(file(t, configs.Templates(), template+".yaml"), "\nbuttons: [")
	list, _, _ = strings.Cut(list, "]")
	return strings.Split(list, ", ")
}

// The word that a footer names ends the messages, and the word that the farewell names lets them come again.
func TestStopAndStartAsTheTextsSay(t *testing.T) {
	book := shipped(t)
	v := visit(t, "booked", march9)
	cases := []struct{ language, stop, start string }{
		{"en", "STOP", "START"}, {"de", "STOPP", "START"}, {"es", "BAJA", "ALTA"}, {"fr", "STOP", "START"}, {"it", "STOP", "START"},
		{"pl", "STOP", "START"}, {"pt_BR", "PARAR", "INICIAR"}, {"tr", "DURDUR", "BAŞLA"}, {"uk", "СТОП", "СТАРТ"}, {"ar", "إيقاف", "ابدأ"},
	}
	for _, c := range cases {
		booked := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "Erika", c.language)})
		if seen := booked.Message.Seen.Reveal(); !strings.Contains(seen, c.stop) {
			t.Errorf("%s: got %q, want %q in it", c.language, seen, c.stop)
		}
		for word, want := range map[string]string{c.stop: "stop", c.start: "start"} {
			o := understand(t, book, text(word), pipeline.Thread{How: "none", Language: c.language})
			if o.Reading != want || len(o.Say) != 1 {
				t.Fatalf("%s: %q reads %q, %d answers", c.language, word, o.Reading, len(o.Say))
			}
			said := compose(t, book, o.Say[0], pipeline.Facts{Window: true}).Message
			named := map[string]string{"stop": c.start, "start": c.stop}[want]
			if seen := said.Seen.Reveal(); !strings.Contains(seen, named) || !strings.Contains(c.language, said.Language) {
				t.Errorf("%s: got %q in %s, want %q in it", c.language, seen, said.Language, named)
			}
		}
	}
}

func TestGreetingWithoutAName(t *testing.T) {
	book := shipped(t)
	v := visit(t, "booked", march9)
	for language, want := range map[string]string{
		"en": "Hello dear patient, we", "de": "Guten Tag liebe Patientin, lieber Patient, wir", "es": "Hola, estimada o estimado paciente: hemos",
		"fr": "Bonjour Madame, Monsieur, nous", "it": "Gentile paziente, abbiamo", "pl": "Dzień dobry, Szanowni Państwo! Umówiliśmy",
		"pt": "Olá, estimada ou estimado paciente! A sua", "tr": "Sayın hastamız, kurumumuzda",
		"uk": "Добрий день, шановна пацієнтко, шановний пацієнте! Вас", "ar": "مرحبًا مراجعينا الكرام، حجزنا",
	} {
		got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "", language)})
		if seen := got.Message.Seen.Reveal(); !strings.Contains(seen, want) {
			t.Errorf("%s: got %q, want %q in it", language, seen, want)
		}
	}
}

// A facility may speak any of the languages, by whatever tag; a patient without one reads that.
func TestFacilityInEveryLanguage(t *testing.T) {
	v := visit(t, "booked", march9)
	for _, language := range append([]string{"pt", "pt-PT", "fr-CH"}, tags...) {
		s := settings(t)
		s.Language = language
		book := load(t, s)
		got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "Erika", "")})
		if base, _, _ := strings.Cut(language, "-"); !strings.HasPrefix(got.Message.Language, base) {
			t.Errorf("%s: got %q", language, got.Message.Language)
		}
	}
}

// The lines of an Arabic message, laid out as a screen does
// (https://www.unicode.org/reports/tr9/): words and numbers of another direction stay in one piece.
func TestArabicReadsRight(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9)
	cases := []struct{ given, place, whole string }{
		{"ليلى", "House 2 (left)", "House 2 (left)"},
		{"ليلى", "Wing B-12, 3rd floor.", "Wing B-12, 3rd floor."},
		{"Erika", "مبنى 2", "Erika"},
		{"ليلى", "مبنى 2", "Harbour Hospital"},
		{"ليلى", "مبنى 2", "2:30"},
		{"ليلى", "3-12", "3-12"},
		{"ليلى", "+1 555 0100", "+1 555 0100"},
		{"ليلى", "Корпус 2 (Б)", "Корпус 2 (Б)"},
	}
	for _, c := range cases {
		got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{
			Subject: v, Patient: patient(t, c.given, "ar"), Lookup: directory(place(t, c.place, "")),
		})
		shown := false
		for line := range strings.Lines(got.Message.Seen.Reveal()) {
			shown = shown || slices.ContainsFunc(leftToRight(t, line), func(run string) bool { return strings.Trim(run, "\u2068\u2069 ") == c.whole })
		}
		if !shown {
			t.Errorf("%q is torn apart in %q", c.whole, got.Message.Seen.Reveal())
		}
	}
}

// leftToRight returns the runs of a line that are shown from left to right. The line itself goes from right to left.
func leftToRight(t *testing.T, line string) []string {
	t.Helper()
	var p bidi.Paragraph
	if _, err := p.SetString(strings.TrimSpace(line)); err != nil {
		t.Fatal(err)
	}
	order, err := p.Order()
	if err != nil {
		t.Fatal(err)
	}
	var runs []string
	for i := range order.NumRuns() {
		if run := order.Run(i); run.Direction() == bidi.LeftToRight {
			runs = append(runs, run.String())
		}
	}
	return runs
}
