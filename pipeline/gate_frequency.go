package pipeline

import (
	"context"
	"time"
)

// GateFrequency keeps a number from being sent too much. What would be one message
// more is held until the first of the others is long enough ago, unless it has expired by
// then. Whoever wrote gets an answer, and answers do not count. News are not held either: a visit
// that is cancelled must be told of in time.
//
// What goes to one patient goes one after the other, so that the count holds. Two patients
// with one number, of whom something falls due in the same second, may be sent one more.
type GateFrequency struct {
	Ledger Ledger
	// Most is how many messages a number is sent Within a time; 0 limits nothing.
	Most   int
	Within time.Duration
}

// Admit implements Gate.
func (g GateFrequency) Admit(ctx context.Context, c Candidate) (Verdict, error) {
	if g.Most <= 0 || c.Notification.ReplyTo != "" || c.Notification.Edge {
		return Verdict{}, nil
	}
	sent, err := g.Ledger.SentTo(ctx, c.Address, c.Now.Add(-g.Within))
	if err != nil || len(sent) < g.Most {
		return Verdict{}, err
	}
	first := sent[len(sent)-g.Most] // once it does not count any more there is room for one
	return Verdict{Hold: ReasonFrequency, Until: first.Add(g.Within)}, nil
}
