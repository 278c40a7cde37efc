package journey

import (
	"fmt"
	"slices"
	"strings"
)

// doings are what an answer may do in a journey on that.
var doings = map[string][]doing{
	typeAppointment: {doAccept, doDecline, doCancel, doChange, doArrive, doAsk, doNote, doTask, doBook, doEach, doScore, doWords, doDisown},
	typeEncounter:   {doAsk, doNote, doTask, doScore, doWords, doDisown},
	typeReport:      {doAsk, doNote, doTask, doSend, doIdentify, doDisown},
	typeRequest:     {doNote, doTask, doDisown},
	typeMessage:     {doStop, doStart, doTask, doBook, doSpeak, doDisown},
}

// answer reads what a button or a word means. question is the answer whose reply asks for it, nil if
// it may be given at any time.
func (l *loader) answer(m member, j *journey, question *answer) {
	a := &answer{name: m.key, of: question}
	if !plainName.MatchString(a.name) {
		m.problem("must be lower-case letters, digits and underscores, at most 40")
	}
	if j.answers[a.name] != nil {
		m.problemf("there are two answers with the name %q", a.name)
		return
	}
	o := m.value.object("do", "reply", "words", "anything", "inside", "urgent", "then", "scale", "low", "chosen", "names", "map")
	if v := o.need("do"); v.exists() {
		l.does(v, a, j)
	}
	j.answers[a.name] = a // before its reply, which may have a button for it
	if v := o.get("urgent"); v.exists() {
		a.urgent = v.oneOf("truth", "true", "false") == "true"
		if a.do != doTask {
			v.problem("is only for what people are asked to do: do: task")
		}
	}
	l.then(o, a, j, question)
	l.replies(o, a, j)
	l.siteMap(o.get("map"), a, j)
	a.wish(m.value)
	a.checkEach(m.value, question)
	if v := o.get("anything"); v.exists() {
		l.anything(v, a, question)
	}
	l.speaks(o, a, j)
	if l.inside(o, a, j) {
		return
	}
	if v := o.get("words"); v.exists() {
		to := j.words
		if question != nil {
			to = question.words
		}
		l.words(v, a, to, j)
	}
	l.survey(o, a, j, question)
}

// anything reads whether an answer takes whatever is typed that means no other answer to the question.
func (l *loader) anything(v value, a, question *answer) {
	if v.oneOf("truth", "true", "false") != "true" {
		return
	}
	switch {
	case question == nil:
		v.problem("is only for an answer to a question, in then")
	case question.free != nil:
		v.problemf("another answer takes anything already: %q", question.free.name)
	default:
		question.free = a
	}
}

func (l *loader) does(v value, a *answer, j *journey) {
	var names []string
	for _, d := range doings[j.on] {
		names = append(names, string(d))
	}
	a.do = doing(v.oneOf("deed", names...))
	if before, ok := l.book.doings[a.name]; ok && before != a.do {
		v.problemf("the answer %q does something else in another journey", a.name)
	}
	l.book.doings[a.name] = a.do
}

// then reads the answers to the question that an answer leads to.
func (l *loader) then(o object, a *answer, j *journey, question *answer) {
	v := o.get("then")
	switch {
	case a.do != doAsk && a.do != doScore && a.do != doSend && v.exists():
		v.problem("is only for a question: do: ask, or do: send")
		return
	case a.do != doAsk && a.do != doSend && !v.exists():
		return
	case question != nil:
		o.problem("a question cannot lead to another")
		return
	}
	a.words = make(words)
	for _, m := range o.need("then").members() {
		l.answer(m, j, a)
	}
}

// replies reads what is said to an answer: one template, or one for each of what may come of it.
func (l *loader) replies(o object, a *answer, j *journey) {
	v := o.get("reply")
	if !v.exists() {
		if a.do != doNote {
			o.need("reply")
		}
		return
	}
	if a.do == doIdentify {
		l.identification(v, a, j)
		return
	}
	switch {
	case a.do == doSpeak:
		a.reply = l.fitsTo(choosesLanguage, v, j, v.text())
		return
	case !v.isObject():
		a.reply = l.fits(v, j, v.text())
		return
	}
	if keys := choosing[a.do]; keys != nil {
		l.choices(v, a, j, keys)
		return
	}
	if statuses[a.do] == "" {
		v.problem("must be one template: nothing is left to the EHR")
		return
	}
	each := v.object("done", "asked")
	done, asked := each.need("done"), each.need("asked")
	if done.exists() && asked.exists() {
		a.done, a.asked = l.fits(done, j, done.text()), l.fits(asked, j, asked.text())
	}
}

// words reads what patients write for an answer, in every language.
func (l *loader) words(v value, a *answer, to words, j *journey) {
	l.inLanguages(v, func(item value, tag string) {
		word(item, tag, a, to)
		l.understood(item, item.text(), j, a.of != nil)
	})
}

// inLanguages reads a list of words of every language.
func (l *loader) inLanguages(v value, read func(item value, tag string)) {
	valid := append([]string{anyLanguage}, l.book.languages...)
	var have []string
	for _, m := range v.members() {
		if !slices.Contains(valid, m.key) {
			m.problem(unknown("language", m.key, valid))
			continue
		}
		have = append(have, m.key)
		for _, item := range m.value.list() {
			read(item, m.key)
		}
	}
	var missing []string
	for _, tag := range l.book.languages {
		if !slices.Contains(have, tag) {
			missing = append(missing, tag)
		}
	}
	if len(missing) > 0 {
		v.problem("has no words in " + strings.Join(missing, ", "))
	}
}

// word takes one word in, unless it has another meaning in the same language.
func word(item value, tag string, a *answer, to words) {
	folded := fold(item.text())
	switch {
	case folded == "":
		item.problem("has no letter, digit or sign")
	case len(folded) > maxWord:
		item.problemf("is longer than %d bytes: a sentence is not a word", maxWord)
	default:
		if other := to.add(tag, folded, a); other != nil {
			item.problem(fmt.Sprintf("means %q already", other.name))
		}
	}
}

// meaning returns what an answer of that name does.
func (b *Book) meaning(action string) doing { return b.doings[action] }
