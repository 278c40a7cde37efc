package journey

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxScore is the best score; the worst is 1.
const maxScore = 5

// canonical is the URL of a Questionnaire, with its version behind a bar or without
// (https://hl7.org/fhir/R4/datatypes.html#canonical).
var canonical = regexp.MustCompile(`^(https?://[^/\s|]+[^\s|]*|urn:[a-z0-9-]+:[^\s|]+)(\|[^\s|]+)?$`)

// visit reads what only journeys on visits have, after their answers and steps.
func (l *loader) visit(o object, j *journey) {
	if v := o.get("estimate"); v.exists() {
		l.estimate(v, j)
		if !slices.ContainsFunc(j.steps, func(s *step) bool { return s.late != nil }) {
			v.problem(`is for a step that tells of a delay: at: 20m late, again every 20m, at most 3 times`)
		}
	}
	if v := o.get("questionnaire"); v.exists() {
		j.questionnaire = v.text()
		scores := slices.ContainsFunc(sortedKeys(j.answers), func(name string) bool { return j.answers[name].do == doScore })
		switch {
		case j.on != typeEncounter && j.on != typeAppointment:
			v.problem("is for a journey on visits")
		case !canonical.MatchString(j.questionnaire):
			v.problem("must be the URL of a Questionnaire, as in https://your.host/fhir/Questionnaire/visit|1")
		case !scores:
			v.problem("is for a journey that asks for scores: do: score")
		}
	}
}

// once reads the name for what is said once about a visit.
func (l *loader) once(v value, s *step, j *journey) {
	if !v.exists() {
		return
	}
	if s.once = named(v); j.on != typeEncounter && j.on != typeAppointment {
		v.problem("is for a journey on visits")
	}
}

// survey reads what scores and words have beside other answers. The points of a scale, from the worst to the best, become
// answers of their own: each is a button, and a digit means it too.
func (l *loader) survey(o object, a *answer, j *journey, question *answer) {
	scale, low := o.get("scale"), o.get("low")
	if a.do == doWords && (question == nil || question.do != doScore || question.free != a) {
		o.problem("takes what is typed in answer to a score: it stands in then, with anything: true")
	}
	if a.do != doScore {
		for _, v := range []value{scale, low} {
			if v.exists() {
				v.problem("is only for do: score")
			}
		}
		return
	}
	for _, key := range []string{"words", "anything"} {
		if v := o.get(key); v.exists() {
			v.problem("a score is given by the points of its scale, and by digits")
		}
	}
	if question != nil {
		o.problem("a score is no answer to another question")
	}
	if low.exists() {
		n, err := strconv.Atoi(low.text())
		if a.low = n; err != nil || n < 1 || n > maxScore {
			low.problemf("must be a score from 1 to %d", maxScore)
		}
	}
	points := o.need("scale").list()
	if scale.exists() && len(points) != maxScore {
		scale.problemf("must be %d names, from the worst to the best", maxScore)
	}
	delete(j.answers, a.name) // it is no button itself
	for i, v := range points {
		l.point(v, a, j, i+1)
	}
}

// point adds one point of a scale.
func (l *loader) point(v value, scale *answer, j *journey, score int) {
	p := *scale
	p.name, p.scale, p.value = named(v), scale, score
	if p.name == "" {
		return
	}
	if j.answers[p.name] != nil {
		v.problemf("there are two answers with the name %q", p.name)
		return
	}
	if before, ok := l.book.doings[p.name]; ok && before != doScore {
		v.problemf("the answer %q does something else in another journey", p.name)
	}
	l.book.doings[p.name], j.answers[p.name] = doScore, &p
	l.understood(v, strconv.Itoa(score), j, false)
	if other := j.words.add(anyLanguage, strconv.Itoa(score), &p); other != nil {
		v.problemf("%d means %q already", score, other.name)
	}
}

// titles makes what stands on the buttons of scores mean them, with the digit and without: people type what they read.
func (l *loader) titles(v value, s *step, j *journey) {
	for _, t := range []*template{s.send, s.chat} {
		if t == nil {
			continue
		}
		for _, x := range t.texts {
			for i, action := range t.actions {
				a := j.answers[action]
				if a == nil || a.do != doScore || i >= len(x.buttons) {
					continue
				}
				whole := fold(x.buttons[i])
				for _, word := range []string{whole, strings.TrimSpace(strings.TrimLeft(whole, "12345"))} {
					if word == "" {
						continue
					}
					l.understood(v, word, j, false)
					if other := j.words.add(x.language, word, a); other != nil {
						v.problemf("the button %q in %s means %q already", x.buttons[i], x.language, other.name)
					}
				}
			}
		}
	}
}
