package journey

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// offset is a distance: days of the calendar, and a span of time.
type offset struct {
	days int
	span time.Duration
}

// maxDays bounds an offset to what a calendar of visits can mean.
const maxDays = 732

// parseOffset reads "7d", "2h" or "30m".
func parseOffset(text string) (offset, bool) {
	if len(text) < 2 || text[0] < '0' || text[0] > '9' {
		return offset{}, false
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil {
		return offset{}, false
	}
	switch unit := text[len(text)-1]; {
	case unit == 'd' && n <= maxDays:
		return offset{days: n}, true
	case unit == 'h' && n <= maxDays*24:
		return offset{span: time.Duration(n) * time.Hour}, true
	case unit == 'm' && n <= maxDays*24*60:
		return offset{span: time.Duration(n) * time.Minute}, true
	}
	return offset{}, false
}

// shift moves t: days in the calendar of zone, where the clock time stays the same
// across a change of summer time; hours and minutes on the instant.
func (o offset) shift(t time.Time, zone *time.Location) time.Time {
	if o.days != 0 {
		t = t.In(zone).AddDate(0, 0, o.days)
	}
	return t.Add(o.span)
}

func (o offset) negated() offset { return offset{-o.days, -o.span} }

// Words for what the times of a step count from.
const (
	anchorStart   = "start"
	anchorEnd     = "end"
	anchorIssued  = "issued"
	anchorArrived = "arrived"
)

// anchors are those words, by the type of resource.
var anchors = map[string][]string{
	typeAppointment: {anchorStart, anchorEnd}, typeReport: {anchorIssued}, typeEncounter: {anchorStart, anchorArrived, anchorEnd},
}

// schedule is a compiled "at": an offset from the start of the visit, or from the issue of the
// report, and perhaps a clock time of that day.
type schedule struct {
	word         string
	offset       offset
	clock        bool
	hour, minute int
	// unless is what makes waiting needless, when all of it holds; empty for nothing.
	unless []phrase
}

// parseSchedule reads "start - 7d, 10:00" or "start - 2h", with one of the words for an anchor.
func parseSchedule(text string, anchors []string) (schedule, bool) {
	anchor, clock, hasClock := strings.Cut(text, ",")
	word, o, ok := parseAnchor(anchor, anchors)
	s := schedule{word: word, offset: o, clock: hasClock}
	if !ok || !hasClock {
		return s, ok
	}
	t, err := time.Parse("15:04", strings.TrimSpace(clock))
	s.hour, s.minute = t.Hour(), t.Minute()
	return s, err == nil && o.span == 0
}

// parseAnchor reads "start", "start - 2h" or "start + 1d". Nothing is said before a report is issued, a patient has
// arrived, or a visit is over.
func parseAnchor(text string, anchors []string) (word string, o offset, ok bool) {
	words := strings.Fields(text)
	if len(words) == 0 || !slices.Contains(anchors, words[0]) {
		return "", offset{}, false
	}
	word = words[0]
	if len(words) == 1 {
		return word, offset{}, true
	}
	if len(words) != 3 || words[1] != "+" && (words[1] != "-" || word != anchorStart) {
		return word, offset{}, false
	}
	o, ok = parseOffset(words[2])
	if words[1] == "-" {
		o = o.negated()
	}
	return word, o, ok
}

// needless reports whether there is nothing to wait for.
func (s schedule) needless(on *scene) bool {
	for _, p := range s.unless {
		if !p.holds(on) {
			return false
		}
	}
	return len(s.unless) > 0
}

// at returns the moment. A clock time that a change of summer time leaves out is an
// hour beside it, and one that comes twice is one of the two, always the same.
func (s schedule) at(anchor time.Time, zone *time.Location) time.Time {
	if !s.clock {
		return s.offset.shift(anchor, zone)
	}
	local := anchor.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day()+s.offset.days, s.hour, s.minute, 0, 0, zone)
}

// expiry is a compiled "expires": counted from the anchor, or from the moment it is due.
type expiry struct {
	anchored bool
	word     string
	offset   offset
}

// parseExpiry reads "start", "start - 1h" or "+48h", with one of the words for an anchor.
func parseExpiry(text string, anchors []string) (expiry, bool) {
	text = strings.TrimSpace(text)
	if after, ok := strings.CutPrefix(text, "+"); ok {
		o, ok := parseOffset(strings.TrimSpace(after))
		return expiry{offset: o}, ok && o != offset{}
	}
	word, o, ok := parseAnchor(text, anchors)
	return expiry{anchored: true, word: word, offset: o}, ok
}

// from is what the expiry counts from, zero if that is not known, or the moment it is due.
func (e expiry) from(s *scene) time.Time {
	if !e.anchored {
		return time.Time{}
	}
	return s.from(e.word)
}

// at returns the moment; ok is false if it counts from an anchor that is not known.
func (e expiry) at(due, anchor time.Time, zone *time.Location) (t time.Time, ok bool) {
	if !e.anchored {
		return e.offset.shift(due, zone), true
	}
	if anchor.IsZero() {
		return time.Time{}, false
	}
	return e.offset.shift(anchor, zone), true
}

// before reports whether o comes before other, with days of 24 hours.
func (o offset) before(other offset) bool {
	return o.hours() < other.hours()
}

func (o offset) hours() float64 { return float64(o.days)*24 + o.span.Hours() }
