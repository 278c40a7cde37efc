package journey

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"fhirbridge/pipeline"
)

var plainName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// Readings that otherwise acknowledges.
const (
	readText    = "text"
	readUnclear = "unclear"
	readLate    = "late"
	readClosed  = "closed" // text, while nobody reads it
)

// anyLanguage is the key of words that are understood in every language.
const anyLanguage = "any"

func (l *loader) loadJourneys(fsys fs.FS) {
	for _, src := range l.sources(fsys, dirJourneys) {
		root, ok := src.parse()
		if !ok {
			continue
		}
		j := l.journey(root)
		switch {
		case j.name == "":
			continue
		case l.book.journeys[j.name] != nil:
			root.problemf("there are two journeys with the name %q", j.name)
			continue
		case j.on == typeMessage && l.book.replies != nil:
			root.problem("there are two journeys on message")
		case j.on == typeRequest && len(l.book.byType[typeRequest]) > 0:
			root.problem("there are two journeys on " + typeRequest)
			continue
		case j.on == typeMessage:
			l.book.replies = j
		}
		l.book.journeys[j.name] = j
		l.book.byType[j.on] = append(l.book.byType[j.on], j)
	}
}

func (l *loader) journey(root value) *journey {
	o := root.object("journey", "on", "lists", "means", "only", "never", "estimate", "questionnaire", "sends", "expires", "unknown",
		"steps", "answers", "stale", "otherwise", "examples")
	j := &journey{
		byStep: make(map[string]*step), answers: make(map[string]*answer), words: make(words), otherwise: make(map[string]*template),
	}
	j.name = named(o.need("journey"))
	j.on = o.need("on").oneOf("start", typeAppointment, typeEncounter, typeReport, typeRequest, typeMessage)
	phrases := phrasesOf(j.on)
	phrases.custom(&l.book.settings, j.on)
	phrases.lists(o.get("lists"), j.on)
	phrases.means(o.get("means"))
	j.only, j.never = phrases.states(o.get("only")), phrases.states(o.get("never"))
	for _, m := range o.get("answers").members() {
		l.answer(m, j, nil)
	}
	l.asked(o, j)
	phrases.answers(j)
	l.steps(o, j, phrases)
	l.visit(o, j)
	if v := o.get("stale"); v.exists() {
		j.stale = l.fits(v, j, v.text())
	}
	for _, m := range o.get("otherwise").members() {
		if j.on != typeMessage {
			m.problem("is only for the journey on message")
		}
		readings := []string{readText, readClosed, readUnclear, readLate, readStranger, readStrangerUnclear, readStrangerNoted}
		if !slices.Contains(readings, m.key) {
			m.problem(unknown("reading", m.key, readings))
			continue
		}
		if t := l.book.templates[m.value.text()]; m.key == readUnclear && t != nil && t.choose == choosesOne {
			j.otherwise[m.key] = l.fitsChoice(choosesOne, m.value, j)
			continue
		}
		j.otherwise[m.key] = l.fits(m.value, j, m.value.text())
		if t := j.otherwise[m.key]; t != nil && strings.HasPrefix(m.key, readStranger) {
			checkStranger(m.value, t)
		}
	}
	for _, v := range o.get("examples").list() {
		j.examples = append(j.examples, l.example(v, j))
	}
	return j
}

// states reads a list of what says how things are. An item of several clauses holds when all of them do.
func (v vocabulary) states(list value) []phrase {
	var states []phrase
	for _, item := range list.list() {
		w := v.clauses(item)
		if w.edge != nil {
			item.problem("must say how things are, not what happens")
		}
		var texts []string
		var holds, not []func(*scene) bool
		for _, c := range w.clauses {
			texts, holds, not = append(texts, c.text), append(holds, c.holds), append(not, v.contrary(c))
		}
		if len(holds) > 0 {
			states = append(states, phrase{text: strings.Join(texts, " and "), holds: every(holds), contrary: one(not)})
		}
	}
	return states
}

func named(v value) string {
	name := v.text()
	if name != "" && !plainName.MatchString(name) {
		v.problem("must be lower-case letters, digits and underscores, at most 40")
	}
	return name
}

func (l *loader) steps(o object, j *journey, phrases vocabulary) {
	if j.asked != nil {
		return
	}
	v := o.get("steps")
	if j.on == typeMessage {
		if v.exists() {
			v.problem("a journey on message only answers")
		}
		return
	}
	for _, item := range o.need("steps").list() {
		s := l.step(item, j, phrases)
		if s.name == "" {
			continue
		}
		if j.byStep[s.name] != nil {
			item.problemf("there are two steps with the name %q", s.name)
			continue
		}
		j.steps = append(j.steps, s)
		j.byStep[s.name] = s
	}
}

