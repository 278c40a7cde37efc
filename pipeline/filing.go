package pipeline

import (
	"crypto/sha256"
	"strings"
	"time"

	"fhirbridge/fhir"
)

// Identifier systems of what the bridge writes. They make each resource
// findable by what caused it, and its creation repeatable.
const (
	// SystemAttempt identifies a message that was sent, by Attempt.ID.
	SystemAttempt = "urn:fhirbridge:attempt"
	// SystemMessage identifies a message by the provider's id.
	SystemMessage = "urn:fhirbridge:whatsapp:message"
	// SystemUser identifies a person by what WhatsApp knows of them, when no patient is known.
	SystemUser = "urn:fhirbridge:whatsapp:user"
	// SystemDecision identifies what a reply led to besides its Communication.
	SystemDecision = "urn:fhirbridge:decision"
	// SystemTask holds the codes of what people are asked to do, by which a work list sorts.
	SystemTask = "urn:fhirbridge:task"
	// SystemMedium has the code "whatsapp".
	SystemMedium = "urn:fhirbridge:medium"
)

// Filing makes the FHIR resources that record a conversation, and the writes owed for them.
// https://hl7.org/fhir/R4/communication.html
type Filing struct {
	// Facility is the name of who speaks.
	Facility string
	// Sinks are where resources go: the FHIR server, the topic, or both.
	Sinks []Sink
}

// Sent returns the writes that record a message which the provider has taken.
// A message that cannot be written as a resource is a fault of the program; it
// is returned as a write that the validator refuses, so that it is seen.
func (f Filing) Sent(m SentMessage) []Write {
	n, a := m.Notification, m.Attempt
	draft := fhir.CommunicationDraft{
		Identifiers:  []fhir.Identifier{{System: SystemAttempt, Value: a.ID}, {System: SystemMessage, Value: a.MessageID}},
		Status:       fhir.CommunicationInProgress,
		Categories:   []fhir.Concept{category(n)},
		MediumSystem: SystemMedium,
		Subject:      reference(n.Patient),
		Topic:        topic(n),
		About:        about(n.Subject),
		Sent:         a.Begun,
		Recipients:   recipients(n, a.Address),
		Sender:       fhir.Reference{Type: "Organization", Display: f.Facility},
		Payload:      []string{a.Seen.Reveal()},
	}
	if n.ReplyTo != "" {
		draft.InResponseTo = []fhir.Reference{{Type: "Communication", Identifier: fhir.Identifier{System: SystemMessage, Value: n.ReplyTo}}}
	}
	return f.create("sent", a.ID, SystemAttempt, queue(n.Patient, n.ReplyTo), draft, func(w *Write) {
		if n.ReplyTo != "" {
			w.Answers = writeKey("reply", n.ReplyTo, w.Sink)
		}
	})
}

// Reply returns the writes that record what a patient wrote.
func (f Filing) Reply(r Reply, t Thread, patient string, reading string) []Write {
	draft := fhir.CommunicationDraft{
		Identifiers:  []fhir.Identifier{{System: SystemMessage, Value: r.ID}},
		Status:       fhir.CommunicationCompleted,
		MediumSystem: SystemMedium,
		Subject:      reference(patient),
		Sent:         r.At,
		Received:     r.Received,
		Recipients:   []fhir.Reference{{Type: "Organization", Display: f.Facility}},
		Sender:       sender(r, patient),
		Payload:      []string{payload(r)},
		Notes:        []fhir.Note{{Text: "Read as: " + reading, Time: r.Received}},
	}
	if t.Sent != nil {
		n := t.Sent.Notification
		draft.Categories, draft.Topic, draft.About = []fhir.Concept{category(n)}, topic(n), about(n.Subject)
		draft.InResponseTo = []fhir.Reference{{
			Type: "Communication", Identifier: fhir.Identifier{System: SystemAttempt, Value: t.Sent.Attempt.ID},
		}}
	}
	return f.create("reply", r.ID, SystemMessage, queue(patient, r.ID), draft, func(w *Write) {
		if t.Sent != nil {
			w.Answers = writeKey("sent", t.Sent.Attempt.ID, w.Sink)
		}
		if patient == "" {
			w.Sender = r.From
		}
	})
}

