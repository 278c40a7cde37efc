package journey

import (
	"strings"

	"fhirbridge/pipeline"
)

// answerStep is the beginning of the step name of what answers a reply.
const answerStep = "answer:"

// stepStale is the step of the newest facts for someone who answered old ones.
const stepStale = answerStep + "stale"

// Compose implements pipeline.Journeys. It returns no error.
func (b *Book) Compose(n pipeline.Notification, f pipeline.Facts, attempt string) (pipeline.Composed, error) {
	j := b.journeys[n.Journey]
	if j == nil {
		return skip(pipeline.ReasonSuperseded), nil // the configuration has changed
	}
	s := b.scene(f.Subject, f.Known, f.Lookup, f.Now)
	t, why := j.choose(n, f, s)
	if why != pipeline.ReasonNone {
		return skip(why), nil
	}
	if len(f.With) > 0 {
		return b.digest(j, n, f, s, attempt), nil
	}
	told := recall(n.Facts)
	if s.start.IsZero() {
		s.start = told.start()
	}
	own := own(f)
	text := t.in(told.Wrote, f.Language, told.Language, own, b.settings.Language, "en")
	if text == nil {
		return skip(pipeline.ReasonNoTemplate), nil
	}
	if f.Plain && !t.plain() {
		return skip(pipeline.ReasonNotOnWhatsApp), nil
	}
	w := &writer{
		scene: s, before: instant(told.Before), minutes: told.Minutes, slot: b.slotOf(n, told, s), patient: f.Patient, proxy: f.Proxy,
		settings: &b.settings, calendar: b.calendarFor(text.language, own),
	}
	values, missing := t.values(text, w)
	if missing || w.unnamed {
		return skip(pipeline.ReasonMissingFact), nil
	}
	message, ok := w.message(t, text, values, attempt, f.Plain)
	if !ok {
		return skip(pipeline.ReasonSuperseded), nil // it is elsewhere by now, or the configuration has changed
	}
	composed := pipeline.Composed{
		Message: message, Actions: t.actions, Shown: s.occasion(), Awaits: j.awaitsWords(n.Step, t), Once: j.once(n, s),
		Neutral: j.neutral(n.Step, t),
	}
	switch {
	case t.document:
		composed.Attach = j.document(n, s, text, &composed.Message)
	case t.choose != choosesNothing:
		w.choices(&composed, j.question(n.Step), t, text, n, told)
	}
	return composed, nil
}

// message puts what a template says into the form that it is sent in: in words alone, as a place on the map if there
// is one, or under a picture. It reports false if the picture is not to be had.
func (w *writer) message(t *template, x *text, values []string, attempt string, plain bool) (pipeline.Message, bool) {
	if plain {
		return t.inWords(x, values, attempt), true
	}
	m := t.message(x, values, attempt)
	if t.location {
		if m.Location = w.pin(); m.Location != nil {
			m.Text = pipeline.Private{}
		}
		return m, true
	}
	ok := !t.image || w.illustrated(&m)
	return m, ok
}

// choices adds to a message what there is to choose from: visits, languages, or services and free times.
func (w *writer) choices(composed *pipeline.Composed, asked *answer, t *template, x *text, n pipeline.Notification, told memory) {
	switch {
	case t.choose == choosesOne:
		w.which(composed, x, told.Which)
	case t.choose == choosesLanguage && asked != nil:
		asked.offer(composed, x)
	default:
		w.offer(composed, t, x, n, told)
	}
}

// awaitsWords reports whether what a step says is answered in words: to a question, in a survey, or by a stranger who is
// asked who they are.
func (j *journey) awaitsWords(step string, t *template) bool {
	asked := j.question(step)
	return asked != nil && asked.free != nil || j.awaits(step, t) || j.on == typeMessage && asksStranger(step)
}

func skip(why pipeline.Reason) pipeline.Composed { return pipeline.Composed{Skip: why} }

