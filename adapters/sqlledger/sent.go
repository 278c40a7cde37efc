package sqlledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// SentTo implements pipeline.Ledger.
func (l *Ledger) SentTo(ctx context.Context, address pipeline.Private, since time.Time) (begun []time.Time, err error) {
	number := l.seal.blind(address)
	if number == nil {
		return nil, nil
	}
	err = l.view(ctx, func(c *conn) error {
		begun = nil
		forms, err := formsOf(c, number)
		for _, form := range forms {
			if err != nil {
				break
			}
			err = c.query(func(r row) error {
				n, err := l.notificationOf(r, "")
				if err == nil && n.ReplyTo == "" {
					begun = append(begun, r.at(notificationWidth))
				}
				return err
			}, "SELECT "+notificationColumns+`, a.begun_at
				FROM attempt a JOIN notification n ON n.subject_id = a.subject_id AND n.key = a.key
				WHERE a.number_at = ? AND a.begun_at > ? AND a.state BETWEEN 1 AND 6 ORDER BY a.begun_at`, short(form), micros(since))
		}
		return err
	})
	slices.SortFunc(begun, time.Time.Compare)
	return begun, err
}

// sentMessage returns the message of an attempt as it was begun; nil for one that is not there.
func (l *Ledger) sentMessage(c *conn, attempt string) (*pipeline.SentMessage, error) {
	a, ok, err := l.attemptByToken(c, attempt)
	var n stored
	if err == nil && ok {
		n, ok, err = l.find(c, a.subjectID, a.Notification)
	}
	if err != nil || !ok {
		return nil, err
	}
	m := message(a, n)
	return &m, nil
}

// message is what an attempt said, to whom it went: another attempt may have gone to somebody else since.
func message(a attempt, n stored) pipeline.SentMessage {
	n.Recipient = cmp.Or(a.Recipient, n.Recipient)
	return pipeline.SentMessage{Attempt: a.Attempt, Notification: n.Notification}
}

// formsOf returns a number and the other forms of it.
func formsOf(c *conn, number []byte) (forms [][]byte, err error) {
	forms = [][]byte{number}
	err = c.query(func(r row) error {
		forms = append(forms, slices.Clone(r.bytes(0)))
		return nil
	}, "SELECT b.number FROM alias a JOIN alias b ON b.owner = a.owner WHERE a.number = ? AND b.number <> a.number", number)
	return forms, err
}
