package journey_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"
	"unicode"
)

func TestBirthDates(t *testing.T) {
	book := shipped(t)
	const third, fourth = "19800403", "19800304" // of April, and of March
	for _, c := range []struct {
		text, tag, country string
		want               []string
	}{
		// The same everywhere.
		{"1980-04-03", "de", "DE", []string{third}},
		{"1980/4/3", "en-US", "US", []string{third}},
		{"1980.04.03", "ar", "DE", []string{third}},
		{"19800403", "fr", "FR", []string{third}},
		// By the language.
		{"03.04.1980", "de", "DE", []string{third}},
		{"3. 4. 1980", "de-AT", "DE", []string{third}},
		{"3/4/1980", "fr", "FR", []string{third}},
		{"3-4-1980", "it", "IT", []string{third}},
		{"03 04 1980", "pl", "PL", []string{third}},
		{"03041980", "tr", "TR", []string{third}},
		{"03/04/1980", "es-MX", "US", []string{third}},
		{"03/04/1980", "de", "US", []string{third}},
		// By the country, in English and Spanish.
		{"03/04/1980", "en-GB", "US", []string{third}},
		{"03/04/1980", "en", "GB", []string{third}},
		{"03/04/1980", "en", "DE", []string{third}},
		{"03/04/1980", "en", "US", []string{fourth}},
		{"03/04/1980", "en-US", "DE", []string{fourth}},
		{"04031980", "en-US", "DE", []string{third}},
		{"03/04/1980", "en-CA", "CA", []string{third, fourth}},
		{"03/04/1980", "es-US", "US", []string{third, fourth}},
		{"04/04/1980", "en-CA", "CA", []string{"19800404"}},
		{"13/04/1980", "en-CA", "CA", []string{"19800413"}},
		// What is no day in the order of the language is not read in another.
		{"13/04/1980", "en-US", "US", nil},
		{"04/13/1980", "en-GB", "GB", nil},
		{"04.13.1980", "de", "DE", nil},
		{"1980-13-04", "de", "DE", nil},
		// In words.
		{"3 April 1980", "en", "DE", []string{third}},
		{"April 3rd, 1980", "en-GB", "GB", []string{third}},
		{"the 3rd of April 1980", "en-US", "US", []string{third}},
		{"3 Apr 1980", "en", "US", []string{third}},
		{"My date of birth is 3 April 1980, thanks", "en", "US", []string{third}},
		{"3. April 1980", "de", "DE", []string{third}},
		{"3. April 1980", "uk", "UA", []string{third}}, // English is understood in every language
		{"7 Jänner 1980", "de-AT", "AT", []string{"19800107"}},
		{"1er avril 1980", "fr", "FR", []string{"19800401"}},
		{"3 de abril de 1980", "es", "ES", []string{third}},
		{"3 de março de 1980", "pt", "PT", []string{"19800303"}},
		{"3 aprile 1980", "it", "IT", []string{third}},
		{"3 Nisan 1980", "tr", "TR", []string{third}},
		{"9 Ağustos 1980'de", "tr", "TR", []string{"19800809"}},
		{"3 kwietnia 1980 r.", "pl", "PL", []string{third}},
		{"3 kwiecień 1980", "pl", "PL", []string{third}},
		{"3-го квітня 1980 року", "uk", "UA", []string{third}},
		{"5 лютий 1980", "uk", "UA", []string{"19800205"}},
		{"3 أبريل 1980", "ar", "EG", []string{third}},
		{"٣ أبريل ١٩٨٠", "ar", "EG", []string{third}},
		{"٣ نيسان ١٩٨٠", "ar-LB", "LB", []string{third}},
		{"٠٣/٠٤/١٩٨٠", "ar", "EG", []string{third}},
		{"\u200f٣\u200f/٤/١٩٨٠", "ar", "EG", []string{third}},
		{"۱۹۸۰-۰۴-۰۳", "ar", "DE", []string{third}},
		{"３．４．１９８０", "de", "DE", nil}, // a sign that nobody joins dates with
		// None, or not one.
		{"03.04.80", "de", "DE", nil},
		{"80-04-03", "en", "DE", nil},
		{"April 1980", "en", "US", nil},
		{"03.04.1980 04.04.1980", "de", "DE", nil},
		{"03.04.1980 2", "de", "DE", nil},
		{"1 03.04.1980", "de", "DE", nil},
		{"31.02.1980", "de", "DE", nil},
		{"29.02.1981", "de", "DE", nil},
		{"03.04.1400", "ar", "EG", nil}, // of another calendar
		{"3..4..1980", "de", "DE", nil},
		{"003.04.1980", "de", "DE", nil},
		{"3 листопада 1980", "de", "DE", nil},
		{"0", "de", "DE", nil},
		{"", "de", "DE", nil},
		{strings.Repeat(" ", 300) + "03.04.1980", "de", "DE", nil},
	} {
		got, _, filed := book.ReadBirthDate(c.text, c.tag, c.country)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q in %s of %s: got %q, want %q", c.text, c.tag, c.country, got, c.want)
		}
		if strings.ContainsFunc(filed, unicode.IsDigit) {
			t.Errorf("%q is filed as %q", c.text, filed)
		}
	}
}

