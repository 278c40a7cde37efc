package sqlledger

import (
	"bytes"
	"context"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// caller is whoever wrote a reply, as far as that is known.
type caller struct {
	// number is that of the caller as it is dialled; empty if nobody knows it.
	number pipeline.Private
	// forms are the blind digests of all forms of the number.
	forms [][]byte
	sender
	// disowned are the patients whom the caller has said not to be, nor to know.
	disowned []string
}

func (w caller) has(form []byte) bool {
	return slices.ContainsFunc(w.forms, func(f []byte) bool { return bytes.Equal(f, form) })
}

// sender is what a number, in all its forms, is known for.
type sender struct {
	// heard is when it last wrote, word when it last said STOP or START.
	heard, word time.Time
	stopped     bool
	// language is what it has chosen to be written to in, and chosen when; "" if it never did.
	language string
	chosen   time.Time
	// disowns is set if there are patients whose number it is not.
	disowns bool
	// absent is when the provider last said that it is not on WhatsApp.
	absent time.Time
	// unverified is since when it may be somebody else's; identity is the sealed key of who has it, of this form alone.
	unverified time.Time
	identity   []byte
	// guesses is how often somebody was wrong about who they are, or strangers about whose it is.
	guesses int
}

// with is what one person is known for who is known under two names: the newest word counts, and of
// the same second STOP.
func (s sender) with(o sender) sender {
	if o.heard.After(s.heard) {
		s.heard = o.heard
	}
	if o.word.After(s.word) || o.word.Equal(s.word) && o.stopped {
		s.word, s.stopped = o.word, o.stopped
	}
	if o.chosen.After(s.chosen) {
		s.chosen, s.language = o.chosen, o.language
	}
	s.disowns = s.disowns || o.disowns
	if o.absent.After(s.absent) {
		s.absent = o.absent
	}
	s.unverified = later(s.unverified, o.unverified)
	if len(o.identity) > 0 {
		s.identity = o.identity
	}
	s.guesses = max(s.guesses, o.guesses)
	return s
}

// caller finds out whose reply it is.
func (l *Ledger) caller(c *conn, r pipeline.Reply) (who caller, err error) {
	unpaired, err := l.unpaired(c, r.UserID)
	if err != nil {
		return who, err
	}
	who.number, who.sender = r.From, unpaired
	if who.number.Empty() {
		if who.number, err = l.paired(c, r.UserID); err != nil {
			return who, err
		}
	}
	if who.number.Empty() {
		who.forms = l.alsoUser(nil, r.UserID)
		if unpaired.disowns {
			who.disowned, err = disownedBy(c, l.seal.tag(kindUser, r.UserID))
		}
		return who, err
	}
	own := l.seal.blind(who.number)
	who.forms = [][]byte{own}
	dialled := false // as it is
	var others []pipeline.Private
	err = c.query(func(alias row) error {
		form := alias.bytes(0)
		text, err := l.seal.open("alias", string(form), alias.bytes(2))
		switch {
		case err != nil:
			return err
		case bytes.Equal(form, own):
			dialled = alias.number(1) != 0
			return nil
		case alias.number(1) != 0:
			others = append(others, pipeline.NewPrivate(string(text)))
		}
		who.forms = append(who.forms, form)
		return nil
	}, "SELECT b.number, b.dialled, b.secret FROM alias a JOIN alias b ON b.owner = a.owner WHERE a.number = ? ORDER BY b.number", own)
	if err != nil {
		return who, err
	}
	if !dialled && len(others) > 0 {
		who.number = others[0]
	}
	who.forms = l.alsoUser(who.forms, r.UserID)
	known, err := senderOf(c, own)
	if who.sender = unpaired.with(known); err == nil && who.disowns {
		who.disowned, err = disownedBy(c, append(who.forms, l.seal.tag(kindUser, r.UserID))...)
	}
	return who, err
}

// senderOf returns what is known of a number in all its forms: whatever it said under one holds for all.
func senderOf(c *conn, number []byte) (s sender, err error) {
	err = c.query(func(r row) error {
		s = s.with(sender{
			heard: r.at(0), word: r.at(1), stopped: r.number(2) != 0, language: r.text(3), chosen: r.at(4), disowns: r.number(5) != 0,
			absent: r.at(6), unverified: r.at(7), identity: slices.Clone(r.bytes(8)), guesses: int(r.number(9)),
		})
		return nil
	}, `SELECT heard_at, word_at, stopped, language, chosen_at, disowns, absent_at, unverified_at, identity, guesses FROM sender WHERE number = ?
		UNION ALL SELECT s.heard_at, s.word_at, s.stopped, s.language, s.chosen_at, s.disowns, s.absent_at, s.unverified_at, NULL, s.guesses FROM alias a JOIN alias b ON b.owner = a.owner JOIN sender s ON s.number = b.number
		WHERE a.number = ? AND b.number <> a.number`, number, number)
	return s, err
}

// noteSender keeps when a number last wrote, whose it is, whether it wants no more, and what else it has said of itself.
// Of a person of whom nobody knows the number that is kept under the user's id. It reports whether the word is older
// than the last one, and so means nothing.
func (l *Ledger) noteSender(t *tx, r pipeline.Reply, who caller, from pipeline.Private, o pipeline.Outcome) (outdated bool, err error) {
	if r.Doubt != nil { // it is not the owner's word
		return false, nil
	}
	stop := o.Stop
	var names [][]byte
	if form := l.seal.blind(from); form != nil {
		names = append(names, form)
		if who.number.Empty() { // it is the number of the message that is answered
			known, err := senderOf(t.conn, form)
			if err != nil {
				return false, err
			}
			who.sender = who.with(known)
		}
	}
	switch {
	case r.UserID == "":
	case !r.From.Empty():
		if err := l.pair(t, r.UserID, from); err != nil {
			return false, err
		}
	case who.number.Empty(): // an answer to somebody's message does not tell whose id it is
		names = append(names, l.seal.tag(kindUser, r.UserID))
	}
	at := r.At
	if at.IsZero() {
		at = t.now
	}
	heard := micros(at)
	if pipeline.BySMS(r.ID) { // of WhatsApp that says nothing
		heard = 0
	}
	word := at.Truncate(time.Second)
	outdated = stop != nil && (word.Before(who.word) || word.Equal(who.word) && who.stopped && !*stop)
	if outdated {
		stop = nil
	}
	for _, name := range names {
		if err := noteWord(t, name, heard, word, stop); err != nil {
			return false, err
		}
	}
	return l.prefer(t, who, names, word, o, outdated)
}

// noteWord keeps under a name when somebody last wrote, and STOP or START if it was that.
func noteWord(t *tx, name []byte, heard int64, word time.Time, stop *bool) error {
	_, err := t.exec(`INSERT INTO sender (number, heard_at) VALUES (?, ?)
		ON CONFLICT (number) DO UPDATE SET heard_at = CASE WHEN excluded.heard_at > sender.heard_at THEN excluded.heard_at ELSE sender.heard_at END`,
		name, heard)
	if err != nil || stop == nil {
		return err
	}
	_, err = t.exec("UPDATE sender SET word_at = ?, stopped = ? WHERE number = ?", micros(word), number(*stop), name)
	return err
}

// writtenAs keeps how the provider writes the number that an attempt went to.
func (l *Ledger) writtenAs(t *tx, s pipeline.Settlement) error {
	a, ok, err := l.attemptByToken(t.conn, s.Attempt)
	if err != nil || !ok {
		return err
	}
	return l.join(t, a.Address, s.WrittenAs)
}

// alsoUser adds the name under which messages went to a person before the number was known.
func (l *Ledger) alsoUser(forms [][]byte, user string) [][]byte {
	if user == "" {
		return forms
	}
	return append(forms, l.seal.tag(kindUser, user))
}

// join keeps that two numbers are forms of one; of a message to a person by the provider's id, that the number is theirs.
func (l *Ledger) join(t *tx, dialled, written pipeline.Private) error {
	if pipeline.IsUser(dialled) {
		return l.pair(t, dialled.Reveal(), written)
	}
	a, b := l.seal.blind(dialled), l.seal.blind(written)
	ownerA, err := ownerOf(t.conn, a)
	if err != nil {
		return err
	}
	ownerB, err := ownerOf(t.conn, b)
	if err != nil || ownerA != nil && bytes.Equal(ownerA, ownerB) {
		return err
	}
	owner := ownerA
	if owner == nil {
		owner = a
	}
	if ownerB != nil {
		if _, err := t.exec("UPDATE alias SET owner = ? WHERE owner = ?", owner, ownerB); err != nil {
			return err
		}
	}
	if err := l.insertAlias(t, a, owner, 1, dialled); err != nil {
		return err
	}
	return l.insertAlias(t, b, owner, 0, written)
}

func ownerOf(c *conn, number []byte) ([]byte, error) {
	r, ok, err := c.one("SELECT owner FROM alias WHERE number = ?", number)
	if err != nil || !ok {
		return nil, err
	}
	return r.bytes(0), nil
}

// insertAlias adds a form, or notes that it is dialled.
func (l *Ledger) insertAlias(t *tx, number, owner []byte, dialled int64, text pipeline.Private) error {
	_, err := t.exec(`INSERT INTO alias (number, owner, dialled, secret) VALUES (?, ?, ?, ?)
		ON CONFLICT (number) DO UPDATE SET dialled = CASE WHEN excluded.dialled = 1 THEN 1 ELSE alias.dialled END`,
		number, owner, dialled, l.seal.seal("alias", string(number), []byte(text.Reveal())))
	return err
}

// Sender implements pipeline.Ledger.
func (l *Ledger) Sender(ctx context.Context, address pipeline.Private) (found pipeline.Sender, err error) {
	number := l.seal.blind(address)
	if number == nil {
		return found, nil
	}
	err = l.view(ctx, func(c *conn) error {
		s, err := senderOf(c, number)
		found = pipeline.Sender{Stopped: s.stopped, Word: s.word, Heard: s.heard, Language: s.language, Disowns: s.disowns, Unverified: s.unverified}
		if err == nil && len(s.identity) > 0 {
			found.Identity, err = l.identityOf(number, s.identity)
		}
		if s.absent.After(s.heard) {
			found.Absent = s.absent
		}
		return err
	})
	return found, err
}
