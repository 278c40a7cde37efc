package pipeline

import "context"

// GateNumber stops what has no number to go to.
type GateNumber struct{}

// Admit implements Gate.
func (GateNumber) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if !c.Address.Empty() {
		return Verdict{}, nil
	}
	if c.Problem == ReasonNone {
		return Verdict{Skip: ReasonNoNumber}, nil
	}
	return Verdict{Skip: c.Problem}, nil
}
