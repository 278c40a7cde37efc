package journey

import (
	"fmt"
	"slices"
	"strings"
)

// answer reads what a button or a word means.
func (l *loader) answer(m member, j *journey) {
	a := &answer{name: m.key}
	if !plainName.MatchString(a.name) {
		m.problem("must be lower-case letters, digits and underscores, at most 40")
	}
	o := m.value.object("do", "reply", "words")
	does := []string{string(doAccept), string(doDecline)}
	if j.on == typeMessage {
		does = []string{string(doStop), string(doStart)}
	}
	if v := o.need("do"); v.exists() {
		a.do = doing(v.oneOf("deed", does...))
		if j.on == typeReport {
			v.problem("nothing about a report can be accepted or declined")
		}
		if before, ok := l.book.doings[a.name]; ok && before != a.do {
			v.problemf("the answer %q does something else in another journey", a.name)
		}
		l.book.doings[a.name] = a.do
	}
	j.answers[a.name] = a // before its reply, which may have a button for it
	if v := o.need("reply"); v.exists() {
		a.reply = l.fits(v, j, v.text())
	}
	if v := o.get("words"); v.exists() {
		l.words(v, a, j)
	}
}

// words reads what patients write for an answer, in every language.
func (l *loader) words(v value, a *answer, j *journey) {
	valid := append([]string{anyLanguage}, l.book.languages...)
	var have []string
	for _, m := range v.members() {
		if !slices.Contains(valid, m.key) {
			m.problem(unknown("language", m.key, valid))
			continue
		}
		have = append(have, m.key)
		for _, item := range m.value.list() {
			j.word(item, m.key, a)
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
func (j *journey) word(item value, tag string, a *answer) {
	word := fold(item.text())
	if word == "" {
		item.problem("has no letter, digit or sign")
		return
	}
	if len(word) > maxWord {
		item.problemf("is longer than %d bytes: a sentence is not a word", maxWord)
		return
	}
	if j.words[tag] == nil {
		j.words[tag] = make(map[string]*answer)
	}
	for _, other := range []string{tag, anyLanguage} {
		if meant := j.words[other][word]; meant != nil && meant.name != a.name {
			item.problem(fmt.Sprintf("means %q already", meant.name))
			return
		}
	}
	j.words[tag][word] = a
}

// meaning returns what an answer of that name does.
func (b *Book) meaning(action string) doing { return b.doings[action] }
