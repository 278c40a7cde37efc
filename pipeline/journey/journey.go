package journey

import (
	"cmp"

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
	// stale is what follows a button under words that do not hold any more; nil if none.
	stale *template
	// otherwise are the acknowledgements of what a person must read, by reading.
	otherwise map[string]*template
	examples  []example
}

// step is one thing to say, or to have people do.
type step struct {
	name     string
	when     when
	schedule *schedule // nil for news of a change
	expires  expiry
	// send is the approved template, chat what is said instead while the patient's window is open; nil for none.
	send, chat *template
	// task is the code of the Task that people get when it happens, "" for none.
	task     string
	resend   bool
	priority int
}

// silent reports whether the journey says nothing about the subject, whatever happens.
func (j *journey) silent(s *scene) bool {
	if s.test() {
		return true
	}
	for _, p := range j.never {
		if p.holds(s) {
			return true
		}
	}
	for _, p := range j.only {
		if !p.holds(s) {
			return true
		}
	}
	return false
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
	return plan, nil
}

// decide adds what the journey wants for each patient.
func (j *journey) decide(b *Book, c pipeline.Change, subject fhir.Resource, plan *pipeline.Plan) {
	previous, current := b.scenes(c, subject)
	if j.silent(current) {
		return
	}
	for _, p := range current.patients() {
		current.who, current.status = p.ref, p.status
		j.news(c, previous, current, plan)
		if !current.gone {
			plan.Wanted = j.reminders(c, current, plan.Wanted)
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

// news adds what is said about a change, and what people are asked to do about it. One change leads to one
// message: of several steps that it is news for, the first that can be said. News that wait to be sent
// and still hold stand for all further ones: their words are made from the newest facts.
func (j *journey) news(c pipeline.Change, previous, current *scene, plan *pipeline.Plan) {
	waiting := false
	for _, o := range c.Known.Open {
		s := j.byStep[o.Step]
		if o.Journey != j.name || o.Recipient != current.who || o.ReplyTo != "" || s == nil || s.schedule != nil {
			continue
		}
		if before := recall(o.Facts).before; before != "" && before == current.occasion() {
			waiting = true // it was moved and has been moved back before anybody was told
		} else if n, ok := s.keep(o, current); ok {
			plan.Wanted, waiting = append(plan.Wanted, n), true
		}
	}
	if c.Historic {
		return
	}
	for _, s := range j.steps {
		if s.schedule != nil || !s.when.fires(previous, current) {
			continue
		}
		n := j.notification(s, current, cmp.Or(c.Version, current.occasion()))
		if s.task != "" {
			plan.Errands = append(plan.Errands, pipeline.Errand{Key: n.Key, Code: s.task, Subject: n.Subject, Patient: n.Patient})
		}
		expires, ok := s.expires.at(c.Now, current.start, current.zone())
		if waiting || s.send == nil || !ok || !expires.After(c.Now) {
			continue
		}
		n.Due, n.Expires, n.Edge, n.Facts = c.Now, expires, true, current.remember(previous)
		plan.Wanted, waiting = append(plan.Wanted, n), true
	}
}

// keep returns news that wait to be sent as they are wanted now.
func (s *step) keep(o pipeline.Notification, current *scene) (pipeline.Notification, bool) {
	if !s.when.holds(current) {
		return o, false
	}
	start := current.start
	if start.IsZero() {
		start = recall(o.Facts).start()
	}
	expires, ok := s.expires.at(o.Due, start, current.zone())
	if !ok || !expires.After(current.now) || !expires.After(o.Due) {
		return o, false
	}
	o.Expires = expires
	return o, true
}

// reminders appends what is said at its time. What is due already was either
// planned before, and waits to be sent, or it comes too late to be planned.
func (j *journey) reminders(c pipeline.Change, current *scene, wanted []pipeline.Notification) []pipeline.Notification {
	if current.start.IsZero() {
		return wanted
	}
	for _, s := range j.steps {
		if s.schedule == nil || !s.when.holds(current) {
			continue
		}
		due := s.schedule.at(current.start, current.zone())
		expires, _ := s.expires.at(due, current.start, current.zone()) // the start is known
		if due.Before(current.start) && expires.After(current.start) {
			expires = current.start // what is said before the visit is of no use in it
		}
		if !expires.After(due) || !expires.After(c.Now) {
			continue
		}
		n := j.notification(s, current, current.occasion())
		if !due.After(c.Now) {
			planned := find(c.Known.Open, n.Key)
			if planned == nil {
				continue
			}
			due = planned.Due
		}
		n.Due, n.Expires = due, expires
		wanted = append(wanted, n)
	}
	return wanted
}

func find(open []pipeline.Notification, key string) *pipeline.Notification {
	for i := range open {
		if open[i].Key == key {
			return &open[i]
		}
	}
	return nil
}

func (j *journey) notification(s *step, current *scene, occasion string) pipeline.Notification {
	ref := current.subject.Header().Ref()
	return pipeline.Notification{
		Key:     pipeline.NotificationKey(j.name, s.name, ref, occasion, current.who),
		Journey: j.name, Step: s.name, Subject: ref, Patient: current.who, Recipient: current.who,
		Occasion: occasion, Priority: s.priority, Resend: s.resend,
	}
}
