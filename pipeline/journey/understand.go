package journey

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Codes of Outcome.Handoff: what people are asked to look at.
const (
	handText    = "patient_message"
	handUnclear = "which_appointment"
	handLate    = "late_answer"
	handUnsure  = "sender_unverified"
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
//	stranger_noted, stranger_unclear   who somebody says to be whom nobody knows; what is no such thing
//	text      words for a person to read
//	image, document, audio, video, location, contacts      something for a person to look at
//	reaction, sticker, system, unsupported                  nothing to answer
//	other     a kind that is not known
//
// It returns no error.
func (b *Book) Understand(r pipeline.Reply, t pipeline.Thread) (pipeline.Outcome, error) {
	h := hearing{book: b, reply: r, thread: t}
	if cry := h.alarm(); cry != nil { // before all else, and whatever else was said
		o := h.alarmed(cry)
		h.conceal(&o)
		return o, nil
	}
	o := h.outcome()
	o.Antecedent = h.antecedent
	h.conceal(&o)
	only := o.OnlySays() && len(o.Say) > 0
	if t.Stopped && o.Stop == nil || t.Stopped && *o.Stop {
		o.Say = nil // who has said STOP gets no message, and the answer to the first STOP was the last
	}
	if h.shut && o.OnlySays() || only && len(o.Say) == 0 { // it would be lost
		o.Handoff = handText
	}
	return o, nil
}

// hearing is one reply being understood.
type hearing struct {
	book   *Book
	reply  pipeline.Reply
	thread pipeline.Thread
	// antecedent is which of the thread's it was found to be about, see pipeline.Outcome.
	antecedent int
	// shut is set where it was too late to say what it leads to.
	shut bool
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
	if h.introduces() {
		if a := h.conversation(); a != nil { // STOP is no name
			return h.answered(h.book.replies, a)
		}
		return h.introduced()
	}
	sent := h.thread.Sent
	if sent != nil && sent.Action != "" {
		j := h.book.journeys[sent.Notification.Journey]
		if sent.Notification.Step == answerStep+readUnclear && sent.Choice != "" {
			return h.picked()
		}
		switch a := j.answer(sent.Action); {
		case a != nil && sent.Choice != "":
			return h.chosen(j, a)
		case a != nil:
			return h.answered(j, a)
		}
		return h.passOn(readText, readText, handText)
	}
	if a := h.conversation(); a != nil {
		return h.answered(h.book.replies, a)
	}
	return h.word(fold(r.Text.Reveal()))
}

// conversation is what a word means to the journey on message; nil if nothing.
func (h *hearing) conversation() *answer {
	j := h.book.replies
	if j == nil {
		return nil
	}
	word := fold(h.reply.Text.Reveal())
	if a := j.words.meant(word, h.book.languages); a != nil && (a.do != doBook || h.thread.How != "asked") { // "Termin" may be what was asked for
		return a
	}
	return j.words.meant(h.named(word), h.book.languages)
}

// word reads a word that was typed: it is about the message that it answers, if
// that is known; if there are several, it is not guessed.
func (h *hearing) word(word string) pipeline.Outcome {
	switch {
	case h.unsure():
		return h.passOn(readText, readText, handUnsure)
	case len(h.thread.Antecedents) > 0:
		return h.among(word)
	}
	languages := h.languages()
	if h.thread.Sent != nil {
		j := h.book.journeys[h.thread.Sent.Notification.Journey]
		if j != nil {
			in, a := j, j.meant(h.thread.Sent.Notification.Step, word, languages)
			if a == nil {
				in, a = h.elsewhere(j, word, languages)
			}
			if a != nil && (h.several(a) || !h.thanks(a) && !h.picks(a, word)) {
				return h.answered(in, a)
			}
		}
		return h.passOn(readText, readText, handText)
	}
	return h.passOn(readText, readText, handText)
}

// elsewhere returns what a word means in the other journeys that have something to say about the subject. It must
// mean one thing in all of them, and decide nothing: a decision is read only from an answer to the message that asks for it.
func (h *hearing) elsewhere(j *journey, word string, languages []string) (in *journey, means *answer) {
	t := &h.thread
	s := h.book.scene(t.Subject, t.Known, t.Lookup, t.Now)
	if s.subject == nil || s.subject.Header().Type != j.on || !s.lookAt(t.Sent.Notification.Patient) {
		return nil, nil
	}
	for _, other := range h.book.byType[j.on] {
		if other == j || other.silent(s) || !slices.ContainsFunc(other.steps, func(st *step) bool { return st.when.holds(s) }) {
			continue
		}
		a := other.words.meant(word, languages)
		switch {
		case a == nil:
			continue
		case means != nil, a.do != doNote && a.do != doTask && a.do != doBook:
			return nil, nil
		}
		in, means = other, a
	}
	return in, means
}

// thanks reports whether a word that says yes may be no more than that: "ok", to what was said to another
// decision, which the patient has made since the message that the word is taken to answer. It would
// undo that decision; so people read it.
func (h *hearing) thanks(a *answer) bool {
	sent := h.thread.Sent
	before := h.thread.Known.AnswerOf(sent.Notification.Patient)
	if h.thread.How != "only" || before == nil || before.Action == a.name || !before.At.After(sent.Attempt.Begun) {
		return false
	}
	return a.do == doAccept || a.of != nil && participations[a.do] != ""
}

// picks reports whether a word may choose from the list that it is typed under, and say nothing of what the list is about:
// "1" may be its first row. Rows are chosen by a tap; people read what may be meant for one.
func (h *hearing) picks(a *answer, word string) bool {
	return len(h.thread.Sent.Attempt.Choices) > 0 && len(h.digested()) == 0 && (a.do == doAccept || !strings.ContainsFunc(word, unicode.IsLetter))
}

// languages are those in which a word may be meant.
func (h *hearing) languages() []string {
	list := []string{h.thread.Chosen, h.thread.Language}
	if p := h.proxy(); p != nil {
		list = append(list, p.Language())
	}
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
	if acknowledgement == readText && h.stranger() {
		acknowledgement = readStranger
	}
	if j := h.book.replies; j != nil && j.otherwise[acknowledgement] != nil {
		o.Say = h.say(j, answerStep+acknowledgement, "", "")
	}
	return o
}

// answerOf is the name of the answer to which a step replies, "" if it replies to none.
func answerOf(step string) string {
	rest, ok := strings.CutPrefix(step, answerStep)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, ":")
	return name
}

// meant returns what a word means to somebody who was told a step: an answer to its question, if it
// asks one of its own, else what it always means. nil if it means nothing.
func (j *journey) meant(step, word string, languages []string) *answer {
	if question := j.question(step); question != nil {
		if a := question.words.meant(word, languages); a != nil {
			return a
		}
		if question.free != nil {
			return question.free
		}
	}
	return j.words.meant(word, languages)
}
