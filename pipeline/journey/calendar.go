package journey

import (
	"strings"
	"time"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/ar"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/en_GB"
	"github.com/go-playground/locales/es"
	"github.com/go-playground/locales/fr"
	"github.com/go-playground/locales/it"
	"github.com/go-playground/locales/pl"
	"github.com/go-playground/locales/pt"
	"github.com/go-playground/locales/tr"
	"github.com/go-playground/locales/uk"
)

// calendars is the one table of languages whose dates can be written, with the data
// of CLDR (https://cldr.unicode.org). A new language is a line here.
var calendars = map[string]func() locales.Translator{
	"ar": ar.New, "de": de.New, "en": en.New, "en_GB": en_GB.New, "es": es.New, "fr": fr.New,
	"it": it.New, "pl": pl.New, "pt": pt.New, "tr": tr.New, "uk": uk.New,
}

// rightToLeft are the languages that are written from right to left.
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
