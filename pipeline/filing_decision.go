package pipeline

import (
	"strings"
	"time"

	"fhirbridge/fhir"
)

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