func TestWhatIsFiledOfABirthDate(t *testing.T) {
	book := shipped(t)
	for _, c := range []struct {
		text, filed string
		message     bool
	}{
		{"03.04.1980", "[date of birth]", false},
		{"3. April 1980", "[date of birth]", false},
		{"Geboren am 3. April 1980!", "Geboren am [date of birth]!", false},
		{"03.04.80", "[number]", false},
		{"80", "[number]", false},
		{"ist es schlimm?", "ist es schlimm?", true},
		{"Was heißt das?", "Was heißt das?", true},
		{"Meine Tochter ist am 03.04.1980 geboren und ich rufe heute noch an", "Meine Tochter ist am [date of birth] geboren und ich rufe heute noch an", true},
		{"Soll ich 2 Tabletten nehmen, oder 3?", "Soll ich [number] Tabletten nehmen, oder [number]?", true},
		{"03.04.1980 oder 04.04.1980", "[number] oder [number]", false},
		{"👍", "👍", true},
	} {
		_, message, filed := book.ReadBirthDate(c.text, "de", "DE")
		if filed != c.filed || message != c.message {
			t.Errorf("%q: filed as %q, for people %v; want %q, %v", c.text, filed, message, c.filed, c.message)
		}
	}
}

// TestNamesOfMonthsMeanOne looks for a name that is another month in another of the languages: a patient writes to a
// hospital of another language.
func TestNamesOfMonthsMeanOne(t *testing.T) {
	book := shipped(t)
	for month := time.January; month <= time.December; month++ {
		for _, tag := range tags {
			text := "3 " + book.MonthName(tag, int(month)) + " 1980"
			for _, other := range tags {
				got, _, _ := book.ReadBirthDateIn(text, tag, other)
				if want := fmt.Sprintf("1980%02d03", month); !slices.Equal(got, []string{want}) {
					t.Errorf("%q in %s and %s: got %q, want %s", text, tag, other, got, want)
				}
			}
		}
	}
}

// TestEveryDayIsRead writes any day in every way in which a language writes it, and reads it back.
func TestEveryDayIsRead(t *testing.T) {
	book := shipped(t)
	digits := []string{"0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९"}
	in := func(text string, script int) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return []rune(digits[script])[r-'0']
			}
			return r
		}, text)
	}
	err := quick.Check(func(offset uint16, language, script, sign uint8) bool {
		day := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(offset))
		tag := tags[int(language)%len(tags)]
		joint := []string{".", "/", "-", " ", ". ", " - "}[int(sign)%6]
		for _, text := range []string{
			day.Format("2006" + joint + "01" + joint + "02"), day.Format("02" + joint + "01" + joint + "2006"),
			day.Format("2" + joint + "1" + joint + "2006"), day.Format("02012006"), day.Format("20060102"),
			fmt.Sprintf("%d %s %d", day.Day(), book.MonthName(tag, int(day.Month())), day.Year()),
		} {
			text = in(text, int(script)%len(digits))
			got, message, filed := book.ReadBirthDate(text, tag, "DE")
			if !slices.Equal(got, []string{day.Format("20060102")}) || message || filed != "[date of birth]" {
				t.Logf("%q in %s: got %q, %v, filed as %q", text, tag, got, message, filed)
				return false
			}
		}
		american, _, _ := book.ReadBirthDate(in(day.Format("01/02/2006"), int(script)%len(digits)), "en-US", "DE")
		return slices.Equal(american, []string{day.Format("20060102")})
	}, &quick.Config{MaxCount: 500})
	if err != nil {
		t.Error(err)
	}
}

// FuzzBirthDate: whatever is written, no digit of it is filed, and what is read is a day of the calendar that the
// numbers of the text can make.
func FuzzBirthDate(f *testing.F) {
	book := shipped(f)
	for _, text := range []string{"03.04.1980", "1980-04-03", "3 April 1980", "٣ أبريل ١٩٨٠", "April 3rd, 1980", "3-го квітня 1980", "80", "hello", "𝟎𝟑.𝟎𝟒.𝟏𝟗𝟖𝟎", "\xff3\xfe.4.1980"} {
		for _, tag := range []string{"en-US", "en-CA", "de", "ar"} {
			f.Add(text, tag, "US")
		}
	}
	f.Fuzz(func(t *testing.T, text, tag, country string) {
		days, _, filed := book.ReadBirthDate(text, tag, country)
		if strings.ContainsFunc(filed, unicode.IsDigit) {
			t.Errorf("%q is filed as %q", text, filed)
		}
		if len(days) > 2 {
			t.Errorf("%q is %d days", text, len(days))
		}
		for _, day := range days {
			if _, err := time.Parse("20060102", day); err != nil || day < "18700101" {
				t.Errorf("%q is %q", text, day)
			}
		}
	})
}
