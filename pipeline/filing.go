package pipeline

import (
	"crypto/sha256"
	"time"

	"fhirbridge/fhir"
)

// Identifier systems of what the bridge writes. They make each resource
// findable by what caused it, and its creation repeatable.
const (
	// SystemAttempt identifies a message that was sent, by Attempt.ID.
	SystemAttempt = "urn:fhirbridge:attempt"
	// SystemMessage identifies a message by the provider's id, which has the person's number in it: it stands in
	// bodies, and nothing is searched by it.
	SystemMessage = "urn:fhirbridge:whatsapp:message"
	// SystemDigest identifies a patient's message by a digest of the provider's id.
	SystemDigest = "urn:fhirbridge:message"
	// SystemUser identifies a person by what WhatsApp knows of them, when no patient is known.
	SystemUser = "urn:fhirbridge:whatsapp:user"
	// SystemDecision identifies what a reply led to besides its Communication.
	SystemDecision = "urn:fhirbridge:decision"
	// SystemFile identifies a file that a patient sent, by a digest of the provider's id of the message.
	SystemFile = "urn:fhirbridge:file"
	// SystemTask holds the codes of what people are asked to do, by which a work list sorts.
	SystemTask = "urn:fhirbridge:task"
	// SystemNotification identifies what was to be said and was not, by Notification.Key.
	SystemNotification = "urn:fhirbridge:notification"
	// SystemStep has the steps of journeys, as "appointment.booked": why something was said.
	SystemStep = "urn:fhirbridge:step"
	// SystemCategory has the code "patient-message", for what a patient wrote without being asked.
	SystemCategory = "urn:fhirbridge:category"
	// SystemMedium has the codes "whatsapp" and "sms".
	SystemMedium = "urn:fhirbridge:medium"
)

// Filing makes the FHIR resources that record a conversation, and the writes owed for them.
// https://hl7.org/fhir/R4/communication.html
type Filing struct {
	// Facility is the name of who speaks.
	Facility string
	// Sinks are where resources go: the FHIR server, the topic, or both.
	Sinks []Sink
	// SMS is the name of the channel that is SMS and not WhatsApp, "" if there is none.
	SMS string
	// Files says which files of patients are fetched; the zero FileRules fetch none.
	Files FileRules
	// Final is how long the record of a message waits for its outcome on a server that takes it once only; 0 where it follows.
	Final time.Duration

	// of is Write.Of of the records to be made, "" where their bodies are made at once.
	of string
}

// Sent returns the writes that record a message which the provider has taken, or which was not sent and the chart is to
// know of. A message that cannot be written as a resource is a fault of the program; it is returned as a write
// that the validator refuses, so that it is seen.
//
// One that is recorded already is followed (Fate.Filed), and who has asked for it is told.
func (f Filing) Sent(m SentMessage) []Write {
	n, a := m.Notification, m.Attempt
	if !m.recorded() || m.Fate.Filed && !m.Fate.ended() {
		return f.asked(m)
	}
	ours := fhir.Identifier{System: SystemAttempt, Value: a.ID}
	what, id := "sent", a.ID
	if !m.Fate.made() { // whatever was begun is not out, and the attempt of a later one may be recorded yet
		ours = fhir.Identifier{System: SystemNotification, Value: n.Key}
		what, id = "unsent", n.Key
	}
	draft := func() fhir.CommunicationDraft { return f.draft(m, ours) }
	if m.Fate.Filed {
		return append(f.follow(m, draft()), f.asked(m)...)
	}
	return append(f.create(what, id, ours, queue(n.Patient, n.ReplyTo), draft, func(w *Write) {
		if n.ReplyTo != "" {
			w.Answers = writeKey("reply", n.ReplyTo, w.Sink)
		}
		w.Thread = threadKey(n.Patient, n.conversation(), w.Sink)
		*w = f.final(*w, m, w.IfNoneExist)
	}), f.asked(m)...)
}

// draft is the record of a message, found by ours.
func (f Filing) draft(m SentMessage, ours fhir.Identifier) fhir.CommunicationDraft {
	n, a := m.Notification, m.Attempt
	draft := fhir.CommunicationDraft{
		Identifiers:  []fhir.Identifier{ours, {System: SystemMessage, Value: a.MessageID}},
		Instantiates: template(a),
		PartOf:       threadOf(n.Patient, n.conversation()),
		Categories:   []fhir.Concept{category(n)},
		Priority:     "routine",
		MediumSystem: SystemMedium,
		SMS:          f.bySMS(a),
		Subject:      reference(n.Patient),
		Topic:        topic(n.conversation()),
		Sent:         a.Begun,
		Recipients:   recipients(n, a.Address),
		Sender:       fhir.Reference{Type: "Organization", Display: f.Facility},
		ReasonCodes:  step(n),
		Payload:      []string{a.Seen.Reveal()},
	}
	because(&draft, n.Subject)
	draft.About = append(draft.About, aboutCovered(a.Covers)...)
	if n.ReplyTo != "" {
		draft.InResponseTo = []fhir.Reference{{Type: "Communication", Identifier: fhir.Identifier{System: SystemMessage, Value: n.ReplyTo}}}
	}
	m.tell(&draft)
	return draft
}

