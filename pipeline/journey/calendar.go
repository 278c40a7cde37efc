package journey

import (
	"strings"
	"time"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/ar"
	"github.com/go-playground/locales/ar_JO"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/de_AT"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/en_CA"
	"github.com/go-playground/locales/en_GB"
	"github.com/go-playground/locales/en_IE"
	"github.com/go-playground/locales/en_IN"
	"github.com/go-playground/locales/en_NZ"
	"github.com/go-playground/locales/en_ZA"
	"github.com/go-playground/locales/es"
	"github.com/go-playground/locales/es_US"
	"github.com/go-playground/locales/fr"
	"github.com/go-playground/locales/fr_CA"
	"github.com/go-playground/locales/fr_CH"
	"github.com/go-playground/locales/it"
	"github.com/go-playground/locales/it_CH"
	"github.com/go-playground/locales/pl"
	"github.com/go-playground/locales/pt"
	"github.com/go-playground/locales/tr"
	"github.com/go-playground/locales/uk"
)

// calendars is the one table of languages whose dates can be written, with the data
// of CLDR (https://cldr.unicode.org): the names of months in the case that follows a day,
// and the clock of 12 or 24 hours. A new language is a line here; so is a country that
// writes otherwise than the language alone. The data of some countries lack months, or which half of
// the day it is: the test over the whole table finds those, and a neighbour's stand for them.
var calendars = map[string]func() locales.Translator{
	"ar": ar.New, "de": de.New, "en": en.New, "es": es.New, "fr": fr.New,
	"it": it.New, "pl": pl.New, "pt": pt.New, "tr": tr.New, "uk": uk.New,

	"ar_IQ": ar_JO.New, "ar_JO": ar_JO.New, "ar_LB": ar_JO.New, "ar_PS": ar_JO.New, "ar_SY": ar_JO.New,
	"de_AT": de_AT.New,
	"en_AU": en_NZ.New, "en_CA": en_CA.New, "en_GB": en_GB.New, "en_IE": en_IE.New, "en_IN": en_IN.New, "en_NZ": en_NZ.New, "en_ZA": en_ZA.New,
	"es_CO": es_US.New, "es_DO": es_US.New, "es_PA": es_US.New, "es_PR": es_US.New, "es_US": es_US.New, "es_VE": es_US.New,
	"fr_CA": fr_CA.New, "fr_CH": fr_CH.New,
	"it_CH": it_CH.New,
}

// rightToLeft are the languages that are written from right to left. What is put into their
// texts stands in isolates (U+2068 and U+2069), which nobody sees: without them a bracket or a number
// beside Latin words jumps to the other end, and a line that begins with a Latin name turns round as a
// whole. A screen that does not know them shows the line as it would without.
var rightToLeft = map[string]bool{"ar": true, "fa": true, "he": true, "ur": true}

// calendar writes dates and times as a language does.
type calendar struct{ locale locales.Translator }

// date is like "Dienstag, 9. März 2027".
func (c calendar) date(t time.Time) string { return c.locale.FmtDateFull(t) }

// clock is like "14:30" or "2:30 pm", by the habit of the language.
func (c calendar) clock(t time.Time) string { return c.locale.FmtTimeShort(t) }

// loadCalendars makes every calendar once: each is some large tables.
func loadCalendars() map[string]calendar {
	made := make(map[string]calendar, len(calendars))
	for tag, locale := range calendars {
		made[tag] = calendar{locale()}
	}
	return made
}

// calendarFor returns the calendar for a text in a language that goes to someone whose own tag, or
// whose country, may write dates in another way: en_GB is not en.
func (b *Book) calendarFor(language, own string) calendar {
	base := baseOf(language)
	if len(own) > len(base) && baseOf(own) == base {
		if c, ok := b.calendars[metaTag(own)]; ok {
			return c
		}
	} else if c, ok := b.calendars[base+"_"+b.settings.Country]; ok {
		return c
	}
	return b.calendars[base]
}

// baseOf returns the primary subtag in lower case: "de" of "de-AT" and "de_AT".
func baseOf(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		tag = tag[:i]
	}
	return strings.ToLower(tag)
}

// metaTag returns a tag as Meta and CLDR write it: "pt_BR" of "pt-br".
func metaTag(tag string) string {
	base, region, ok := strings.Cut(strings.ReplaceAll(tag, "-", "_"), "_")
	if !ok {
		return strings.ToLower(base)
	}
	return strings.ToLower(base) + "_" + strings.ToUpper(region)
}
