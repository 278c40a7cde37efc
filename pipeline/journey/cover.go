package journey

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// together is how far apart two messages may be due of which one says what the other would.
const together = 10 * time.Minute

// covering is a step that says, in its own words, what other steps say.
type covering struct {
	at    value // of the name
	by    string
	on    string
	other string
}

func stepName(journey, step string) string { return journey + "." + step }

// covers reads the names of the steps that a step covers; they may be of journeys that are not read yet.
func (l *loader) covers(v value, j *journey, s *step) {
	s.covering = v.exists()
	for _, item := range v.list() {
		l.covering = append(l.covering, covering{item, stepName(j.name, s.name), j.on, item.text()})
	}
	if v.exists() && s.send == nil {
		v.problem("is for a step that says something")
	}
}

// checkCovers finds the steps that others cover.
func (l *loader) checkCovers() {
	known := make(map[string]string) // on what the journey of each step is
	for _, j := range l.book.journeys {
		for _, s := range j.steps {
			known[stepName(j.name, s.name)] = j.on
		}
	}
	by := make(map[string]bool)
	for _, c := range l.covering {
		by[c.by] = true
	}
	l.book.covers = make(map[string][]string)
	for _, c := range l.covering {
		on, ok := known[c.other]
		switch {
		case !ok:
			c.at.problem(unknown("step", c.other, sortedKeys(known)))
		case on != c.on:
			c.at.problemf("%q is about another type of resource", c.other)
		case by[c.other]:
			c.at.problemf("%q covers others itself, or is this one: what is not said covers nothing", c.other)
		default:
			l.book.covers[c.other] = append(l.book.covers[c.other], c.by)
		}
	}
}

// cover notes with each wanted notification which other one says it too: about the same subject, to the same patient, at
// about the same time. That stays noted when the other one has gone out and is no longer wanted.
func (b *Book) cover(wanted, open []pipeline.Notification) {
	if len(b.covers) == 0 {
		return
	}
	for i := range wanted {
		n := &wanted[i]
		by := b.covers[stepName(n.Journey, n.Step)]
		if len(by) == 0 || n.ReplyTo != "" {
			continue
		}
		if before := find(open, n.Key); before != nil && find(wanted, before.CoveredBy) == nil {
			n.CoveredBy = before.CoveredBy
		} else {
			n.CoveredBy = ""
		}
		for _, m := range wanted {
			if m.Patient == n.Patient && m.ReplyTo == "" && slices.Contains(by, stepName(m.Journey, m.Step)) && m.Due.Sub(n.Due).Abs() <= together {
				n.CoveredBy = m.Key
				break
			}
		}
	}
}

// speakAlone speaks, unless another message of an example says what n does.
func (p *play) speakAlone(n pipeline.Notification) {
	covers := func(m pipeline.SentMessage) bool { return m.Notification.Key == n.CoveredBy }
	if n.CoveredBy == "" || !slices.ContainsFunc(p.all, covers) && find(p.known.Open, n.CoveredBy) == nil {
		p.speak(n)
	}
}