func (l *loader) step(item value, j *journey, phrases vocabulary) *step {
	o := item.object("name", "when", "at", "send", "chat", "offer", "task", "expires", "unknown", "once", "covers", "digest")
	s := &step{name: named(o.need("name")), priority: pipeline.PriorityNews}
	if v := o.need("when"); v.exists() {
		s.when = phrases.clauses(v)
	}
	if v := o.get("at"); v.exists() && j.on == typeEncounter && tellsDelay(v) {
		s.late = l.late(v, s)
	} else if v.exists() {
		s.schedule = j.schedule(v, s, phrases)
		if j.on != typeReport {
			s.priority = pipeline.PriorityReminder
		}
	} else if s.when.edge == nil && len(s.when.clauses) > 0 {
		item.problem(`needs something that happens ("became …", "moved"), or a time ("at")`)
	}
	if v := o.get("task"); v.exists() {
		s.task = named(v)
		if s.when.edge == nil {
			v.problem("is for what happens: people are asked at once, or not at all")
		}
	}
	if v := o.get("send"); v.exists() || s.task == "" {
		l.said(o, s, j)
		l.titles(v, s, j)
	}
	l.once(o.get("once"), s, j)
	l.covers(o.get("covers"), j, s)
	l.digest(o.get("digest"), s, j)
	s.resend = j.on == typeAppointment
	if v := o.get("unknown"); v.exists() {
		s.resend = v.oneOf("policy", "resend", "hold") == "resend"
	}
	return s
}

// schedule reads when a step is said.
func (j *journey) schedule(v value, s *step, phrases vocabulary) *schedule {
	text, unless, waits := strings.Cut(v.text(), " unless ")
	at, ok := parseSchedule(text, anchors[j.on])
	switch {
	case !ok && j.on == typeReport:
		v.problem(`must be like "issued + 48h" or "issued + 2d, 10:00"`)
	case !ok && j.on == typeEncounter:
		v.problem(`must be like "end + 4h", "arrived + 30m" or "20m late, again every 20m, at most 3 times"`)
	case !ok:
		v.problem(`must be like "start - 2d, 10:00" or "start - 2h"`)
	case s.when.edge != nil && j.on != typeReport:
		v.problem("a step is said when something happens or at a time, not both")
	case s.when.edge != nil && s.when.edge.gone:
		v.problem("what is withdrawn is said at once")
	case waits && j.on != typeReport:
		v.problem(`"unless" is for a report, which is then spoken of at once`)
	case waits:
		w := phrases.read(v, unless)
		if w.edge != nil {
			v.problem("must say how things are, not what happens")
		}
		at.unless = w.clauses
	}
	return &at
}

// said reads what a step says, and until when.
func (l *loader) said(o object, s *step, j *journey) {
	if v := o.need("expires"); v.exists() {
		s.expires = l.expiry(v, s, j)
	}
	if v := o.need("send"); v.exists() {
		s.send = l.fits(v, j, v.text())
		if s.send != nil && s.send.session {
			v.problem("is a session text: only a template may open a conversation")
		}
		if s.send != nil && s.when.edge != nil && s.when.edge.gone && s.send.ofSubject() {
			v.problem("shows something of what may be deleted when it is said")
		}
	}
	if v := o.get("chat"); v.exists() {
		s.chat = l.fits(v, j, v.text())
		if s.chat != nil && !s.chat.session {
			v.problem("must be a session text: it is said while the patient's 24 hours are open")
		}
	}
	if v := o.get("offer"); v.exists() {
		l.offer(v, s, j)
	}
}

// ofSubject reports whether a template shows anything of the subject.
func (t *template) ofSubject() bool {
	return slices.ContainsFunc(t.params, func(p parameter) bool { return p.field.of != "" || p.or != nil && p.or.of != "" })
}

func (l *loader) expiry(v value, s *step, j *journey) expiry {
	e, ok := parseExpiry(v.text(), anchors[j.on])
	switch {
	case !ok && j.on == typeReport:
		v.problem(`must be like "issued + 30d" or "+48h"`)
	case e.anchored && s.late != nil:
		v.problem(`must be like "+15m": it counts from the moment at which the delay is told`)
	case !ok:
		v.problem(`must be like "start", "start - 1h" or "+48h"`)
	case e.anchored && s.schedule != nil && e.word == s.schedule.word && !s.schedule.clock && !s.schedule.offset.before(e.offset):
		v.problem("must be later than at")
	}
	return e
}

// fits returns the template that a journey names, and checks that the journey can fill it.
func (l *loader) fits(v value, j *journey, name string) *template {
	t := l.fitsTo(choosesNothing, v, j, name)
	single(v, t, j)
	noSlot(v, t)
	noDocument(v, t)
	noImage(v, t)
	return t
}

// fitsTo is fits for a place where that can be chosen.
func (l *loader) fitsTo(what chooses, v value, j *journey, name string) *template {
	if name == "" {
		return nil
	}
	t := l.book.templates[name]
	if t == nil {
		v.problem(unknown("template", name, sortedKeys(l.book.templates)))
		return nil
	}
	if t.choose != what {
		v.problem(what.instead(name))
	}
	for _, p := range t.params {
		if !p.field.fits(j.on) && p.field.of != typeSlot {
			v.problemf("%q shows %q, which is of an %s", name, p.name, p.field.of)
		}
	}
	for _, action := range t.actions {
		if j.answers[action] == nil {
			v.problemf("%q has a button for an %s", name, unknown("answer", action, sortedKeys(j.answers)))
		}
	}
	return t
}
