package sqlledger

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"fhirbridge/pipeline"
)

// Companions implements pipeline.Ledger.
func (l *Ledger) Companions(ctx context.Context, n pipeline.Notification, until time.Time, limit int) (list []pipeline.DueNotification, err error) {
	err = l.view(ctx, func(c *conn) error {
		list = nil
		places := make([]address, 0, limit)
		err := c.query(func(r row) error {
			places = append(places, address{r.number(0), r.text(1)})
			return nil
		}, `SELECT n.subject_id, n.key FROM about b JOIN notification n ON n.subject_id = b.subject_id
			WHERE b.patient = ? AND n.patient = b.patient AND n.state = 0 AND n.due_at <= ? AND n.journey = ? AND n.step = ?
				AND n.flags & ? = ? AND n.key <> ? ORDER BY n.due_at, n.key LIMIT ?`,
			n.Patient, micros(until), n.Journey, n.Step, int64(flagDigest|flagAlone), int64(flagDigest), n.Key, int64(limit))
		if err != nil || len(places) == 0 {
			return err
		}
		var found []candidate
		for len(places) > 0 {
			chunk := min(dueChunk, len(places))
			if found, err = l.readDue(c, places[:chunk], found); err != nil {
				return err
			}
			places = places[chunk:]
		}
		if err := gone(c, found); err != nil {
			return err
		}
		last, before, err := l.lastOf(c, n)
		if err != nil {
			return err
		}
		for _, one := range found {
			// One attempt is the last of both from then on: what may have gone out before must be known of each.
			known := one.stored.attempt == last || !one.Gone && !before.gone
			if one.ReplyTo == "" && known {
				list = append(list, one.DueNotification)
			}
		}
		return nil
	})
	return list, err
}

// lastOf is the last attempt at a notification, and what came of it and those before.
func (l *Ledger) lastOf(c *conn, n pipeline.Notification) (int64, history, error) {
	own, ok, err := l.covered(c, pipeline.Covered{Key: n.Key, Subject: n.Subject})
	if err != nil || !ok {
		return 0, history{}, err
	}
	before, err := historyOf(c, own.attempt)
	return own.attempt, before, err
}

// errUnmerged undoes an attempt of which something is not any more what was put into words.
var errUnmerged = errors.New("sqlledger: not as it was put into words")

// merge settles what an attempt says besides its own notification.
func merge(t *tx, a pipeline.Attempt, id int64) error {
	at := micros(t.now)
	for _, c := range a.Covers {
		kept, ok, err := head(t.conn, c.Subject)
		if err != nil {
			return err
		}
		if !ok || kept.version() != c.SubjectVersion {
			return errUnmerged
		}
		n, err := t.exec(`UPDATE notification SET state = 9, reason = ?, attempt = ?, told_at = CASE WHEN told_at = 0 THEN ? ELSE told_at END, closed_at = ?
			WHERE subject_id = ? AND key = ? AND state = 0 AND `+unchanged,
			string(pipeline.ReasonMerged), id, at, at, kept.id, c.Key, c.Step, kept.rev)
		if err != nil {
			return err
		}
		if n == 0 {
			return errUnmerged
		}
		t.moved(planned, "", skipped, string(pipeline.ReasonMerged))
	}
	return nil
}

// part plans again what an attempt would have said besides its own notification; what is no longer wanted is cancelled. That
// it was told stays known only if the attempt may have gone out.
func part(t *tx, a attempt, due int64, alone, gone bool) error {
	for _, c := range a.Covers {
		kept, ok, err := head(t.conn, c.Subject)
		if err != nil || !ok {
			return err
		}
		const merged = " WHERE subject_id = ? AND key = ? AND state = 9 AND reason = ? AND attempt = ?"
		n, err := t.exec(`UPDATE notification SET state = 8, reason = ?`+merged+` AND flags & ? <> 0`,
			string(pipeline.ReasonSuperseded), kept.id, c.Key, string(pipeline.ReasonMerged), a.row, int64(flagUnwanted))
		if err != nil {
			return err
		}
		if n > 0 {
			t.moved(skipped, string(pipeline.ReasonMerged), cancelled, string(pipeline.ReasonSuperseded))
			continue
		}
		n, err = t.exec(`UPDATE notification SET state = 0, reason = '', told_at = CASE WHEN ? = 0 AND told_at = closed_at THEN 0 ELSE told_at END,
			closed_at = 0, due_at = CASE WHEN due_at > ? THEN due_at ELSE ? END, flags = flags | ?, postponed_at = ?`+merged,
			number(gone), due, due, number(alone)*flagAlone, micros(t.now), kept.id, c.Key, string(pipeline.ReasonMerged), a.row)
		if err != nil {
			return err
		}
		if n > 0 {
			t.moved(skipped, string(pipeline.ReasonMerged), planned, "")
			t.news(due)
		}
	}
	return nil
}

