package pipeline

import (
	"context"
	"strings"
)

// GateConsent stops what goes to a number on the STOP list. The answer to the
// STOP itself passes: it is the last message.
type GateConsent struct{ Ledger Ledger }

// Admit implements Gate.
func (g GateConsent) Admit(ctx context.Context, c Candidate) (Verdict, error) {
	if c.Notification.ReplyTo != "" && strings.HasSuffix(c.Notification.Step, ":stop") {
		return Verdict{}, nil
	}
	stopped, err := g.Ledger.Stopped(ctx, c.Address)
	if err != nil || !stopped {
		return Verdict{}, err
	}
	return Verdict{Skip: ReasonStopped}, nil
}
