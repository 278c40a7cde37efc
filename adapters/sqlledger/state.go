package sqlledger

import (
	"slices"

	"fhirbridge/pipeline"
)

// The states as they are stored. The schema's partial indexes and the SQL of
// this package use the numbers: none may change.
const (
	planned   = 0
	sending   = 1
	unknown   = 2
	accepted  = 3
	sent      = 4
	delivered = 5
	read      = 6
	failed    = 7
	cancelled = 8
	skipped   = 9
	expired   = 10
	held      = 11
)

var states = [...]pipeline.State{
	planned: pipeline.Planned, sending: pipeline.Sending, unknown: pipeline.StateUnknown,
	accepted: pipeline.Accepted, sent: pipeline.Sent, delivered: pipeline.Delivered, read: pipeline.Read,
	failed: pipeline.Failed, cancelled: pipeline.Cancelled, skipped: pipeline.Skipped,
	expired: pipeline.Expired, held: pipeline.Held,
}

func stateOf(n int64) pipeline.State { return states[n] }

func numberOf(s pipeline.State) int64 { return int64(slices.Index(states[:], s)) }

// final reports whether a state keeps its reason: the others are passed through.
func final(state int64) bool {
	return state == failed || state >= cancelled
}

// Kinds of what is tallied.
const (
	tallyNotification = "notification"
	tallyWrite        = "write"
	tallyGivenUp      = "given_up"
	tallyParked       = "parked"
)

// counted is what one tally counts.
type counted struct{ kind, name, reason string }

// moved counts a notification out of one state and into another. Reasons count
// for final states only: why something was put off is not a census.
func (t *tx) moved(from int64, why string, to int64, reason string) {
	t.counted(from, why, -1)
	t.counted(to, reason, 1)
}

func (t *tx) counted(state int64, reason string, n int64) {
	if !final(state) {
		reason = ""
	}
	t.count(counted{tallyNotification, string(stateOf(state)), reason}, n)
}