// rejoin settles what was planned again and has been said after all: the provider tells so late.
func rejoin(t *tx, a attempt) error {
	at := micros(t.now)
	for _, c := range a.Covers {
		kept, ok, err := head(t.conn, c.Subject)
		if err != nil || !ok {
			return err
		}
		n, err := t.exec(`UPDATE notification SET state = 9, reason = ?, attempt = ?, told_at = CASE WHEN told_at = 0 THEN ? ELSE told_at END, closed_at = ?
			WHERE subject_id = ? AND key = ? AND state = 0`,
			string(pipeline.ReasonMerged), a.row, at, at, kept.id, c.Key)
		if err != nil {
			return err
		}
		if n > 0 {
			t.moved(planned, "", skipped, string(pipeline.ReasonMerged))
		}
	}
	return nil
}

// release plans again what a message said besides its own notification and did not bring to the patient. What newer news
// have overtaken fails.
func (l *Ledger) release(t *tx, a attempt, s pipeline.Settlement) error {
	for _, c := range a.Covers {
		n, _, err := l.covered(t.conn, c)
		if err != nil {
			return err
		}
		over, err := l.overtaken(t, a, n)
		if err != nil {
			return err
		}
		if !over {
			continue
		}
		if err := failTogether(t, a, []pipeline.Covered{c}, string(s.Reason), s.At); err != nil {
			return err
		}
	}
	return part(t, a, micros(s.Due), s.Alone, false)
}

// settleCovered does with what an attempt says besides what is done with its notification: what is refused for good fails with
// it, and what was not sent is planned again.
func settleCovered(t *tx, a attempt, s pipeline.Settlement, to int64) error {
	switch to {
	case unknown:
		return nil
	case failed:
		return failTogether(t, a, a.Covers, string(s.Reason), s.At)
	}
	return part(t, a, micros(s.Due), s.Alone, false)
}

func (l *Ledger) covered(c *conn, covered pipeline.Covered) (stored, bool, error) {
	kept, ok, err := head(c, covered.Subject)
	if err != nil || !ok {
		return stored{}, false, err
	}
	return l.find(c, kept.id, covered.Key)
}

// failTogether fails what a message said besides its own notification, as that does.
func failTogether(t *tx, a attempt, list []pipeline.Covered, reason string, at time.Time) error {
	for _, c := range list {
		kept, _, err := head(t.conn, c.Subject)
		if err != nil {
			return err
		}
		n, err := t.exec("UPDATE notification SET state = 7, reason = ?, closed_at = ? WHERE subject_id = ? AND key = ? AND state = 9 AND reason = ? AND attempt = ?",
			reason, micros(at), kept.id, c.Key, string(pipeline.ReasonMerged), a.row)
		if err != nil {
			return err
		}
		if n > 0 {
			t.moved(skipped, string(pipeline.ReasonMerged), failed, reason)
		}
	}
	return nil
}

// merged reports whether a notification was said together with another one, as far as anybody knows.
func (n *stored) merged() bool {
	return n.State == pipeline.Skipped && n.Reason == string(pipeline.ReasonMerged) && n.attempt != 0
}

// want notes whether what was said together with another one is still wanted: it is planned again only then, if that
// turns out not to have come to the patient.
func want(t *tx, n *stored, wanted bool) error {
	if n.unwanted != wanted {
		return nil
	}
	_, err := t.exec("UPDATE notification SET flags = (flags | ?) - ? WHERE subject_id = ? AND key = ?",
		int64(flagUnwanted), number(wanted)*flagUnwanted, n.subjectID, n.Key)
	return err
}

func packCovers(list []pipeline.Covered) string {
	if len(list) == 0 {
		return ""
	}
	text, _ := json.Marshal(list) // texts alone
	return string(text)
}

func unpackCovers(text string) (list []pipeline.Covered, err error) {
	if text == "" {
		return nil, nil
	}
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil, unreadable
	}
	return list, nil
}
