package journey

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// late is a compiled "at: 20m late, again every 20m, at most 3 times": what is said when a visit begins that much
// later than it was booked, again whenever the delay has grown by as much, and not more often.
type late struct {
	first, again time.Duration
	most         int
}

const (
	// delayGrain is what delays are rounded down to: nobody can say more, and the noun beside such a number has one
	// form in nearly every language.
	delayGrain = 5 * time.Minute
	// maxDelay is more than what can be a delay, and not a mistake.
	maxDelay = 12 * time.Hour
	// maxDelays bounds how often a patient is told.
	maxDelays = 10
)

var lateText = regexp.MustCompile(`^(\d+[mh]) late, again every (\d+[mh]), at most (\d+) times?$`)

// tellsDelay reports whether a time is that of a delay.
func tellsDelay(v value) bool { return strings.Contains(v.text(), " late") }

// late reads "20m late, again every 20m, at most 3 times".
func (l *loader) late(v value, s *step) *late {
	parts := lateText.FindStringSubmatch(strings.Join(strings.Fields(v.text()), " "))
	if parts == nil {
		v.problem(`must be like "20m late, again every 20m, at most 3 times"`)
		return &late{delayGrain, delayGrain, 1}
	}
	first, _ := parseOffset(parts[1])
	again, _ := parseOffset(parts[2])
	most, err := strconv.Atoi(parts[3])
	switch {
	case !delay(first.span) || !delay(again.span):
		v.problem("must be whole multiples of 5m, up to 12h")
	case err != nil || most < 1 || most > maxDelays:
		v.problemf("must be at most 1 to %d times", maxDelays)
	case s.when.edge != nil:
		v.problem("a step is said when something happens or at a time, not both")
	}
	return &late{first.span, again.span, most}
}

func delay(d time.Duration) bool { return d > 0 && d <= maxDelay && d%delayGrain == 0 }

// estimate reads the field that says how late a visit will begin.
func (l *loader) estimate(v value, j *journey) {
	f, ok := l.book.field(v.text())
	switch {
	case !ok:
		v.problem(unknown("field", v.text(), l.book.fieldNames()))
	case j.on != typeEncounter || f.of != typeEncounter:
		v.problem("is a field of an Encounter that the configuration defines, for a journey on that")
	default:
		j.estimate = &f
	}
}

// expected is how late the hospital expects a visit to begin, from what an engineer has defined: a number of minutes, or
// the moment when it will. Zero if nobody says, or nothing that can be meant.
func (j *journey) expected(s *scene) time.Duration {
	if j.estimate == nil {
		return 0
	}
	text := strings.TrimSpace(j.estimate.read(&writer{scene: s, settings: &s.book.settings}))
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return rounded(at.Sub(s.from(anchorStart)))
	}
	minutes, err := strconv.ParseFloat(text, 64)
	if err != nil || !(minutes > 0) || minutes > maxDelay.Minutes() {
		return 0
	}
	return rounded(time.Duration(minutes * float64(time.Minute)))
}

// rounded is what is said of a delay; zero if that is nothing.
func rounded(d time.Duration) time.Duration {
	if d < 0 || d > maxDelay {
		return 0
	}
	return d.Truncate(delayGrain)
}

// begins is from when on a patient who is there waits longer than was booked: from the start of the booking, or
// from the arrival of who comes late. Zero if that is not known.
func (s *scene) begins() time.Time {
	start := s.from(anchorStart)
	if arrived := s.from(anchorArrived); !start.IsZero() && arrived.After(start) {
		return arrived
	}
	return start
}

// delay is how late a visit is: as far as the hospital expects, or as the patient has been waiting.
func (j *journey) delay(s *scene) time.Duration {
	begins := s.begins()
	if begins.IsZero() {
		return 0
	}
	d := j.expected(s)
	if s.waits() {
		d = max(d, rounded(s.now.Sub(begins)))
	}
	return d
}

