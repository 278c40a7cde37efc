package pipeline

import "context"

// GateExpired stops what is too late to be useful. It is never sent late.
type GateExpired struct{}

// Admit implements Gate.
func (GateExpired) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if !c.Now.Before(c.Notification.Expires) {
		return Verdict{Skip: ReasonExpired}, nil
	}
	return Verdict{}, nil
}
