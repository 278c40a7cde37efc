package pipeline

import (
	"context"
	"time"
)

// GateReachable stops what would go to a number of which the provider has said not long ago that it is not on
// WhatsApp: each message would be refused by itself, and Meta counts that against the sender. The number is tried
// again after some time, as people install WhatsApp; another number of the patient's is tried at once, and
// whoever writes is there, and gets an answer. What goes by SMS instead passes.
type GateReachable struct {
	// For is how long that is remembered; 0 is not at all.
	For time.Duration
}

// Admit implements Gate.
func (g GateReachable) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if c.Notification.ReplyTo == "" && !c.Elsewhere && !c.Absent.IsZero() && c.Now.Sub(c.Absent) < g.For {
		return Verdict{Skip: ReasonNotOnWhatsApp}, nil
	}
	return Verdict{}, nil
}