// toldDelays is the longest delay that the patient was told of, and how often one was.
func (s *step) toldDelays(j *journey, on *scene) (longest time.Duration, times int) {
	for _, o := range on.known.Said {
		if o.Journey != j.name || o.Step != s.name || o.Patient != on.who {
			continue
		}
		minutes, _ := strconv.Atoi(o.Occasion)
		longest, times = max(longest, time.Duration(minutes)*time.Minute), times+1
	}
	return longest, times
}

// next is the delay from which one is told who was told of another, zero for none.
func (l *late) next(told time.Duration) time.Duration {
	if told == 0 {
		return l.first
	}
	return told + l.again
}

// delays appends what is said of a delay: now what the hospital expects, and at its time what comes of waiting on. What
// is due already was planned before, and waits to be sent, or it comes too late to be planned.
func (s *step) delays(j *journey, c pipeline.Change, on *scene, wanted []pipeline.Notification) []pipeline.Notification {
	begins := on.begins()
	if begins.IsZero() || !s.when.allowed(on) {
		return wanted
	}
	var expected time.Duration
	if end, _ := s.expires.at(on.recorded(), time.Time{}, on.zone()); end.After(c.Now) && !c.Historic {
		expected = j.expected(on)
	}
	told, times := s.toldDelays(j, on)
	for times < s.late.most {
		length := s.late.next(told)
		due, from := begins.Add(length), begins.Add(length)
		if expected >= length {
			length, due, from, expected = expected, c.Now, on.recorded(), 0
		} else if !on.waits() || length > maxDelay {
			break
		}
		told = length
		n := j.notification(s, on, strconv.Itoa(int(length.Minutes())))
		planned := find(c.Known.Open, n.Key)
		switch {
		case due.After(c.Now):
		case planned != nil && (due.Before(c.Now) || planned.Due.Before(due)):
			due = planned.Due
		case due.Before(c.Now):
			continue
		}
		n.Due, n.Edge, n.Facts = due, true, memory{Minutes: int(length.Minutes())}.private()
		n.Expires, _ = s.expires.at(from, time.Time{}, on.zone())
		if more := begins.Add(s.late.next(length)); more.After(due) && more.Before(n.Expires) {
			n.Expires = more // then something else is true
		}
		if n.Expires.After(n.Due) && n.Expires.After(c.Now) {
			wanted, times = append(wanted, n), times+1
		}
	}
	return wanted
}

// recorded is when the EHR said what it says, as far as that is known: an expectation of an hour ago is none.
func (s *scene) recorded() time.Time {
	if at := s.subject.Header().LastUpdated; !at.IsZero() && at.Before(s.now) {
		return at
	}
	return s.now
}

// still reports whether a visit is as late as is about to be said.
func (s *step) still(j *journey, n pipeline.Notification, on *scene) bool {
	told := time.Duration(recall(n.Facts).Minutes) * time.Minute
	return told > 0 && s.when.holds(on) && j.delay(on) >= told
}

// ofWaiting reports whether an answer is to a delay: who has been called needs to hear nothing more of that.
func (j *journey) ofWaiting(a *answer) bool {
	late := func(s *step) bool { return s.late != nil }
	return a != nil && a.of == nil && a.do != doScore && slices.ContainsFunc(j.steps, late)
}

// over reports whether the visit that takes place, which a reply is about, is over or gone: nobody waits for it any more.
func (h *hearing) over() bool {
	s := h.book.scene(h.thread.Subject, h.thread.Known, h.thread.Lookup, h.thread.Now)
	if s.encounter == nil {
		return true
	}
	switch s.encounter.Status() {
	case fhir.EncounterFinished, fhir.EncounterCancelled, fhir.EncounterEnteredInError:
		return true
	}
	return false
}

// unplanned says why nothing is said of a delay.
func (l *late) unplanned(on *scene) (Why, string) {
	if on.begins().IsZero() {
		return WhyNoStart, nouns[anchorStart]
	}
	return WhyPast, ""
}
