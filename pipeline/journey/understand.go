package journey

import (
	"slices"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Codes of Outcome.Handoff: what people are asked to look at.
const (
	handText    = "patient_message"
	handUnclear = "which_appointment"
	handLate    = "late_answer"
)

// window is how long a patient's message may be answered freely
// (https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages#customer-service-windows).
const window = 24 * time.Hour

// silent are the kinds of replies that say nothing one could answer; they are filed.
var silent = []string{"reaction", "sticker", "system", "unsupported"}

// media are the kinds of replies that carry something for a person to look at.
var media = []string{"image", "document", "audio", "video", "location", "contacts"}

// worded are the kinds of replies whose text may be a word.
var worded = []string{"text", "button", "list", "interactive"}

// Understand implements pipeline.Journeys. The reading is the name of an answer
// (confirm, cancel, stop, start), or one of:
//
//	again     the same answer as before; nothing more comes of it
//	stale     an answer to facts that have changed; the new ones are sent
//	late      an answer to what is over, cancelled or gone
//	unclear   a word that could be about several appointments
//	text      words for a person to read
//	image, document, audio, video, location, contacts      something for a person to look at
//	reaction, sticker, system, unsupported                  nothing to answer
//	other     a kind that is not known
//
// It returns no error.
func (b *Book) Understand(r pipeline.Reply, t pipeline.Thread) (pipeline.Outcome, error) {
	h := hearing{book: b, reply: r, thread: t}
	o := h.outcome()
	if t.Stopped && o.Stop == nil || t.Stopped && *o.Stop {
		o.Say = nil // who has said STOP gets no message, and the answer to the first STOP was the last
	}
	return o, nil
}

// hearing is one reply being understood.
type hearing struct {
	book   *Book
	reply  pipeline.Reply
	thread pipeline.Thread
}

func (h *hearing) outcome() pipeline.Outcome {
	r := &h.reply
	switch {
	case slices.Contains(silent, r.Kind):
		return pipeline.Outcome{Reading: r.Kind}
	case slices.Contains(media, r.Kind):
		return h.passOn(r.Kind, readText, handText)
	case !slices.Contains(worded, r.Kind):
		return h.passOn("other", readText, handText)
	}
	sent := h.thread.Sent
	if sent != nil && sent.Action != "" {
		j := h.book.journeys[sent.Notification.Journey]
		if j != nil && j.answers[sent.Action] != nil {
			return h.answered(j, j.answers[sent.Action])
		}
		return h.passOn(readText, readText, handText)
	}
	word := fold(r.Text.Reveal())
	if j := h.book.replies; j != nil {
		if a := j.meant(word, h.book.languages); a != nil {
			return h.answered(j, a)
		}
	}
	return h.word(word)
}

// word reads a word that was typed: it is about the message that it answers, if
// that is known; if there are several, it is not guessed.
func (h *hearing) word(word string) pipeline.Outcome {
	languages := h.languages()
	if h.thread.Sent != nil {
		j := h.book.journeys[h.thread.Sent.Notification.Journey]
		if j != nil && j.on != typeMessage {
			if a := j.meant(word, languages); a != nil {
				return h.answered(j, a)
			}
		}
		return h.passOn(readText, readText, handText)
	}
	if h.thread.How == "several" {
		for _, j := range h.book.journeys {
			if j.meant(word, languages) != nil {
				return h.passOn(readUnclear, readUnclear, handUnclear)
			}
		}
	}
	return h.passOn(readText, readText, handText)
}

// languages are those in which a word may be meant.
func (h *hearing) languages() []string {
	list := []string{h.thread.Language}
	if p := h.patient(); p != nil {
		list = append(list, p.Language())
	}
	return append(list, h.book.settings.Language, "en")
}

// patient is whom the reply is from, as far as that is known.
func (h *hearing) patient() *fhir.Patient {
	ref := h.who()
	if ref == "" || h.thread.Lookup == nil {
		return nil
	}
	p, _ := h.thread.Lookup(ref).(*fhir.Patient)
	return p
}

// who is the reference of whom the reply is filed under; "" if nobody is known, or several.
func (h *hearing) who() string {
	switch {
	case h.thread.Sent != nil:
		return h.thread.Sent.Notification.Patient
	case len(h.thread.Patients) == 1:
		return h.thread.Patients[0]
	}
	return ""
}

// passOn hands the reply to people, and acknowledges it.
func (h *hearing) passOn(reading, acknowledgement, handoff string) pipeline.Outcome {
	o := pipeline.Outcome{Reading: reading, Handoff: handoff}
	if j := h.book.replies; j != nil && j.otherwise[acknowledgement] != nil {
		o.Say = h.say(j, answerStep+acknowledgement, "", "")
	}
	return o
}

// answered acts on an answer.
func (h *hearing) answered(j *journey, a *answer) pipeline.Outcome {
	switch a.do {
	case doStop, doStart:
		off := a.do == doStop
		return pipeline.Outcome{Reading: a.name, Stop: &off, Say: h.say(j, answerStep+a.name, "", "")}
	}
	return h.decided(j, a)
}

// decided acts on an answer about a visit, if it is still about the visit as it is.
func (h *hearing) decided(j *journey, a *answer) pipeline.Outcome {
	t, n := &h.thread, &h.thread.Sent.Notification
	s := h.book.scene(t.Subject, t.Known, t.Lookup, t.Now)
	if s.visit == nil || !booked(s) || !s.start.After(t.Now) || j.silent(s) || !s.lookAt(n.Patient) {
		return h.passOn(readLate, readLate, handLate)
	}
	if h.stale(s) {
		return pipeline.Outcome{Reading: "stale", Say: h.refresh(j, s)}
	}
	ours := ""
	switch before := s.answer(); {
	case before != nil && before.Action == a.name:
		return pipeline.Outcome{Reading: "again"}
	case before != nil && before.At.After(h.at()): // an older word that comes late undoes nothing newer
		return h.passOn(readLate, readLate, handLate)
	case before != nil:
		ours = status(h.book.meaning(before.Action))
	}
	subject := s.visit.Header().Ref()
	answer := &pipeline.Answer{Subject: subject, Patient: s.who, Action: a.name, Occasion: s.occasion(), At: h.at()}
	return pipeline.Outcome{
		Reading: a.name,
		Say:     h.say(j, answerStep+a.name, subject, s.occasion()),
		Answer:  answer,
		Decision: &pipeline.Decision{
			Appointment: subject, Patient: s.who, Status: status(a.do), Start: s.start, Was: s.status, Ours: ours, Reply: h.reply.ID, At: h.at(),
		},
		Plan: &pipeline.Plan{Wanted: h.replan(answer)},
	}
}

// status is what a doing makes of the patient's participation.
func status(does doing) string {
	if does == doDecline {
		return fhir.ParticipantDeclined
	}
	return fhir.ParticipantAccepted
}

// stale reports whether the patient answered a message that showed another start.
func (h *hearing) stale(s *scene) bool {
	shown := h.thread.Sent.Attempt.Shown
	if shown == "" { // not known: then only the very same version is certain
		return h.thread.Sent.Attempt.SubjectVersion != h.thread.SubjectVersion
	}
	return shown != s.occasion()
}

// refresh says the newest facts, unless news of them wait to be sent anyway.
func (h *hearing) refresh(j *journey, s *scene) []pipeline.Notification {
	news := func(o pipeline.Notification) bool {
		return o.Edge && o.Journey == j.name && o.Recipient == s.who && j.byStep[o.Step] != nil && j.byStep[o.Step].when.holds(s)
	}
	if j.stale == nil || slices.ContainsFunc(h.thread.Known.Open, news) {
		return nil
	}
	return h.say(j, stepStale, s.visit.Header().Ref(), "")
}

// replan is what remains wanted after an answer.
func (h *hearing) replan(a *pipeline.Answer) []pipeline.Notification {
	t := &h.thread
	wanted, _ := h.book.Decide(pipeline.Change{ // it returns no error
		Previous: t.Subject, Current: t.Subject, Version: t.SubjectVersion, Known: t.Known.With(*a), Lookup: t.Lookup, Now: t.Now,
	})
	return wanted
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
		return nil
	}
	who, recipient := h.who(), h.who()
	if h.thread.Sent != nil {
		recipient = h.thread.Sent.Notification.Recipient
	}
	return []pipeline.Notification{{
		Key:     pipeline.NotificationKey(j.name, step, subject, h.reply.ID, who),
		Journey: j.name, Step: step, Subject: subject, Patient: who, Recipient: recipient,
		Occasion: h.reply.ID, Due: now, Expires: expires, Priority: pipeline.PriorityReply,
		ReplyTo: h.reply.ID, Resend: true, Facts: memory{h.thread.Language, occasion}.private(),
	}}
}
