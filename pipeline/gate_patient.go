package pipeline

import "context"

// GatePatient stops messages about patients who have died or whose record is
// not in use: https://hl7.org/fhir/R4/patient.html (active, deceased).
type GatePatient struct{}

// Admit implements Gate.
func (GatePatient) Admit(_ context.Context, c Candidate) (Verdict, error) {
	switch {
	case c.Notification.ReplyTo != "":
		return Verdict{}, nil // whoever wrote gets an answer
	case c.Patient == nil:
		return Verdict{Skip: ReasonNoPatient}, nil
	case c.Patient.Deceased():
		return Verdict{Skip: ReasonDeceased}, nil
	case !c.Patient.Active():
		return Verdict{Skip: ReasonInactive}, nil
	}
	return Verdict{}, nil
}
