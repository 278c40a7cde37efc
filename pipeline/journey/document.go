package journey

import (
	"slices"
	"strings"
	"unicode"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// A report is sent as a document only if all of this holds, and at the very moment of sending: the configuration wants it,
// the patient has asked for it, the number is the patient's own, the patient has just shown who they are by their date of
// birth, and the journey would still say that the report is there. Else the patient is told that it is not
// sent, and people are asked.

// Documents say which documents patients may have sent to them.
type Documents struct {
	// Results reports whether reports are.
	Results bool
	// Tries are how often a patient may be wrong about their date of birth: for one report, ever, and Daily for all
	// in 24 hours.
	Tries, Daily int
}

// What a patient is told in answer to a date of birth, as the end of a step's name and of a reading.
const (
	cameDocument = "document" // it is right, and here is the document
	cameWrong    = "wrong"    // it is not, and may be written again
	cameUnclear  = "unclear"  // it is none, or could be several
	cameLocked   = "locked"   // it was wrong too often
	cameInstead  = "instead"  // whatever it is, the document is not sent
)

// Codes of Outcome.Handoff.
const (
	handNotSent = "document_not_sent"
	handNoBirth = "birth_date_missing"
	handNumber  = "other_number"
	handLocked  = "birth_date_locked"
)

// identifies returns the answer to a question that shows who somebody is; nil if it asks for something else.
func (a *answer) identifies() *answer {
	if a.free != nil && a.free.do == doIdentify {
		return a.free
	}
	return nil
}

// question returns the answer whose reply a step is, if that may ask for something: what answers it is among its words,
// or free. A date of birth that was not right is asked for again.
func (j *journey) question(step string) *answer {
	a := j.answers[answerOf(step)]
	if a != nil && a.do == doIdentify && (strings.HasSuffix(step, ":"+cameWrong) || strings.HasSuffix(step, ":"+cameUnclear)) {
		return a.of
	}
	return a
}

// offers reports whether a step tells of the report now, so that the patient may have it. That the patient has been
// told before does not matter.
func (s *step) offers(on *scene) bool {
	return s.offer != nil && s.when.holds(on) && (s.schedule == nil || !s.due(on).After(on.now))
}

// form returns the document that the patient of the scene may be sent, or why there is none.
func (j *journey) form(s *scene, language string) (*fhir.Attachment, pipeline.Reason) {
	switch {
	case !s.book.settings.Documents.Results:
		return nil, pipeline.ReasonDocumentsOff
	case s.report == nil, s.gone, s.who == "":
		return nil, pipeline.ReasonNotReleased
	case !released(s), s.sensitive(), s.withheld(), j.silent(s), !slices.ContainsFunc(j.steps, func(st *step) bool { return st.offers(s) }):
		return nil, pipeline.ReasonNotReleased
	}
	var found *fhir.Attachment
	for _, form := range s.report.Forms() {
		kind, _, _ := strings.Cut(form.ContentType, ";")
		if !strings.EqualFold(strings.TrimSpace(kind), "application/pdf") || !form.Inline() && form.URL == "" {
			continue
		}
		if found == nil || baseOf(found.Language) != baseOf(language) && baseOf(form.Language) == baseOf(language) {
			found = &form
		}
	}
	if found == nil {
		return nil, pipeline.ReasonNoDocument
	}
	return found, pipeline.ReasonNone
}

// wished acts on the wish to have the report sent: the patient is asked who they are.
func (h *hearing) wished(j *journey, a *answer) pipeline.Outcome {
	id := a.identifies()
	s, code := h.may(j)
	switch {
	case code != "":
		return h.told(j, id, a.name, cameInstead, code)
	case h.locked():
		return h.told(j, id, a.name, cameLocked, "")
	}
	return pipeline.Outcome{Reading: a.name, Say: h.say(j, answerStep+a.name, s.subject.Header().Ref(), "")}
}

// identified acts on the answer to the question who somebody is. Its words are not filed.
func (h *hearing) identified(j *journey, a *answer) pipeline.Outcome {
	text := h.reply.Text.Reveal()
	read := readDate(text, h.dateOrder(), h.book.monthsOf(h.languages()))
	if read.message(text) {
		return concealed(h.passOn(readText, readText, handText), read, text)
	}
	s, code := h.may(j)
	switch {
	case code != "":
		return concealed(h.told(j, a, a.name, cameInstead, code), read, text)
	case h.locked():
		return concealed(h.told(j, a, a.name, cameLocked, ""), read, text)
	case h.thread.Tries.Passed.After(h.thread.Sent.Attempt.Begun): // this question has had its answer: the document goes out once
		return concealed(pipeline.Outcome{Reading: "again"}, read, text)
	case len(read.days) == 0:
		return concealed(h.told(j, a, a.name, cameUnclear, ""), read, text)
	}
	born, _ := bornOn(h.patient().BirthDate()) // may has seen it
	try := &pipeline.Try{Subject: s.subject.Header().Ref(), Patient: s.who, Passed: sameDay(read.days, born)}
	var o pipeline.Outcome
	switch {
	case try.Passed:
		o = pipeline.Outcome{Reading: a.name, Say: h.say(j, answerStep+a.name+":"+cameDocument, try.Subject, "")}
		for i := range o.Say {
			o.Say[i].Resend = false // a person decides, rather than sending it twice
		}
	case h.left() <= 1:
		o = h.told(j, a, a.name, cameLocked, handLocked)
	default:
		o = h.told(j, a, a.name, cameWrong, "")
	}
	o.Try = try
	return concealed(o, read, text)
}

// may returns the report that the reply is about, or the code for which people are asked if its document cannot be sent.
func (h *hearing) may(j *journey) (s *scene, code string) {
	t := &h.thread
	s = h.book.scene(t.Subject, t.Known, t.Lookup, t.Now)
	if s.subject == nil || t.Sent == nil || !s.lookAt(t.Sent.Notification.Patient) {
		return s, handNotSent
	}
	if _, why := j.form(s, t.Language); why != pipeline.ReasonNone {
		return s, handNotSent
	}
	p := h.patient()
	if p == nil || t.Sent.Notification.Recipient != s.who {
		return s, handNumber
	}
	if own, _ := p.Phone(t.Now, h.book.settings.Country); own == "" || !t.From.Equal(pipeline.NewPrivate(own)) {
		return s, handNumber
	}
	if _, ok := bornOn(p.BirthDate()); !ok {
		return s, handNoBirth
	}
	return s, ""
}

// left is how many wrong answers the patient still has.
func (h *hearing) left() int {
	tries, most := h.thread.Tries, h.book.settings.Documents
	return min(most.Tries-tries.Subject, most.Daily-tries.Lately)
}

func (h *hearing) locked() bool { return h.left() <= 0 }

// told says what comes of a wish or of a date of birth, and asks people if there is a code for them.
func (h *hearing) told(j *journey, id *answer, name, came, code string) pipeline.Outcome {
	subject := ""
	if h.thread.Sent != nil {
		subject = h.thread.Sent.Notification.Subject
	}
	return pipeline.Outcome{
		Reading: name + ":" + came, Handoff: code, Say: h.say(j, answerStep+id.name+":"+came, subject, ""),
	}
}

// dateOrder is how the patient writes dates: as the language of the conversation does, in the patient's country.
func (h *hearing) dateOrder() dateOrder {
	tag := h.thread.Language
	if p := h.patient(); p != nil && (tag == "" || baseOf(p.Language()) == baseOf(tag)) {
		tag = p.Language()
	}
	return orderOf(tag, h.book.settings.Country)
}

// concealed is an outcome of which no date and no number is filed.
func concealed(o pipeline.Outcome, read typed, text string) pipeline.Outcome {
	if read.numbers {
		o.Filed = pipeline.NewPrivate(read.withoutDate(text))
	}
	return o
}

// conceal keeps the patient's own date of birth out of what is filed, wherever they write it: late, or unasked.
func (h *hearing) conceal(o *pipeline.Outcome) {
	text := h.reply.Text.Reveal()
	if !h.book.settings.Documents.Results || !o.Filed.Empty() || len(text) > maxDateText || h.thread.Lookup == nil {
		return
	}
	if !strings.ContainsFunc(text, unicode.IsDigit) {
		return
	}
	read := readDate(text, h.dateOrder(), h.book.monthsOf(h.languages()))
	for _, ref := range append([]string{h.who()}, h.thread.Patients...) {
		if p, ok := h.thread.Lookup(ref).(*fhir.Patient); ok && p != nil {
			if born, ok := bornOn(p.BirthDate()); ok && sameDay(read.days, born) {
				*o = concealed(*o, read, text)
				return
			}
		}
	}
}

// document makes a message carry the report. It is called when the words have been made.
func (j *journey) document(n pipeline.Notification, s *scene, x *text, m *pipeline.Message) *pipeline.Attach {
	body := m.Text
	m.Text = pipeline.Private{}
	m.Document = &pipeline.Document{Filename: x.file, Caption: body}
	m.Seen = pipeline.NewPrivate(m.Seen.Reveal() + "\n\n[" + x.file + "]")
	a := &pipeline.Attach{Why: pipeline.ReasonNotReleased, Instead: []pipeline.Notification{j.instead(n)}}
	if s.subject != nil && s.lookAt(n.Patient) {
		a.Form, a.Why = j.form(s, x.language)
	}
	return a
}

// instead is the notification that stands for one whose document is not sent.
func (j *journey) instead(n pipeline.Notification) pipeline.Notification {
	step := answerStep + answerOf(n.Step) + ":" + cameInstead
	n.Key, n.Step = pipeline.NotificationKey(j.name, step, n.Subject, n.ReplyTo, n.Patient), step
	n.Resend, n.State, n.Reason, n.Tries = true, "", "", 0
	return n
}
