package sqlledger

import (
	"context"
	"time"

	"fhirbridge/pipeline"
)

// Settle implements pipeline.Ledger. What is neither leased nor begun, because
// its lease has ended, is left as it is: it will be handed out again. A state
// that Settlement does not know is Malformed.
func (l *Ledger) Settle(ctx context.Context, s pipeline.Settlement) error {
	to := numberOf(s.State)
	switch to {
	case planned, unknown, accepted, failed, skipped, expired:
	default:
		return &pipeline.Error{Op: "sqlledger.settle", Kind: pipeline.Malformed, Reason: "state"}
	}
	if s.At.IsZero() {
		s.At = l.now()
	}
	held, ok := l.leases.of(s.Key)
	if !ok && s.Attempt == "" {
		return nil
	}
	writes, message := l.sealWrites(s.Writes), l.sealMessageID(s.Attempt, s.MessageID)
	var counts bool
	err := l.writer.do(ctx, func(t *tx) (err error) {
		counts = true
		if s.Attempt == "" {
			counts, err = l.settleUnbegun(t, held, s, to, writes)
			return err
		}
		known, err := l.settleAttempt(t, held, s, to, message)
		if err != nil || !known {
			return err
		}
		if !s.WrittenAs.Empty() {
			if err := l.writtenAs(t, s); err != nil {
				return err
			}
		}
		return insertWrites(t, writes)
	})
	if err != nil {
		return err
	}
	if !counts {
		l.unhand(s.Key, held)
		return nil
	}
	l.leases.give(s.Key, held)
	if to == planned {
		l.news(micros(s.Due))
	}
	for _, n := range s.Say {
		l.news(micros(n.Due))
	}
	l.owe(writes)
	return nil
}

// settleUnbegun closes, or gives back, what was leased and not begun. What was
// concluded from another version than the newest does not count: it returns false, and it will be handed out again.
func (l *Ledger) settleUnbegun(t *tx, held lease, s pipeline.Settlement, to int64, writes []owedWrite) (bool, error) {
	if to == planned {
		return true, postpone(t, held.subjectID, s.Key, s.Due, s.Reason)
	}
	closed, err := closeUnbegun(t, held, s.Key, to, s.Reason, s.At)
	if err != nil || !closed {
		return false, err
	}
	for _, n := range s.Say {
		if err := l.say(t, n); err != nil {
			return true, err
		}
	}
	return true, insertWrites(t, writes)
}

// unchanged is the condition that a notification still says what was leased, and its subject is still in that version.
const unchanged = "step = ? AND (subject_id = 0 OR EXISTS (SELECT 1 FROM resource r WHERE r.id = subject_id AND r.rev = ?))"

// closeUnbegun moves a planned notification to a final state, and reports whether it was planned.
func closeUnbegun(t *tx, held lease, key string, to int64, reason pipeline.Reason, at time.Time) (bool, error) {
	n, err := t.exec("UPDATE notification SET state = ?, reason = ?, closed_at = ? WHERE subject_id = ? AND key = ? AND state = 0 AND "+unchanged,
		to, string(reason), micros(at), held.subjectID, key, held.step, held.rev)
	if err == nil && n > 0 {
		t.moved(planned, "", to, string(reason))
	}
	return n > 0, err
}

// settleAttempt closes a begun attempt, and reports false for one that is not
// known. Nearly always it is the one of the lease, accepted, and no receipt was
// quicker: that takes two statements.
func (l *Ledger) settleAttempt(t *tx, held lease, s pipeline.Settlement, to int64, message messageID) (bool, error) {
	if to == accepted && held.attempt != 0 {
		done, err := acceptAsExpected(t, held, s, message)
		if done || err != nil {
			return true, err
		}
	}
	a, ok, err := l.attemptByToken(t.conn, s.Attempt)
	if err != nil || !ok {
		return false, err
	}
	n, ok, err := l.find(t.conn, a.subjectID, a.Notification)
	if err != nil || !ok {
		return false, err
	}
	if to == accepted {
		return true, settleAccepted(t, a, n, s, message)
	}
	if told := to == failed && (a.state == accepted || a.state == sent); !a.open() && !told {
		return true, nil // a receipt has said more
	}
	if s.Doubtful() {
		if err := l.doubt(t, a.Address, s.At); err != nil {
			return true, err
		}
	}
	if s.Reason == pipeline.ReasonNotReachable {
		if err := l.absent(t, a.Address, s.At); err != nil {
			return true, err
		}
	}
	if err := closeAttempt(t, a, s, to); err != nil || n.attempt != a.row {
		return true, err // a newer attempt is under way: this one's end does not end the notification
	}
	if err := settleCovered(t, a, s, to); err != nil {
		return true, err
	}
	return true, settleNotification(t, n, s, to)
}

