package journey

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// arrivalGrace is how long after the start of a visit a patient may still arrive.
const arrivalGrace = 2 * time.Hour

// answered acts on an answer.
func (h *hearing) answered(j *journey, a *answer) pipeline.Outcome {
	if h.unfit(a) {
		return h.passOn(readText, readText, handText)
	}
	if h.several(a) {
		return h.each(j, readUnclear)
	}
	switch a.do {
	case doStop, doStart:
		off := a.do == doStop
		say := h.say(j, answerStep+a.name, "", "")
		for i := range say {
			say[i].Farewell = off
		}
		o := pipeline.Outcome{Reading: a.name, Stop: &off, Say: say, Unsure: h.unsure()}
		if o.Unsure {
			o.Handoff = handUnsure
		}
		return o
	case doScore, doWords:
		return h.surveyed(j, a)
	case doSpeak:
		return h.speaks(j, a)
	case doDisown:
		return h.disowns(j, a)
	case doNote, doTask:
		if a.of != nil && a.of.do != doScore { // what it answers was asked about the visit as it was then
			if _, instead := h.standing(j, a); instead != nil {
				return *instead
			}
		}
		return h.noted(j, a)
	case doSend:
		return h.wished(j, a)
	case doIdentify:
		return h.identified(j, a)
	case doBook:
		return h.books(j, a)
	case doEach:
		return h.each(j, a.name)
	}
	return h.decided(j, a, choice{})
}

// noted files an answer that changes nothing in the EHR, and asks people to act on it if it says so.
// That is right at any time: what somebody says is read, also when it is said late.
func (h *hearing) noted(j *journey, a *answer) pipeline.Outcome {
	switch {
	case a.reply != nil && a.reply.portal && h.book.settings.Portal == "": // nothing can be said to it here
		return h.passOn(readText, readText, handText)
	case j.ofWaiting(a) && h.over():
		return h.passOn(readLate, readLate, handLate)
	}
	o := pipeline.Outcome{Reading: a.name}
	if a.do == doTask || a.do == doBook {
		o.Handoff, o.Urgent = a.name, a.urgent
	}
	if a.reply != nil {
		subject := ""
		if h.thread.Sent != nil && h.thread.Subject != nil {
			subject = h.thread.Sent.Notification.Subject
		}
		o.Say = append(h.say(j, answerStep+a.name, subject, ""), h.showMap(j, a, subject)...)
	}
	h.keep(j, a, &o)
	return o
}

// decided acts on an answer about a visit, if it is still about the visit as it is.
func (h *hearing) decided(j *journey, a *answer, c choice) pipeline.Outcome {
	s, instead := h.standing(j, a)
	if instead != nil {
		return *instead
	}
	subject, step := s.subject.Header().Ref(), answerStep+a.name
	if a.do == doAsk {
		return pipeline.Outcome{Reading: a.name, Say: h.say(j, step, subject, s.occasion())}
	}
	if h.moves(a) && !c.People {
		return h.move(j, a, s, c)
	}
	ours := ""
	switch before := s.answer(); {
	case before != nil && before.Action == a.name && !s.overruled(before):
		return pipeline.Outcome{Reading: "again"}
	case before != nil && before.At.After(h.at()): // an older word that comes late undoes nothing newer
		return h.passOn(readLate, readLate, handLate)
	case before != nil:
		ours = participations[h.book.meaning(before.Action)]
	}
	answer := &pipeline.Answer{Subject: subject, Patient: s.who, Action: a.name, Occasion: s.occasion(), Was: strings.TrimSpace(s.status + " " + ours), At: h.at()}
	o := pipeline.Outcome{
		Reading: a.name,
		Answer:  answer,
		Decision: &pipeline.Decision{
			Appointment: subject, Patient: s.who, Status: participations[a.do], Visit: string(statuses[a.do]), Until: until(s, a),
			Start: s.start, Was: s.status, Ours: ours, Reply: h.reply.ID, At: h.at(),
		},
		Plan: &pipeline.Plan{Wanted: h.replan(answer)},
	}
	if a.do == doChange {
		o.Handoff = a.name
	}
	if a.reply != nil {
		o.Say = h.say(j, step, subject, s.occasion())
		return o
	}
	o.Decision.Done = h.say(j, step+":"+cameDone, subject, s.occasion())
	o.Decision.Asked = h.say(j, step+":"+cameAsked, subject, s.occasion())
	return o
}