// Decision returns the writes that carry a decision into the appointment, or, without a
// server to write to, an AppointmentResponse for the topic. They stand behind the reply's own
// Communication in the patient's queue.
func (f Filing) Decision(d Decision) []Write {
	if !f.toServer() { // whoever reads the topic carries it on
		writes := f.Response(d)
		if d.Visit != "" {
			writes = append(writes, f.Unmet(d, reasonForPeople)...)
		}
		return writes
	}
	return []Write{{
		Key: writeKey("decision", d.Reply, SinkServer), Kind: WriteDecision, Sink: SinkServer,
		Order: d.Patient, Type: "Appointment", Decision: &d,
	}}
}

// Handoff returns the write of a Task that asks people to look at a reply.
func (f Filing) Handoff(r Reply, t Thread, patient string, o Outcome) []Write {
	draft := fhir.TaskDraft{
		Identifiers: []fhir.Identifier{{System: SystemDecision, Value: "handoff:" + r.ID}},
		Code:        "WhatsApp: " + spoken(o.Handoff),
		Codings:     []fhir.Coding{{System: SystemTask, Code: o.Handoff}},
		Description: payload(r),
		For:         reference(patient),
		AuthoredOn:  r.Received,
		Focus:       fhir.Reference{Type: "Communication", Identifier: fhir.Identifier{System: SystemMessage, Value: r.ID}},
	}
	if o.Urgent {
		draft.Priority = "urgent"
	}
	if t.Sent != nil && t.Sent.Notification.Subject != "" {
		draft.Focus = reference(t.Sent.Notification.Subject)
	}
	return f.task(draft, "handoff", r.ID, queue(patient, r.ID))
}

// Errands returns the writes of a Task for each errand.
func (f Filing) Errands(list []Errand, now time.Time) []Write {
	var writes []Write
	for _, e := range list {
		writes = append(writes, f.task(fhir.TaskDraft{
			Identifiers: []fhir.Identifier{{System: SystemDecision, Value: "errand:" + e.Key}},
			Code:        "WhatsApp: " + spoken(e.Code),
			Codings:     []fhir.Coding{{System: SystemTask, Code: e.Code}},
			For:         reference(e.Patient),
			Focus:       reference(e.Subject),
			AuthoredOn:  now,
		}, "errand", e.Key, queue(e.Patient, e.Key))...)
	}
	return writes
}

// spoken is a code as words.
func spoken(code string) string { return strings.ReplaceAll(code, "_", " ") }

// Response returns the writes of a decision as a resource of its own.
// https://hl7.org/fhir/R4/appointmentresponse.html
func (f Filing) Response(d Decision) []Write {
	body, err := fhir.AppointmentResponseDraft{
		Identifiers:       []fhir.Identifier{{System: SystemDecision, Value: "response:" + d.Reply}},
		Appointment:       reference(d.Appointment),
		Actor:             reference(d.Patient),
		ParticipantStatus: d.Status,
	}.JSON()
	return f.writes("response", d.Reply, "AppointmentResponse", SystemDecision, "response:"+d.Reply, d.Patient, body, err, nil)
}

// Unmet returns the writes of a Task for a decision that could not be carried
// into the appointment, or not all of it.
func (f Filing) Unmet(d Decision, why Reason) []Write {
	code := "WhatsApp: patient answered " + d.Status
	if d.Visit != "" {
		code = "WhatsApp: appointment to be set to " + d.Visit
	}
	return f.task(fhir.TaskDraft{
		Identifiers: []fhir.Identifier{{System: SystemDecision, Value: "task:" + d.Reply}},
		Code:        code + " (" + spoken(string(why)) + ")",
		Codings:     []fhir.Coding{{System: SystemTask, Code: string(why)}},
		For:         reference(d.Patient),
		Focus:       reference(d.Appointment),
		AuthoredOn:  d.At,
	}, "task", d.Reply, d.Patient)
}

