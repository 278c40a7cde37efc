package journey

import (
	"strings"
	"time"
)

// PluralForm is tested before any template has numbers.
var PluralForm = pluralForm

// WriteMoment writes the row of a list by every line of the table of calendars.
func WriteMoment(each func(tag string, moment func(time.Time) string)) {
	for tag, c := range loadCalendars() {
		each(tag, c.moment)
	}
}

// WriteDate writes a moment by every line of the table of calendars.
func WriteDate(each func(tag string, date, clock func(time.Time) string)) {
	for tag, c := range loadCalendars() {
		each(tag, c.date, c.clock)
	}
}

// Open and Opens are of the facility.
func Open(s Settings, t time.Time) bool       { return s.open(t) }
func Opens(s Settings, t time.Time) time.Time { return s.opens(t) }

// Screens are all texts in a language as patients see them, by the names of their templates, with these values.
func Screens(b *Book, language string, value func(parameter string) string) map[string]string {
	screens := make(map[string]string)
	for name, t := range b.templates {
		x := t.exactly(language)
		values := make([]string, len(t.params))
		for i, p := range t.params {
			values[i] = value(p.name)
			if x.rtl {
				values[i] = isolated(values[i])
			}
		}
		var body strings.Builder
		x.body.write(&body, values)
		screens[name] = t.seen(x, body.String(), values)
	}
	return screens
}
