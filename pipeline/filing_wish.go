package pipeline

import (
	"strings"
	"time"

	"fhirbridge/fhir"
)

// SystemRequest identifies an appointment that a patient has asked for here.
const SystemRequest = "urn:fhirbridge:request"

// requested identifies the appointment that comes out of a conversation.
func requested(origin string) fhir.Identifier {
	return fhir.Identifier{System: SystemRequest, Value: origin}
}

func condition(by fhir.Identifier) string { return "identifier=" + by.System + "|" + by.Value }

// Wish returns the write that brings a wish to the server. It stands behind the reply's own Communication.
func (f Filing) Wish(w Wish) []Write {
	return []Write{{
		Key: writeKey("wish", w.Reply, SinkServer), Kind: WriteWish, Sink: SinkServer,
		Order: queue(w.Patient, w.Reply), Type: "Appointment", Wish: &w,
	}}
}

// Wished returns the writes of a Task for a wish that people are to see to.
func (f Filing) Wished(w Wish, why Reason) []Write {
	draft := w.task(w.Code)
	draft.Reason = spoken(string(why))
	if w.Visit != "" {
		draft.Focus = reference(w.Visit)
	}
	return aboutReply(f.task(draft, "handoff", w.Reply, queue(w.Patient, w.Reply)), draft, w.Reply)
}

// Requested returns the writes of a Task for an appointment that was asked for: it is to be booked, or refused.
func (f Filing) Requested(w Wish, ref string) []Write {
	draft := w.task(codeRequested)
	draft.Focus = reference(ref)
	return f.task(draft, "request", w.Origin, queue(w.Patient, w.Reply))
}

// task says what is wanted. The time is as the server has written it.
func (w *Wish) task(code string) fhir.TaskDraft {
	var wanted []string
	if w.Service != "" {
		wanted = append(wanted, "Wanted: "+w.Service)
	}
	if w.Slot != nil {
		wanted = append(wanted, "Chosen: "+w.Slot.Start.Format(time.RFC3339)+" "+w.Slot.Ref)
	}
	return fhir.TaskDraft{
		Code:        "WhatsApp: " + spoken(code),
		Codings:     []fhir.Coding{{System: SystemTask, Code: code}},
		Description: strings.Join(wanted, "\n"),
		For:         reference(w.Patient),
		AuthoredOn:  w.At,
		Focus:       fhir.Reference{Type: "Communication", Identifier: fhir.Identifier{System: SystemMessage, Value: w.Reply}},
	}
}
