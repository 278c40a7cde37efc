package journey

import (
	"maps"
	"time"

	"fhirbridge/pipeline"
)

// readBooking reads what a visit that takes place was booked as: its start, or elements of the appointment.
func (e *example) readBooking(v value, j *journey) {
	if j.on != typeEncounter {
		v.problem("is for a journey on Encounter: elsewhere the event is the appointment")
		return
	}
	elements, ok := v.plain().(map[string]any)
	if !ok {
		elements = map[string]any{"start": v.text()}
	}
	e.booked = elements
}

// booking is the appointment to which the visit of an example goes back.
func (e *example) booking() map[string]any {
	r := map[string]any{
		"resourceType": typeAppointment, "id": "1", "status": "booked",
		"participant": []any{map[string]any{"actor": map[string]any{"reference": "Patient/1"}, "status": "accepted"}},
	}
	if begin, ok := e.booked["start"].(string); ok {
		if t, err := time.Parse(time.RFC3339, begin); err == nil {
			r["end"] = t.Add(30 * time.Minute).Format(time.RFC3339)
		}
	}
	maps.Copy(r, e.booked)
	return r
}

// tell keeps what the patient was told about the subject.
func (p *play) tell(n pipeline.Notification) {
	p.known.Told = append(p.known.Told, n.Patient)
	if n.ReplyTo == "" {
		p.known.Said = append(p.known.Said, pipeline.Said{Journey: n.Journey, Step: n.Step, Patient: n.Patient, Occasion: n.Occasion})
	}
}
