package sqlledger

import (
	"strings"

	"fhirbridge/pipeline"
)

// attempt is a stored attempt with what only the ledger knows of it.
type attempt struct {
	pipeline.Attempt
	row, subjectID, previous, state int64
	code                            string
	unknownAt, acceptedAt, sentAt   int64
	deliveredAt, readAt, failedAt   int64
}

// open reports whether nobody knows yet what became of it.
func (a attempt) open() bool { return a.state == sending || a.state == unknown }

const attemptColumns = `a.id, a.token, a.subject_id, a.key, a.previous, a.state, a.channel, a.template, a.language, a.actions,
	a.subject_version, a.secret, a.begun_at, a.code, a.message, a.unknown_at, a.accepted_at, a.sent_at, a.delivered_at,
	a.read_at, a.failed_at, a.awaits`

// attemptOf reads a row of attemptColumns.
func (l *Ledger) attemptOf(r row) (attempt, error) {
	a := attempt{
		row: r.number(0), subjectID: r.number(2), previous: r.number(4), state: r.number(5), code: r.text(13),
		unknownAt: r.number(15), acceptedAt: r.number(16), sentAt: r.number(17), deliveredAt: r.number(18),
		readAt: r.number(19), failedAt: r.number(20),
		Attempt: pipeline.Attempt{
			ID: r.text(1), Notification: r.text(3), Channel: r.text(6), Template: r.text(7), Language: r.text(8),
			SubjectVersion: r.text(10), Begun: r.at(12), Awaits: r.number(21) != 0,
		},
	}
	if actions := r.text(9); actions != "" {
		a.Actions = strings.Split(actions, actionSeparator)
	}
	secret, err := l.seal.open("attempt", a.ID, r.bytes(11))
	if err != nil {
		return attempt{}, err
	}
	var address, seen, choices, covers string
	if err := unpack(secret, &address, &seen, &a.Shown, &choices, &covers, &a.Recipient); err != nil {
		return attempt{}, err
	}
	if choices != "" {
		a.Choices = strings.Split(choices, actionSeparator)
	}
	if a.Covers, err = unpackCovers(covers); err != nil {
		return attempt{}, err
	}
	message, err := l.seal.open("attempt.message", a.ID, r.bytes(14))
	if err != nil {
		return attempt{}, err
	}
	a.MessageID = string(message)
	a.Address, a.Seen = pipeline.NewPrivate(address), pipeline.NewPrivate(seen)
	return a, nil
}

// attemptByToken finds an attempt by its id.
func (l *Ledger) attemptByToken(c *conn, token string) (attempt, bool, error) {
	if token == "" {
		return attempt{}, false, nil
	}
	return l.attemptWhere(c, "a.token_at = ? AND a.token = ? ORDER BY a.id DESC", spot(token), token)
}

// attemptByMessage finds an attempt by the provider's id of the message.
func (l *Ledger) attemptByMessage(c *conn, id string) (found attempt, ok bool, err error) {
	if id == "" {
		return attempt{}, false, nil
	}
	err = c.query(func(r row) error {
		a, err := l.attemptOf(r)
		if err != nil || a.MessageID != id {
			return err
		}
		found, ok = a, true
		return errEnough
	}, "SELECT "+attemptColumns+" FROM attempt a WHERE a.message_at = ? ORDER BY a.id DESC", short(l.seal.tag(kindMessage, id)))
	return found, ok && err == nil, err
}

// messageID is the provider's id of a message as it is stored, and what it is looked for by; both NULL for none.
type messageID struct{ secret, at any }

func (l *Ledger) sealMessageID(attempt, id string) messageID {
	if id == "" {
		return messageID{}
	}
	return messageID{l.seal.seal("attempt.message", attempt, []byte(id)), short(l.seal.tag(kindMessage, id))}
}

func (l *Ledger) attemptByRow(c *conn, id int64) (attempt, bool, error) {
	return l.attemptWhere(c, "a.id = ?", id)
}

func (l *Ledger) attemptWhere(c *conn, where string, args ...any) (attempt, bool, error) {
	r, ok, err := c.one("SELECT "+attemptColumns+" FROM attempt a WHERE "+where, args...)
	if err != nil || !ok {
		return attempt{}, false, err
	}
	a, err := l.attemptOf(r)
	return a, err == nil, err
}

// history is what came of the attempts of one notification.
type history struct {
	// unknown counts those that were once of unknown outcome.
	unknown int
	// gone reports whether one of them went out, or may have.
	gone bool
}

// historyOf looks at an attempt and at all before it.
func historyOf(c *conn, last int64) (h history, err error) {
	for id := last; id != 0; {
		r, ok, err := c.one("SELECT previous, state, unknown_at FROM attempt WHERE id = ?", id)
		if err != nil || !ok {
			return h, err
		}
		if r.number(2) != 0 {
			h.unknown++
		}
		switch r.number(1) {
		case planned, failed: // certainly not sent; could not be delivered
		default:
			h.gone = true
		}
		id = r.number(0)
	}
	return h, nil
}
