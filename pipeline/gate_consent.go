package pipeline

import "context"

// GateConsent stops what goes to a number on the STOP list. The answer to the
// STOP itself passes: it is the last message.
type GateConsent struct{}

// Admit implements Gate.
func (GateConsent) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if c.Stopped && !c.Notification.Farewell {
		return Verdict{Skip: ReasonStopped}, nil
	}
	return Verdict{}, nil
}
