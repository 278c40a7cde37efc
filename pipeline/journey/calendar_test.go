package journey_test

import (
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

func TestDatesAsTheLanguageWritesThem(t *testing.T) {
	const may5, august1, january7 = "2027-05-05T16:00:00+02:00", "2027-08-01T00:05:00+02:00", "2027-01-07T09:15:00+01:00"
	cases := []struct{ language, start, date, clock string }{
		{"en", march9, "Tuesday, March 9, 2027", "2:30 pm"},
		{"en-US", "2027-03-09T00:05:00+01:00", "Tuesday, March 9, 2027", "12:05 am"},
		{"en-GB", march9, "Tuesday, 9 March 2027", "14:30"},
		{"en-AU", march9, "Tuesday, 9 March 2027", "2:30 pm"},
		{"de", march9, "Dienstag, 9. März 2027", "14:30"},
		{"de", january7, "Donnerstag, 7. Januar 2027", "09:15"},
		{"de-AT", january7, "Donnerstag, 7. Jänner 2027", "09:15"},
		{"es", may5, "miércoles, 5 de mayo de 2027", "16:00"},
		{"es-MX", january7, "jueves, 7 de enero de 2027", "9:15"},
		{"es-US", may5, "miércoles, 5 de mayo de 2027", "4:00 p.\u00a0m."},
		{"fr", march9, "mardi 9 mars 2027", "14:30"},
		{"fr", august1, "dimanche 1 août 2027", "00:05"},
		{"fr-CA", march9, "mardi 9 mars 2027", "14 h 30"},
		{"fr-CH", march9, "mardi, 9 mars 2027", "14:30"},
		{"it", march9, "martedì 9 marzo 2027", "14:30"},
		{"it", january7, "giovedì 7 gennaio 2027", "09:15"},
		{"pl", march9, "wtorek, 9 marca 2027", "14:30"},
		{"pl", august1, "niedziela, 1 sierpnia 2027", "00:05"},
		{"pt", march9, "terça-feira, 9 de março de 2027", "14:30"},
		{"pt-BR", may5, "quarta-feira, 5 de maio de 2027", "16:00"},
		{"pt-PT", january7, "quinta-feira, 7 de janeiro de 2027", "09:15"},
		{"tr", march9, "9 Mart 2027 Salı", "14:30"},
		{"tr", august1, "1 Ağustos 2027 Pazar", "00:05"},
		{"uk", march9, "вівторок, 9 березня 2027 р.", "14:30"},
		{"uk", august1, "неділя, 1 серпня 2027 р.", "00:05"},
		{"ar", "2027-03-09T15:05:00+01:00", "الثلاثاء، 9 مارس 2027", "3:05 م"},
		{"ar-EG", "2027-03-11T09:30:00+01:00", "الخميس، 11 مارس 2027", "9:30 ص"},
		{"ar-SY", march9, "الثلاثاء، 9 آذار 2027", "2:30 م"},
	}
	book := shipped(t)
	for _, c := range cases {
		t.Run(c.language+" "+c.date, func(t *testing.T) {
			v := visit(t, "booked", c.start)
			n := decide(t, book, pipeline.Change{Current: v, Version: "1", Now: moment(t, "2027-01-01T09:00:00+01:00")})[0]
			got := compose(t, book, n, pipeline.Facts{Subject: v, Patient: patient(t, "Erika", c.language)})
			params := map[string]string{}
			for _, p := range got.Message.Template.Body {
				params[p.Name] = p.Text.Reveal()
			}
			if params["date"] != c.date || params["time"] != c.clock {
				t.Errorf("got %q, %q, want %q, %q", params["date"], params["time"], c.date, c.clock)
			}
			for _, digit := range "٠١٢٣٤٥٦٧٨٩" { // the digits of CLDR's default for these countries are 0 to 9
				if strings.ContainsRune(params["date"]+params["time"], digit) {
					t.Errorf("has the digit %q", digit)
				}
			}
		})
	}
}

// The country of the facility decides for patients whose language names none.
func TestDatesAsTheCountryWritesThem(t *testing.T) {
	cases := []struct{ country, language, clock string }{
		{"DE", "es", "14:30"},
		{"US", "es", "2:30 p.\u00a0m."},
		{"US", "es-ES", "14:30"},
		{"GB", "en", "14:30"},
		{"CA", "fr", "14 h 30"},
		{"CA", "de", "14:30"},
		{"", "fr", "14:30"},
	}
	v := visit(t, "booked", march9)
	for _, c := range cases {
		s := settings(t)
		s.Country = c.country
		book := load(t, s)
		got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "Erika", c.language)})
		if seen := got.Message.Seen.Reveal(); !strings.Contains(seen, ": "+c.clock+"\n") {
			t.Errorf("%s in %q: got %q, want %q in it", c.language, c.country, seen, c.clock)
		}
	}
}

// Every day of a year and every hour of a day is written, and otherwise than all others.
func TestEveryCalendarIsWhole(t *testing.T) {
	first := time.Date(2027, 1, 1, 0, 5, 0, 0, time.UTC)
	journey.WriteDate(func(tag string, date, clock func(time.Time) string) {
		days, hours := map[string]bool{}, map[string]bool{}
		for i := range 365 {
			days[date(first.AddDate(0, 0, i))] = true
		}
		for i := range 24 {
			hours[clock(first.Add(time.Duration(i)*time.Hour))] = true
		}
		if len(days) != 365 || len(hours) != 24 {
			t.Errorf("%s: got %d days, %d hours", tag, len(days), len(hours))
		}
		for text := range hours {
			if strings.TrimSpace(text) != text {
				t.Errorf("%s: got %q", tag, text)
			}
		}
	})
}
