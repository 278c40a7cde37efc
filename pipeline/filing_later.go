package pipeline

import "context"

// A message is recorded when it has gone out, and what is to go out next should not wait for the making of records. So
// what is owed then is a note of which message it is, and its record is made from the ledger when it is written.

// Later returns what Record does. Where the provider has just taken the message, the bodies are left to be made when they are
// written (Write.Of), from what the ledger knows of the attempt.
func (f Filing) Later(m SentMessage) []Write {
	if m.Fate == (Fate{}) && m.Doubt == ReasonNone && f.Final <= 0 { // a record that waits for its outcome takes that in
		f.of = m.Attempt.ID
	}
	return f.Record(m)
}

// made puts in the body of a write that was left for later. An error is Transient, or Malformed where the ledger knows of
// no such message.
func (b *WriteBack) made(ctx context.Context, w Write) (Write, error) {
	if w.Of == "" {
		return w, nil
	}
	m, ok, err := b.Ledger.SentMessage(ctx, w.Of)
	if err != nil {
		return w, err
	}
	if !ok {
		return w, &Error{Op: "writeback.make", Kind: Malformed, Reason: "no_attempt"}
	}
	f, n := b.Ladder.Filing, m.Notification
	record := f.Sent
	if w.Key == threadKey(n.Patient, n.conversation(), w.Sink) {
		record = f.Thread
	}
	for _, whole := range record(m) {
		if whole.Key == w.Key {
			w.Body = whole.Body
		}
	}
	return w, nil // an empty body is refused before it leaves
}
