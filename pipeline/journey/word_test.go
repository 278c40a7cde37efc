package journey_test

import (
	"io/fs"
	"testing"

	"github.com/goccy/go-yaml"

	"fhirbridge/configs"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// reads is what a typed word is read as, by a patient of a language who was told of a visit in it.
func reads(t *testing.T, b *journey.Book, th pipeline.Thread, language, word string) string {
	t.Helper()
	th.Language = language
	return understand(t, b, text(word), th).Reading
}

func TestWordsAsTheyAreTyped(t *testing.T) {
	book := shipped(t)
	th := about(t, book, visit(t, "booked", march9), "")
	cases := []struct {
		language, reading string
		typed             []string
	}{
		{"fr", "confirm", []string{"Oui", "OUI !", "d'accord", "D’accord", "je confirme", "confirmé", "CONFIRME"}},
		{"fr", "cancel", []string{"Annuler", "j'annule", "J’annule.", "annulé", "annule"}},
		{"it", "confirm", []string{"Sì", "si", "SI'", "Sí", "Sì, grazie!", "verro", "Verrò"}},
		{"it", "cancel", []string{"No.", "Disdico", "non verrò", "non verro'"}},
		{"pl", "confirm", []string{"Tak", "POTWIERDŹ", "potwierdz", "przyjde", "Przyjdę!", "Tak, będę", "bede"}},
		{"pl", "cancel", []string{"Nie", "Odwołuję", "odwoluje", "ODWOŁUJĘ", "ODWOLUJE", "nie moge", "anuluję"}},
		{"pl", "text", []string{"no", "No."}}, // a careless yes, and no English refusal
		{"pt", "confirm", []string{"Sim", "SIM!", "está bem", "esta bem", "lá estarei", "Confirmo"}},
		{"pt", "cancel", []string{"Não", "nao", "NÃO", "Não, obrigada."}},
		{"pt_BR", "confirm", []string{"sim", "Tá bom", "ta bom", "beleza"}},
		{"pt-PT", "cancel", []string{"não", "Desmarcar"}},
		{"pt-PT", "text", []string{"beleza"}},
		{"tr", "confirm", []string{"Evet", "ONAYLIYORUM", "onaylıyorum", "onayliyorum", "Onaylıyorum.", "GELİYORUM", "geliyorum", "gelıyorum"}},
		{"tr", "cancel", []string{"Hayır", "HAYIR", "hayir", "HAYİR", "İptal", "iptal", "IPTAL", "ıptal", "İPTAL ET", "gelmeyeceğim", "gelmeyecegim"}},
		{"uk", "confirm", []string{"Так", "ТАК!", "з'явлюся", "З’явлюся", "зʼявлюся", "зявлюся", "підтверджую", "ПІДТВЕРДЖУЮ", "ок", "ok"}},
		{"uk", "cancel", []string{"Ні", "ні, дякую", "Скасувати", "не прийду", "не прииду"}},
		{"ar", "confirm", []string{"نعم", "نَعَمْ", "نعـــم", "أؤكد", "اوكد", "حسنًا", "حسنا", "إي نعم", "اى نعم"}},
		{"ar", "cancel", []string{"لا", "إلغاء", "الغاء", "ألغي", "الغى", "لا شكراً"}},
		{"de", "confirm", []string{"bestätigt", "BESTÄTIGT", "bestatigt"}},
		{"es", "cancel", []string{"no iré", "NO IRE"}},
		{"en", "confirm", []string{"I'll be there", "i’ll be there!", "ILL BE THERE"}},
	}
	for _, c := range cases {
		for _, word := range c.typed {
			if got := reads(t, book, th, c.language, word); got != c.reading {
				t.Errorf("%q in %s: got %q, want %q", word, c.language, got, c.reading)
			}
		}
	}
}

// No word that is listed anywhere means another thing in any language: after a message of its journey it is that
// answer, or words for people.
func TestNoWordMeansTwoThings(t *testing.T) {
	book, visited := everything(t), about(t, shipped(t), visit(t, "booked", march9, listed), "")
	there := threadOf(encounter(t, "arrived"), "")
	files, err := fs.Glob(configs.Journeys(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	words := 0
	for _, file := range files {
		raw, err := fs.ReadFile(configs.Journeys(), file)
		if err != nil {
			t.Fatal(err)
		}
		var j struct {
			Journey, On string
			Answers     map[string]struct{ Words map[string][]string }
		}
		if err := yaml.Unmarshal(raw, &j); err != nil {
			t.Fatal(err)
		}
		th := visited
		switch j.On {
		case "Encounter":
			th = there
			fallthrough
		case "Appointment":
			th.Sent.Notification.Journey = j.Journey
		case "DiagnosticReport":
			th = offered(t, signed(t))
		}
		for answer, a := range j.Answers {
			for listed, list := range a.Words {
				for _, word := range list {
					words++
					for _, language := range append([]string{"pt"}, tags...) {
						got := reads(t, book, th, language, word)
						if got != answer && (got != "text" || language == listed || listed == "any") {
							t.Errorf("%q, which is %s in %s, reads %q in %s", word, answer, listed, got, language)
						}
					}
				}
			}
		}
	}
	if words < 300 {
		t.Errorf("got %d words", words)
	}
}
