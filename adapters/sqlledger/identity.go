package sqlledger

import (
	"context"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// lately is how long a wrong answer to who somebody is counts for other subjects, too.
const lately = 24 * time.Hour

// tried keeps an answer of a patient to who they are. It counts by the clock of the ledger: a provider's times can be anything.
func (l *Ledger) tried(t *tx, reply string, try *pipeline.Try, who caller) error {
	if try == nil {
		return nil
	}
	id, err := subjectID(t, try.Subject)
	if err != nil {
		return err
	}
	if try.Passed {
		if err := verified(t, who.forms...); err != nil {
			return err
		}
	}
	_, err = t.exec("INSERT INTO identity (patient, subject_id, reply, passed, at) VALUES (?, ?, ?, ?, ?)",
		try.Patient, id, l.seal.tag(kindMessage, reply), number(try.Passed), micros(t.now))
	return err
}

// triesOf looks at the answers of a patient. Documents are of reports: about anything else nobody asks.
func triesOf(c *conn, subjectID int64, n pipeline.Notification, now time.Time) (tries pipeline.Tries, err error) {
	if !strings.HasPrefix(n.Subject, "DiagnosticReport/") {
		return tries, nil
	}
	r, ok, err := c.one(`SELECT COUNT(CASE WHEN passed = 0 AND subject_id = ? THEN 1 END), COUNT(CASE WHEN passed = 0 AND at > ? THEN 1 END),
		COALESCE(MAX(CASE WHEN passed = 1 AND subject_id = ? THEN at END), 0) FROM identity WHERE patient = ?`,
		subjectID, micros(now.Add(-lately)), subjectID, n.Patient)
	if err == nil && ok {
		tries = pipeline.Tries{Subject: int(r.number(0)), Lately: int(r.number(1)), Passed: r.at(2)}
	}
	return tries, err
}

// Identified implements pipeline.Ledger.
func (l *Ledger) Identified(ctx context.Context, patient, subject, reply string) (at time.Time, passed bool, err error) {
	err = l.view(ctx, func(c *conn) error {
		kept, ok, err := head(c, subject)
		if err != nil || !ok {
			return err
		}
		r, ok, err := c.one("SELECT at FROM identity WHERE patient = ? AND subject_id = ? AND reply = ? AND passed = 1",
			patient, kept.id, l.seal.tag(kindMessage, reply))
		if err == nil && ok {
			at, passed = r.at(0), true
		}
		return err
	})
	return at, passed, err
}
