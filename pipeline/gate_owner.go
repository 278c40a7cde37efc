package pipeline

import "context"

// GateOwner stops what is about a patient and would go to a number whose owner has said that it is not theirs. It
// stands until the record of the patient has another number. The answer to the word itself passes.
type GateOwner struct{}

// Admit implements Gate.
func (GateOwner) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if c.Disowned && !c.Notification.Farewell {
		return Verdict{Skip: ReasonWrongNumber}, nil
	}
	return Verdict{}, nil
}

// disowned reports whether the owner of a number has said that it is not that of the notification's patient.
func (d *Dispatch) disowned(ctx context.Context, n Notification, to Private, known Sender) (bool, error) {
	if !known.Disowns || n.Patient == "" {
		return false, nil
	}
	return d.Ledger.Disowned(ctx, to, n.Patient)
}
