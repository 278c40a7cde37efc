package pipeline

import (
	"context"
	"slices"
	"time"
)

// GateQuiet keeps the hours and days in which patients are left in peace. What
// falls due in them is held until they end. What will have expired by then is skipped at
// once, so that its reason is on record while people can still pick up the phone: in doubt
// nothing is sent at the wrong hour, however near the visit. Whoever wrote gets an answer at any hour.
//
// Hours and days are those that a clock on the wall at Zone shows: in the night on which
// clocks are changed the quiet time is an hour longer or shorter.
type GateQuiet struct {
	// From and To are the clock times, in minutes from midnight below 24 h, between which every night
	// is quiet; To is not. Equal ones are no quiet hours. From may be later than To.
	From, To int
	// Days are quiet as a whole. They must not be all seven.
	Days []time.Weekday
	// Holidays are quiet as a whole.
	Holidays []Holiday
	// Zone is that of the facility.
	Zone *time.Location
}

// Holiday is one day of a year, or of every year if Year is 0.
type Holiday struct {
	Year  int
	Month time.Month
	Day   int
}

const (
	// quietLead is how long before a quiet time nothing is let pass any more: what has passed still
	// has a slot to wait for (begunFresh) and a post to make (sendTimeout).
	quietLead = 30 * time.Second
	// quietMost bounds how far ahead the end of a quiet time is looked for. What waits longer is looked
	// at again then.
	quietMost = 31 * 24 * time.Hour
)

// Admit implements Gate.
func (g GateQuiet) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if c.Notification.ReplyTo != "" || !g.quiet(c.Now) && !g.quiet(c.Now.Add(quietLead)) {
		return Verdict{}, nil
	}
	until := g.end(c.Now.Add(quietLead), c.Notification.Expires)
	if !until.Before(c.Notification.Expires) {
		return Verdict{Skip: ReasonQuiet}, nil
	}
	return Verdict{Hold: ReasonQuiet, Until: until}, nil
}

// end is the first full minute after t that is not quiet, or limit if that comes first. It goes
// minute by minute, as clocks do: a jump to a clock time can miss the hour that a change of the
// clocks inserts or leaves out, and some zones have no midnight on that day.
func (g GateQuiet) end(t, limit time.Time) time.Time {
	t = t.In(g.Zone)
	most := t.Add(quietMost)
	t = t.Truncate(time.Minute)
	for g.quiet(t) && t.Before(limit) && t.Before(most) {
		t = t.Add(time.Minute)
	}
	return t
}

// quiet reports whether the clock on the wall is in a quiet time.
func (g GateQuiet) quiet(t time.Time) bool {
	t = t.In(g.Zone)
	year, month, day := t.Date()
	if slices.Contains(g.Days, t.Weekday()) || slices.ContainsFunc(g.Holidays, func(h Holiday) bool {
		return h.Day == day && h.Month == month && (h.Year == 0 || h.Year == year)
	}) {
		return true
	}
	hour, minute, _ := t.Clock()
	now := 60*hour + minute
	if g.From <= g.To {
		return g.From <= now && now < g.To
	}
	return g.From <= now || now < g.To
}
