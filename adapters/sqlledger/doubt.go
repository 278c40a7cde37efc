package sqlledger

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// A number is in doubt when the provider says that its owner has another one, or shows another identity key for it than
// before. It is kept with the number until its owner has shown who they are; a newer record vouches for it without
// a word here.

// suspects notes what a reply tells against its number, and returns why it is in doubt by this very reply.
func (l *Ledger) suspects(t *tx, r pipeline.Reply, who *caller) (pipeline.Reason, error) {
	at := r.At
	if at.IsZero() {
		at = t.now
	}
	if r.Doubt == nil {
		other, err := l.recognise(t, who.number, r.Identity, at)
		if err != nil || !other {
			return "", err
		}
		who.unverified = later(who.unverified, at)
		return pipeline.DoubtIdentity, nil
	}
	if !r.Doubt.Number.Empty() {
		if err := l.succeed(t, who, r.Doubt.Number, at); err != nil {
			return "", err
		}
	}
	who.unverified = later(who.unverified, at)
	return r.Doubt.Why, l.doubt(t, who.number, at)
}

// doubt puts a number in doubt. The key that was known of it is none any more, unless that was told later.
func (l *Ledger) doubt(t *tx, address pipeline.Private, at time.Time) error {
	number := l.seal.blind(address)
	if number == nil {
		return nil
	}
	_, err := t.exec(`INSERT INTO sender (number, heard_at, unverified_at, identity_at) VALUES (?, 0, ?, ?) ON CONFLICT (number) DO UPDATE SET
		unverified_at = CASE WHEN excluded.unverified_at > sender.unverified_at THEN excluded.unverified_at ELSE sender.unverified_at END,
		identity = CASE WHEN sender.identity_at > excluded.identity_at THEN sender.identity ELSE NULL END,
		identity_at = CASE WHEN sender.identity_at > excluded.identity_at THEN sender.identity_at ELSE excluded.identity_at END`,
		number, micros(at), micros(at))
	return err
}

// recognise keeps the key of who has a number, and reports whether it is another one than before: then the number is in doubt.
// What comes late says nothing: who has it may have shown since who they are.
func (l *Ledger) recognise(t *tx, address, identity pipeline.Private, at time.Time) (other bool, err error) {
	number := l.seal.blind(address)
	if number == nil || identity.Empty() {
		return false, nil
	}
	r, ok, err := t.one("SELECT identity, identity_at FROM sender WHERE number = ?", number)
	if err != nil || ok && r.number(1) > micros(at) {
		return false, err
	}
	if ok {
		known, err := l.identityOf(number, r.bytes(0))
		if err != nil || known.Equal(identity) {
			return false, err
		}
		other = !known.Empty()
	}
	if other {
		if err := l.doubt(t, address, at); err != nil {
			return true, err
		}
	}
	_, err = t.exec(`INSERT INTO sender (number, heard_at, identity, identity_at) VALUES (?, 0, ?, ?)
		ON CONFLICT (number) DO UPDATE SET identity = excluded.identity, identity_at = excluded.identity_at`,
		number, l.seal.seal("sender", string(number), []byte(identity.Reveal())), micros(at))
	return other, err
}

// mistrust notes what a receipt that is news tells against the number that the message went to, and returns why that is in
// doubt by it. One that is none was heard before, or is older than what was: it tells nothing.
func (l *Ledger) mistrust(t *tx, a attempt, r pipeline.Receipt, news bool) (pipeline.Reason, error) {
	if !news {
		return "", nil
	}
	if r.Doubtful() {
		late, err := l.outdated(t, a.Address, r.At)
		if err != nil || late {
			return "", err
		}
		return pipeline.DoubtIdentity, l.doubt(t, a.Address, r.At)
	}
	other, err := l.recognise(t, a.Address, r.Identity, r.At)
	if err != nil || !other {
		return "", err
	}
	return pipeline.DoubtIdentity, nil
}

// outdated reports whether who has a number has shown a key since a time.
func (l *Ledger) outdated(t *tx, address pipeline.Private, at time.Time) (bool, error) {
	r, ok, err := t.one("SELECT identity_at FROM sender WHERE number = ? AND identity IS NOT NULL", l.seal.blind(address))
	return ok && r.number(0) > micros(at), err
}

func (l *Ledger) identityOf(number, secret []byte) (pipeline.Private, error) {
	text, err := l.seal.open("sender", string(number), secret)
	return pipeline.NewPrivate(string(text)), err
}

// succeed gives another number what its owner has said under the one that they had, and puts it in doubt.
func (l *Ledger) succeed(t *tx, who *caller, address pipeline.Private, at time.Time) error {
	form := l.seal.blind(address)
	known, err := senderOf(t.conn, form)
	if err != nil {
		return err
	}
	said := who.sender
	said.heard = time.Time{} // the window is that of the other number
	all := known.with(said)
	_, err = t.exec(`INSERT INTO sender (number, heard_at, word_at, stopped, language, chosen_at, disowns) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (number) DO UPDATE SET word_at = excluded.word_at, stopped = excluded.stopped,
			language = excluded.language, chosen_at = excluded.chosen_at, disowns = excluded.disowns`,
		form, micros(known.heard), micros(all.word), number(all.stopped), all.language, micros(all.chosen), number(all.disowns))
	if err != nil {
		return err
	}
	if err := disown(t, form, who.disowned); err != nil {
		return err
	}
	return l.doubt(t, address, at)
}

// verified removes the doubt about a number in all its forms.
func verified(t *tx, forms ...[]byte) error {
	for _, number := range forms {
		if _, err := t.exec("UPDATE sender SET unverified_at = 0 WHERE number = ?", number); err != nil {
			return err
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	return slices.MaxFunc([]time.Time{a, b}, time.Time.Compare)
}
