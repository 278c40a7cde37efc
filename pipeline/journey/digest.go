package journey

import (
	"encoding/json"
	"slices"
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// ordinals are how the names of fields begin that are of another visit than the first that a digest tells of.
var ordinals = []string{"second.", "third."}

// nth reads which visit a field is of, from 0, and its name among the fields of any visit.
func nth(name string) (visit int, of string) {
	for i, ordinal := range ordinals {
		if rest, found := strings.CutPrefix(name, ordinal); found {
			return i + 1, rest
		}
	}
	return 0, name
}

// visitField is the field of a visit that is told of behind others.
func (b *Book) visitField(visit int, name string) (field, bool) {
	f, ok := b.field(name)
	if !ok || f.of == "" || f.of == typeSlot {
		return field{}, false
	}
	read := f.read
	f.read = func(w *writer) string {
		if read == nil || len(w.others) < visit {
			return ""
		}
		return read(w.others[visit-1])
	}
	return f, true
}

// digest reads by which templates a step tells of several visits at once.
func (l *loader) digest(v value, s *step, j *journey) {
	if !v.exists() {
		return
	}
	switch {
	case j.on != typeAppointment || s.schedule == nil || s.send == nil:
		v.problem("is for what is said of an Appointment at its time: news do not wait for others")
		return
	case s.covering || s.once != "" || s.offer != nil:
		v.problem("goes with no covers, once or offer")
	}
	for _, item := range v.list() {
		t := l.fitsTo(choosesNothing, item, j, item.text())
		noSlot(item, t)
		noDocument(item, t)
		switch {
		case t == nil:
			continue
		case t.session:
			item.problem("is a session text: only a template may open a conversation")
		case t.visits < 2:
			item.problemf("%q shows one visit: a digest has fields like second.start.date", t.name)
		case len(t.actions) != 1 || j.answers[t.actions[0]] != nil && j.answers[t.actions[0]].do != doEach:
			item.problemf("%q must have one button, for an answer with do: each", t.name)
		case s.digestOf(t.visits) != nil:
			item.problemf("another one tells of %d visits already", t.visits)
		default:
			s.digests = append(s.digests, t)
		}
	}
}

// digestOf returns the template of a step for so many visits, nil if there is none.
func (s *step) digestOf(visits int) *template {
	for _, t := range s.digests {
		if t.visits == visits {
			return t
		}
	}
	return nil
}

// single refuses a template that is for several visits, where there is one.
func single(v value, t *template, j *journey) {
	if t == nil {
		return
	}
	if t.visits > 1 {
		v.problemf("%q shows several visits: it is for digest", t.name)
	}
	for _, action := range t.actions {
		if a := j.answers[action]; a != nil && a.do == doEach {
			v.problemf("%q has a button for each of several visits, and shows one", t.name)
		}
	}
}

// checkEach holds an answer that shows each visit of a digest against what such an answer can be.
func (a *answer) checkEach(v value, question *answer) {
	if a.do != doEach {
		return
	}
	switch {
	case question != nil:
		v.problem("answers a digest, and no question")
	case a.reply != nil && !a.reply.session:
		v.problem("must have a session text as its reply: it answers the patient")
	}
}

// digest puts several visits into one message, in the order of their starts. Each of them must still be such as the step
// says.
func (b *Book) digest(j *journey, n pipeline.Notification, f pipeline.Facts, of *scene, attempt string) pipeline.Composed {
	var t *template
	if st := j.byStep[n.Step]; st != nil {
		t = st.digestOf(1 + len(f.With))
	}
	if t == nil {
		return skip(pipeline.ReasonNoTemplate)
	}
	scenes := []*scene{of}
	for _, c := range f.With {
		s := b.scene(c.Facts.Subject, c.Facts.Known, c.Facts.Lookup, f.Now)
		if _, why := j.choose(c.Notification, c.Facts, s); why != pipeline.ReasonNone {
			return skip(why)
		}
		scenes = append(scenes, s)
	}
	slices.SortStableFunc(scenes, func(a, b *scene) int { return a.start.Compare(b.start) })
	speaks := own(f)
	text := t.in(f.Language, speaks, b.settings.Language, "en")
	if text == nil {
		return skip(pipeline.ReasonNoTemplate)
	}
	var first writer
	var visits choice
	for i, s := range scenes {
		w := &writer{scene: s, patient: f.Patient, proxy: f.Proxy, settings: &b.settings, calendar: b.calendarFor(text.language, speaks)}
		if i == 0 {
			first = *w
		} else {
			first.others = append(first.others, w)
		}
		visits.Visits = append(visits.Visits, s.subject.Header().Ref())
	}
	values, missing := t.values(text, &first)
	if missing || first.unnamed {
		return skip(pipeline.ReasonMissingFact)
	}
	return pipeline.Composed{
		Message: t.message(text, values, attempt), Actions: t.actions, Choices: []string{visits.text()}, Shown: of.occasion(),
	}
}

// digested are the visits of the message that is answered, if it told of several.
func (h *hearing) digested() []string {
	if h.thread.Sent == nil {
		return nil
	}
	return visitsOf(h.thread.Sent.Attempt)
}

func visitsOf(a pipeline.Attempt) []string {
	if len(a.Choices) != 1 {
		return nil
	}
	var c choice
	if json.Unmarshal([]byte(a.Choices[0]), &c) != nil {
		return nil
	}
	return c.Visits
}

// several reports whether an answer would decide about one visit, and the message that is answered told of several.
func (h *hearing) several(a *answer) bool {
	switch a.do {
	case doAccept, doDecline, doCancel, doChange, doArrive, doAsk, doScore, doWords:
		return len(h.digested()) > 0
	}
	return false
}

// each shows each visit of a digest as it stands, in a message of its own with its own buttons, so that what is
// answered is about that one. None is guessed. Of what is cancelled or over nothing is said; people are asked if that is all.
func (h *hearing) each(j *journey, reading string) pipeline.Outcome {
	o := pipeline.Outcome{Reading: reading}
	shows := j.eachAnswer()
	if shows == nil {
		return h.passOn(readText, readText, handText)
	}
	visits := h.digested()
	if len(visits) == 0 { // it told of one
		visits = []string{h.thread.Sent.Notification.Subject}
	}
	for _, ref := range visits {
		s := h.book.scene(h.find(ref), pipeline.Known{}, h.thread.Lookup, h.thread.Now)
		if s.visit == nil || !s.lookAt(h.thread.Sent.Notification.Patient) || j.silent(s) || !booked(s) || !s.start.After(h.thread.Now) {
			continue
		}
		o.Say = append(o.Say, h.say(j, answerStep+shows.name, ref, s.occasion())...)
	}
	if len(o.Say) == 0 {
		return h.passOn(readLate, readLate, handLate)
	}
	return o
}

// find returns the newest version of a visit, nil if it is gone.
func (h *hearing) find(ref string) fhir.Resource {
	switch own := h.thread.Subject; {
	case own != nil && own.Header().Ref() == ref:
		return own
	case h.thread.Lookup == nil:
		return nil
	}
	return h.thread.Lookup(ref)
}

// eachAnswer is the answer that shows each visit of a digest, nil if there is none.
func (j *journey) eachAnswer() *answer {
	for _, s := range j.steps {
		for _, t := range s.digests {
			return j.answers[t.actions[0]]
		}
	}
	return nil
}
