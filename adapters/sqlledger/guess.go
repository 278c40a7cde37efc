package sqlledger

import (
	"slices"

	"fhirbridge/pipeline"
)

// toldBy finds for a callback whom a number was told about, on the connection of its transaction.
func (l *Ledger) toldBy(c *conn) func(pipeline.Private) ([]string, int) {
	return func(number pipeline.Private) (patients []string, wrong int) {
		own := l.seal.blind(number)
		if own == nil || pipeline.IsUser(number) {
			return nil, 0
		}
		known, err := senderOf(c, own)
		if err != nil {
			return nil, 0
		}
		forms, err := formsOf(c, own)
		if err != nil {
			return nil, 0
		}
		list, err := l.toldTo(c, caller{forms: forms})
		if err != nil {
			return nil, 0
		}
		for _, m := range list {
			if m.patient != "" && !slices.Contains(patients, m.patient) {
				patients = append(patients, m.patient)
			}
		}
		return patients, known.guesses
	}
}

// guessed keeps what somebody whose number nobody knows has said of who they are. A wrong number is kept only if
// somebody was written to at it.
func (l *Ledger) guessed(t *tx, r pipeline.Reply, g *pipeline.Guess) error {
	if g == nil || r.UserID == "" {
		return nil
	}
	if g.Passed {
		return l.pair(t, r.UserID, g.Number)
	}
	names := [][]byte{l.seal.tag(kindUser, r.UserID)}
	if patients, _ := l.toldBy(t.conn)(g.Number); len(patients) > 0 {
		names = append(names, l.seal.blind(g.Number))
	}
	for _, name := range names {
		_, err := t.exec("INSERT INTO sender (number, heard_at, guesses) VALUES (?, 0, 1) ON CONFLICT (number) DO UPDATE SET guesses = sender.guesses + 1", name)
		if err != nil {
			return err
		}
	}
	return nil
}
