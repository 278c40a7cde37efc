package pipeline

import (
	"cmp"

	"fhirbridge/fhir"
)

// SystemThread identifies the header of a conversation, by a digest of whom it is with and what it is about.
const SystemThread = "urn:fhirbridge:thread"

// Thread returns the writes of the header of the conversation that a message is part of, if the message is to be recorded and
// is not yet. They stand before its own.
func (f Filing) Thread(m SentMessage) []Write {
	if m.Fate.Filed || !m.recorded() {
		return nil
	}
	n := m.Notification
	return f.header(n.Patient, n.conversation(), recipients(n, m.Attempt.Address), f.bySMS(m.Attempt))
}

// ReplyThread is Thread for what a patient wrote.
func (f Filing) ReplyThread(r Reply, t Thread, patient string) []Write {
	return f.header(patient, t.conversation(), []fhir.Reference{sender(r, t, patient)}, BySMS(r.ID))
}

// header returns the writes of a Communication without words, of which all messages to and from a patient about a subject are
// part. It is owed with each of them, and happens once: it stands in their queue, so that it is there before they are.
// https://hl7.org/fhir/R4/communication-definitions.html#Communication.partOf
func (f Filing) header(patient, subject string, with []fhir.Reference, sms bool) []Write {
	of := threadOf(patient, subject)
	if of == nil {
		return nil
	}
	draft := func() fhir.CommunicationDraft {
		d := fhir.CommunicationDraft{
			Identifiers:  []fhir.Identifier{of[0].Identifier},
			Status:       fhir.CommunicationInProgress,
			Categories:   []fhir.Concept{{Codings: []fhir.Coding{{System: fhir.CommunicationCategorySystem, Code: "notification"}}}},
			MediumSystem: SystemMedium,
			SMS:          sms,
			Subject:      reference(patient),
			Topic:        topic(subject),
			Recipients:   with,
			Sender:       fhir.Reference{Type: "Organization", Display: f.Facility},
		}
		because(&d, subject)
		return d
	}
	return f.create("thread", threadID(patient, subject), of[0].Identifier, queue(patient, ""), draft, nil)
}

// threadOf is the conversation that a message is part of, by the identifier of its header; nil for one with somebody whom
// nobody knows.
func threadOf(patient, subject string) []fhir.Reference {
	if reference(patient).IsZero() {
		return nil
	}
	by := fhir.Identifier{System: SystemThread, Value: opaque(threadID(patient, subject))}
	return []fhir.Reference{{Type: "Communication", Identifier: by}}
}

// threadKey is the key of the write that creates the header; "" if there is none.
func threadKey(patient, subject string, sink Sink) string {
	if threadOf(patient, subject) == nil {
		return ""
	}
	return writeKey("thread", threadID(patient, subject), sink)
}

func threadID(patient, subject string) string { return patient + " " + subject }

// conversation is what is talked about: an answer belongs to what it answers, whatever it is about.
func (n Notification) conversation() string { return cmp.Or(n.Subject, n.Thread) }

// conversation is that of the message which a reply answers.
func (t Thread) conversation() string {
	if t.Sent == nil {
		return ""
	}
	return t.Sent.Notification.conversation()
}