// acceptAsExpected accepts an attempt that is still sending. It reports false, and has changed nothing, for any other.
func acceptAsExpected(t *tx, held lease, s pipeline.Settlement, message messageID) (bool, error) {
	at := micros(s.At)
	n, err := t.exec(`UPDATE notification SET state = 3, told_at = CASE WHEN told_at = 0 THEN ? ELSE told_at END
		WHERE subject_id = ? AND key = ? AND state = 1 AND attempt = ?`, at, held.subjectID, s.Key, held.attempt)
	if err != nil || n == 0 {
		return false, err
	}
	t.moved(sending, "", accepted, "")
	_, err = t.exec("UPDATE attempt SET state = 3, open_since = NULL, accepted_at = ?, message = ?, message_at = ? WHERE id = ?",
		at, message.secret, message.at, held.attempt)
	return true, err
}

// settleAccepted accepts an attempt of any state: receipts may have come before, or the grace period may be over.
func settleAccepted(t *tx, a attempt, n stored, s pipeline.Settlement, message messageID) error {
	_, err := t.exec(`UPDATE attempt SET state = ?, open_since = NULL, accepted_at = ?, message = COALESCE(?, message),
		message_at = COALESCE(?, message_at) WHERE id = ?`,
		max(a.state, accepted), micros(s.At), message.secret, message.at, a.row)
	if err != nil || a.state == failed || !n.State.Advances(pipeline.Accepted) {
		return err
	}
	return move(t, n, accepted, "", micros(s.At))
}

func closeAttempt(t *tx, a attempt, s pipeline.Settlement, to int64) error {
	at := micros(s.At)
	switch to {
	case unknown:
		_, err := t.exec("UPDATE attempt SET state = 2, open_since = ?, unknown_at = ? WHERE id = ?", at, at, a.row)
		return err
	case failed:
		_, err := t.exec("UPDATE attempt SET state = 7, open_since = NULL, failed_at = ?, code = ? WHERE id = ?", at, s.Code, a.row)
		return err
	}
	// It certainly was not sent.
	_, err := t.exec("UPDATE attempt SET state = 0, open_since = NULL, code = ? WHERE id = ?", s.Code, a.row)
	return err
}

func settleNotification(t *tx, n stored, s pipeline.Settlement, to int64) error {
	from := numberOf(n.State)
	if told := to == failed && n.State.Advances(pipeline.Failed); from != sending && from != unknown && !told {
		return nil
	}
	if to == planned {
		return anew(t, n, s)
	}
	return move(t, n, to, string(s.Reason), micros(s.At))
}

// anew plans a notification again of which nothing has gone out.
func anew(t *tx, n stored, s pipeline.Settlement) error {
	n.Shut, n.Alone = n.Shut || s.Shut, n.Alone || s.Alone
	_, err := t.exec("UPDATE notification SET state = 0, due_at = ?, reason = ?, postponed_at = ?, flags = ? WHERE subject_id = ? AND key = ?",
		micros(s.Due), string(s.Reason), micros(s.At), flags(n.Notification), n.subjectID, n.Key)
	t.moved(numberOf(n.State), n.Reason, planned, "")
	return err
}

// move brings a notification to a state that is not planned.
func move(t *tx, n stored, to int64, reason string, at int64) error {
	told, closed := n.toldAt, n.closedAt
	switch {
	case final(to):
		closed = at
	case to >= accepted:
		closed = 0
		if told == 0 {
			told = at
		}
	}
	_, err := t.exec("UPDATE notification SET state = ?, reason = ?, told_at = ?, closed_at = ? WHERE subject_id = ? AND key = ?",
		to, reason, told, closed, n.subjectID, n.Key)
	t.moved(numberOf(n.State), n.Reason, to, reason)
	return err
}
