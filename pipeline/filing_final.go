package pipeline

import (
	"strings"
	"time"

	"fhirbridge/fhir"
)

// For a server that takes no updates the record of a message is one write, tried when its outcome is known or has not
// come within Filing.Final. It stands in a queue of its own, for what follows in the patient's must not wait that long.

// final makes of the write of a message's record, and of the one by which that would follow, the same single one.
func (f Filing) final(w Write, m SentMessage, by string) Write {
	if f.Final <= 0 || w.Sink != SinkServer || !m.Fate.made() {
		return w
	}
	w.Kind, w.Key, w.Order, w.IfNoneExist = WriteFinal, writeKey("sent", m.Attempt.ID, w.Sink), "sent:"+opaque(m.Attempt.ID), by
	w.Answers = ""
	if m.Notification.ReplyTo != "" {
		w.Answers = writeKey("reply", m.Notification.ReplyTo, w.Sink)
	}
	w.Thread = threadKey(m.Notification.Patient, m.Notification.conversation(), w.Sink)
	if !m.Fate.ended() {
		w.NotBefore = m.Attempt.Begun.Add(f.Final)
	}
	return w
}

// doubtful returns the writes of a Task for a message of which nobody can tell whether it is in the record.
func (f Filing) doubtful(w Write, now time.Time) []Write {
	draft := fhir.TaskDraft{
		Code:       "WhatsApp: see whether a message is in the record",
		Codings:    []fhir.Coding{{System: SystemTask, Code: "record_unclear"}},
		Reason:     "the EHR has not answered, and cannot be searched for it",
		AuthoredOn: now,
	}
	if strings.HasPrefix(w.Order, "Patient/") {
		draft.For = reference(w.Order)
	}
	return f.task(draft, "doubtful", w.Key, w.Order)
}