// Reply returns the writes that record what a patient wrote.
func (f Filing) Reply(r Reply, t Thread, patient string, reading string) []Write {
	ours := fhir.Identifier{System: SystemDigest, Value: opaque(r.ID)}
	us := fhir.Reference{Type: "Organization", Display: f.Facility}
	draft := fhir.CommunicationDraft{
		Identifiers:  []fhir.Identifier{{System: SystemMessage, Value: r.ID}, ours},
		PartOf:       threadOf(patient, t.conversation()),
		Status:       fhir.CommunicationCompleted,
		Categories:   []fhir.Concept{{Codings: []fhir.Coding{{System: SystemCategory, Code: "patient-message"}}}},
		Priority:     "routine",
		MediumSystem: SystemMedium,
		SMS:          BySMS(r.ID),
		Subject:      reference(patient),
		Sent:         r.At,
		Received:     r.Received,
		Recipients:   []fhir.Reference{us},
		Sender:       sender(r, t, patient),
		Payload:      []string{payload(r)},
		Files:        f.fileOf(r),
		Notes:        []fhir.Note{{Text: "Read as: " + reading, Time: r.Received, Author: us}},
	}
	if t.Urgent {
		draft.Priority = "urgent"
	}
	if t.Sent != nil {
		n := t.Sent.Notification
		draft.Categories, draft.Topic = []fhir.Concept{category(n)}, topic(n.conversation())
		concerns(&draft, n.Subject)
		draft.InResponseTo = []fhir.Reference{{
			Type: "Communication", Identifier: fhir.Identifier{System: SystemAttempt, Value: t.Sent.Attempt.ID},
		}}
	}
	if note := f.notFetched(r); note != "" {
		draft.Notes = append(draft.Notes, fhir.Note{Text: note, Time: r.Received, Author: us})
	}
	return f.create("reply", r.ID, ours, queue(patient, r.ID), func() fhir.CommunicationDraft { return draft }, func(w *Write) {
		if t.Sent != nil {
			w.Answers = writeKey("sent", t.Sent.Attempt.ID, w.Sink)
		}
		w.Thread = threadKey(patient, t.conversation(), w.Sink)
		w.Sender = unknownSender(r, t, patient)
	})
}

func (f Filing) create(what, id string, by fhir.Identifier, order string, draft func() fhir.CommunicationDraft, more func(*Write)) []Write {
	var body []byte
	var err error
	if f.of == "" {
		body, err = draft().JSON()
	}
	return f.writes(what, id, "Communication", by, order, body, err, more)
}

// writes are owed for one resource, one to each sink. by is which of its identifiers it is found by: that one stands in
// URLs and headers, which servers and proxies log, so it holds nothing of a person.
func (f Filing) writes(what, id, kind string, by fhir.Identifier, order string, body []byte, err error, more func(*Write)) []Write {
	if err != nil {
		body = nil // an empty body is refused before it leaves, and the write is kept for people
	}
	list := make([]Write, 0, len(f.Sinks))
	for _, sink := range f.Sinks {
		w := Write{
			Key: writeKey(what, id, sink), Kind: WriteCreate, Sink: sink, Order: order, Type: kind,
			Body: NewPrivate(string(body)), Of: f.of, IfNoneExist: "identifier=" + by.System + "|" + by.Value,
		}
		if more != nil {
			more(&w)
		}
		list = append(list, w)
	}
	return list
}

func (f Filing) toServer() bool {
	for _, s := range f.Sinks {
		if s == SinkServer {
			return true
		}
	}
	return false
}

// writeKey holds a digest of the id: keys are logged and are in headers, and a provider's
// message id has the person's number in it.
func writeKey(what, id string, sink Sink) string { return what + ":" + opaque(id) + "@" + string(sink) }

// opaque stands for a provider's id where others can see it: 26 characters [a-z2-7] of its SHA-256.
// The id has random bits enough that nobody finds it by trying.
func opaque(id string) string {
	sum := sha256.Sum256([]byte(id))
	return keyEncoding.EncodeToString(sum[:16])
}

// providerTime is at, unless it is missing or absurd, then received.
func providerTime(at, received time.Time) time.Time {
	if !received.IsZero() && (at.IsZero() || at.After(received.Add(time.Hour))) {
		return received
	}
	return at
}
