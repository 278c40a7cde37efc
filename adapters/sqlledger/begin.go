package sqlledger

import (
	"context"
	"errors"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// Begin implements pipeline.Ledger. It returns false for what is not leased.
func (l *Ledger) Begin(ctx context.Context, a pipeline.Attempt) (bool, error) {
	held, ok := l.leases.of(a.Notification)
	if !ok || !held.begun.IsZero() {
		return false, nil
	}
	if a.SubjectVersion != held.version {
		l.unhand(a.Notification, held)
		return false, nil
	}
	row := l.sealAttempt(a)
	var id int64
	err := l.writer.do(ctx, func(t *tx) (err error) {
		id, err = l.beginOnce(t, a, held, row)
		return err
	})
	switch {
	case errors.Is(err, errUnmerged):
		l.unhand(a.Notification, held)
		return false, nil
	case err != nil:
		return false, err
	case id == 0:
		l.unhand(a.Notification, held)
		return false, nil
	}
	l.leases.begin(a.Notification, id, time.Now())
	return true, nil
}

// unhand ends the lease of what is neither begun nor closed. It may be due still, in another version or for another step, and was
// in somebody's hands when that was news.
func (l *Ledger) unhand(key string, held lease) {
	l.leases.give(key, held)
	l.news(micros(l.now()))
}

// attemptRow is what of an attempt can be made before its transaction.
type attemptRow struct {
	token, number int64
	actions       string
	secret        []byte
}

func (l *Ledger) sealAttempt(a pipeline.Attempt) attemptRow {
	return attemptRow{
		token: spot(a.ID), number: short(l.seal.blind(a.Address)), actions: strings.Join(a.Actions, actionSeparator),
		secret: l.seal.seal("attempt", a.ID, packAttempt(a)),
	}
}

func packAttempt(a pipeline.Attempt) []byte {
	return pack(a.Address.Reveal(), a.Seen.Reveal(), a.Shown, strings.Join(a.Choices, actionSeparator), packCovers(a.Covers), a.Recipient)
}

const actionSeparator = "\x1f"

// begin returns the id of the attempt's row, 0 if nothing may be posted.
func begin(t *tx, a pipeline.Attempt, held lease, row attemptRow) (int64, error) {
	id := t.id()
	n, err := t.exec(`UPDATE notification SET state = 1, reason = '', tries = tries + 1, attempt = ?, recipient = COALESCE(?, recipient)
		WHERE subject_id = ? AND key = ? AND state = 0 AND `+unchanged,
		id, orNull(a.Recipient), held.subjectID, a.Notification, held.step, held.rev)
	if err != nil || n == 0 {
		return 0, err
	}
	t.moved(planned, "", sending, "")
	begun := micros(a.Begun)
	if begun == 0 {
		begun = micros(t.now)
	}
	_, err = t.exec(`INSERT INTO attempt (id, token, token_at, subject_id, key, previous, state, channel, template, language, actions,
		awaits, subject_version, number_at, secret, begun_at, open_since) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, a.ID, row.token, held.subjectID, a.Notification, held.last, a.Channel, a.Template, a.Language, row.actions,
		number(a.Awaits), a.SubjectVersion, row.number, row.secret, begun, begun)
	return id, err
}

// orNull is NULL for "".
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Postpone implements pipeline.Ledger. What is not leased is left as it is.
func (l *Ledger) Postpone(ctx context.Context, key string, due time.Time, reason pipeline.Reason) error {
	held, ok := l.leases.of(key)
	if !ok || !held.begun.IsZero() {
		return nil
	}
	err := l.writer.do(ctx, func(t *tx) error { return postpone(t, held.subjectID, key, due, reason) })
	if err != nil {
		return err
	}
	l.leases.give(key, held)
	l.news(micros(due))
	return nil
}

// postpone changes a planned notification only: it may have been cancelled meanwhile. One that was
// given a later time meanwhile keeps it.
func postpone(t *tx, subjectID int64, key string, due time.Time, reason pipeline.Reason) error {
	_, err := t.exec(`UPDATE notification SET due_at = CASE WHEN due_at > ? THEN due_at ELSE ? END, reason = ?, postponed_at = ?
		WHERE subject_id = ? AND key = ? AND state = 0`,
		micros(due), micros(due), string(reason), micros(t.now), subjectID, key)
	return err
}
