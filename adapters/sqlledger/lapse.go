package sqlledger

import (
	"context"
	"time"

	"fhirbridge/pipeline"
)

// lapseBatch is how many attempts are settled in one transaction.
const lapseBatch = 500

// Abandon implements pipeline.Ledger.
func (l *Ledger) Abandon(ctx context.Context, before, now time.Time) (int, error) {
	total := 0
	for {
		var keys []string
		err := l.writer.do(ctx, func(t *tx) error {
			open, err := l.openAttempts(t.conn, sending, before)
			if err != nil {
				return err
			}
			left := make([]string, 0, len(open))
			for _, a := range open {
				left = append(left, a.Notification)
				if err := l.abandon(t, a, now); err != nil {
					return err
				}
			}
			keys = left
			return nil
		})
		if err != nil {
			return total, err
		}
		l.leases.end(keys...)
		total += len(keys)
		if len(keys) < lapseBatch {
			return total, nil
		}
	}
}

func (l *Ledger) abandon(t *tx, a attempt, now time.Time) error {
	s := pipeline.Settlement{At: now, Reason: pipeline.ReasonNoAnswer}
	if err := closeAttempt(t, a, s, unknown); err != nil {
		return err
	}
	n, ok, err := l.find(t.conn, a.subjectID, a.Notification)
	if err != nil || !ok || n.attempt != a.row || n.State != pipeline.Sending {
		return err
	}
	return move(t, n, unknown, string(s.Reason), micros(now))
}

// openAttempts returns some of the attempts that have been in a state since before a time.
func (l *Ledger) openAttempts(c *conn, state int64, before time.Time) (list []attempt, err error) {
	err = c.query(func(r row) error {
		a, err := l.attemptOf(r)
		list = append(list, a)
		return err
	}, "SELECT "+attemptColumns+" FROM attempt a WHERE a.open_since IS NOT NULL AND a.state = ? AND a.open_since < ? ORDER BY a.open_since LIMIT ?",
		state, micros(before), int64(lapseBatch))
	return list, err
}

// filer makes the writes owed for a message.
type filer = func(pipeline.SentMessage) []pipeline.Write

// Lapse implements pipeline.Ledger.
func (l *Ledger) Lapse(ctx context.Context, before, now time.Time, file filer) (again, holding int, err error) {
	for {
		var open []attempt
		var p, h int
		var owed []owedWrite
		err := l.writer.do(ctx, func(t *tx) error {
			p, h, owed = 0, 0, nil
			list, err := l.openAttempts(t.conn, unknown, before)
			if err != nil {
				return err
			}
			for _, a := range list {
				to, writes, err := l.lapse(t, a, now, file)
				if err != nil {
					return err
				}
				owed = append(owed, writes...)
				switch to {
				case planned:
					p++
				case held:
					h++
				}
			}
			open = list
			return nil
		})
		if err != nil {
			return again, holding, err
		}
		l.owe(owed)
		again, holding = again+p, holding+h
		if len(open) < lapseBatch {
			break
		}
	}
	return again, holding, nil
}

// maxUnknown is how many attempts of unknown outcome a message may have: where no status comes at all,
// the patient may have it twice, and not every few minutes. What certainly was not sent does not count.
const maxUnknown = 2

// lapse ends the wait for an attempt's status and returns what became of its
// notification, -1 if nothing, with what is owed for it. The attempt stays unknown: a late receipt still finds it.
func (l *Ledger) lapse(t *tx, a attempt, now time.Time, file filer) (int64, []owedWrite, error) {
	if _, err := t.exec("UPDATE attempt SET open_since = NULL WHERE id = ?", a.row); err != nil {
		return -1, nil, err
	}
	n, ok, err := l.find(t.conn, a.subjectID, a.Notification)
	if err != nil || !ok || n.attempt != a.row || n.State != pipeline.StateUnknown {
		return -1, nil, err
	}
	history, err := historyOf(t.conn, n.attempt)
	if err != nil {
		return -1, nil, err
	}
	late := !n.Expires.IsZero() && !now.Before(n.Expires)
	switch {
	case !n.Resend || history.unknown >= maxUnknown:
		owed, err := l.leave(t, a, n, pipeline.Fate{State: pipeline.Held, Reason: pipeline.ReasonNoAnswer}, now, file)
		return held, owed, err
	case late && !n.Requested():
		if err := part(t, a, micros(now), false, true); err != nil {
			return -1, nil, err
		}
		owed, err := l.leave(t, a, n, pipeline.Fate{State: pipeline.Expired, Reason: pipeline.ReasonExpired}, now, file)
		return expired, owed, err
	}
	if err := part(t, a, micros(now), false, true); err != nil {
		return -1, nil, err
	}
	to := int64(planned)
	if late { // dispatch settles it, with what is owed to who asked
		to = expired
	}
	_, err = t.exec("UPDATE notification SET state = 0, due_at = ?, reason = ?, postponed_at = ? WHERE subject_id = ? AND key = ?",
		micros(now), string(pipeline.ReasonNoAnswer), micros(now), n.subjectID, n.Key)
	t.moved(unknown, "", planned, "")
	t.news(micros(now))
	return to, nil, err
}

// leave ends a message of which nobody knows whether it went out, with what is owed for that.
func (l *Ledger) leave(t *tx, a attempt, n stored, end pipeline.Fate, now time.Time, file filer) ([]owedWrite, error) {
	if err := move(t, n, numberOf(end.State), string(end.Reason), micros(now)); err != nil || file == nil {
		return nil, err
	}
	n.State, n.Reason = end.State, string(pipeline.ReasonNoAnswer) // people are told that nobody knows, whatever ends it
	said := message(a, n)
	said.Fate = end
	owed := l.sealWrites(file(said))
	return owed, insertWrites(t, owed)
}
