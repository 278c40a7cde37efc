package pipeline

import (
	"context"
	"time"
)

// GateVerified stops what would tell something of a patient to a number that may be somebody else's by now: the provider
// has said that its owner has another number, or another identity key. It stands until the hospital has saved the record
// with that number again, or who has it has shown who they are. What says nothing of the patient passes.
type GateVerified struct{}

// Admit implements Gate.
func (GateVerified) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if c.Unverified.IsZero() {
		return Verdict{}, nil
	}
	if c.Neutral != nil {
		if neutral, err := c.Neutral(); err != nil || neutral {
			return Verdict{}, err
		}
	}
	return Verdict{Skip: ReasonUnverified}, nil
}

// neutralOf returns the lookup for Candidate.Neutral: the words of n are made once more for it.
func (d *Dispatch) neutralOf(n Notification, f Facts) func() (bool, error) {
	return func() (neutral bool, err error) {
		err = pure("dispatch.neutral", func() error {
			c, err := d.Journeys.Compose(n, f, NewAttempt())
			neutral = err == nil && c.Skip == ReasonNone && c.Neutral
			return err
		})
		return neutral, err
	}
}

// doubted returns since when a number is in doubt; zero if it is not, or the hospital has vouched for it since.
func (d *Dispatch) doubted(known Sender, f Facts, to Private) time.Time {
	since := known.Unverified
	switch {
	case since.IsZero():
	case f.Proxy != nil && Vouched(f.Proxy, to, since, f.Now, d.Country):
		return time.Time{}
	case f.Proxy == nil && f.Patient != nil && Vouched(f.Patient, to, since, f.Now, d.Country):
		return time.Time{}
	}
	return since
}