// until is when an answer about a visit comes too late.
func until(s *scene, a *answer) time.Time {
	if a.do == doArrive {
		return s.start.Add(arrivalGrace)
	}
	return s.start
}

// standing returns the subject that an answer is about. If the answer cannot be taken as it was meant,
// instead is what comes of it.
func (h *hearing) standing(j *journey, a *answer) (s *scene, instead *pipeline.Outcome) {
	t := &h.thread
	late := h.passOn(readLate, readLate, handLate)
	s = h.book.scene(t.Subject, t.Known, t.Lookup, t.Now)
	switch {
	case s.subject == nil || s.subject.Header().Type != j.on || !s.lookAt(t.Sent.Notification.Patient) || j.silent(s):
		return s, &late
	case s.encounter != nil:
		if s.mistaken() {
			return s, &late
		}
		return s, nil
	case s.report != nil:
		if !released(s) {
			return s, &late
		}
		return s, nil
	case !booked(s) || !until(s, a).After(t.Now):
		return s, &late
	case h.stale(s):
		say, told := h.refresh(j, s)
		if !told {
			return s, &late
		}
		return s, &pipeline.Outcome{Reading: "stale", Say: say}
	}
	return s, nil
}

// stale reports whether the patient answered a message that showed another start.
func (h *hearing) stale(s *scene) bool {
	shown := h.thread.Sent.Attempt.Shown
	if shown == "" { // not known: then only the very same version is certain
		return h.thread.Sent.Attempt.SubjectVersion != h.thread.SubjectVersion
	}
	return shown != s.occasion()
}

// refresh says the newest facts, unless news of them wait to be sent anyway. told is false if the
// journey has no words for that.
func (h *hearing) refresh(j *journey, s *scene) (say []pipeline.Notification, told bool) {
	news := func(o pipeline.Notification) bool {
		return o.Edge && o.Journey == j.name && o.Patient == s.who && j.byStep[o.Step] != nil && j.byStep[o.Step].when.holds(s)
	}
	switch {
	case slices.ContainsFunc(h.thread.Known.Open, news):
		return nil, true
	case j.stale == nil:
		return nil, false
	}
	return h.say(j, stepStale, s.visit.Header().Ref(), ""), true
}

// replan is what remains wanted after an answer.
func (h *hearing) replan(a *pipeline.Answer) []pipeline.Notification {
	t := &h.thread
	plan, _ := h.book.Decide(pipeline.Change{ // it returns no error
		Previous: t.Subject, Current: t.Subject, Version: t.SubjectVersion, Known: t.Known.With(*a), Lookup: t.Lookup, Now: t.Now,
	})
	return plan.Wanted
}

// at is when the patient wrote.
func (h *hearing) at() time.Time {
	for _, t := range []time.Time{h.reply.At, h.reply.Received} {
		if !t.IsZero() {
			return t
		}
	}
	return h.thread.Now
}

// say is the notification that answers the reply, at once and while the window is open.
func (h *hearing) say(j *journey, step, subject, occasion string) []pipeline.Notification {
	now, expires := h.thread.Now, h.at().Add(window)
	if !expires.After(now) {
		h.shut = true
		return nil
	}
	who, recipient := h.who(), cmp.Or(h.thread.Proxy, h.who())
	if h.thread.Sent != nil {
		recipient = h.thread.Sent.Notification.Recipient
	}
	return []pipeline.Notification{{
		Key:     pipeline.NotificationKey(j.name, step, subject, h.reply.ID, who),
		Journey: j.name, Step: step, Subject: subject, Patient: who, Recipient: recipient,
		Occasion: h.reply.ID, Due: now, Expires: expires, Priority: pipeline.PriorityReply,
		ReplyTo: h.reply.ID, Resend: true, Facts: memory{Language: cmp.Or(h.thread.Chosen, h.thread.Language), Occasion: occasion}.private(),
	}}
}
