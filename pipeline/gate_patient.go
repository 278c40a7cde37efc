package pipeline

import (
	"context"

	"fhirbridge/fhir"
)

// GatePatient stops messages about patients who have died or whose record is
// not in use: https://hl7.org/fhir/R4/patient.html (active, deceased, link). Of a
// record that another one has replaced the number may be anybody's, and whether the
// other one is the right person to tell is not for the bridge to say: people move the
// visit to it in the EHR, and then the visit's own version says whom to tell.
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
	case replaced(c.Patient):
		return Verdict{Skip: ReasonReplaced}, nil // before inactive, as it says more: most replaced records are both
	case !c.Patient.Active():
		return Verdict{Skip: ReasonInactive}, nil
	}
	return Verdict{}, nil
}

func replaced(p *fhir.Patient) bool {
	_, by := p.ReplacedBy()
	return by
}
