package journey

import (
	"encoding/json"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// A word that quotes nothing is about the one message whose journey knows it, of all that ask for an answer. Where there
// are several, about two visits or two children, nothing is guessed: the patient is shown what it could be about, as a
// list, and the row that is tapped gets the answer.

// meaning is what a word means to one of the messages that it may be about.
type meaning struct {
	antecedent int // counted from 1
	in         *journey
	answer     *answer
}

// option is one of the things that a word could be about, as it is remembered until the list is sent, and as a row of it.
type option struct {
	Subject string `json:"subject,omitempty"`
	Patient string `json:"patient,omitempty"`
	Journey string `json:"journey,omitempty"`
	Action  string `json:"action,omitempty"`
	// At is when it is, by the clock of the place, and Shown the start that an answer is tied to.
	At    time.Time `json:"at,omitzero"`
	Shown string    `json:"shown,omitempty"`
	// Name is the patient's, Place that of the visit; "" where they are not to be read.
	Name  string `json:"name,omitempty"`
	Place string `json:"place,omitempty"`
	// People is for none of the others: people are asked.
	People bool `json:"people,omitempty"`
}

// maxOptions is how many rows there are beside the one for none of these.
const maxOptions = maxRows - 1

// about makes the reply one about that antecedent.
func (h *hearing) about(n int) {
	h.thread, h.antecedent = h.thread.About(n), n
}

// with is the hearing of the reply as if it were about that antecedent.
func (h *hearing) with(n int) *hearing {
	other := *h
	other.about(n)
	return &other
}

// among reads a word that may be about several messages.
func (h *hearing) among(word string) pipeline.Outcome {
	list := h.meanings(word)
	switch {
	case len(list) == 0:
		return h.passOn(readText, readText, handText)
	case h.together(list):
		m := list[0]
		h.about(m.antecedent)
		if h.thanks(m.answer) || h.picks(m.answer, word) {
			return h.passOn(readText, readText, handText)
		}
		return h.answered(m.in, m.answer)
	}
	return h.which(list)
}

// together reports whether all that a word may be about was told by one message: then it is read as that message asks.
func (h *hearing) together(list []meaning) bool {
	first := h.thread.Antecedents[list[0].antecedent-1].Sent.Attempt
	others := slices.ContainsFunc(list, func(m meaning) bool { return h.thread.Antecedents[m.antecedent-1].Sent.Attempt.ID != first.ID })
	return len(list) == 1 || !others && visitsOf(first) != nil
}

// meanings are what a word means to those who know it: at most one thing about each subject and patient, by the newest
// message about them that knows it. Only where none does, the other journeys about the subjects are asked.
func (h *hearing) meanings(word string) []meaning {
	list := h.known(func(one *hearing, j *journey) (*journey, *answer) {
		return j, j.meant(one.thread.Sent.Notification.Step, word, one.languages())
	})
	if len(list) == 0 {
		list = h.known(func(one *hearing, j *journey) (*journey, *answer) { return one.elsewhere(j, word, one.languages()) })
	}
	open := slices.DeleteFunc(slices.Clone(list), func(m meaning) bool { return !h.with(m.antecedent).takes(m.answer) })
	if len(open) > 0 { // what is over asks for nothing any more
		return open
	}
	return list
}

// known collects what a word means to the antecedents.
func (h *hearing) known(means func(one *hearing, j *journey) (*journey, *answer)) (list []meaning) {
	for i := range h.thread.Antecedents {
		n := &h.thread.Antecedents[i].Sent.Notification
		j := h.book.journeys[n.Journey]
		if j == nil || slices.ContainsFunc(list, func(m meaning) bool { return same(&h.thread.Antecedents[m.antecedent-1].Sent.Notification, n) }) {
			continue
		}
		if in, a := means(h.with(i+1), j); a != nil {
			list = append(list, meaning{i + 1, in, a})
		}
	}
	return list
}

// same reports whether two messages are about one subject and patient.
func same(o, n *pipeline.Notification) bool {
	return o.Subject == n.Subject && o.Patient == n.Patient
}

// takes reports whether the subject is one that an answer can still be about.
func (h *hearing) takes(a *answer) bool {
	t := &h.thread
	s := h.book.scene(t.Subject, t.Known, t.Lookup, t.Now)
	if participations[a.do] == "" && a.do != doAsk {
		return true
	}
	return s.visit == nil && s.subject != nil || s.visit != nil && booked(s) && until(s, a).After(t.Now)
}

// which asks what a word is about. Where that cannot be shown, people are asked.
func (h *hearing) which(list []meaning) pipeline.Outcome {
	o := h.passOn(readUnclear, readUnclear, handUnclear)
	j := h.book.replies
	if j == nil || j.otherwise[readUnclear] == nil || j.otherwise[readUnclear].choose != choosesOne {
		return o
	}
	people := h.passOn(readUnclear, readText, handUnclear)
	if len(list) > maxOptions || len(o.Say) == 0 || h.thread.Stopped || pipeline.BySMS(h.reply.ID) { // an SMS is words alone
		return people
	}
	var options []option
	for _, m := range list {
		one := h.with(m.antecedent).option(m)
		if one.At.IsZero() {
			return people
		}
		options = append(options, one)
	}
	said := recall(o.Say[0].Facts)
	said.Which = options
	o.Say[0].Facts, o.Say[0].Aside, o.Handoff = said.private(), true, ""
	return o
}

// option is what a meaning is called in the list.
func (h *hearing) option(m meaning) option {
	t := &h.thread
	n := t.Sent.Notification
	s := h.book.scene(t.Subject, t.Known, t.Lookup, t.Now)
	o := option{Subject: n.Subject, Patient: n.Patient, Journey: m.in.name, Action: m.answer.name}
	if !s.lookAt(n.Patient) {
		return o
	}
	o.Shown = s.occasion()
	at := s.start
	switch {
	case s.report != nil:
		at = s.from(anchorIssued)
	case s.encounter != nil:
		at = s.from(anchorStart)
	}
	if !at.IsZero() {
		o.At = at.In(s.zone())
	}
	w := &writer{scene: s, patient: h.patient(), settings: &h.book.settings}
	if w.patient != nil {
		o.Name = w.patient.Name(t.Now).Given
	}
	if f, ok := h.book.field("place.name"); ok && s.report == nil {
		o.Place = f.read(w)
	}
	return o
}

// which makes the message a list of what a word could be about. Children are told apart by their names, visits by their times.
func (w *writer) which(composed *pipeline.Composed, x *text, options []option) {
	l := lister{composed: composed, list: &pipeline.List{Title: x.list.button}}
	composed.Actions = nil
	named := true // each by another name
	for i, o := range options {
		named = named && o.Name != "" && !slices.ContainsFunc(options[:i], func(other option) bool { return other.Name == o.Name })
	}
	family := slices.ContainsFunc(options, func(o option) bool { return o.Patient != options[0].Patient })
	for _, o := range options {
		title, more := w.calendar.moment(o.At), o.Place
		switch {
		case family && named:
			title, more = o.Name, title
		case family:
			more = o.Name
		}
		l.row(o.Action, title, more)
		if more != "" {
			l.seen.WriteString(", " + more)
		}
		composed.Choices = append(composed.Choices, o.text())
	}
	l.row(readUnclear, x.list.other, "")
	composed.Choices = append(composed.Choices, option{People: true}.text())
	l.into(x)
}

func (o option) text() string {
	raw, _ := json.Marshal(o) // texts and times
	return string(raw)
}

// picked acts on a row of the list: on the visit as it was shown there.
func (h *hearing) picked() pipeline.Outcome {
	var o option
	if json.Unmarshal([]byte(h.thread.Sent.Choice), &o) != nil || o.People {
		return h.passOn(readUnclear, readText, handUnclear)
	}
	found := 0
	for i := range h.thread.Antecedents {
		n := &h.thread.Antecedents[i].Sent.Notification
		if n.Subject == o.Subject && n.Patient == o.Patient && (found == 0 || n.Journey == o.Journey) {
			found = i + 1
		}
	}
	j := h.book.journeys[o.Journey]
	a := j.answer(o.Action)
	if found == 0 || a == nil { // it was asked too long ago, or the configuration has changed
		return h.passOn(readLate, readLate, handLate)
	}
	h.about(found)
	h.thread.Sent.Attempt.Shown, h.thread.Sent.Attempt.Choices = o.Shown, nil // of several visits that the message told of, it is this one
	return h.answered(j, a)
}
