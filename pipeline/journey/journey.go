package journey

import (
	"cmp"
	"slices"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// journey is one file: when what is said about a type of resource, and what answers mean.
type journey struct {
	name string
	on   string
	// only and never are what must hold, and must not, for the journey to say anything.
	only, never []phrase
	steps       []*step
	byStep      map[string]*step
	answers     map[string]*answer
	// words are what patients write for an answer, whatever it was that they were told.
	words words
	// estimate says how late a visit will begin, nil if nobody does; questionnaire is what scores and words answer.
	estimate      *field
	questionnaire string
	// alarms are words that count inside of a sentence, too.
	alarms []alarm
	// stale is what follows a button under words that do not hold any more; nil if none.
	stale *template
	// otherwise are the acknowledgements of what a person must read, by reading.
	otherwise map[string]*template
	examples  []example
	// asked is what others may ask for; nil but for the journey on CommunicationRequest.
	asked *asked
}

// silent reports whether the journey says nothing about the subject to the patient of the scene, whatever happens.
func (j *journey) silent(s *scene) bool {
	why, _ := j.mute(s)
	return why != WhyPlanned
}

// Decide implements pipeline.Journeys. It returns no error.
func (b *Book) Decide(c pipeline.Change) (pipeline.Plan, error) {
	plan := pipeline.Plan{Wanted: make([]pipeline.Notification, 0, len(c.Known.Open)+6)}
	for _, o := range c.Known.Open {
		if o.ReplyTo != "" { // what somebody asked is answered, whatever has happened since
			plan.Wanted = append(plan.Wanted, o)
		}
	}
	subject := c.Current
	if subject == nil { // deleted: what is said of that is said of the version before
		subject = c.Previous
	}
	if subject == nil {
		return plan, nil
	}
	for _, j := range b.byType[subject.Header().Type] {
		j.decide(b, c, subject, &plan)
	}
	b.cover(plan.Wanted, c.Known.Open)
	return plan, nil
}

// decide adds what the journey wants for each patient.
func (j *journey) decide(b *Book, c pipeline.Change, subject fhir.Resource, plan *pipeline.Plan) {
	previous, current := b.scenes(c, subject)
	if j.asked != nil {
		j.asked.decide(j, c, previous, current, plan)
		return
	}
	for _, p := range current.patients() {
		face(p, previous, current)
		if j.silent(current) {
			continue
		}
		j.news(c, previous, current, plan)
		if !current.gone {
			plan.Wanted = j.reminders(c, previous, current, plan.Wanted)
		}
	}
}

// scenes are the two sides of a change; previous is nil if there was no version before.
func (b *Book) scenes(c pipeline.Change, subject fhir.Resource) (previous, current *scene) {
	current = b.scene(subject, c.Known, c.Lookup, c.Now)
	current.gone = c.Current == nil
	if c.Previous != nil {
		previous = b.scene(c.Previous, c.Known, c.Lookup, c.Now)
		if current.start.IsZero() { // a cancelled visit may have lost it
			current.start = previous.start
		}
	}
	return previous, current
}

// face makes p the patient of both sides of a change.
func face(p attendee, previous, current *scene) {
	current.who, current.status = p.ref, p.status
	if previous != nil && !previous.lookAt(p.ref) {
		previous.who, previous.status = p.ref, ""
	}
}

// news adds what is said about a change, and what people are asked to do about it. One change leads to one
// message: of several steps that it is news for, the first that can be said. News that wait to be sent
// and still hold stand for what comes later in the file, as their words are made from the newest facts; what
// comes earlier there says more, and takes their place.
func (j *journey) news(c pipeline.Change, previous, current *scene, plan *pipeline.Plan) {
	kept := j.waiting(c.Known.Open, current)
	for i, s := range j.steps {
		if c.Historic || !s.when.fires(previous, current) {
			continue
		}
		n := j.notification(s, current, cmp.Or(c.Version, current.occasion()))
		if s.task != "" {
			ask(plan, pipeline.Errand{Key: n.Key, Code: s.task, Subject: n.Subject, Patient: n.Patient})
		}
		due := s.moment(current, time.Time{})
		expires, ok := s.expires.at(due, s.expires.from(current), current.zone())
		if kept.first <= i || s.send == nil || !ok || !expires.After(c.Now) {
			continue
		}
		n.Due, n.Expires, n.Edge, n.Facts = due, expires, true, current.remember(previous)
		kept.news, kept.first = []pipeline.Notification{n}, i
	}
	plan.Wanted = append(plan.Wanted, kept.news...)
}

// waiting are the news of a journey that were planned and are not sent yet.
type waiting struct {
	news []pipeline.Notification // those that still hold
	// first is the place in the file of the first of them; what comes before it there may still be said.
	first int
}

// nothing is the place of news of which none may be said.
const nothing = -1

func (j *journey) waiting(open []pipeline.Notification, current *scene) waiting {
	w := waiting{first: len(j.steps)}
	for _, o := range open {
		s := j.byStep[o.Step]
		if o.Journey != j.name || o.Patient != current.who || o.ReplyTo != "" || s == nil || s.when.edge == nil {
			continue
		}
		if before := recall(o.Facts).Before; before != "" && before == current.occasion() {
			w.first = nothing // it was moved and has been moved back before anybody was told
		} else if n, ok := s.keep(o, current); ok {
			w.news, w.first = append(w.news, n), min(w.first, slices.Index(j.steps, s))
		}
	}
	return w
}

// ask has people do something, unless another step has asked them for the same about this change.
func ask(plan *pipeline.Plan, e pipeline.Errand) {
	for _, other := range plan.Errands {
		if other.Code == e.Code && other.Subject == e.Subject && other.Patient == e.Patient {
			return
		}
	}
	plan.Errands = append(plan.Errands, e)
}

// keep returns news that wait to be sent as they are wanted now.
func (s *step) keep(o pipeline.Notification, current *scene) (pipeline.Notification, bool) {
	if !s.when.holds(current) {
		return o, false
	}
	anchor := s.expires.from(current)
	if anchor.IsZero() {
		anchor = recall(o.Facts).start()
	}
	o.Due = s.moment(current, o.Due)
	expires, ok := s.expires.at(o.Due, anchor, current.zone())
	if ok && !s.expires.anchored && o.Expires.Before(expires) {
		expires = o.Expires // what is put off does not become useful for longer
	}
	if !ok || !expires.After(current.now) || !expires.After(o.Due) {
		return o, false
	}
	o.Expires = expires
	return o, true
}

// due is when a step with a schedule is to be said; it may have passed.
func (s *step) due(on *scene) time.Time {
	if s.schedule.needless(on) {
		return on.from(s.schedule.word)
	}
	return s.schedule.at(on.from(s.schedule.word), on.zone())
}

// moment is when a step is to be said if it is planned now. planned is when it was to be said as
// the plan was; zero if it was not in it. It may have been put off, and stays so; but what a report
// need not wait for any more is said now.
func (s *step) moment(on *scene, planned time.Time) time.Time {
	if s.schedule != nil {
		due := s.due(on)
		if due.After(on.now) {
			return due
		}
		if on.report != nil && planned.After(on.now) {
			return on.now
		}
	}
	if planned.IsZero() {
		return on.now
	}
	return planned
}

// reminders appends what is said at its time. What is due already was either planned before, and
// waits to be sent, or it comes too late to be planned, unless that it is due is news.
func (j *journey) reminders(c pipeline.Change, previous, current *scene, wanted []pipeline.Notification) []pipeline.Notification {
	for _, s := range j.steps {
		if s.when.edge != nil || !s.when.holds(current) {
			continue
		}
		if s.late != nil {
			wanted = s.delays(j, c, current, wanted)
			continue
		}
		if current.from(s.schedule.word).IsZero() {
			continue
		}
		n := j.notification(s, current, current.occasion())
		var before time.Time
		news := !current.dated(s.schedule.word) || !s.due(current).After(c.Now) // it follows from when this came, not from what it says
		if planned := find(c.Known.Open, n.Key); planned != nil {
			before = planned.Due
		} else if !s.when.allowed(current) || news && (c.Historic || !s.turned(previous, current)) {
			continue
		}
		n.Edge = news && current.report != nil
		n.Due, n.Expires, n.Digest = s.moment(current, before), s.end(current), len(s.digests) > 0
		if !n.Expires.After(n.Due) || !n.Expires.After(c.Now) {
			continue
		}
		wanted = append(wanted, n)
	}
	return wanted
}

// end is when a step with a schedule becomes useless. What is said before a visit is of no use in it. What is said
// of a report, or of a visit that is over, later than it was due, because that is news only now, has its time from now on.
func (s *step) end(on *scene) time.Time {
	due := s.due(on)
	if (on.report != nil || s.schedule.word == anchorEnd) && due.Before(on.now) {
		due = on.now
	}
	expires, _ := s.expires.at(due, s.expires.from(on), on.zone()) // the anchor is known, or it is useless now
	if due.Before(on.start) && expires.After(on.start) {
		return on.start
	}
	return expires
}

// turned reports whether it is this version of a report, or of a visit that is over, of which a step is to
// speak: of the one before it was not to. What was changed since is another report.
func (s *step) turned(previous, current *scene) bool {
	if current.report == nil {
		return s.schedule.word == anchorEnd && (previous == nil || !s.when.holds(previous))
	}
	return previous == nil || !s.when.holds(previous) || reissued(previous, current)
}
