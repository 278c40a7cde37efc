package pipeline

import (
	"context"
	"time"
)

// coverWait is how long a notification waits at least before it looks again whether the one that covers it has gone out,
// and coverMost how long at most once that one is due.
const (
	coverWait = 5 * time.Second
	coverMost = time.Minute
)

// covered says whether another message has said what a notification says. What has come to nothing covers nothing:
// then this one is said. It waits until that is certain.
func (d *Dispatch) covered(ctx context.Context, n Notification, now time.Time) (Verdict, error) {
	if n.CoveredBy == "" {
		return Verdict{}, nil
	}
	state, due, ok, err := d.Ledger.StateOf(ctx, n.Subject, n.CoveredBy)
	if err != nil || !ok {
		return Verdict{}, err
	}
	switch state {
	case Planned, Sending, StateUnknown:
		return Verdict{Hold: ReasonMerged, Until: coverAgain(due, now)}, nil
	case Accepted, Sent, Delivered, Read:
		return Verdict{Skip: ReasonMerged}, nil
	}
	return Verdict{}, nil
}

// coverAgain is when to look again for what was or will be due then: not before that, and the less often the longer it takes.
func coverAgain(due, now time.Time) time.Time {
	if due.After(now) {
		return due.Add(coverWait)
	}
	return now.Add(min(max(coverWait, now.Sub(due)), coverMost))
}
