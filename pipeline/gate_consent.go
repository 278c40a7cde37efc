package pipeline

import "context"

// GateConsent stops what goes to a number on the STOP list, and what is about a patient whose Consent is
// against it. The answer to the STOP itself passes: it is the last message.
type GateConsent struct{}

// Admit implements Gate.
func (GateConsent) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if c.Stopped && !c.Notification.Farewell {
		return Verdict{Skip: ReasonStopped}, nil
	}
	if c.Denied && !c.Notification.Farewell {
		return Verdict{Skip: ReasonDenied}, nil
	}
	return Verdict{}, nil
}
