package pipeline

import (
	"strings"
	"time"

	"fhirbridge/fhir"
)

// Decision returns the writes that carry a decision into the appointment on the server, and those of an AppointmentResponse
// for the topic: what a patient has decided is there whatever the server makes of it. They stand behind the reply's own
// Communication in the patient's queue.
func (f Filing) Decision(d Decision) []Write {
	if !f.toServer() { // whoever reads the topic carries it on
		writes := f.Response(d)
		if d.Visit != "" {
			writes = append(writes, f.Unmet(d, reasonForPeople)...)
		}
		return writes
	}
	writes := []Write{{
		Key: writeKey("decision", d.Reply, SinkServer), Kind: WriteDecision, Sink: SinkServer,
		Order: d.Patient, Type: "Appointment", Decision: &d,
	}}
	for _, w := range f.Response(d) {
		if w.Sink != SinkServer && !w.Body.Empty() { // what no resource can say, a Task does
			writes = append(writes, w)
		}
	}
	return writes
}

// Handoff returns the write of a Task that asks people to look at a reply.
func (f Filing) Handoff(r Reply, t Thread, patient string, o Outcome) []Write {
	draft := fhir.TaskDraft{
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
		draft.Focus = focus(t.Sent.Notification.Subject)
	}
	return aboutReply(f.task(draft, "handoff", r.ID, queue(patient, r.ID)), draft, r.ID)
}

// Errands returns the writes of a Task for each errand.
func (f Filing) Errands(list []Errand, now time.Time) []Write {
	var writes []Write
	for _, e := range list {
		writes = append(writes, f.task(fhir.TaskDraft{
			Code:       "WhatsApp: " + spoken(e.Code),
			Codings:    []fhir.Coding{{System: SystemTask, Code: e.Code}},
			For:        reference(e.Patient),
			Focus:      focus(e.Subject),
			AuthoredOn: now, Reason: spoken(string(e.Why)),
		}, "errand", e.Key, queue(e.Patient, e.Key))...)
		if strings.HasPrefix(e.Subject, requestType+"/") { // what people are asked about is not sent
			writes = append(writes, f.request(requestEnd{Ref: e.Subject, Version: e.Version, Reason: Reason(e.Code)}, e.Key)...)
		}
	}
	return writes
}

// spoken is a code as words.
func spoken(code string) string { return strings.ReplaceAll(code, "_", " ") }

// Response returns the writes of a decision as a resource of its own.
// https://hl7.org/fhir/R4/appointmentresponse.html
func (f Filing) Response(d Decision) []Write {
	by := decided("response", d.Reply)
	body, err := fhir.AppointmentResponseDraft{
		Identifiers:       []fhir.Identifier{by},
		Appointment:       reference(d.Appointment),
		Actor:             reference(d.Patient),
		ParticipantStatus: d.Status,
	}.JSON()
	return f.writes("response", d.Reply, "AppointmentResponse", by, d.Patient, body, err, nil)
}

// Unmet returns the writes of a Task for a decision that could not be carried
// into the appointment, or not all of it.
func (f Filing) Unmet(d Decision, why Reason) []Write {
	code := "WhatsApp: patient answered " + d.Status
	if d.Visit != "" {
		code = "WhatsApp: appointment to be set to " + d.Visit
	}
	return f.task(fhir.TaskDraft{
		Code:       code + " (" + spoken(string(why)) + ")",
		Codings:    []fhir.Coding{{System: SystemTask, Code: string(why)}},
		For:        reference(d.Patient),
		Focus:      reference(d.Appointment),
		AuthoredOn: d.At,
	}, "task", d.Reply, d.Patient)
}

// task returns the writes of a Task; what it is about, and what has caused it, identify it.
func (f Filing) task(draft fhir.TaskDraft, what, id, order string) []Write {
	by := decided(what, id)
	draft.Identifiers = []fhir.Identifier{by}
	body, err := draft.JSON()
	return f.writes(what, id, "Task", by, order, body, err, nil)
}

// aboutReply lets a Task whose focus is what a patient wrote find it.
func aboutReply(writes []Write, draft fhir.TaskDraft, reply string) []Write {
	if draft.Focus.Type == "Communication" {
		for i := range writes {
			writes[i].Answers = writeKey("reply", reply, writes[i].Sink)
		}
	}
	return writes
}

// decided identifies what something has led to. Its cause is mostly a message, whose id holds a number.
func decided(what, id string) fhir.Identifier {
	return fhir.Identifier{System: SystemDecision, Value: what + ":" + opaque(id)}
}
