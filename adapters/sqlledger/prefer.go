package sqlledger

import (
	"context"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// prefer keeps what else the owner of a number has said of it, under its names: the language in which to write, and
// whose it is not. It reports whether the word is older than the last one, and so means nothing.
func (l *Ledger) prefer(t *tx, who caller, names [][]byte, word time.Time, o pipeline.Outcome, outdated bool) (bool, error) {
	if o.Language != "" && word.Before(who.chosen) {
		outdated = true
	}
	for _, name := range names {
		if o.Language != "" && !outdated {
			if _, err := t.exec("UPDATE sender SET language = ?, chosen_at = ? WHERE number = ?", o.Language, micros(word), name); err != nil {
				return false, err
			}
		}
		if err := disown(t, name, o.Disowns); err != nil {
			return false, err
		}
		if len(o.Disowns) > 0 {
			if _, err := t.exec("UPDATE sender SET disowns = 1 WHERE number = ?", name); err != nil {
				return false, err
			}
		}
	}
	return outdated, nil
}

// disownedBy returns the patients who were disowned under any of the names.
func disownedBy(c *conn, names ...[]byte) (patients []string, err error) {
	for _, name := range names {
		err = c.query(func(r row) error {
			patients = append(patients, r.text(0))
			return nil
		}, "SELECT patient FROM disowned WHERE number = ?", name)
		if err != nil {
			return nil, err
		}
	}
	return patients, nil
}

func disown(t *tx, name []byte, patients []string) error {
	for _, patient := range patients {
		if _, err := t.exec("INSERT INTO disowned (number, patient) VALUES (?, ?) ON CONFLICT (number, patient) DO NOTHING", name, patient); err != nil {
			return err
		}
	}
	return nil
}

// foldDisowned gives a number what its person said before anybody knew the number.
func foldDisowned(t *tx, handle, number []byte) error {
	patients, err := disownedBy(t.conn, handle)
	if err != nil {
		return err
	}
	if err := disown(t, number, patients); err != nil {
		return err
	}
	_, err = t.exec("DELETE FROM disowned WHERE number = ?", handle)
	return err
}

// own are the messages that may have been for the caller: none about somebody whom the caller has disowned.
func (w caller) own(list []told) []told {
	if len(w.disowned) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(m told) bool { return slices.Contains(w.disowned, m.patient) })
}

// Disowned implements pipeline.Ledger.
func (l *Ledger) Disowned(ctx context.Context, address pipeline.Private, patient string) (found bool, err error) {
	number := l.seal.blind(address)
	if number == nil {
		return false, nil
	}
	err = l.view(ctx, func(c *conn) error {
		forms, err := formsOf(c, number)
		if err != nil {
			return err
		}
		patients, err := disownedBy(c, forms...)
		found = slices.Contains(patients, patient)
		return err
	})
	return found, err
}
