package journey

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// Opening is when people read what patients write, on some days of the week.
type Opening struct {
	Days []time.Weekday
	// From and To are clock times in minutes from midnight, From below To; To may be 24 hours.
	From, To int
}

// checkHours finds hours that nobody would be told of.
func (l *loader) checkHours() {
	if len(l.book.settings.Hours) == 0 {
		return
	}
	if j := l.book.replies; j != nil {
		if _, ok := j.otherwise[readClosed]; ok {
			return
		}
	}
	l.problems = append(l.problems, Problem{
		Path: "facility.hours", Text: "facility.hours: do nothing without otherwise.closed in the journey on message: what is said outside of them",
	})
}

// opensWithin bounds how far ahead the next opening is looked for.
const opensWithin = 31

// open reports whether somebody reads what patients write at t.
func (s *Settings) open(t time.Time) bool {
	if len(s.Hours) == 0 {
		return true
	}
	t = t.In(s.Timezone)
	hour, minute, _ := t.Clock()
	now := 60*hour + minute
	return !s.holiday(t) && slices.ContainsFunc(s.Hours, func(o Opening) bool {
		return slices.Contains(o.Days, t.Weekday()) && o.From <= now && now < o.To
	})
}

// opens is the next opening after t, zero if it is too far away to be told. It counts in days of the calendar and clock
// times, as a sign on a door does.
func (s *Settings) opens(t time.Time) time.Time {
	t = t.In(s.Timezone)
	year, month, day := t.Date()
	for n := range opensWithin {
		noon := time.Date(year, month, day+n, 12, 0, 0, 0, s.Timezone)
		var first time.Time
		for _, o := range s.Hours {
			at := time.Date(year, month, day+n, o.From/60, o.From%60, 0, 0, s.Timezone)
			if slices.Contains(o.Days, noon.Weekday()) && at.After(t) && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
		if !first.IsZero() && !s.holiday(noon) {
			return first
		}
	}
	return time.Time{}
}

func (s *Settings) holiday(t time.Time) bool {
	year, month, day := t.Date()
	return slices.ContainsFunc(s.Holidays, func(h pipeline.Holiday) bool {
		return h.Day == day && h.Month == month && (h.Year == 0 || h.Year == year)
	})
}

// opens writes the next opening; "" if it is not known.
func (w *writer) opens(format func(time.Time) string) string {
	if t := w.settings.opens(w.now); !t.IsZero() {
		return format(t)
	}
	return ""
}