func (f Filing) task(draft fhir.TaskDraft, what, id, order string) []Write {
	body, err := draft.JSON()
	return f.writes(what, id, "Task", SystemDecision, what+":"+id, order, body, err, nil)
}

func (f Filing) create(what, id, system, order string, draft fhir.CommunicationDraft, more func(*Write)) []Write {
	body, err := draft.JSON()
	return f.writes(what, id, "Communication", system, id, order, body, err, more)
}

func (f Filing) writes(what, id, kind, system, value, order string, body []byte, err error, more func(*Write)) []Write {
	if err != nil {
		body = nil // an empty body is refused before it leaves, and the write is kept for people
	}
	list := make([]Write, 0, len(f.Sinks))
	for _, sink := range f.Sinks {
		w := Write{
			Key: writeKey(what, id, sink), Kind: WriteCreate, Sink: sink, Order: order, Type: kind,
			Body: NewPrivate(string(body)), IfNoneExist: "identifier=" + system + "|" + value,
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

// queue names the order queue of a write: the patient, else the conversation with
// somebody whom nobody knows, which is one message and its answer.
func queue(patient, message string) string {
	if patient != "" {
		return patient
	}
	return "message:" + opaque(message)
}

// reference is a reference that holds outside of the resource it was found in: a
// patient who is only contained in an appointment ("#p") has none.
func reference(ref string) fhir.Reference {
	r, _ := fhir.ParseReference(ref)
	if r.Local != "" {
		return fhir.Reference{}
	}
	return r
}

func about(subject string) []fhir.Reference {
	if subject == "" {
		return nil
	}
	return []fhir.Reference{reference(subject)}
}

func recipients(n Notification, address Private) []fhir.Reference {
	for _, ref := range []string{n.Recipient, n.Patient} {
		if r := reference(ref); !r.IsZero() {
			return []fhir.Reference{r}
		}
	}
	return []fhir.Reference{{Type: "Patient", Identifier: fhir.Identifier{System: SystemUser, Value: address.Reveal()}}}
}

// sender is the patient, or what WhatsApp knows of a person whom nobody knows.
func sender(r Reply, patient string) fhir.Reference {
	if r := reference(patient); !r.IsZero() {
		return r
	}
	value := r.From.Reveal()
	if value == "" {
		value = r.UserID
	}
	return fhir.Reference{Type: "Patient", Identifier: fhir.Identifier{System: SystemUser, Value: value}}
}

// payload is the words of a reply, or what it was when it had none.
func payload(r Reply) string {
	if text := r.Text.Reveal(); strings.TrimSpace(text) != "" {
		return text
	}
	return "[" + r.Kind + "]"
}

func category(n Notification) fhir.Concept {
	code := "notification"
	if !n.Edge && n.Priority == PriorityReminder {
		code = "reminder"
	}
	return fhir.Concept{Codings: []fhir.Coding{{System: fhir.CommunicationCategorySystem, Code: code}}}
}

func topic(n Notification) fhir.Concept {
	switch {
	case strings.HasPrefix(n.Subject, "DiagnosticReport/"):
		return fhir.Concept{Codings: []fhir.Coding{{System: fhir.CommunicationTopicSystem, Code: "report-labs"}}}
	case strings.HasPrefix(n.Subject, "Appointment/"):
		return fhir.Concept{Codings: []fhir.Coding{{System: fhir.CommunicationTopicSystem, Code: "appointment-reminder"}}}
	}
	return fhir.Concept{}
}

// providerTime is at, unless it is missing or absurd, then received.
func providerTime(at, received time.Time) time.Time {
	if !received.IsZero() && (at.IsZero() || at.After(received.Add(time.Hour))) {
		return received
	}
	return at
}
