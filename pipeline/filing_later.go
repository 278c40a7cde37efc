package pipeline

// A message is recorded when it has gone out, and what is to go out next should not wait for the making of records. So
// what is owed then is a note of which message it is, and its record is made from the ledger when it is written. What was said, to
// whom, when and by which channel is kept with the attempt; the name of the facility is what it is by then.

// Later returns what Record does. Where the provider has just taken the message, the bodies are left to be made when they are
// written (Write.Of), from what the ledger knows of the attempt.
func (f Filing) Later(m SentMessage) []Write {
	if m.Fate == (Fate{}) && m.Doubt == ReasonNone && f.Final <= 0 { // a record that waits for its outcome takes that in
		f.of = m.Attempt.ID
	}
	return f.Record(m)
}

// made returns the body of a write, which may have been left for later; none where it cannot be made.
func (b *WriteBack) made(w Write) []byte {
	if w.Of == "" || w.Message == nil {
		return []byte(w.Body.Reveal())
	}
	f, n := b.Ladder.Filing, w.Message.Notification
	record := f.Sent
	if w.Key == threadKey(n.Patient, n.conversation(), w.Sink) {
		record = f.Thread
	}
	for _, whole := range record(*w.Message) {
		if whole.Key == w.Key {
			return []byte(whole.Body.Reveal())
		}
	}
	return nil
}