// choose returns the template of a notification, or why it is not wanted any more.
func (j *journey) choose(n pipeline.Notification, f pipeline.Facts, s *scene) (*template, pipeline.Reason) {
	if action, ok := strings.CutPrefix(n.Step, answerStep); ok {
		return j.reply(action, n, f, s)
	}
	if j.asked != nil {
		return j.chooseRequested(n, s)
	}
	st := j.byStep[n.Step]
	switch {
	case st == nil || st.send == nil:
		return nil, pipeline.ReasonSuperseded // the configuration has changed
	case s.subject == nil && st.when.edge != nil && st.when.edge.gone:
		return st.said(f), pipeline.ReasonNone
	}
	if why := j.about(n, s); why != pipeline.ReasonNone {
		return nil, why
	}
	switch {
	case st.late != nil && !st.still(j, n, s):
		return nil, pipeline.ReasonSuperseded
	case !st.when.holds(s):
		if s.visit != nil && booked(s) && (s.confirmed() || s.declined()) {
			return nil, pipeline.ReasonAnswered
		}
		return nil, pipeline.ReasonSuperseded
	case st.when.edge == nil && st.late == nil && n.Occasion != s.occasion():
		return nil, pipeline.ReasonSuperseded
	}
	if st.offer != nil && f.Proxy == nil && !f.Plain { // whoever else has the number is not sent the document
		if _, why := j.form(s, ""); why == pipeline.ReasonNone {
			return st.offer, pipeline.ReasonNone
		}
	}
	return st.said(f), pipeline.ReasonNone
}

// said returns what a step says: more freely while the window is open.
func (s *step) said(f pipeline.Facts) *template {
	if f.Window && s.chat != nil {
		return s.chat
	}
	return s.send
}

// about makes the patient of n the one of the scene, and says why if nothing may be said about it.
func (j *journey) about(n pipeline.Notification, s *scene) pipeline.Reason {
	switch {
	case s.subject == nil:
		return pipeline.ReasonSubjectGone
	case s.subject.Header().Type != j.on, !s.lookAt(n.Patient), j.silent(s):
		return pipeline.ReasonSuperseded
	}
	return pipeline.ReasonNone
}

// reply returns the template of an answer to a reply.
func (j *journey) reply(action string, n pipeline.Notification, f pipeline.Facts, s *scene) (*template, pipeline.Reason) {
	if n.Step == stepStale {
		why := j.about(n, s)
		if why == pipeline.ReasonNone && (j.stale == nil || s.visit == nil || !booked(s)) {
			why = pipeline.ReasonSuperseded
		}
		return j.stale, why
	}
	action, came, _ := strings.Cut(action, ":")
	t := j.otherwise[action]
	if closed := j.otherwise[readClosed]; action == readText && closed != nil && !s.book.settings.open(s.now) {
		t = closed
	}
	a := j.answers[action]
	if a != nil {
		t = a.says(came)
	}
	switch told := recall(n.Facts); {
	case t == nil:
		return nil, pipeline.ReasonSuperseded
	case t.session && !f.Window:
		return nil, pipeline.ReasonExpired
	case told.Occasion != "" && s.subject == nil:
		return nil, pipeline.ReasonSubjectGone
	case t.choose == choosesSlot && len(n.Offers) == 0, t.choose == choosesOne && len(told.Which) == 0:
		return nil, pipeline.ReasonMissingFact
	case told.Occasion != "" && s.occasion() != "" && told.Occasion != s.occasion() && (came != cameDone || !offered(n, s.start)):
		return nil, pipeline.ReasonSuperseded // it has moved since: that is the news
	case s.visit != nil && !booked(s) && a != nil && a.needsBooked():
		return nil, pipeline.ReasonSuperseded
	case s.encounter != nil && !s.waits() && j.ofWaiting(a):
		return nil, pipeline.ReasonSuperseded
	}
	return t, pipeline.ReasonNone
}

// What came of an answer that the EHR had to take, as the end of a step's name.
const (
	cameDone  = "done"
	cameAsked = "asked"
)

// says returns what is said to an answer, by what came of it ("" for at once).
func (a *answer) says(came string) *template {
	if a.said != nil {
		return a.said.says(came)
	}
	switch came {
	case cameDone:
		return a.done
	case cameAsked:
		return a.asked
	case cameServices:
		return a.services
	case cameSlots:
		return a.slots
	case cameTaken:
		return a.taken
	case cameMap:
		return a.site
	}
	return a.reply
}

// needsBooked reports whether what is said to an answer makes sense only while the visit stands.
func (a *answer) needsBooked() bool {
	return a.do == doAccept || a.do == doAsk || a.do == doChange || a.do == doEach
}
