package journey

import "time"

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
