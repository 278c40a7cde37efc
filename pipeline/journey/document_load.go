package journey

import (
	"regexp"
	"slices"
)

// identified are what is said to a date of birth.
type identified struct{ document, wrong, unclear, locked, instead *template }

// says returns what is said, by what came of it.
func (i *identified) says(came string) *template {
	switch came {
	case cameDocument:
		return i.document
	case cameWrong:
		return i.wrong
	case cameUnclear:
		return i.unclear
	case cameLocked:
		return i.locked
	case cameInstead:
		return i.instead
	}
	return nil
}

// identification reads what is said to a date of birth.
func (l *loader) identification(v value, a *answer, j *journey) {
	a.said = &identified{}
	if a.of == nil || a.of.do != doSend {
		v.problem("is only for the answer to the question of a wish: do: send")
	}
	o := v.object(cameDocument, cameWrong, cameUnclear, cameLocked, cameInstead)
	for _, part := range []struct {
		key string
		to  **template
	}{
		{cameDocument, &a.said.document}, {cameWrong, &a.said.wrong}, {cameUnclear, &a.said.unclear},
		{cameLocked, &a.said.locked}, {cameInstead, &a.said.instead},
	} {
		name := o.need(part.key)
		if !name.exists() {
			continue
		}
		fits := l.fits
		if part.key == cameDocument {
			fits = l.carries
		}
		t := fits(name, j, name.text())
		*part.to = t
		switch {
		case t == nil:
		case !t.session:
			name.problem("must be a session text")
		case part.key == cameDocument && !t.document:
			name.problem("must carry the document: document: true")
		}
	}
}

// carries is fits for the place of the template that may carry a document.
func (l *loader) carries(v value, j *journey, name string) *template {
	return l.fitsTo(choosesNothing, v, j, name)
}

// noDocument refuses a template that carries a document.
func noDocument(v value, t *template) {
	if t != nil && t.document {
		v.problemf("%q carries a document, which goes out only to a date of birth: do: identify", t.name)
	}
}

// wish checks an answer that wants the report: it must ask who somebody is.
func (a *answer) wish(v value) {
	if a.do != doSend {
		return
	}
	switch id := a.identifies(); {
	case id == nil:
		v.problem("needs an answer in then that takes anything and says who somebody is: do: identify")
	case a.reply != nil && !a.reply.session:
		v.problem("must ask in a session text")
	}
}

// offer reads what a step says where the report can be sent.
func (l *loader) offer(v value, s *step, j *journey) {
	if s.offer = l.fits(v, j, v.text()); s.offer == nil {
		return
	}
	switch {
	case j.on != typeReport:
		v.problem("is only for a report")
	case s.send == nil, s.when.edge != nil && s.when.edge.gone:
		v.problem("is only for a step that tells of a report")
	case s.offer.session:
		v.problem("is a session text: only a template may open a conversation")
	case !slices.ContainsFunc(s.offer.actions, func(action string) bool { a := j.answers[action]; return a != nil && a.do == doSend }):
		v.problem("needs a button for an answer that sends it: do: send")
	}
}

// fileName is what a document may be called. Patients read it, and so does whoever looks at their phone.
var fileName = regexp.MustCompile(`^[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N} _-]{0,50}\.pdf$`)

// file reads how the document is called in a language.
func (t *template) file(v value, x *text) {
	if x.file = v.text(); !fileName.MatchString(x.file) {
		v.problem("must be letters, digits, spaces, - and _, and end with .pdf")
	}
}

// checkDocument holds a text that carries a document against what such a message has.
func checkDocument(v value, o object, t *template) {
	switch {
	case !t.document:
		return
	case !t.session:
		v.problem("is only for the kind session")
	case t.location:
		v.problem("goes with no place on the map")
	case len(t.actions) > 0 || slices.ContainsFunc(t.texts, func(x *text) bool { return len(x.header.parts) > 0 || x.footer != "" }):
		v.problem("goes with no header, footer or buttons")
	}
	for _, x := range t.texts {
		if x.file == "" {
			o.get("languages").problemf("%s has no file: how the document is called", x.language)
		}
	}
}
