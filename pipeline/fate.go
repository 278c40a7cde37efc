package pipeline

import (
	"time"

	"fhirbridge/fhir"
)

// Fate is what has become of a message. The zero Fate is that of one which the provider has just taken.
type Fate struct {
	// Filed reports whether its record is owed or written already: what is owed then is what has become of it since.
	Filed bool
	// State is Accepted, Sent, Delivered, Read or Failed; Skipped or Expired for a message that was never made; or Held
	// for one of which nobody knows.
	State State
	// Reason and Code say why it was not sent or delivered; Code is the provider's.
	Reason Reason
	Code   string
	// Again is set for a failure after which it is planned again.
	Again bool
	// Delivered and Read are the provider's times, zero while it has not said so.
	Delivered, Read time.Time
}

// made reports whether it is certain that there is a message.
func (f Fate) made() bool { return f.State != Skipped && f.State != Expired && f.State != Held }

// ended reports whether the chart is to say more of the message than that it was sent.
func (f Fate) ended() bool { return f.State == Delivered || f.State == Read || f.State == Failed }

// readNote stands in the record of a message that was read: FHIR has no element for it.
const readNote = "Read"

// recorded reports whether the chart has, or is to have, a record of a message: of each that was made, and of one that was not
// sent where something is missing that only the chart can tell.
func (m SentMessage) recorded() bool {
	if m.Fate.made() {
		return true
	}
	if m.Fate.State == Held || m.Notification.Reason == string(ReasonNoAnswer) {
		return false // an attempt may have gone out, and nobody knows
	}
	return m.notDone() != "" && !reference(m.Notification.Patient).IsZero()
}

// tell puts what has become of a message into its record. What failed below "delivered" has certainly not
// been delivered.
func (m SentMessage) tell(d *fhir.CommunicationDraft) {
	f := m.Fate
	switch f.State {
	case Delivered, Read:
		d.Status, d.Received = fhir.CommunicationCompleted, f.Delivered
		if !f.Read.IsZero() {
			d.Notes = append(d.Notes, fhir.Note{Text: readNote, Time: f.Read, Author: d.Sender})
		}
	case Failed, Skipped, Expired:
		d.Status = fhir.CommunicationNotDone
		if !f.Filed { // it was never taken
			d.Sent = time.Time{}
		}
		d.StatusReason = fhir.Concept{Codings: []fhir.Coding{{System: fhir.NotDoneReasonSystem, Code: m.notDone()}}, Text: m.inWords()}
	default:
		d.Status = fhir.CommunicationInProgress
	}
}

// follow are the writes that bring the record of a message to what has become of it. They stand in the same queue as
// the one that creates it, and behind it.
func (f Filing) follow(m SentMessage, draft fhir.CommunicationDraft) []Write {
	body, err := draft.JSON()
	if err != nil {
		body = nil // it is refused before it leaves, and the write is kept for people
	}
	list := make([]Write, 0, len(f.Sinks))
	for _, sink := range f.Sinks {
		list = append(list, f.final(Write{
			Key: writeKey("follow", m.Attempt.ID, sink), Kind: WriteFollow, Sink: sink,
			Order: queue(m.Notification.Patient, m.Notification.ReplyTo), Type: "Communication",
			Body: NewPrivate(string(body)), Answers: writeKey("sent", m.Attempt.ID, sink),
		}, m, condition(fhir.Identifier{System: SystemAttempt, Value: m.Attempt.ID})))
	}
	return list
}
