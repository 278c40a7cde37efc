package pipeline

import (
	"context"
	"time"
)

// coverWait is how long a notification waits before it looks again whether the one that covers it has gone out.
const coverWait = 5 * time.Second

// covered says whether another message has said what a notification says. What has come to nothing covers nothing:
// then this one is said.
func (d *Dispatch) covered(ctx context.Context, n Notification, now time.Time) (Verdict, error) {
	if n.CoveredBy == "" {
		return Verdict{}, nil
	}
	state, ok, err := d.Ledger.StateOf(ctx, n.Subject, n.CoveredBy)
	if err != nil || !ok {
		return Verdict{}, err
	}
	switch state {
	case Planned:
		return Verdict{Hold: ReasonMerged, Until: now.Add(coverWait)}, nil
	case Sending, StateUnknown, Accepted, Sent, Delivered, Read:
		return Verdict{Skip: ReasonMerged}, nil
	}
	return Verdict{}, nil
}
