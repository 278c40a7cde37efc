package sqlledger

import (
	"fhirbridge/pipeline"
)

// pair remembers which number the provider's id of a person goes with.
func (l *Ledger) pair(t *tx, user string, address pipeline.Private) error {
	if user == "" || address.Empty() || pipeline.IsUser(address) {
		return nil
	}
	handle := l.seal.tag(kindUser, user)
	known, err := l.paired(t.conn, user)
	if err != nil || known.Equal(address) {
		return err
	}
	if err := l.fold(t, handle, address); err != nil {
		return err
	}
	_, err = t.exec("INSERT INTO person (handle, secret) VALUES (?, ?) ON CONFLICT (handle) DO UPDATE SET secret = excluded.secret",
		handle, l.seal.seal("person", string(handle), []byte(address.Reveal())))
	return err
}

// paired returns the number that goes with the provider's id of a person, empty if it is not known.
func (l *Ledger) paired(c *conn, user string) (pipeline.Private, error) {
	if user == "" {
		return pipeline.Private{}, nil
	}
	handle := l.seal.tag(kindUser, user)
	r, ok, err := c.one("SELECT secret FROM person WHERE handle = ?", handle)
	if err != nil || !ok {
		return pipeline.Private{}, err
	}
	number, err := l.seal.open("person", string(handle), r.bytes(0))
	return pipeline.NewPrivate(string(number)), err
}

// unpaired returns what a person said of whom only the provider's id was known, and still is.
func (l *Ledger) unpaired(c *conn, user string) (sender, error) {
	if user == "" {
		return sender{}, nil
	}
	return senderOf(c, l.seal.tag(kindUser, user))
}

// fold gives a number what its person said before anybody knew the number.
func (l *Ledger) fold(t *tx, handle []byte, address pipeline.Private) error {
	said, err := senderOf(t.conn, handle)
	if err != nil || said.heard.IsZero() {
		return err
	}
	form := l.seal.blind(address)
	known, err := senderOf(t.conn, form)
	if err != nil {
		return err
	}
	all := known.with(said)
	_, err = t.exec(`INSERT INTO sender (number, heard_at, word_at, stopped, language, chosen_at, disowns) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (number) DO UPDATE SET heard_at = excluded.heard_at, word_at = excluded.word_at, stopped = excluded.stopped,
			language = excluded.language, chosen_at = excluded.chosen_at, disowns = excluded.disowns`,
		form, micros(all.heard), micros(all.word), number(all.stopped), all.language, micros(all.chosen), number(all.disowns))
	if err != nil {
		return err
	}
	if said.disowns {
		if err := foldDisowned(t, handle, form); err != nil {
			return err
		}
	}
	_, err = t.exec("DELETE FROM sender WHERE number = ?", handle)
	return err
}
