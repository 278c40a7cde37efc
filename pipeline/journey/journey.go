package journey

import (
	"cmp"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// journey is one file: when what is said about a type of resource, and what answers mean.
type journey struct {
	name    string
	on      string
	never   []phrase
	steps   []*step
	byStep  map[string]*step
	answers map[string]*answer
	// words are what patients write for an answer, by language; "any" is for all.
	words map[string]map[string]*answer
	// stale is what follows a button under words that do not hold any more; nil if none.
	stale *template
	// otherwise are the acknowledgements of what a person must read, by reading.
	otherwise map[string]*template
	examples  []example
}

// step is one thing to say.
type step struct {
	name     string
	when     when
	schedule *schedule // nil for news of a change
	expires  expiry
	send     *template
	resend   bool
	priority int
}

// doing is what an answer does.
type doing string

const (
	doAccept  doing = "accept"
	doDecline doing = "decline"
	doStop    doing = "stop"
	doStart   doing = "start"
)

// answer is what a button or a word means.
type answer struct {
	name  string
	do    doing
	reply *template
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
	return false
}

// Decide implements pipeline.Journeys.
func (b *Book) Decide(c pipeline.Change) ([]pipeline.Notification, error) {
	wanted := make([]pipeline.Notification, 0, len(c.Known.Open)+6)
	for _, o := range c.Known.Open {
		if o.ReplyTo != "" { // what somebody asked is answered, whatever has happened since
			wanted = append(wanted, o)
		}
	}
	if c.Current == nil {
		return wanted, nil
	}
	for _, j := range b.byType[c.Current.Header().Type] {
		wanted = j.decide(b, c, wanted)
	}
	return wanted, nil
}

// decide appends what the journey wants for each patient.
func (j *journey) decide(b *Book, c pipeline.Change, wanted []pipeline.Notification) []pipeline.Notification {
	current := b.scene(c.Current, c.Known, c.Lookup, c.Now)
	if j.silent(current) {
		return wanted
	}
	var previous *scene
	if c.Previous != nil {
		previous = b.scene(c.Previous, c.Known, c.Lookup, c.Now)
		if current.start.IsZero() { // a cancelled visit may have lost it
			current.start = previous.start
		}
	}
	for _, p := range current.patients() {
		current.who, current.status = p.ref, p.status
		wanted = j.news(c, previous, current, wanted)
		wanted = j.reminders(c, current, wanted)
	}
	return wanted
}

// news appends what is said about a change. News that wait to be sent and still
// hold stand for all further ones: their words are made from the newest facts.
func (j *journey) news(c pipeline.Change, previous, current *scene, wanted []pipeline.Notification) []pipeline.Notification {
	waiting := false
	for _, o := range c.Known.Open {
		s := j.byStep[o.Step]
		if o.Journey != j.name || o.Recipient != current.who || o.ReplyTo != "" || s == nil || s.schedule != nil {
			continue
		}
		if n, ok := s.keep(o, current); ok {
			wanted, waiting = append(wanted, n), true
		}
	}
	if waiting || c.Historic {
		return wanted
	}
	for _, s := range j.steps {
		if s.schedule != nil || !s.when.fires(previous, current) {
			continue
		}
		expires, ok := s.expires.at(c.Now, current.start, current.zone())
		if !ok || !expires.After(c.Now) {
			continue
		}
		n := j.notification(s, c.Current, current, cmp.Or(c.Version, current.occasion()))
		n.Due, n.Expires, n.Edge, n.Facts = c.Now, expires, true, current.remember()
		wanted = append(wanted, n)
	}
	return wanted
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
		n := j.notification(s, c.Current, current, current.occasion())
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

func (j *journey) notification(s *step, subject fhir.Resource, current *scene, occasion string) pipeline.Notification {
	ref := subject.Header().Ref()
	return pipeline.Notification{
		Key:     pipeline.NotificationKey(j.name, s.name, ref, occasion, current.who),
		Journey: j.name, Step: s.name, Subject: ref, Patient: current.who, Recipient: current.who,
		Occasion: occasion, Priority: s.priority, Resend: s.resend,
	}
}

// memory is what a notification remembers until it is sent, in Notification.Facts:
// the language of the conversation, and a start that the subject may lose or change.
type memory struct {
	language string
	occasion string
}

func (m memory) private() pipeline.Private {
	if m == (memory{}) {
		return pipeline.Private{}
	}
	return pipeline.NewPrivate(m.language + "\n" + m.occasion)
}

func recall(p pipeline.Private) memory {
	language, start, _ := strings.Cut(p.Reveal(), "\n")
	return memory{language, start}
}

func (m memory) start() time.Time {
	t, err := time.Parse(time.RFC3339, m.occasion)
	if err != nil {
		return time.Time{}
	}
	return t
}

// remember keeps a start that the current version has lost.
func (s *scene) remember() pipeline.Private {
	if s.visit == nil || s.start.IsZero() || !s.visit.Start().IsZero() {
		return pipeline.Private{}
	}
	return memory{occasion: s.occasion()}.private()
}
