package pipeline

import (
	"cmp"
	"strings"

	"fhirbridge/fhir"
)

// Meta's codes that mean something to the plan.
// https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
const (
	codeNotOnWhatsApp = "131026" // the number cannot be reached on WhatsApp
	codeWindowClosed  = "131047" // free words, and more than 24 hours since the patient's last message
)

// failure is the reason of a failure with that code.
func failure(code string) Reason {
	switch code {
	case codeNotOnWhatsApp:
		return ReasonNotReachable
	case codeWindowClosed:
		return ReasonWindow
	}
	return ReasonRefused
}

// Failure is the reason for which a message failed.
func (r Receipt) Failure() Reason { return failure(r.Code) }

// WindowClosed reports whether a message failed because the patient's 24 hours were over, whatever was
// known of them: Meta says so, too, of windows that are open.
func (r Receipt) WindowClosed() bool { return r.State == Failed && r.Code == codeWindowClosed }

// Absent reports whether a message failed because the number is not on WhatsApp.
func (r Receipt) Absent() bool { return r.State == Failed && r.Code == codeNotOnWhatsApp }

// free reports whether the attempt was one at free words, which need an open window.
func (a Attempt) free() bool { return a.Template == "" }

// Answers wait for nobody: what has not come to the patient people have to say.
const taskUnsaid = "answer_not_delivered"

// Record returns the writes that record a message and what has become of it, as Sent does, behind those of the conversation
// that it is part of; and of an answer that nobody else makes up for, those of a Task.
func (f Filing) Record(m SentMessage) []Write {
	writes := append(f.Thread(m), f.Sent(m)...)
	if m.unsaid() {
		writes = append(writes, f.Unsaid(m)...)
	}
	if why := m.doubt(); why != "" {
		n := m.Notification
		writes = append(writes, f.doubted(why, n.Patient, cmp.Or(n.Recipient, n.Patient), m.Attempt.ID, m.Attempt.Begun, "")...)
	}
	return ofSender(writes, m.Attempt.Address)
}

// unsaid reports whether people have to say an answer: one that is all that comes of a reply and was not delivered, for
// whatever reason but that it is not so any more; of the others, one about something that the window has shut out. What was
// said about nothing in particular, as that a message has been passed on, is in somebody's hands anyway.
func (m SentMessage) unsaid() bool {
	n := m.Notification
	switch {
	case n.ReplyTo == "" || n.Farewell || m.Fate.Again:
		return false
	case !n.Sole:
		return n.Subject != "" && m.Fate.State == Failed && m.Fate.Code == codeWindowClosed
	case m.Fate.State == Skipped:
		return m.notDone() != ""
	}
	return m.Fate.State == Failed || m.Fate.State == Expired || m.Fate.State == Held
}

// Unsaid returns the writes of a Task that asks people to tell the patient what an answer would have said, one for each
// reply, and one for the map of a site beside it: who hears of that still thinks that the patient has the answer. What it is
// about is the reply itself, if nothing else.
func (f Filing) Unsaid(m SentMessage) []Write {
	n, a := m.Notification, m.Attempt
	draft := fhir.TaskDraft{
		Code:        "WhatsApp: " + spoken(taskUnsaid),
		Codings:     []fhir.Coding{{System: SystemTask, Code: taskUnsaid}},
		Reason:      m.inWords(),
		Description: a.Seen.Reveal(),
		For:         reference(n.Patient),
		Focus:       focus(n.Subject),
		AuthoredOn:  a.Begun,
	}
	if n.Subject == "" {
		draft.Focus = fhir.Reference{Type: "Communication", Identifier: fhir.Identifier{System: SystemMessage, Value: n.ReplyTo}}
	}
	if a.Begun.IsZero() { // no words were made
		draft.AuthoredOn = n.Due
	}
	id := n.ReplyTo
	if strings.HasSuffix(n.Step, ":"+StepMap) {
		id += " " + n.Step
	}
	return aboutReply(f.task(draft, "unsaid", id, queue(n.Patient, n.ReplyTo)), draft, n.ReplyTo)
}
